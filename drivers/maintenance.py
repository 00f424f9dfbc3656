"""The maintenance key: keypad, panel and keys, with nothing of the terminal built or even whole.

What always holds: nothing is looked at but the key unless it is held; the words shown here are
ASCII, because texts and font may be what is missing. May import machine, the table of pins, the
keypad, the keystore and trouble.
"""

import os
import time

from machine import Pin
from micropython import const

from drivers import trouble
from drivers.keypad import Keypad
from drivers.keystore import Keystore
from drivers.pins import PINS

_LOOK_MS = const(8)


def keypad(name):
    """Build the keypad of the board `name`."""
    rows, columns = PINS[name][:2]
    return Keypad(
        [Pin(number, Pin.OPEN_DRAIN, value=1) for number in rows],
        [Pin(number, Pin.IN, Pin.PULL_UP) for number in columns],
    )


def run():
    """Return what there is to work at when the key * is held, and nothing else is; else None.

    Settings that can't be read leave no board and no terminal to ask for: None.
    """
    config = trouble.settings()
    if not config or config.get("board") not in PINS:
        return None
    pad = keypad(config["board"])
    return Bench(config, pad) if pad.held(ord("*")) else None


class Bench:
    """`keystore`, `terminal` (8 ASCII) and `hotline` of a board that has started nothing."""

    def __init__(self, config, pad):
        self.keystore = Keystore("rebind")
        self.terminal = config.get("terminal", "").encode()
        self.hotline = config.get("hotline", "")
        self._keypad = pad
        self._name = config["board"]
        self._panel = None

    def random(self, n):
        """Return `n` bytes of the chip's random number generator."""
        return os.urandom(n)

    def show(self, *lines):
        """Show up to eight lines of 16 characters; a panel that does not answer stays dark."""
        try:
            self._panel = self._panel or trouble.panel_of(self._name)
            self._panel.fill(0)
            for row in range(len(lines)):
                self._panel.text(lines[row], 0, row * 8)
            self._panel.show()
        except OSError:
            self._panel = None  # who is on the telephone has nothing to read out: not opened

    def key(self, limit_ms):
        """Wait for a key; return its code as the keypad gives it, -1 after `limit_ms`."""
        began = time.ticks_ms()
        while True:
            self._keypad.scan()
            code = self._keypad.get()
            if code >= 0 or time.ticks_diff(time.ticks_ms(), began) >= limit_ms:
                return code
            time.sleep_ms(_LOOK_MS)
