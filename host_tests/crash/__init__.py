"""The proof by exhaustion: cut power and line everywhere, and terminal and acquirer still agree.

A terminal's life (`life`, the firmware itself on stand-ins for its parts) is lived in a `world`
(flash, key storage, time, the line, the real acquirer behind it) that takes down what would be
left if power failed at each single point. A cut is a life begun from such a snapshot: nothing of
the first life's memory can be in it. `scenarios` says what people do, `rules` what must hold,
`explorer` goes through all faults, `bodies` lives a life under CPython or MicroPython.
`python -m host_tests.crash` is `make crash`.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_STUBS = str(ROOT / "host_tests" / "stubs")
if _STUBS not in sys.path:
    sys.path.insert(0, _STUBS)
