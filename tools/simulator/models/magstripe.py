"""A magnetic-stripe reader on a UART: a swipe is a burst of characters at the reader's speed."""


class Magstripe:
    """A reader that sends to a `SerialPort`.

    Its bytes are the card's as given: sentinels, line ends or noise are the caller's choice.
    """

    def __init__(self, port, baud=9600):
        self._port = port
        self.baud = baud
        self.fitted = True

    def swipe(self, data):
        """Send the characters of a swiped card (bytes, or a str of ASCII)."""
        if isinstance(data, str):
            data = data.encode("ascii")
        if self.fitted:
            self._port.arrive(data, self.baud)
