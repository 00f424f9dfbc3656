"""Why a connection failed: one code for each cause, and too little memory as what it is.

What always holds: lack of memory, Python's or the chip's own, is told as NoRoom, never as a broken
line or a bad certificate. May import errno, esp32, firmware.rooms and the codes of tls_link.
"""

import errno

import esp32
from micropython import const

from drivers.tls_link import CERTIFICATE, CONNECT, DNS, NO_WAY, OWN, REFUSED, TLS
from firmware.rooms import NoRoom

_FULL = (errno.ENOMEM, errno.ENOBUFS)  # of sockets, and what mbedTLS's own becomes
# The chip tells a refusal as a connection that was reset.
_REFUSALS = (errno.ECONNREFUSED, errno.ECONNRESET)
# mbedTLS's "allocation failed", negative: of SSL, ECP, X.509, PK, PEM, MD, cipher; PSA's stands
# alone. An error of theirs may carry one of MPI or ASN.1 in its last seven bits.
_ALLOC = (0x7F00, 0x4D80, 0x2880, 0x3F80, 0x1180, 0x5180, 0x6180)
_ALLOC_LOW = (0x10, 0x6A)
_PSA = const(141)
_LOW = const(0x7F)
_FATAL = const(-0x3000)  # it could not look at a certificate: for whatever reason
_USAGE = const(-0x7A00)  # a certificate that is for something else
_CERTIFICATE_NEEDS = const(8192)  # of the chip's heap, in one piece


def code(step, fault):
    """Return the code of what `fault`, an OSError, ValueError or TypeError, stands for in `step`,
    a code of tls_link's. Raises NoRoom when it stands for too little memory.
    """
    number = fault.errno if isinstance(fault, OSError) else None
    refused = isinstance(fault, ValueError) or number in (_FATAL, _USAGE)  # a certificate
    if is_full(number) or refused and _is_short():
        raise NoRoom
    if step == OWN or step == DNS:
        return step
    if refused:
        return CERTIFICATE
    if step == CONNECT:
        if number in _REFUSALS:
            return REFUSED
        if number == errno.EHOSTUNREACH:
            return NO_WAY
        return CONNECT
    return TLS


def is_full(number):
    """Tell whether an OSError's `number` says so; it may be words, of a name that is not found."""
    if not isinstance(number, int):
        return False
    if number in _FULL:
        return True
    error = -number
    alloc = error & ~_LOW in _ALLOC or error & _LOW in _ALLOC_LOW
    return error == _PSA or error > 256 and alloc


def _is_short():
    # mbedTLS calls a certificate bad for which it had no room.
    regions = esp32.idf_heap_info(esp32.HEAP_DATA)
    return max([region[2] for region in regions]) < _CERTIFICATE_NEEDS
