"""A UART: bytes arrive at the line's speed into a receive ring that overflows like the chip's, and
leave at the line's speed for the part at its other end.
"""

import threading
import time


class SerialPort:
    """The chip's UART. What arrives while the ring is full is lost, and counted in `lost`.

    `on_transmit(data, baud, at)` is called with what is sent, at what speed, and when its first
    bit leaves; `on_look()` before the chip looks what has arrived: a part that answers by itself
    catches up with the time then.
    """

    def __init__(self, clock=time.monotonic):
        self.on_transmit = lambda data, baud, at: None
        self.on_look = lambda: None
        self._clock = clock
        self._lock = threading.Lock()
        self.lost = 0
        self.power_up()

    def power_up(self):
        with self._lock:
            self._open = False
            self._ring = bytearray()
            self._size = 0
            self._baud = 0
            self._coming = []  # (time, byte), in order
            self._sent_at = 0  # when the last bit that was sent has left

    def open(self, baud, rxbuf):
        """Configure the UART; what was in the ring is dropped. rxbuf: 0 for a ring as it was."""
        self.on_look()
        with self._lock:
            self._open = True
            self._baud = baud
            self._size = rxbuf or self._size
            self._ring.clear()

    def transmit(self, data):
        """Send `data`, after whatever is still on its way out."""
        with self._lock:
            if not self._open:
                return
            at = max(self._clock(), self._sent_at)
            self._sent_at = at + len(data) * 10 / self._baud
        self.on_transmit(data, self._baud, at)

    def arrive(self, data, baud, at=None):
        """Put `data` on the line, at `baud`, after whatever is still on its way; not before `at`,
        which is now if not given.
        """
        with self._lock:
            step = 10 / baud
            at = self._clock() if at is None else at
            if self._coming:
                at = max(at, self._coming[-1][0])
            for index, byte in enumerate(data):
                self._coming.append((at + (index + 1) * step, byte if self._fits(baud) else 0xFE))

    def _fits(self, baud):
        """Whether the receiver's speed is within the 3 % that a start-stop line tolerates."""
        return not self._baud or abs(self._baud - baud) <= baud * 0.03

    def _receive(self):
        now = self._clock()
        count = 0
        for at, byte in self._coming:
            if at > now:
                break
            count += 1
            if not self._open:
                continue
            if len(self._ring) < self._size:
                self._ring.append(byte)
            else:
                self.lost += 1
        del self._coming[:count]

    def waiting(self):
        """Return how many received bytes wait in the ring."""
        self.on_look()
        with self._lock:
            self._receive()
            return len(self._ring)

    def take(self, n):
        """Return up to `n` received bytes."""
        self.on_look()
        with self._lock:
            self._receive()
            data = bytes(self._ring[:n])
            del self._ring[:n]
            return data
