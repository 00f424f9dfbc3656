"""Safe bring-up, before anything that can fail.

Holding the key * at power-on keeps main.py from starting the terminal: the serial REPL stays free
for maintenance. Whatever goes wrong here is printed, and main.py is tried all the same.
"""

import gc
import sys

# Collect early and often: what is loaded then lies close together, and large buffers find room.
gc.threshold(2048)

maintenance = False  # main.py runs in the same namespace


def _held_for_maintenance():
    import json

    from drivers import board

    with open("config.json") as file:
        name = json.load(file)["board"]
    return board.keypad(name).held(ord("*"))


try:
    maintenance = _held_for_maintenance()
except Exception as fault:  # noqa: BLE001 (nothing may stop the start)
    sys.print_exception(fault)
del _held_for_maintenance
gc.collect()
