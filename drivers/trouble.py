"""What a terminal that cannot start shows on its panel and prints on the console.

What always holds: it takes nothing of ours but the settings, the table of pins and the panel's
driver; if one of these is missing too, the console alone says what to do; nothing is written. Its
words stand here, in ASCII, because texts and font may be what is missing. In memory only then. May
import machine, pins and the ssd1306 driver.
"""

import json
import os

from micropython import const

_NO_ROOM = const(28)

_PAGE = (
    "  NEEDS SERVICE",
    "",
    "It did not start",
    "Nothing is lost.",
    "",
    "The console on",
    "USB says why and",
    "what to do.",
)


def tell(fault, panel):
    """Print what to do after `fault` and show a page: on `panel`, or None if there is none yet."""
    print("The terminal did not start; what it has stored is untouched. To repair it:")
    if "config.json" not in os.listdir():
        print("- it has no config.json: it has to be provisioned")
    if isinstance(fault, OSError) and fault.errno == _NO_ROOM:
        print("- the file system is full: remove files that are not the terminal's")
    print("- make flash PORT=... brings back files that are missing or damaged")
    print("- with the key * held at power-on it does not start and this console stays free")
    try:
        if panel:
            show = panel.flush
        else:
            panel = _panel()
            show = panel.show
        panel.fill(0)
        for row in range(len(_PAGE)):
            panel.text(_PAGE[row], 0, row * 8)
        show()
    except Exception as other:  # noqa: BLE001 (the console has said it already)
        print("no page can be shown:", repr(other))


def _panel():
    from machine import I2C, Pin
    from ssd1306 import SSD1306_I2C

    from drivers.pins import PINS

    with open("config.json") as file:
        sda, scl = PINS[json.load(file)["board"]][2]
    return SSD1306_I2C(128, 64, I2C(0, sda=Pin(sda), scl=Pin(scl), freq=400000))
