"""Runs inside MicroPython: `native.py ROOT` reads messages as hexadecimal lines and answers each.

The answer is every field that the firmware's native codec finds, as `DE=text` (bytes as
hexadecimal), then `same` if encoding those fields gives the same bytes again.
"""

import sys
from array import array

for _own in ("binascii", "io", "os"):
    sys.modules[_own] = __import__(_own)
sys.path[0] = sys.argv[1]

from binascii import hexlify, unhexlify  # noqa: E402

from firmware.message import codec  # noqa: E402
from firmware.message.fields import ROWS, B, N, Z  # noqa: E402
from host_tests.message.digits import digits  # noqa: E402

_FORMS = {ROWS[at]: ROWS[at + 1] for at in range(0, len(ROWS), 5)}
table = array("H", [0] * codec.TABLE_LEN)
frame = bytearray(1024)
encoder = codec.Encoder(frame)


def content(data, de):
    """Return the field as the encoder takes it."""
    place, size = table[2 * de], table[2 * de + 1]
    kind = _FORMS[de] & 15
    if kind != N and kind != Z:
        return data[place : place + size]
    return digits(data, place, size, not _FORMS[de] >> 4)


def answer(data):
    """Return the line that says what is in the message `data`."""
    verdict = codec.decode(data, 0, len(data), table)
    if verdict:
        return f"fault {verdict}"
    words = []
    encoder.begin(data[0] << 8 | data[1], data[2] & 0x80)
    for de in range(2, 129):
        if table[2 * de]:
            value = content(data, de)
            text = hexlify(value).upper() if _FORMS[de] & 15 == B else value
            words.append(f"{de}={text.decode()}")
            fixed = _FORMS[de] == N and len(value) <= 9
            if fixed:
                encoder.number(de, int(value))
            else:
                encoder.put(de, value, 0, len(value))
    total = encoder.finish()
    words.append("same" if frame[codec.BODY : max(0, total)] == data else "other")
    return "\t".join(words)


for line in sys.stdin:
    print(answer(unhexlify(line.strip())))
