"""Who this terminal is to the acquirer: its numbers, and the key of its binding tokens.

May import crypto only.
"""

from micropython import const

from firmware.crypto.cmac import mac
from firmware.crypto.wipe import wipe

FRAME_MAX = const(1024)  # bytes of a frame that may come
SENT_MAX = const(640)  # a whole 0300 with every field at its longest has 539; 0320s fill it


class Identity:
    """terminal: 8 ASCII bytes. merchant: 15 ASCII bytes, as provisioned; see `merchant` for what
    becomes of it. serial: ASCII bytes. token_key: 16 bytes, never given out.
    """

    def __init__(self, terminal, merchant, serial, token_key):
        self.terminal = terminal
        self.merchant = self.provisioned = merchant
        self.serial = serial
        self._token_key = token_key

    def token(self, tlvs):
        """Return the binding token of a binding's TLVs, 8 bytes (PROTOCOL, "Binding token")."""
        buf = bytearray(b"\x01")
        buf.extend(tlvs)
        tag = bytearray(16)
        mac(self._token_key, buf, 0, len(buf), tag, 0)
        wipe(buf)
        return bytes(memoryview(tag)[:8])
