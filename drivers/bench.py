"""Keypad, panel and keys of a board that has started nothing: what the console is opened at.

What always holds: the words shown here are ASCII, because texts and font may be what is missing.
May import machine, keystore and trouble.
"""

import os
import time

import machine
from micropython import const

from drivers import trouble
from drivers.keystore import Keystore

_LOOK_MS = const(8)


class Bench:
    """`keystore`, `terminal` (8 ASCII) and `hotline` of a board that has started nothing."""

    def __init__(self, config, pad):
        self.keystore = Keystore("rebind")
        self.terminal = config.get("terminal", "").encode()
        self.hotline = config.get("hotline", "")
        self._keypad = pad
        self._name = config["board"]
        self._panel = None

    def reset(self):
        """Start again; does not return."""
        machine.reset()

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
        """Wait for a key; return its code, pressed long or not, -1 after `limit_ms`."""
        began = time.ticks_ms()
        while True:
            self._keypad.scan()
            code = self._keypad.get()
            if code >= 0 or time.ticks_diff(time.ticks_ms(), began) >= limit_ms:
                return code if code < 0 else code & 0x7F
            time.sleep_ms(_LOOK_MS)
