"""When the host's certificates begin: what a terminal learns the time from whose clock is behind.

What always holds: a date is taken only from a chain in which everything else verified, signatures,
names and ends, so it is the acquirer's CA that says that this moment is past. Nobody else can put
the clock forward so, and nobody at all past today. May import certificate.
"""

from drivers.certificate import validity


class _Chain:
    # Asked by mbedTLS about every certificate, in the middle of it: nothing may be raised there.

    def __init__(self):
        self.begins = 0
        self.short = False

    def look(self, der, depth):
        try:
            self.begins = max(self.begins, validity(der)[0])
        except MemoryError:
            self.short = True
        return 0


async def put_forward(link, shake):
    """Put the clock of `link` forward to the latest beginning in the host's chain, by a handshake
    of its own. Raises what `shake` raises, and MemoryError.

    shake: connecting's.
    """
    chain = _Chain()
    verified = await shake(link, chain.look)
    link.shut()
    if chain.short:
        raise MemoryError
    if verified is False:
        link.clock.begin_at(chain.begins)
