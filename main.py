"""Build the board, build the terminal on it, run it; whatever ends that ends in a page."""

import json
import sys

hardware = None
terminal = None


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

    made = Terminal(hardware, config)
    if made.state is not None:  # else it only says what is missing
        rooms.run("firmware.scaffold", made)
    return made


fault = None
# Both come from boot.py.
if globals().get("maintenance"):
    print("maintenance: the terminal is not started")
else:
    try:
        if globals().get("starts", 0) < 3:
            terminal = _terminal()
            del _terminal  # nothing of the start stays in memory
            terminal.run()
    except Exception as error:  # noqa: BLE001 (shown, whatever it is)
        sys.print_exception(error)
        fault = error
    try:
        from drivers import trouble

        trouble.tell(fault, hardware, terminal)
    except MemoryError:  # with nothing built there is room for it: that is two starts away
        hardware.reset()
