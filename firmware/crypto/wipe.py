"""Overwriting of secrets that lived in a buffer.

Always holds: the buffer keeps its length and its place; nothing is allocated. Native code: stays
in memory. Imports nothing.
"""

import micropython


@micropython.viper
def wipe(buf):
    """Overwrite every byte of `buf` (bytearray or memoryview) with zero."""
    data = ptr8(buf)
    n = int(len(buf))
    while n > 0:
        n -= 1
        data[n] = 0
