"""The simulated chip's side of the bus: one inherited socket to the models in the host process.

Every message is `operation, a, length low, length high` and then `length` bytes. `post` queues a
message that the chip would not wait for; it travels with the next one, so a keypad row is driven
and its columns are read in one system call. `ask` waits for the models' answer, a signed 16-bit
status. When the host's end closes the board is gone and the process ends.

Allocates nothing after start. Imports nothing of the firmware.
"""

import sys
from os import getenv

from micropython import const

_QUEUE = const(64)

_wire = open(int(getenv("REBIND_BUS")), "r+b")
_queue = bytearray(_QUEUE)
_used = 0
_status = bytearray(2)


def post(op, a=0, b=0, c=0):
    """Queue one message of four bytes."""
    global _used
    q = _queue
    n = _used
    q[n] = op
    q[n + 1] = a
    q[n + 2] = b
    q[n + 3] = c
    _used = n + 4
    if n + 4 == _QUEUE:
        flush()


def flush():
    """Send what is queued."""
    global _used
    n = _used
    _used = 0
    if n:
        _wire.write(_queue, n)


def send(op, a, data, n):
    """Send a message with the length `n` and, if any, its `data`; do not wait."""
    post(op, a, n & 255, n >> 8)
    flush()
    if data and n:
        _wire.write(data, n)


def more(data):
    """Send further bytes of a message whose header has been posted."""
    flush()
    if len(data):
        _wire.write(data)


def status():
    """Wait for an answer and return its status, -32768..32767."""
    s = _status
    if _wire.readinto(s) != 2:
        sys.exit()
    n = s[0] | s[1] << 8
    return n if n < 32768 else n - 65536


def ask(op, a=0, data=b""):
    """Send a message and return the status that answers it."""
    send(op, a, data, len(data))
    return status()


def take(buf, n):
    """Read the `n` bytes that follow a status into the start of `buf`."""
    if n and _wire.readinto(buf, n) != n:
        sys.exit()
