"""The maintenance key, *: what it leads to, with nothing of the terminal built.

What always holds: nothing is looked at but the key unless it is held. May import machine, the
table of pins, the keypad, and what is worked at then: bench.
"""

import json

from machine import Pin

from drivers.keypad import Keypad
from drivers.pins import PINS


def keypad(name):
    """Build the keypad of the board `name`."""
    rows, columns = PINS[name][:2]
    return Keypad(
        [Pin(number, Pin.OPEN_DRAIN, value=1) for number in rows],
        [Pin(number, Pin.IN, Pin.PULL_UP) for number in columns],
    )


def run(console):
    """Return what the key *, held alone, leads to: True when the console is free now and nothing
    is to be started, a `Bench` when that is to be asked for, else None.

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
        from drivers.bench import Bench

        bench = Bench(config, pad)
        if not console:
            return bench
        bench.keystore.put("console", b"\0")
        bench.reset()
    if not (held or console == 2):
        return None
    print("maintenance: the terminal is not started")
    return True
