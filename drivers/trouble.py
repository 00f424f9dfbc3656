"""What a terminal that cannot work shows on its panel and prints on the console.

What always holds: it takes nothing of ours but the settings, the table of pins and the panel's
driver; if one of these is missing too, the console alone says what to do; nothing is written here.
Its words stand here, in ASCII, because texts and font may be what is missing; a terminal that has
been built is asked for its own page first. May import machine, pins, starts and the ssd1306
driver.
"""

import json
import os
import sys
import time

from micropython import const

_NO_ROOM = const(28)
_TOO_OFTEN = const(30)
_TURN_MS = const(8)

_REMEDIES = {
    11: ("a key is missing, or the key storage does not answer", "make provision PORT=..."),
    12: ("the key storage takes no more", "erase the partition nvs, then make provision PORT=..."),
    13: ("every key of the initial key has been used", "make provision PORT=... brings new ones"),
    14: ("the keys can't be read", "make provision PORT=... brings new ones"),
    15: ("a file is not as it was built", "make flash PORT=..."),
    20: ("the flash of the journal does not answer", "make selftest PORT=...; another board"),
    21: ("the state can't be read", "keep the board: the provider reads it out"),
    22: ("the flash takes no more writes", "another board; this one can still be read out"),
    23: ("the state is of newer firmware", "make flash PORT=... with that firmware"),
    24: ("its state is gone", "enrol it anew, then make provision PORT=..."),
    30: ("it has started three times in ten minutes", "pull the plug; Power; make flash PORT=..."),
}


def tell(fault, board, terminal, free):
    """Print what to do after `fault` and show a page. A terminal that had begun to work stays on
    it for ever and has its watchdog fed, and so does any whose console is not `free`.

    fault: what ended the terminal, None when it is not started any more. board: what there is of
    drivers.parts.Parts, or None. terminal: has needs_service(code), which shows a better page and
    may fail; None before there is one.
    """
    code = _TOO_OFTEN if fault is None else _code(fault)
    if board:
        board.buzzer.value(0)
    _say(fault, code, free)
    if not (code and terminal and _done(terminal.needs_service, code)):
        _done(_show, board and board.oled, code)
    while board and code or not free:
        if board:
            board.feed()
            board.oled.flush()  # a panel that comes only now is shown the page too
            board.keypad.scan()
            board.keypad.get()
        time.sleep_ms(_TURN_MS)


def _code(fault):
    try:
        return fault.code
    except AttributeError:
        return 0


def _say(fault, code, free):
    if code:
        what, remedy = _REMEDIES.get(code, ("", "make flash PORT=..."))
        print("needs service, code %d: %s. What it has stored is untouched." % (code, what))
        print("- " + remedy)
        if code == _TOO_OFTEN:
            _done(_name_last)
    else:
        print("The terminal did not start; what it has stored is untouched. To repair it:")
        if "config.json" not in os.listdir():
            print("- it has no config.json: it has to be provisioned")
        elif settings() is None:
            print("- config.json can't be read: it has to be provisioned again")
        if isinstance(fault, OSError) and fault.errno == _NO_ROOM:
            print("- the file system is full: remove files that are not the terminal's")
        print("- make flash PORT=... brings back files that are missing or damaged")
    if free:
        print("- with the key * held at power-on it does not start and this console stays free")
    else:
        print("- with the key * held at power-on it asks for what opens this console")


def _name_last():
    from drivers import starts

    print("- the errand that failed last: " + (starts.last() or "none, it was none of these"))


def settings():
    """Return what config.json says; None when it can't be read."""
    try:
        with open("config.json") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def _done(work, *given):
    try:
        work(*given)
        return True
    except Exception as other:  # noqa: BLE001 (the console has said it already)
        print("no page can be shown:", repr(other))
        return False


def _show(panel, code):
    config = settings() or {}
    if panel:
        show = panel.flush
    else:
        panel = panel_of(config.get("board"))
        show = panel.show
    hotline = config.get("hotline", "")
    page = (
        "NEEDS SERVICE %s" % (code or ""),
        "",
        "Nothing is lost." if code else "It did not start",
        "Call " + hotline if hotline else "",
        "" if code else "Nothing is lost.",
        "The console on",
        "USB says why and",
        "what to do.",
    )
    panel.fill(0)
    for row in range(len(page)):
        panel.text(page[row], 0, row * 8)
    show()


def panel_of(name):
    """Return the panel of the board `name`, set up afresh. Raises OSError when none answers."""
    # Without settings the board is not known: the first of this chip's whose panel answers.
    from machine import I2C, Pin
    from ssd1306 import SSD1306_I2C

    from drivers.pins import PINS

    new = "S3" in getattr(sys.implementation, "_machine", "")
    for other in [name] if name in PINS else PINS:
        if name in PINS or ("s3" in other) == new:
            sda, scl = PINS[other][2]
            try:
                return SSD1306_I2C(128, 64, I2C(0, sda=Pin(sda), scl=Pin(scl), freq=400000))
            except OSError:
                pass  # nothing answers there
    raise OSError("no panel")
