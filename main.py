"""Build the board, build the terminal on it, run it; a failed start is shown and printed."""

import json
import sys


def _board(config):
    # What builds the parts is not needed again.
    from drivers import board
    from firmware import rooms

    parts = board.build(config)
    board = None
    rooms.drop(("drivers.board", "drivers.certificate"))
    return parts


def _main():
    hardware = None
    try:
        with open("config.json") as file:
            config = json.load(file)
        hardware = _board(config)
        from firmware.terminal import Terminal

        Terminal(hardware, config).run()
    except Exception as fault:  # noqa: BLE001 (shown, whatever it is)
        sys.print_exception(fault)
        if hardware:
            hardware.oled.fill(0)
            hardware.oled.text("needs service", 12, 28)
            hardware.oled.flush()


if globals().get("maintenance"):  # from boot.py
    print("maintenance: the terminal is not started")
else:
    _main()
