"""Whether what a connection failed with is too little memory: Python's, or the chip's own.

What always holds: it is told as NoRoom, never as a broken line or a bad certificate. In memory
only when something has failed. May import esp32 and firmware.rooms.
"""

import esp32
from micropython import const

from firmware.rooms import NoRoom

_FULL = (12, 105)  # ENOMEM, ENOBUFS: of sockets, and what mbedTLS's own becomes
# mbedTLS's "allocation failed", negative: of SSL, ECP, X.509, PK, PEM, MD, cipher; PSA's stands
# alone. An error of theirs may carry one of MPI or ASN.1 in its last seven bits.
_ALLOC = (0x7F00, 0x4D80, 0x2880, 0x3F80, 0x1180, 0x5180, 0x6180)
_ALLOC_LOW = (0x10, 0x6A)
_PSA = const(141)
_LOW = const(0x7F)
_CERTIFICATE_NEEDS = const(8192)  # of the chip's heap, in one piece


def run(fault):
    """Raise NoRoom when the OSError or ValueError `fault` stands for too little memory."""
    if isinstance(fault, OSError):
        short = is_full(fault.errno)
    else:  # mbedTLS tells so of a certificate for which it had no room, too
        regions = esp32.idf_heap_info(esp32.HEAP_DATA)
        short = max([region[2] for region in regions]) < _CERTIFICATE_NEEDS
    if short:
        raise NoRoom


def is_full(errno):
    """Tell whether an OSError's `errno` says so; it may be words, of a name that is not found."""
    if not isinstance(errno, int):
        return False
    if errno in _FULL:
        return True
    error = -errno
    alloc = error & ~_LOW in _ALLOC or error & _LOW in _ALLOC_LOW
    return error == _PSA or error > 256 and alloc
