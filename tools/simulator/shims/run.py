"""What the chip's ROM does: put the hardware modules in place, then run boot.py and main.py.

The working directory is the device's root; boot.py and main.py are run unmodified, in `__main__`,
with the chip's `sys.path`. An exception ends in the REPL, as on the chip; SystemExit restarts.
"""

import gc
import sys

# In sys.modules before anything of the device asks for them.
import esp32  # noqa: F401
import machine
import network  # noqa: F401

import __main__


def _run(name):
    """Run a file of the device; return whether the next one may follow."""
    try:
        open(name).close()
    except OSError:
        return True
    try:
        execfile(name, __main__.__dict__)  # noqa: F821 (a builtin there)
    except SystemExit:
        machine.reset()
    except BaseException as error:
        sys.print_exception(error)
        return False
    return True


def start():
    sys.path[:] = ("", ".frozen", "lib")
    gc.collect()
    if _run("boot.py"):
        _run("main.py")
