"""Build the board, build the terminal on it, run it; whatever ends that ends in a page."""

import sys

hardware = None
terminal = None
held = False  # the maintenance key: nothing is started, the serial REPL stays free


def _terminal():
    global hardware
    from firmware.rooms import ask

    config, hardware = ask("drivers.board", "start")
    if not hardware:
        return None
    from firmware.terminal import Terminal

    made = Terminal(hardware, config)
    if made.desk.sync:  # else it only says what is missing
        ask("firmware.scaffold", "run", made)
    return made


fault = None
damaged = globals().get("damaged")
if damaged is None:  # boot.py has said why, or did not run
    print("not started; to repair it: make flash PORT=...")
else:
    try:
        if damaged:
            raise OSError("damaged")
        if starts < 3:  # noqa: F821 (boot.py's, as `damaged` is)
            terminal = _terminal()
            del _terminal  # nothing of the start stays in memory
            held = not terminal
            if terminal:
                terminal.run()
    except Exception as error:  # noqa: BLE001 (shown, whatever it is)
        sys.print_exception(error)
        fault = error
    try:
        if not held:
            from drivers import trouble

            trouble.tell(fault, hardware, terminal)
    except MemoryError:  # with nothing built there is room for it: that is two starts away
        hardware.reset()
