"""What the benchmarks work on: a card, a message of 18 fields and 208 bytes, a whole 0300.

Imports nothing of the firmware.
"""

from binascii import unhexlify

PAN = b"6222021234567890128"
TRACK = b";4761739001010119=22122011758928889?8"
ACCOUNT = b"6222021234567890128"
PN532 = unhexlify("0000FF0CF4D54B0101000408041234567862" + "00")

# DE and its content: digits and text as such, bytes in hexadecimal.
FIELDS = (
    (3, "190000"),
    (4, "000000012345"),
    (7, "1124163000"),
    (11, "000042"),
    (12, "003000"),
    (13, "1125"),
    (14, "3012"),
    (22, "051"),
    (25, "00"),
    (35, "6222021234567890128=3012201000000"),
    (37, "112500000042"),
    (38, "A1B2C3"),
    (41, "10000001"),
    (42, "898110012345678"),
    (55, "9F2608" + "A5" * 77),
    (60, "00000001000"),
    (62, "123456789012345600000001"),
    (64, "A1A2A3A4A5A6A7A8"),
)
BYTES = (55, 62, 64)
TEXTS = {"t": "0200"}
TEXTS.update(FIELDS)


def raw(text):
    """Return the bytes of hexadecimal text."""
    return unhexlify(text)


def request(model, Request):
    """Return a request to change the bound account."""
    tlvs = model.compose(
        {
            model.NAME: "上海示例商贸有限公司".encode(),
            model.ACCOUNT: ACCOUNT,
            model.CNAPS: b"102100099996",
            model.KIND: b"\x01",
            model.LICENCE: b"91350100M000100Y43",
        }
    )
    return Request(
        bytes(16), 42, 1764000000, model.CHANGE_ACCOUNT, 1, 4, b"01", True, bytes(8), tlvs
    )


SECRETS = ((0xDF3A, b"123456"),)  # what goes along with a request and is stored nowhere


def sealed_len(frame):
    """Return the length of what is encrypted in the DF20 of a 0300."""
    at = frame.find(b"\xdf\x20\x81")
    return frame[at + 3] - 16
