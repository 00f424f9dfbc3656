"""Overwriting of secrets that lived in a buffer.

Always holds: the buffer keeps its length and its place; nothing is allocated. Imports nothing.
"""


def wipe(buf):
    """Overwrite every byte of `buf` (bytearray or memoryview) with zero."""
    for i in range(len(buf)):
        buf[i] = 0
