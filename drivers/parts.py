"""The parts of one board together, as `drivers.board` has built them, and the chip itself.

What always holds: a part that is missing or does not answer is a short code in `faults`, never an
exception. May import machine, firmware.rooms and the drivers whose errors it names.
"""

import asyncio
import os

import machine

from drivers.tls_link import LinkError
from firmware import rooms


class Parts:
    """oled, keypad, magstripe, flash, keystore, clock, wifi and link, each a driver or None, and
    the pin `buzzer`.

    `link_error` is what `link` raises. `faults` names what is missing: "oled", "magstripe",
    "keypad", "flash", "keystore". `notes` names what works but is not as it should be: "files",
    the journal is kept in files because the flash has no partition for it. `grown` is what keeps
    Python's heap as large as heap.grow has made it.
    """

    link_error = LinkError

    def __init__(self, name):
        self.name = name
        self.faults = []
        self.notes = []
        self._watchdog = None

    def start_watchdog(self, ms):
        """Start the watchdog, which nothing but a reset stops; `feed` must come every `ms`
        milliseconds.
        """
        self._watchdog = machine.WDT(timeout=ms)

    def feed(self):
        """Keep the watchdog quiet; nothing before it is started."""
        if self._watchdog:
            self._watchdog.feed()

    async def beep(self, ms):
        """Sound the buzzer for `ms` milliseconds; quiet again whatever happens."""
        self.buzzer.value(1)
        try:
            await asyncio.sleep_ms(ms)
        finally:
            self.buzzer.value(0)

    def random(self, n):
        """Return `n` bytes of the chip's random number generator."""
        return os.urandom(n)

    def reset(self):
        """Start again from power-on; does not return."""
        machine.reset()

    def failed(self, errand):
        """Note over resets that `errand` has failed; return whether to start again for it."""
        return rooms.ask("drivers.starts", "run", errand)

    def settled(self):
        """Note that the terminal runs: what starts there were before no longer count."""
        machine.RTC().memory(b"")
