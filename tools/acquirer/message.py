"""The ISO 8583:1987 messages of the profile, as the acquirer reads and writes them.

pyiso8583 does the packing from one table; what its table cannot express (digits above 9,
characters outside ASCII's printable ones, the rows of the message list) is checked here,
strictly. Nothing in this room knows a key, a merchant or a book. May import: the standard
library, iso8583.
"""

from dataclasses import dataclass, field

import iso8583

DEFAULT_TPDU = bytes.fromhex("6000030000")
MIN_FRAME = 15
MAX_FRAME = 1022
MAC_SIZE = 8
KSN_SIZE = 12
FILE_NAME = "SETTLEBIND"
BANKS_NAME = "BANKS"

# DE: (kind, digits of the length or 0 for fixed, maximum in the unit that the length counts)
_FIELDS = {
    2: ("n", 2, 19),  # PAN
    3: ("n", 0, 6),  # processing code
    4: ("n", 0, 12),  # amount in fen
    7: ("n", 0, 10),  # transmission time, UTC
    11: ("n", 0, 6),  # STAN
    12: ("n", 0, 6),  # local time
    13: ("n", 0, 4),  # local date
    14: ("n", 0, 4),  # expiry
    22: ("n", 0, 3),  # entry mode
    25: ("n", 0, 2),  # condition code
    35: ("z", 2, 37),  # track 2
    37: ("an", 0, 12),  # acquirer's reference number
    38: ("an", 0, 6),  # approval code
    39: ("an", 0, 2),  # response code
    41: ("ans", 0, 8),  # terminal number
    42: ("ans", 0, 15),  # merchant number
    49: ("n", 0, 3),  # currency
    55: ("b", 3, 999),  # chip data
    60: ("n", 3, 11),  # 00, batch number, DE 70 or 000
    62: ("b", 3, 999),  # KSN
    63: ("b", 3, 999),  # TLV of an 0810
    64: ("b", 0, 8),  # MAC of a message without DE > 64
    70: ("n", 0, 3),  # network management code
    90: ("n", 0, 42),  # original data elements
    91: ("an", 0, 1),  # file update code
    101: ("ans", 2, 17),  # file name
    102: ("ans", 2, 28),  # token of the binding being replaced
    103: ("ans", 2, 28),  # new number, truncated
    120: ("b", 3, 999),  # TLV
    128: ("b", 0, 8),  # MAC of a message with DE > 64
}

_COMMON = frozenset({7, 11, 12, 13, 41, 42, 60, 62})
# (MTI, DE 91): (mandatory, optional). Messages that are not served: see `_row_fault`.
_ROWS = {
    ("0800", None): (_COMMON | {70, 128}, frozenset({120})),
    ("0300", "2"): (_COMMON | {91, 101, 103, 120, 128}, frozenset({102})),
    ("0301", "2"): (_COMMON | {91, 101, 103, 120, 128}, frozenset({102})),
    ("0300", "3"): (_COMMON | {91, 101, 120, 128}, frozenset()),
    ("0300", "5"): (_COMMON | {91, 101, 120, 128}, frozenset()),
    ("0320", None): (_COMMON | {120, 128}, frozenset()),
}
_UNSERVED_UPDATE = (_COMMON | {91, 101, 128}, frozenset({102, 103, 120}))


class Unanswerable(Exception):
    """So little of a message could be read that no answer can be addressed to its sender."""


@dataclass
class Fault:
    """The first thing wrong with a message: the DE at fault (0: none in particular) and why."""

    de: int
    why: str


@dataclass
class Message:
    """A message: its MTI, its fields (text for n, an, ans, z; bytes for b) and what is wrong."""

    mti: str
    fields: dict = field(default_factory=dict)
    fault: Fault | None = None

    def __getitem__(self, de):
        return self.fields[de]

    def get(self, de, default=None):
        return self.fields.get(de, default)

    def __contains__(self, de):
        return de in self.fields


def _entry(kind, length_digits, maximum):
    entry = {
        "data_enc": "ascii" if kind in ("an", "ans") else "b",
        "len_enc": "bcd",
        "len_type": {0: 0, 2: 1, 3: 2}[length_digits],
        "max_len": maximum,
        "desc": kind,
    }
    if kind in ("n", "z"):
        entry["len_count"] = "nibbles"
        entry["right_pad" if length_digits else "left_pad"] = "0"
    return entry


def _specification():
    # A DE that the profile does not know must end the parse with what was read so far: a one-byte
    # length that no value can satisfy does that inside pyiso8583.
    unknown = {
        "data_enc": "b",
        "len_enc": "b",
        "len_type": 1,
        "max_len": -1,
        "desc": "unknown",
    }
    table = {str(de): unknown for de in range(2, 129)}
    table["h"] = {"data_enc": "b", "len_enc": "b", "len_type": 0, "max_len": 0, "desc": "header"}
    table["t"] = {"data_enc": "b", "len_enc": "b", "len_type": 0, "max_len": 2, "desc": "MTI"}
    for bitmap in ("p", "1"):
        table[bitmap] = {
            "data_enc": "b",
            "len_enc": "b",
            "len_type": 0,
            "max_len": 8,
            "desc": "bitmap",
        }
    table.update({str(de): _entry(*row) for de, row in _FIELDS.items()})
    return table


