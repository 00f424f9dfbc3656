"""Start the terminal and run it; whatever ends that ends in a page.

A terminal with a service key never ends in the REPL. Without one the maintenance key frees the
console, and a page of a terminal that did not start does. What is here stays in memory for as
long as the terminal runs: what a start needs and no more is in start.py.
"""

import sys

from micropython import kbd_intr

kbd_intr(-1)  # MicroPython lets Ctrl-C in anew with each file
console = globals().get("console", 1)  # boot.py's; it did not run: nobody knows of a key
try:
    if console:  # a jump: a Ctrl-C that came before shows here
        kbd_intr(3)
except KeyboardInterrupt:
    kbd_intr(3 if console else -1)
fault = hardware = terminal = None
try:
    if globals().get("damaged") is None:  # boot.py has said why, or did not run
        print("not started; to repair it: make flash PORT=...")
    else:
        try:
            if not whole:  # noqa: F821 (boot.py's)
                raise OSError("damaged")
            from firmware.rooms import ask

            ask("start", "run", globals())
            if terminal:
                terminal.run()
        except Exception as error:  # noqa: BLE001 (shown, whatever it is)
            sys.print_exception(error)
            fault = error
        if console < 3:
            from drivers import trouble

            trouble.tell(fault, hardware, terminal, console)
except MemoryError:  # with nothing built there is room for it: that is two starts away
    import machine

    machine.reset()
except Exception as error:  # noqa: BLE001 (shown, whatever it is)
    sys.print_exception(error)
while not console:  # no page either
    pass
