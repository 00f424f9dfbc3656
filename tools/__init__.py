"""Everything that runs on the host: the simulator, the acquirer, the build and their own tools.

Tools may import `firmware` and `drivers`; nothing on the device imports tools. Whatever they print
is printed: what the encoding of the output lacks is shown as its number, and ends nothing. Who
runs one with a Python that lacks its packages is told in one line what to type.
"""

import sys

for _stream in (sys.stdout, sys.stderr):
    if hasattr(_stream, "reconfigure"):
        _stream.reconfigure(errors="backslashreplace")


def _say_what_to_type(kind, error, traceback):
    if not issubclass(kind, ModuleNotFoundError):
        sys.__excepthook__(kind, error, traceback)
        return
    module = sys.orig_argv[sys.orig_argv.index("-m") + 1]
    way = f"`make setup`, then `.venv/bin/python -m {module} …`"
    if module == "tools.acquirer":
        way = "`make acquirer ARGS='…'`"
    sys.stderr.write(f"{module}: this Python has no {error.name}: type {way}\n")


if sys.argv[0] == "-m":  # `python -m tools.…`, and what it runs is still being looked for
    sys.excepthook = _say_what_to_type
