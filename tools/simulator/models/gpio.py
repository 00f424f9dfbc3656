"""The chip's pins: what each one drives, and the level that an input reads.

Sixty-four pins serve every board. An undriven input with a pull-up reads 1, any other 0; parts
that are wired to pins pull levels down (`attach`). Pins that the ESP32 cannot drive are reported,
because nothing but a real board would otherwise show the mistake.
"""

IN, OUT, OPEN_DRAIN = 1, 3, 7
PULL_UP = 2

_INPUT_ONLY = range(34, 40)
_IDLE_HOLD_MS = 4
_ACTIVE_HOLD_MS = 5
_UNTIL_A_PIN_CHANGES = 0x80


class Gpio:
    """Pin modes and levels, and the parts that answer on them."""

    def __init__(self, input_only=_INPUT_ONLY, report=lambda text: None):
        self._input_only = input_only
        self._report = report
        self._parts = []
        self.power_up()

    def power_up(self):
        self.mode = [IN] * 64
        self.pull = [0] * 64
        self.driven = [0] * 64
        self.changes = 0

    def attach(self, part):
        """Let `part.pull_low(gpio, asked) -> set of pins` and `part.active` take part in every
        read.
        """
        self._parts.append(part)

    def set(self, pin, mode, level):
        """Set a pin's mode (0 = unchanged; pull in the high nibble) and its driven level."""
        if mode:
            self.mode[pin] = mode & 0x0F
            self.pull[pin] = mode >> 4 & 3
            if mode & 0x0F != IN and pin in self._input_only:
                self._report(f"GPIO{pin} can only be an input on this chip")
        self.driven[pin] = level
        self.changes += 1

    def pulls_low(self, pin):
        """Whether the pin itself holds its wire at 0."""
        return self.mode[pin] != IN and not self.driven[pin]

    def drives_high(self, pin):
        """Whether the pin itself holds its wire at 1 against everything that only pulls."""
        return self.mode[pin] == OUT and bool(self.driven[pin])

    def levels(self, asked):
        """Return eight bytes of levels and one of validity, as the shim's input register.

        asked: the pin for whose sake the chip looks.
        """
        register = 0
        for pin, mode in enumerate(self.mode):
            if mode == OUT:
                high = self.driven[pin]
            else:
                high = self.pull[pin] & PULL_UP and not self.pulls_low(pin)
            if high:
                register |= 1 << pin
        active = False
        for part in self._parts:
            active |= part.active
            for pin in part.pull_low(self, asked):
                register &= ~(1 << pin)
        hold = _ACTIVE_HOLD_MS | _UNTIL_A_PIN_CHANGES if active else _IDLE_HOLD_MS
        return register.to_bytes(8, "little") + bytes([hold])
