"""The idle page: whose terminal this is, what is new, and how to begin."""

from micropython import const

from firmware import rooms
from firmware.acquirer import sync
from firmware.acquirer.pause import LEAPS
from firmware.binding import change
from firmware.errands.moment import moment
from firmware.storage import state as store
from firmware.ui.pages import NONE

_LOOK_MS = const(1000)
_NO_WIFI = const(1)  # drivers.tls_link
_HOUR_AT = const(6)  # in a moment
_KEPT_S = const(600)  # a form that was left half filled in
_QUIET = const(60)  # looks without a key until the files of the build are gone through, one each
_DAY = const(86400)  # looks until they are again


async def run(desk):
    """Show the idle page until a key is pressed. `desk.operator` is who was logged out for
    pressing none; a draft at the desk is dropped when its time is over.
    """
    shown = None
    declined = [None, ""]
    quiet, at = _QUIET, 0
    if _left(desk):
        desk.draft[2:6] = (desk.clock.now() + _KEPT_S).to_bytes(4, "big")
    while True:
        draft = desk.draft
        if draft is not None:
            left = int.from_bytes(draft[2:6], "big") - desk.clock.now()
            if not 0 <= left <= _KEPT_S:  # over, or the clock was set
                rooms.ask("firmware.errands.draft", "forget", desk)
        words = _words(desk, declined)
        if words != shown:
            shown = words
            desk.pages.show("idle.title", words, "", "idle.begin")
        desk.pages.begin()  # nobody is logged in: the page stays
        if await desk.pages.key(_LOOK_MS) != NONE:
            return
        quiet -= 1
        if quiet < 0 and not desk.sync.talking:
            try:
                at = await rooms.ask("firmware.storage.files", "step", at, desk.board.keypad)
                if not at:
                    quiet = _DAY
            except MemoryError:
                pass  # a look later, maybe


def _left(desk):
    # Whether who was logged out has left a form behind: another's is no news to them.
    return desk.draft is not None and desk.draft[:2] == desk.operator


def _words(desk, declined):
    # The most urgent news first; there is room for three lines.
    text = desk.text
    lines = []
    if desk.operator is not None:
        lines.append(text("idle.left_alone"))
        if _left(desk):
            lines.append(text("idle.draft"))
    if desk.board.faults:
        lines.append(text("idle.parts_missing") + " ".join(desk.board.faults))
    stuck = desk.board.keypad.stuck
    if stuck >= 0:
        lines.append(text("idle.key_stuck") + (chr(stuck) if stuck else "..."))
    if desk.sync.faulty:
        lines.append(text("idle.faulty"))
    if desk.sync.differing:
        lines.append(text("idle.differs"))
    if desk.state.get(store.MERCHANT_NEW) is not None:
        lines.append(text("idle.merchant"))
    notice = desk.state.get(store.NOTICE)
    if notice is not None:
        event = notice[0]
        if event < change.ACTIVE:  # as older firmware has it: accepted or not
            event = change.ACTIVE if event else change.REJECTED
        lines.append(text("idle.ended.%d" % event))
    phase = desk.change.phase
    if phase != change.IDLE:
        lines.append(text("idle.phase.%d" % phase))
    _line(desk, declined, lines)
    lines.append(desk.identity.merchant.decode())
    return "\n".join(lines[:3])


def _line(desk, declined, lines):
    # The radio as it is now; the acquirer as it was, and when.
    text, at = desk.text, desk.sync
    wifi = desk.board.wifi
    if not wifi.connected:
        lines.append(text("network.open" if wifi.encrypted is False else "link.1"))
    elif at.reached == sync.REACHED:
        lines.append(text("idle.ready") + " " + moment(desk, at.reached_at)[_HOUR_AT:])
        return
    elif at.reached == sync.DECLINED and at.line.leaps > LEAPS:
        lines.append(text("idle.keys_old"))
    elif at.reached == sync.DECLINED:
        if declined[0] != at.code:
            declined[0], declined[1] = (
                at.code,
                rooms.ask("firmware.errands.reasons", "words", text, at.code),
            )
        lines.append(declined[1])
    elif at.reached == sync.UNREACHED and at.trouble != _NO_WIFI:
        lines.append(text("link.%d" % at.trouble))
    else:
        lines.append(text("idle.connecting"))
    if at.reached_at:
        lines.append(text("idle.last") + moment(desk, at.reached_at))
