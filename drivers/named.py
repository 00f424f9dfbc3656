"""Whether a host's certificate names it as the profile wants: in a SAN, and without a wildcard.

What always holds: mbedTLS has found the name that was wanted, but takes it from the subject where
there is no SAN, and from a name with `*`; both are refused here, before anything is sent. The
certificate is walked as `certificate` does it. May import certificate.
"""

from micropython import const

from drivers.certificate import enter, step

_EXTENSIONS = const(0xA3)
_OCTETS = const(4)
_BOOLEAN = const(1)
_DNS_NAME = const(0x82)
_SAN = b"\x06\x03\x55\x1d\x11"  # its object identifier, 2.5.29.17


def check(der):
    """Return nothing when `der` has a SAN without wildcards. Raises ValueError."""
    try:
        at = _names(der)
        end = step(der, at)
        at = enter(der, at)
        while at < end:
            after = step(der, at)
            if der[at] == _DNS_NAME and b"*" in der[at:after]:
                raise ValueError
            at = after
    except IndexError:
        raise ValueError from None


def _names(der):
    # Where the list of names in the SAN begins.
    at = enter(der, 0)
    end = step(der, at)
    at = enter(der, at)
    while der[at] != _EXTENSIONS:
        at = step(der, at)
        if at >= end:
            raise ValueError
    at = enter(der, at, _EXTENSIONS)
    end = step(der, at)
    at = enter(der, at)
    while at < end:
        value = enter(der, at)
        found = der[value : value + len(_SAN)] == _SAN
        value = step(der, value)
        if found:
            if der[value] == _BOOLEAN:
                value = step(der, value)
            return enter(der, value, _OCTETS)
        at = step(der, at)
    raise ValueError
