"""The idle page: whose terminal this is, what is new, and how to begin."""

from micropython import const

from firmware import rooms
from firmware.acquirer import sync
from firmware.binding import change
from firmware.storage import state as keys
from firmware.ui.pages import NONE

_LOOK_MS = const(1000)
_KEPT_S = const(600)  # a form that was left half filled in


async def run(desk):
    """Show the idle page until a key is pressed. `desk.operator` is who was logged out for
    pressing none; a draft at the desk is dropped when its time is over.
    """
    shown = None
    if desk.operator is not None and desk.draft is not None:
        desk.draft[2:6] = (desk.clock.now() + _KEPT_S).to_bytes(4, "big")
    while True:
        draft = desk.draft
        if draft is not None and desk.clock.now() > int.from_bytes(draft[2:6], "big"):
            rooms.run("firmware.errands.draft", desk)
        words = _words(desk)
        if words != shown:
            shown = words
            desk.pages.show("idle.title", words, "", "idle.begin")
        desk.pages.begin()  # nobody is logged in: the page stays
        if await desk.pages.key(_LOOK_MS) != NONE:
            return


def _words(desk):
    # The most urgent news first; there is room for three lines.
    text = desk.text
    lines = []
    if desk.operator is not None:
        lines.append(text("idle.left_alone"))
        if desk.draft is not None:
            lines.append(text("idle.draft"))
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
        lines.append(text("link.1"))
    elif desk.sync.reached == sync.UNREACHED:
        lines.append(text("link.%d" % desk.sync.trouble))
    elif desk.sync.reached == sync.DECLINED:
        lines.append(text("answer." + desk.answer(desk.sync.code)))
    elif desk.sync.reached == sync.REACHED:
        lines.append(text("idle.ready"))
    lines.append(desk.identity.merchant.decode())
    return "\n".join(lines[:3])
