"""What the chip's ROM does: put the hardware modules in place, then run boot.py and main.py.

The working directory is the device's root; boot.py and main.py are run unmodified, in `__main__`,
with the chip's `sys.path`. An exception ends in the REPL, as on the chip; SystemExit restarts.
"""

import gc
import sys
import time  # noqa: F401

import esp32  # noqa: F401  (kept in sys.modules, as are the next two)
import machine
import network  # noqa: F401

import __main__

_shims = sys.path[0]


def _more(name):
    sys.path[:] = (_shims,)
    try:
        import machine_more
    finally:
        sys.path[:] = ("", ".frozen", "lib")
    return getattr(machine_more, name)


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
    except BaseException as error:  # noqa: BLE001 (all of it is shown)
        sys.print_exception(error)
        return False
    return True


def start():
    machine.__getattr__ = _more
    sys.path[:] = ("", ".frozen", "lib")
    sys.argv[:] = ()
    gc.collect()
    if _run("boot.py"):
        _run("main.py")
