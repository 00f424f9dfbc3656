"""What is being done, for a person who waits.

On a terminal it is one line that moves and is gone afterwards, elsewhere a line now and then; what
is done within a second or two says nothing. Imports only the standard library, in an older
Python's syntax.
"""

import sys
import threading
import time

_TERMINAL_S = 0.5
_ELSEWHERE_S = 2

STOPPED = "stopped; the same command goes on from here"
"""What is said after Ctrl-C by a set-up whose next run goes on."""


class Progress:
    """Says what `doing`, a function that returns words, gives, as long as it is entered."""

    def __init__(self, who, doing):
        self._who = who
        self._doing = doing
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def _run(self):
        moving = sys.stdout.isatty()
        began = time.monotonic()
        while not self._done.wait(_TERMINAL_S if moving else _ELSEWHERE_S):
            line = f"{self._who}: {self._doing()}, {time.monotonic() - began:.0f} s"
            # The cursor stays in front: the next line that anybody prints takes its place.
            print(f"\r\033[K{line}\r" if moving else f"{line}\n", end="", flush=True)
        if moving:
            print("\033[K", end="", flush=True)
