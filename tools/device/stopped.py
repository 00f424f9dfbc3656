"""A board whose terminal is stopped while the desk works on it, and starts again whatever happens.

What always holds: the board is started again when the desk is done, also by an error or Ctrl-C;
and when the line is gone its watchdog does it, `ALONE_S` after the last step at the latest.
"""

import contextlib
from collections.abc import Iterator

from tools.device.link import DeviceError, Link

ALONE_S = 300
"""How long a board waits for the desk: longer than any step, and than a person's answer."""


@contextlib.contextmanager
def stopped(port: str) -> Iterator[Link]:
    """Give the line to the stopped board on `port`; it may be closed, and opened anew, meanwhile.

    Raises `DeviceError` when there is no board, or when it cannot be started again.
    """
    link = Link(port)
    try:
        yield link
    except BaseException:
        try:
            _start(link, port)
        except DeviceError:
            print(
                f"the line is gone: the terminal starts by itself within {ALONE_S // 60} minutes"
            )
        raise
    _start(link, port)


def hold(link: Link) -> None:
    """Give the board `ALONE_S` from now; its watchdog cannot be stopped, only be given time."""
    link.run(f"import machine\nmachine.WDT(timeout={ALONE_S * 1000})")


def _start(link: Link, port: str) -> None:
    link.close()
    with Link(port) as again:  # whatever it was doing
        again.restart(0)
