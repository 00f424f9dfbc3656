"""The idle page: whose terminal this is, what is new, and how to begin."""

from micropython import const

from firmware.acquirer import sync
from firmware.binding import change
from firmware.storage import state as keys
from firmware.ui.pages import NONE, Idle

_LOOK_MS = const(1000)


async def run(desk):
    """Show the idle page until a key is pressed."""
    shown = None
    while True:
        words = _words(desk)
        if words != shown:
            shown = words
            desk.pages.show("idle.title", words, "", "idle.begin")
        try:
            if await desk.pages.key(_LOOK_MS) != NONE:
                return
        except Idle:
            pass  # here nobody is logged in: the page stays


def _words(desk):
    # The most urgent news first; there is room for three lines.
    text = desk.text
    lines = []
    if desk.board.faults:
        lines.append(text("idle.parts_missing") + " ".join(desk.board.faults))
    stuck = desk.board.keypad.stuck
    if stuck >= 0:
        lines.append(text("idle.key_stuck") + (chr(stuck) if stuck else "..."))
    if desk.sync.differing:
        lines.append(text("idle.differs"))
    notice = desk.state.get(keys.NOTICE)
    if notice is not None:
        lines.append(text("idle.accepted" if notice[0] else "idle.refused"))
    phase = desk.change.phase
    if phase != change.IDLE:
        lines.append(text("idle.phase.%d" % phase))
    if not desk.board.wifi.connected:
        lines.append(text("network.open" if desk.board.wifi.encrypted is False else "link.1"))
    elif desk.sync.reached == sync.UNREACHED:
        lines.append(text("link.%d" % desk.sync.trouble))
    elif desk.sync.reached == sync.DECLINED:
        lines.append(text("answer." + desk.answer(desk.sync.code)))
    elif desk.sync.reached == sync.REACHED:
        lines.append(text("idle.ready"))
    lines.append(desk.identity.merchant.decode())
    return "\n".join(lines[:3])
