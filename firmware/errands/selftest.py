"""What the terminal can say of its own parts without a desk to test it at."""

from micropython import const

from firmware.errands.moment import moment
from firmware.storage import state as store

_TITLE = "selftest.title"
_PARTS = ("flash", "keystore", "keypad", "magstripe", "oled")
_BEEP_MS = const(80)


async def run(desk):
    """Show which parts answer and what the clock says, after a sound; D does it again. Bindings
    and records are read back from flash, each proven. Raises StorageFault.
    """
    while True:
        await desk.board.beep(_BEEP_MS)
        if not await desk.pages.message(_TITLE, "\n".join(_lines(desk))):
            return


def _lines(desk):
    text, board = desk.text, desk.board
    for slot in range(1, store.SLOTS + 1):
        desk.state.binding(slot)
        desk.state.backup(slot)
    desk.state.change_records()
    lines = []
    for part in _PARTS:
        bad = part in board.faults or part == "keypad" and board.keypad.stuck >= 0
        lines.append(text("selftest." + part) + text("selftest.bad" if bad else "selftest.good"))
    wifi = "selftest.good" if board.wifi.connected else "selftest.bad"
    lines.append(text("selftest.wifi") + text(wifi))
    clock = text("selftest.clock") + moment(desk, desk.clock.now())
    if not desk.clock.trusted:
        clock += " " + text("selftest.unset")
    lines.append(clock)
    return lines
