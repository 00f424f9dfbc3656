"""The chip's own heap, and Python's that grows into it, as MicroPython's ESP32 port has them.

What always holds: pieces lie where they were put until they are given back, so that one in the
middle divides what is free; of the first region that has one large enough the smallest such piece
is taken. Figures are those of the stock ESP32_GENERIC 1.27.0 image, measured on an emulated chip.
"""

from itertools import pairwise

KB = 1024
FREE = 36864 + 28 * KB
"""The largest piece with every part built, the radio started, and Python's heap not yet grown."""

READER = 1024 + 256  # of the card reader's UART
REGIONS = (FREE + READER, 8 * KB)
PYTHON = 56 * KB  # what Python's heap begins with
CONNECTION = (1500, 1800, 16900, 4000, 968, 800, 800, 700)
"""What TLS takes: context, certificates, its two buffers, and what only the handshake needs."""

SOCKET = 4  # so many of these stay until it is closed
WIFI = (600, 900, 700)  # what a network takes once it is joined
TRAFFIC = (1500,)  # and when something is sent over it for the first time: until it is left
LINE = sum(CONNECTION + WIFI + TRAFFIC)  # from 36,864 to 5,696, as it was measured

_OVERHEAD = 2048  # of an area of Python's, beside what has to fit into it


class Chip:
    """A chip with these free pieces, each in a region of its own.

    python: bytes of Python's heap. least: of the largest free piece, since the power came.
    """

    def __init__(self, regions=REGIONS):
        self._sizes = list(regions)
        self._taken = {}  # (region, start): size
        self._least = list(regions)
        self.power_up()

    def power_up(self):
        """Have nothing in memory: a reset."""
        self._taken.clear()
        self._least = list(self._sizes)
        self.least = max(self._sizes)
        self.python = PYTHON
        self._areas = []

    def soft_reset(self):
        """Give back what Python's heap had grown by; the rest stays where it is."""
        for place in self._areas:
            self.give(place)
        self._areas = []
        self.python = PYTHON

    def take(self, size):
        """Take a piece; return where it is, None when none is large enough."""
        fitting = [(place[0], length, place) for place, length in self._free() if length >= size]
        if not fitting:
            return None
        place = min(fitting)[2]
        self._taken[place] = size
        self._note()
        return place

    def take_all(self, sizes):
        """Take several pieces; return where they are, None when not all of them have room."""
        places = []
        for size in sizes:
            place = self.take(size)
            if place is None:
                for taken in places:
                    self.give(taken)
                return None
            places.append(place)
        return places

    def give(self, place):
        """Give a piece back."""
        del self._taken[place]

    @property
    def largest(self):
        """The largest free piece."""
        return max((length for _, length in self._free()), default=0)

    def info(self):
        """Return (total, free, largest, least ever free) of each region."""
        found = []
        for region, size in enumerate(self._sizes):
            free = [length for (where, _), length in self._free() if where == region]
            found.append((size, sum(free), max(free, default=0), self._least[region]))
        return found

    def python_needs(self, used, more=0):
        """Grow Python's heap as the port does when `used` bytes and `more` in one piece do not
        fit; return whether they do then.
        """
        while used + more > self.python:
            size = min(self.largest, max(self.python, more + _OVERHEAD))
            if size < more + _OVERHEAD:
                return False
            self._areas.append(self.take(size))
            self.python += size
        return True

    def _free(self):
        found = []
        for region, size in enumerate(self._sizes):
            edges = [(0, 0)]
            edges += sorted(
                (start, start + length)
                for (where, start), length in self._taken.items()
                if where == region
            )
            edges.append((size, size))
            for (_, start), (end, _) in pairwise(edges):
                if end > start:
                    found.append(((region, start), end - start))
        return found

    def _note(self):
        for region, (_, free, _, least) in enumerate(self.info()):
            self._least[region] = min(free, least)
        self.least = min(self.least, self.largest)
