"""The maintenance key, *, and what the console on USB is opened at: keypad, panel and keys of a
board that has started nothing.

What always holds: nothing is looked at but the key unless it is held; the words shown here are
ASCII, because texts and font may be what is missing. May import machine, the table of pins, the
keypad, keystore and trouble.
"""

import json
import os
import time

import machine
from machine import Pin
from micropython import const

from drivers.keypad import Keypad
from drivers.keystore import Keystore
from drivers.pins import PINS

_LOOK_MS = const(8)


def held(console):
    """Return what the key *, held alone at power-on, leads to: True when the console is free now
    and nothing is to be started, a `Bench` when that is to be asked for, else None. Nothing is
    looked at but the key unless it is held.

    console: 0 it is locked, 1 there is no service key, 2 it was opened: then it is free without
    the key, which ends that and starts the board again. Settings that can't be read leave no board
    and no terminal to ask for.
    """
    config = {}
    try:
        with open("config.json") as file:
            config = json.load(file)
    except (OSError, ValueError):
        pass  # whoever needs more of it than this says so
    pad = keypad(config["board"]) if config.get("board") in PINS else None
    held = pad and pad.held(ord("*"))
    if held and console != 1:
        found = Bench(config, pad)
        if not console:
            return found
        found.keystore.put("console", b"\0")
        found.reset()
    if not (held or console == 2):
        return None
    print("maintenance: the terminal is not started")
    return True


def keypad(name):
    """Build the keypad of the board `name`."""
    rows, columns = PINS[name][:2]
    return Keypad(
        [Pin(number, Pin.OPEN_DRAIN, value=1) for number in rows],
        [Pin(number, Pin.IN, Pin.PULL_UP) for number in columns],
    )


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
            if not self._panel:
                from drivers import trouble

                self._panel = trouble.panel_of(self._name)
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

    def rest(self, seconds):
        """Wait for so long, whatever is pressed meanwhile."""
        began = time.ticks_ms()
        while time.ticks_diff(time.ticks_ms(), began) < 1000 * seconds:
            self.key(1000)
