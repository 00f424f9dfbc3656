"""`time` with the chip's clock behind it: 2000-01-01 at power-on, kept over a reset."""

from os import getenv

import utime
from utime import *  # noqa: F403

_ahead = int(getenv("REBIND_RTC_AHEAD"))


def time():
    return int(utime.time()) + _ahead


def time_ns():
    return utime.time_ns() + _ahead * 1000000000


def gmtime(seconds=None):
    return utime.gmtime(time() if seconds is None else seconds)


localtime = gmtime


def set_time(epoch):
    global _ahead
    _ahead += epoch - time()
