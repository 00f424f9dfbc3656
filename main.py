"""Build the board, build the terminal on it, run it; whatever ends that ends in a page.

A terminal with a service key never ends in the REPL: at the maintenance key, *, its console is
opened by the provider's response, and by nothing else. Without a service key the key alone frees
the console. Whatever is wrong then is a page too, and the console stays as it is.
"""

import sys
import time

from micropython import kbd_intr

_NEEDED = (
    "firmware/rooms",
    "firmware/message/codec",
    "firmware/access/console",
    "drivers/maintenance",
)

try:  # MicroPython lets Ctrl-C in anew with each file
    kbd_intr(-1)
    for _ in "..":  # a jump: one that came before shows here
        pass
except KeyboardInterrupt:
    kbd_intr(-1)

hardware = None
terminal = None
console = globals().get("console", 1)  # boot.py's; it did not run: nobody knows of a key
if console:
    kbd_intr(3)
held = False  # nothing is started, the console stays free


def _held():
    # Whether the maintenance key keeps the terminal from being started.
    global console
    for needed in _NEEDED:
        if needed + ".mpy" in damaged:
            return console == 2
    from firmware.rooms import ask

    bench = ask("drivers.maintenance", "run")
    if not bench:
        if console == 2:
            print("the console was opened: the terminal is not started; to end it: hold the key *")
        return console == 2
    if console == 2:
        bench.keystore.put("console", b"\0")
        console = 0
        kbd_intr(-1)
        return False
    if not console:
        import firmware.message.codec  # noqa: F401 (stays in memory: the native code that it needs)

        if ask("firmware.access.console", "run", bench):
            console = 2
            kbd_intr(3)
    if console:
        print("maintenance: the terminal is not started")
    return console


def _terminal():
    global hardware
    from firmware.rooms import ask

    config, hardware = ask("drivers.board", "start")
    from firmware.terminal import Terminal

    made = Terminal(hardware, config)
    if made.desk.sync:  # else it only says what is missing
        ask("firmware.scaffold", "run", made)
    return made


fault = None
damaged = globals().get("damaged")
try:
    if damaged is None:  # boot.py has said why, or did not run
        held = console
        print("not started; to repair it: make flash PORT=...")
    else:
        held = _held()
        del _held
        if held:
            pass
        elif damaged:
            raise OSError("damaged")
        elif starts < 3:  # noqa: F821 (boot.py's, as `damaged` is)
            terminal = _terminal()
            del _terminal  # nothing of the start stays in memory
            terminal.run()
except Exception as error:  # noqa: BLE001 (shown, whatever it is)
    sys.print_exception(error)
    fault = error
if not held and damaged is not None:
    try:
        from drivers import trouble

        trouble.tell(fault, hardware, terminal, console)
    except MemoryError:  # with nothing built there is room for it: that is two starts away
        import machine

        machine.reset()
    except Exception as error:  # noqa: BLE001 (shown, whatever it is)
        sys.print_exception(error)
while not (console or held):
    time.sleep(1)  # for whatever reason there is no page: a watchdog that runs starts it again
