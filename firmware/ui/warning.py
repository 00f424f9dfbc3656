"""The last seconds before the terminal counts as left alone: a beep, and words on the last line.

Driven by a Pages object and its keypad. What always holds: once a key came the page is as it was,
and that key has answered nothing. May import ui.canvas and ui.pages.
"""

from micropython import const

from firmware.ui import canvas as paint
from firmware.ui.pages import Idle

_BEEP_MS = const(120)
_TOP = const(6 * 128)  # where the bytes of the last line begin in the panel's buffer


async def run(pages, keypad):
    """Wait for a key for a quarter of `idle_ms`. Raises Idle when none comes."""
    canvas = pages.canvas
    buffer = canvas.panel.buffer
    before = bytes(memoryview(buffer)[_TOP:])
    canvas.centre(paint.LINES - 1, pages.text("ui.leaving"), True)
    canvas.show()
    if pages.beep is not None:
        await pages.beep(_BEEP_MS)
    key = keypad.get()
    if key < 0:
        await keypad.arrival(pages.quiet_ms // 3)
        key = keypad.get()
    if key < 0:
        raise Idle
    buffer[_TOP:] = before
    canvas.show()
