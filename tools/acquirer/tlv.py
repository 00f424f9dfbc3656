"""BER-TLV as the profile uses it: two-byte private tags and minimal definite lengths.

Reading is strict: a tag of another size or class, a length in more bytes than it needs, an
indefinite length or a value that runs over the end raises TlvError with the tag at fault. Repeated
tags are a fault unless the caller names them. May import: nothing.
"""


class TlvError(Exception):
    """A TLV block, or one of its tags, is not what the profile says."""

    def __init__(self, tag, why):
        super().__init__(f"{tag:04X} {why}")
        self.tag = tag
        self.why = why


def put(tag, value):
    """One TLV as bytes. tag: int of two bytes; value: bytes."""
    size = len(value)
    if size < 0x80:
        length = bytes([size])
    elif size < 0x100:
        length = bytes([0x81, size])
    else:
        length = b"\x82" + size.to_bytes(2, "big")
    return tag.to_bytes(2, "big") + length + value


def join(pairs):
    """The TLVs of an iterable of (tag, value)."""
    return b"".join(put(tag, value) for tag, value in pairs)


def split(data, repeatable=()):
    """Read a block into a list of (tag, value), in its order.

    Raises TlvError where the block is malformed or a tag outside `repeatable` comes twice.
    """
    pairs = []
    seen = set()
    at = 0
    while at < len(data):
        tag, value, at = _next(data, at)
        if tag in seen and tag not in repeatable:
            raise TlvError(tag, "repeated")
        seen.add(tag)
        pairs.append((tag, value))
    return pairs


def _next(data, at):
    head = data[at : at + 2]
    if len(head) < 2 or head[0] & 0xDF != 0xDF or head[1] & 0x80:
        raise TlvError(0, "not a two-byte private tag")
    tag = int.from_bytes(head, "big")
    at += 2
    if at >= len(data):
        raise TlvError(tag, "without a length")
    size = data[at]
    at += 1
    if size & 0x80:
        count = size & 0x7F
        if count not in (1, 2) or at + count > len(data):
            raise TlvError(tag, "length unreadable")
        size = int.from_bytes(data[at : at + count], "big")
        at += count
        if size < (0x80 if count == 1 else 0x100):
            raise TlvError(tag, "length not minimal")
    if at + size > len(data):
        raise TlvError(tag, "longer than its block")
    return tag, bytes(data[at : at + size]), at + size
