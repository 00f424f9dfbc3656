"""The same work as usually written in Python: strings and dictionaries. What the firmware is
measured against.

What always holds: it accepts the same good input as firmware/card and firmware/message and is
written to be short and clear, not slow on purpose. Imports nothing of the
firmware.
"""

from binascii import hexlify, unhexlify

# DE: (kind, digits of the length in front, longest): n and z count digits, a and b bytes.
SPEC = {
    2: ("n", 2, 19),
    3: ("n", 0, 6),
    4: ("n", 0, 12),
    7: ("n", 0, 10),
    11: ("n", 0, 6),
    12: ("n", 0, 6),
    13: ("n", 0, 4),
    14: ("n", 0, 4),
    22: ("n", 0, 3),
    25: ("n", 0, 2),
    35: ("z", 2, 37),
    37: ("a", 0, 12),
    38: ("a", 0, 6),
    39: ("a", 0, 2),
    41: ("a", 0, 8),
    42: ("a", 0, 15),
    55: ("b", 3, 999),
    60: ("n", 3, 11),
    62: ("b", 3, 12),
    64: ("b", 0, 8),
}


def luhn(number):
    """Return True if the string `number` satisfies Luhn."""
    if not number.isdigit():
        return False
    total = 0
    for place, char in enumerate(reversed(number)):
        digit = int(char)
        if place % 2:
            digit *= 2
            if digit > 9:
                digit -= 9
        total += digit
    return total % 10 == 0


def track_2(data):
    """Return {field: string} of a track 2 (bytes, sentinels and LRC included), or None."""
    text = data.decode()
    start = text.find(";")
    end = text.find("?", start)
    if start < 0 or end < 0 or end - start > 38:
        return None
    pan, separator, rest = text[start + 1 : end].partition("=")
    expiry, service, own = rest[:4], rest[4:7], rest[7:]
    if not separator or not pan.isdigit() or not 1 <= len(pan) <= 19:
        return None
    if not expiry.isdigit() or not 1 <= int(expiry[2:]) <= 12:
        return None
    if len(service) != 3 or not service.isdigit() or not all("0" <= char <= ">" for char in own):
        return None
    lrc = 0
    for char in text[start : end + 1]:
        lrc ^= ord(char) - 0x30
    if text[end + 1 : end + 2] != chr((lrc & 15) + 0x30) or not luhn(pan):
        return None
    return {"pan": pan, "expiry": expiry, "service": service}


def encode(fields):
    """Return a message's bytes from {"t": MTI, DE: string}; bytes fields are hexadecimal."""
    bits = 0
    body = b""
    for de in sorted(de for de in fields if de != "t"):
        kind, width, longest = SPEC[de]
        value = fields[de]
        bits |= 1 << 64 - de
        size = len(value) // 2 if kind == "b" else len(value)
        if size > longest:
            raise ValueError(de)
        if width:
            body += unhexlify(f"{size:02}" if width == 2 else f"{size:04}")
        elif kind == "a":
            value += " " * (longest - size)
        elif kind == "n":
            value = "0" * (longest - size) + value
        if kind in "nz":
            if kind == "n" and not value.isdigit():
                raise ValueError(de)
            value = value.replace("=", "D")
            if len(value) % 2:
                value = value + "0" if width else "0" + value
            body += unhexlify(value)
        elif kind == "b":
            body += unhexlify(value)
        else:
            body += value.encode()
    return unhexlify(fields["t"]) + bits.to_bytes(8, "big") + body


def decode(data):
    """Return {"t": MTI, DE: string} of a message's bytes."""
    fields = {"t": hexlify(data[:2]).decode()}
    bits = int.from_bytes(data[2:10], "big")
    pos = 10
    for de in range(2, 65):
        if not bits >> 64 - de & 1:
            continue
        kind, width, size = SPEC[de]
        longest = size
        if width:
            stop = pos + (width + 1) // 2
            size = int(hexlify(data[pos:stop]).decode())
            if size > longest:
                raise ValueError(de)
            pos = stop
        stop = pos + ((size + 1) // 2 if kind in "nz" else size)
        if stop > len(data):
            raise ValueError(de)
        if kind == "a":
            value = data[pos:stop].decode()
        else:
            value = hexlify(data[pos:stop]).decode()
            if kind in "nz":
                value = value[:size] if width else value[-size:]
                value = value.replace("d", "=")
                if kind == "n" and not value.isdigit():
                    raise ValueError(de)
            else:
                value = value.upper()
        fields[de] = value
        pos = stop
    if pos != len(data):
        raise ValueError("too long")
    return fields
