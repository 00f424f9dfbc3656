"""Build the board, build the terminal on it, run it; whatever ends that ends in a page."""

import sys

hardware = None
terminal = None
held = False  # the key *: the serial REPL stays free for maintenance


def _terminal():
    # The board's builder and the settings are needed only here.
    global hardware, held
    import json

    from drivers import board
    from firmware import rooms

    with open("config.json") as file:
        config = json.load(file)
    held = board.keypad(config["board"]).held(ord("*"))
    if held:
        return None
    hardware = board.build(config)
    if hardware.faults:
        print("parts missing:", *hardware.faults)
    board = None
    rooms.drop(
        ("drivers.board", "drivers.certificate", "drivers.heap", "drivers.pins", "firmware.rooms")
    )
    from firmware.terminal import Terminal

    return Terminal(hardware, config)


fault = None
damaged = globals().get("damaged")
if damaged is None:  # boot.py has said why, or did not run
    print("not started: make flash PORT=... repairs it")
else:
    try:
        if damaged:
            raise OSError("damaged")
        if starts < 3:  # noqa: F821 (boot.py's, as `damaged` is)
            terminal = _terminal()
            del _terminal  # nothing of the start stays in memory
            if terminal:
                terminal.run()
    except Exception as error:  # noqa: BLE001 (shown, whatever it is)
        sys.print_exception(error)
        fault = error
    try:
        if held:
            print("maintenance: the terminal is not started")
        else:
            from drivers import trouble

            trouble.tell(fault, hardware, terminal)
    except MemoryError:  # with nothing built there is room for it: that is two starts away
        hardware.reset()
