"""Keys and small secrets in the chip's non-volatile storage, apart from the file system.

What always holds: a name keeps its old value or has the new one, whatever the power does; what is
erased is no longer found. Names are at most 15 characters. May import esp32.
"""

import esp32
from micropython import const

_NOT_FOUND = const(-0x1102)  # ESP_ERR_NVS_NOT_FOUND
_TOO_LONG = const(-0x110C)  # ESP_ERR_NVS_INVALID_LENGTH
_LIMIT = const(1024)


class Keystore:
    """The entries under `namespace`."""

    def __init__(self, namespace="rebind"):
        self._entries = esp32.NVS(namespace)

    def get(self, name, buf):
        """Read the entry into `buf`; return its length, or -1 when there is none. Raises
        OSError.
        """
        try:
            return self._entries.get_blob(name, buf)
        except OSError as fault:
            if fault.errno == _NOT_FOUND:
                return -1
            raise

    def get_bytes(self, name):
        """Return the entry, or None when there is none."""
        size = 64
        while True:
            buf = bytearray(size)
            try:
                n = self.get(name, buf)
                break
            except OSError as fault:
                if fault.errno != _TOO_LONG or size >= _LIMIT:
                    raise
                size *= 4
        if n < 0:
            return None
        value = bytes(memoryview(buf)[:n])
        for index in range(n):
            buf[index] = 0
        return value

    def put(self, name, data):
        """Store `data` under `name`, durable on return. Raises OSError."""
        self._entries.set_blob(name, data)
        self._entries.commit()

    def erase(self, name):
        """Forget the entry, durable on return; one that is not there is no error."""
        try:
            self._entries.erase_key(name)
        except OSError as fault:
            if fault.errno != _NOT_FOUND:
                raise
        self._entries.commit()
