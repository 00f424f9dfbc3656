"""What a person is told of an errand that has failed, and what becomes of the errand.

What always holds: the page stays until a key is pressed; whoever is logged in still is, unless
nobody comes. What a connection or too little memory did is over with the page. What else an errand
fails with starts the terminal again, once; after that the errand is closed until power goes, and
the rest goes on. May import ui, binding, storage and crypto.wipe.
"""

import sys

from micropython import const

from firmware.binding.change import NoAnswer
from firmware.crypto.wipe import wipe
from firmware.storage import audit
from firmware.storage.journal import ERRAND
from firmware.ui import canvas as paint
from firmware.ui.pages import NONE, Idle

_LOOK_MS = const(1000)
_KEPT_LOOKS = const(600)  # for as long as the idle page keeps a form that was left
_FRAME = ("idle", "log_in", "main_menu", "first_start")  # without these there is no terminal


async def run(desk, name, fault):
    """Tell what `fault` means for the errand `name`; its name again: it was closed before.

    Raises StorageFault, MemoryError when there is no room for the page, and Idle, once a key has
    been pressed, when nobody had come to it for too long.
    """
    text = desk.text
    corner = below = ""
    if isinstance(fault, NoAnswer):
        title, words = "network.title", text("link.%d" % fault.code)
    elif isinstance(fault, MemoryError):
        title, words = "busy.title", text("busy.body")
        if desk.ended is not None:
            words = text("idle.ended.%d" % desk.ended)
            desk.ended = None
    else:
        if fault is not name:
            sys.print_exception(fault)
            _close(desk, name)
        corner, below = str(ERRAND), name
        title, words = "closed.title", text("closed.body") + " " + desk.hotline
    pages, canvas, ends = desk.pages, desk.pages.canvas, []
    canvas.clear()
    canvas.title(text(title), corner)
    pages.body(canvas.wrap(words, ends), ends, paint.BODY_LINES)
    canvas.hint(below, "", text("ui.ok"))
    canvas.show()
    await _key(desk)


def _close(desk, name):
    if desk.board.failed(name) or name in _FRAME:
        desk.board.reset()
    desk.closed += (name,)
    print("code %d: the errand %s is closed until power goes" % (ERRAND, name))
    detail = b"%d %s" % (ERRAND, name.encode())
    try:
        desk.state.put((), audit.entry(audit.NEEDS_SERVICE, desk.clock.now(), detail=detail))
    except ValueError:
        pass  # the state is full to the brim: the console has said it, the page is to come


async def _key(desk):
    pages = desk.pages
    pages.begin()
    pages.drop_keys()
    try:
        await pages.key()
    except Idle:
        left_alone = desk.operator
        desk.log_out()  # the page stays for whoever comes
        code, looks = NONE, 0
        while code == NONE:
            pages.begin()
            code = await pages.key(_LOOK_MS)
            looks += 1
            if looks == _KEPT_LOOKS and desk.draft is not None:
                wipe(desk.draft)
                desk.draft = None
        if left_alone is not None:
            desk.operator = left_alone
            raise Idle  # the idle page says so, and what is kept