SPEC = _specification()


def decode(body):
    """Read one message, MTI to MAC, strictly.

    body: bytes from the MTI on. Returns a Message whose `fault` is None when the format is right,
    else the first fault, with the fields that could be read. Raises Unanswerable when the MTI is
    unreadable or no request's, or when DE 11, 41 or 62 could not be read.
    """
    mti = bytes(body[:2]).hex()
    if len(mti) != 4 or not mti.isdigit() or int(mti[2]) % 2:
        raise Unanswerable("no request's MTI")
    message = Message(mti)
    raw = _unpack(body, message)
    for de in sorted(raw):
        value, wrong = _value(de, raw[de])
        if wrong is None:
            message.fields[de] = value
        elif message.fault is None or de < message.fault.de:
            message.fault = Fault(de, wrong)
    for de in (11, 41, 62):
        if de not in message:
            raise Unanswerable(f"DE {de} could not be read")
    if message.fault is None:
        message.fault = _row_fault(message)
    return message


def _unpack(body, message):
    """Split the fields apart with pyiso8583; a structural fault is noted in `message`."""
    body = bytes(body)
    if body[2:3] and body[2] & 0x80 and body[10:11] and body[10] & 0x80:
        # DE 65 would be a third bitmap to pyiso8583. The profile has none: read up to DE 64.
        message.fault = Fault(65, "unknown DE")
        body = body[:10] + bytes(8) + body[18:]
    try:
        decoded, _ = iso8583.decode(body, SPEC)
    except iso8583.DecodeError as error:
        decoded = error.doc_dec
        if error.msg.startswith("Extra data"):
            fault = Fault(0, "trailing bytes")
        else:
            decoded.pop(error.field, None)
            fault = Fault(int(error.field) if error.field.isdigit() else 0, "unreadable")
        message.fault = message.fault or fault
    return {int(key): value for key, value in decoded.items() if key.isdigit() and key != "1"}


def _value(de, text):
    """Return (value, None) or (None, what is wrong) for one field as pyiso8583 gave it."""
    kind, length_digits, _ = _FIELDS[de]
    if kind == "b":
        if de == 62 and len(text) != 2 * KSN_SIZE:
            return None, "wrong length"
        return bytes.fromhex(text), None
    if kind == "n" and not text.isdigit() and text != "":
        return None, "not digits"
    if kind == "z" and not set(text) <= set("0123456789D"):
        return None, "not track 2"
    if kind == "an" and not text.rstrip(" ").isalnum():
        return None, "not alphanumeric"
    if kind == "ans" and not text.isprintable():
        return None, "not printable"
    if de == 60 and len(text) != 11:
        return None, "wrong length"
    return text, None


def _row(message):
    if message.mti in ("0300", "0301"):
        return _ROWS.get((message.mti, message.get(91)), _UNSERVED_UPDATE)
    return _ROWS.get((message.mti, None))


def _row_fault(message):
    """The first DE missing from, or foreign to, the message's row; then the few fixed contents."""
    row = _row(message)
    present = set(message.fields)
    if row is None:  # not served: enough must be there to get as far as saying so
        mac = 128 if max(present) > 64 else 64
        missing = {42, mac} - present
        foreign = {64} & present if mac == 128 else set()
    else:
        missing = row[0] - present
        foreign = present - row[0] - row[1]
    if missing:
        return Fault(min(missing), "missing")
    if foreign:
        return Fault(min(foreign), "not in this message")
    if message[11] == "000000":
        return Fault(11, "zero")
    if 60 in message and (message[60][:2] != "00" or message[60][8:] != message.get(70, "000")):
        return Fault(60, "not 00, batch and DE 70")
    return None


def encode(message):
    """Pack a Message whose MAC field is present (any 8 bytes); returns bytes from the MTI on.

    Raises iso8583.EncodeError when a field does not fit its row of the table.
    """
    document = {"t": message.mti}
    for de, value in message.fields.items():
        document[str(de)] = value.hex().upper() if isinstance(value, bytes) else value
    packed, _ = iso8583.encode(document, SPEC)
    return bytes(packed)


def mac_field(fields):
    """The DE that carries the MAC of a message with these fields."""
    return 128 if any(de > 64 for de in fields) else 64


def reply_mti(mti):
    """The MTI of the answer: the request's + 10; a repeat is answered as what it repeats."""
    return f"{int(mti) + 10 - int(mti) % 2:04d}"


def frame(tpdu, body):
    """LEN, TPDU and body, ready to be sent."""
    size = len(tpdu) + len(body)
    if size > MAX_FRAME:
        raise ValueError("the message does not fit into a frame")
    return size.to_bytes(2, "big") + tpdu + body


def reply_tpdu(tpdu):
    """The TPDU of the answer: destination and source swapped."""
    return tpdu[:1] + tpdu[3:5] + tpdu[1:3]


def padded_terminal(number):
    """A terminal number as DE 41 and key derivations carry it: 8 characters, spaces at the end."""
    return number.ljust(8)


def padded_merchant(number):
    """A merchant number as DE 42 and DF47 carry it: 15 characters, spaces at the end."""
    return number.ljust(15)
