"""Everything that runs on the host: the simulator, the acquirer, the build and their own tools.

Tools may import `firmware` and `drivers`; nothing on the device imports tools. Whatever they print
is printed: what the encoding of the output lacks is shown as its number, and ends nothing.
"""

import sys

for _stream in (sys.stdout, sys.stderr):
    if hasattr(_stream, "reconfigure"):
        _stream.reconfigure(errors="backslashreplace")
