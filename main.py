"""Build the board, build the terminal on it, run it; whatever ends that ends in a page.

A terminal with a service key never ends in the REPL: at the maintenance key its console is opened
by the provider's response, and by nothing else. Without a service key the maintenance key alone
frees it, and a page of a terminal that did not start does.
"""

import sys

from micropython import kbd_intr

hardware = None
terminal = None
console = globals().get("console", 1)  # boot.py's; it did not run: nobody knows of a key
try:  # MicroPython lets Ctrl-C in anew with each file
    kbd_intr(-1)
    if console:  # a jump: one that came before shows here
        kbd_intr(3)
except KeyboardInterrupt:
    kbd_intr(3 if console else -1)
held = False  # the maintenance key: nothing is started, the console is free


def _start():
    global hardware, terminal, console
    from firmware.rooms import ask

    bench = whole and ask("drivers.maintenance", "run", console)  # noqa: F821 (boot.py's)
    if bench:
        if bench is not True:
            ask("firmware.access.console", "run", bench)
            console = 2
            kbd_intr(3)
        return True
    if damaged:
        raise OSError("damaged")
    if starts < 3:  # noqa: F821 (boot.py's)
        config, hardware = ask("drivers.board", "start")
        from firmware.terminal import Terminal

        terminal = Terminal(hardware, config)
        if terminal.desk.sync:  # else it only says what is missing
            ask("firmware.scaffold", "run", terminal)
    return False


fault = None
damaged = globals().get("damaged")
if damaged is None:  # boot.py has said why, or did not run
    print("not started; to repair it: make flash PORT=...")
else:
    try:
        held = _start()
        del _start, kbd_intr  # nothing of the start stays in memory
        if terminal:
            terminal.run()
    except Exception as error:  # noqa: BLE001 (shown, whatever it is)
        sys.print_exception(error)
        fault = error
    try:
        if not held:
            from drivers import trouble

            trouble.tell(fault, hardware, terminal, console)
    except MemoryError:  # with nothing built there is room for it: that is two starts away
        import machine

        machine.reset()
    except Exception as error:  # noqa: BLE001 (shown, whatever it is)
        sys.print_exception(error)
if not (console or held):  # no page either
    import time

    while True:
        time.sleep(1)
