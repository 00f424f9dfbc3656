"""The buzzer: an active one on a pin. The pin comes in through the constructor."""

import asyncio


class Beeper:
    """The buzzer on `pin`, quiet when made."""

    def __init__(self, pin):
        self._pin = pin
        pin.value(0)

    async def beep(self, ms):
        """Sound for `ms` milliseconds; quiet again whatever happens."""
        self._pin.value(1)
        try:
            await asyncio.sleep_ms(ms)
        finally:
            self._pin.value(0)
