"""Safe bring-up, before anything that can fail.

Every start is counted first: main.py does not start the terminal again and again. Holding the key
* at power-on keeps it from starting the terminal at all: the serial REPL stays free for
maintenance. Whatever goes wrong here is printed, and main.py is tried all the same.
"""

import gc
import sys

# Collect early and often: what is loaded then lies close together, and large buffers find room.
gc.threshold(2048)

starts = 0  # of late, this one included; main.py runs in the same namespace
maintenance = False


def _counted():
    import drivers.starts

    found = drivers.starts.count()
    del drivers.starts, sys.modules["drivers.starts"]  # nothing of it is to lie in the heap's way
    gc.collect()
    return found


def _held_for_maintenance():
    import json

    from drivers import board

    with open("config.json") as file:
        name = json.load(file)["board"]
    return board.keypad(name).held(ord("*"))


try:
    starts = _counted()
except Exception as fault:  # noqa: BLE001 (nothing may stop the start)
    sys.print_exception(fault)
try:
    maintenance = _held_for_maintenance()
except Exception as fault:  # noqa: BLE001
    sys.print_exception(fault)
del _counted, _held_for_maintenance
gc.collect()
