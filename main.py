"""Build the board, build the terminal on it, run it; a failed start is shown and printed."""

import json
import sys

hardware = None


def _terminal():
    # The board's builder and the settings are needed only here.
    global hardware
    from drivers import board
    from firmware import rooms

    with open("config.json") as file:
        config = json.load(file)
    hardware = board.build(config)
    if hardware.faults:
        print("parts missing:", *hardware.faults)
    board = None
    rooms.drop(
        ("drivers.board", "drivers.certificate", "drivers.heap", "drivers.pins", "firmware.rooms")
    )
    from firmware.terminal import Terminal

    return Terminal(hardware, config)


if globals().get("maintenance"):  # from boot.py
    print("maintenance: the terminal is not started")
else:
    try:
        terminal = _terminal()
        del _terminal  # nothing of the start stays in memory
        terminal.run()
    except Exception as fault:  # noqa: BLE001 (shown, whatever it is)
        sys.print_exception(fault)
        from drivers import trouble

        trouble.tell(fault, hardware and hardware.oled)
