"""Cards for the field of a contactless reader, made up by rule: no number here was ever issued.

A payment card answers APDUs as ISO/IEC 7816-4 and EMV have it, from applications that are given as
TLVs. What it takes is what a commercial terminal has measured: 22 ms for an APDU of 52 bytes,
25 ms for one of 102, 84 ms for one of 137 in which the card signs.
"""

from dataclasses import dataclass, field

_PPSE = b"2PAY.SYS.DDF01"
_UID_4 = bytes.fromhex("5A010203")
_UID_7 = bytes.fromhex("04A1B2C3D4E5F6")
_DETECTION_S = 0.047
_APDU_S = 0.019
_BYTE_S = 0.00006
_SIGNING_S = 0.057


def tlv(tag, *values):
    """Return the element of `tag` (an int) with the joined values."""
    value = b"".join(values)
    length = bytes([len(value)])
    if len(value) > 127:
        length = (b"\x81" if len(value) < 256 else b"\x82") + len(value).to_bytes(
            1 if len(value) < 256 else 2, "big"
        )
    return tag.to_bytes((tag.bit_length() + 7) // 8, "big") + length + value


def number(prefix, size):
    """Return a card number: the prefix, zeros, a 1, and the check digit."""
    body = prefix + "0" * (size - len(prefix) - 2) + "1"
    total = sum(
        sum(divmod(int(digit) * (2 - index % 2), 10)) for index, digit in enumerate(body[::-1])
    )
    return body + str(-total % 10)


def packed(digits):
    """Return digits as BCD, padded with F."""
    return bytes.fromhex(digits + "F" * (len(digits) % 2))


def track(pan, expiry="3012", service="201", rest="0000000000"):
    """Return tag 57's value."""
    return packed(f"{pan}D{expiry}{service}{rest}")


def afl(*files):
    """Return an AFL of (file, first record, last record) each."""
    return b"".join(bytes([sfi << 3, first, last, 0]) for sfi, first, last in files)


class Card:
    """A card that is told of by its number only: it takes no APDUs (MIFARE Classic)."""

    kind = "A"
    sel_res = 0x08
    activation_s = _DETECTION_S

    def __init__(self, uid=_UID_4):
        self.uid = uid

    def power_on(self):
        """Begin as a card that has just come into the field."""

    def answer(self, apdu):
        """Return (None, 0): it never answers an APDU."""
        return None, 0


@dataclass
class Application:
    """One of a card: what `pdol` asks for, the answer to GPO, and records by (file, number)."""

    aid: str
    label: str
    options: bytes
    records: dict = field(default_factory=dict)
    priority: int = 1
    pdol: bytes = b""
    status: int = 0x9000  # of its selection
    options_status: int = 0x9000

    def entry(self):
        """Return what the list of applications says of it."""
        return tlv(
            0x61,
            tlv(0x4F, bytes.fromhex(self.aid)),
            tlv(0x50, self.label.encode()),
            tlv(0x87, bytes([self.priority])),
        )

    def template(self):
        """Return what its selection answers."""
        inner = tlv(0x50, self.label.encode()) + tlv(0x87, bytes([self.priority]))
        if self.pdol:
            inner += tlv(0x9F38, self.pdol)
        return tlv(0x6F, tlv(0x84, bytes.fromhex(self.aid)), tlv(0xA5, inner))


class Payment(Card):
    """A card with applications.

    listed: whether it has a list of them; one without is asked by names. `le`: how it takes a
    command with Le 00: "any"; "exact" answers 6Cxx; "none" answers 6700; "fetch" answers 61xx.
    """

    sel_res = 0x20

    def __init__(self, *applications, listed=True, le="any", uid=_UID_7):
        super().__init__(uid)
        self.applications = applications
        self.listed = listed
        self.list_status = 0x6A82
        self.le = le
        self.seen = []  # APDUs
        self.power_on()

    def power_on(self):
        self._selected = None
        self._waiting = b""

    def answer(self, apdu):
        """Return (answer, seconds)."""
        self.seen.append(bytes(apdu))
        data, status = self._do(apdu)
        signs = apdu[1] == 0xA8 and status == 0x9000
        if status == 0x9000 and apdu[1] != 0xC0:
            data, status = self._by_le(apdu, data)
        answer = data + status.to_bytes(2, "big")
        seconds = _APDU_S + _BYTE_S * (len(apdu) + len(answer)) + signs * _SIGNING_S
        return answer, seconds

    def _by_le(self, apdu, data):
        has_body = apdu[1] in (0xA4, 0xA8)
        le = apdu[5 + apdu[4] :] if has_body else apdu[4:]
        if self.le == "exact" and le and le[0] != len(data) & 0xFF:
            return b"", 0x6C00 | len(data) & 0xFF
        if self.le == "none" and le:
            return b"", 0x6700
        if self.le == "fetch" and data:
            self._waiting = data
            return b"", 0x6100 | len(data) & 0xFF
        return data, 0x9000

    def _do(self, apdu):
        ins = apdu[1]
        if ins == 0xC0:
            data, self._waiting = self._waiting, b""
            return (data, 0x9000) if data else (b"", 0x6985)
        if ins == 0xA4:
            return self._select(apdu[5 : 5 + apdu[4]])
        if self._selected is None:
            return b"", 0x6985
        if ins == 0xA8:
            return self._options(apdu)
        if ins == 0xB2:
            record = self._selected.records.get((apdu[3] >> 3, apdu[2]))
            return (b"", 0x6A83) if record is None else (record, 0x9000)
        return b"", 0x6D00

    def _select(self, name):
        if name == _PPSE:
            if not self.listed:
                return b"", self.list_status
            return self.list(), 0x9000
        for one in self.applications:
            if bytes.fromhex(one.aid).startswith(name):
                self._selected = one if one.status == 0x9000 else None
                return (one.template() if one.status == 0x9000 else b""), one.status
        return b"", 0x6A82

    def list(self):
        """Return its list of applications."""
        entries = b"".join(one.entry() for one in self.applications)
        return tlv(0x6F, tlv(0x84, _PPSE), tlv(0xA5, tlv(0xBF0C, entries)))

    def _options(self, apdu):
        one = self._selected
        if one.options_status != 0x9000:
            return b"", one.options_status
        size = sum(_lengths(one.pdol))
        if apdu[5] != 0x83 or apdu[6] != size or apdu[4] != size + 2:
            return b"", 0x6A80
        return one.options, 0x9000


def _lengths(dol):
    """Yield the lengths that a data object list asks for."""
    at = 0
    while at < len(dol):
        if dol[at] & 0x1F == 0x1F:
            at += 1
            while dol[at] & 0x80:
                at += 1
        yield dol[at + 1]
        at += 2


# -- schemes --------------------------------------------------------------------------------------

_AIP = b"\x20\x00"
_SIGNED = tlv(0x9F26, b"\x11" * 8) + tlv(0x9F10, b"\x07" * 17) + tlv(0x9F36, b"\0\x2a")
_ISSUER_KEY = tlv(0x70, tlv(0x90, b"\x5c" * 144), tlv(0x9F32, b"\x03"))
_PDOL = bytes.fromhex("9F66049F02069F03069F1A0295055F2A029A039C019F3704")


def _last(*elements):
    return tlv(0x70, *elements, tlv(0x5F28, b"\x01\x56"))


def unionpay(pan=None, aid="A000000333010101", label="UnionPay Debit", priority=1):
    """A UnionPay application: its number in the third record, its expiry in the fourth."""
    pan = pan or number("623", 19)
    return Application(
        aid,
        label,
        tlv(0x77, tlv(0x82, _AIP), tlv(0x94, afl((1, 1, 2), (2, 1, 5))), _SIGNED),
        {
            (1, 1): tlv(0x70, tlv(0x5F20, b"CARD/TEST"), tlv(0x9F61, b"1" * 18)),
            (1, 2): tlv(0x70, tlv(0x8C, b"\x9f\x02\x06" * 9), tlv(0x8D, b"\x8a\x02" * 12)),
            (2, 1): tlv(0x70, tlv(0x5A, packed(pan)), tlv(0x5F34, b"\x01")),
            (2, 2): _last(tlv(0x5F24, b"\x30\x12\x31")),
            **dict.fromkeys(((2, 3), (2, 4), (2, 5)), _ISSUER_KEY),
        },
        priority,
        _PDOL + bytes.fromhex("DF6001DF6901"),
    )


def unionpay_credit():
    """A UnionPay credit card: number and expiry with its options."""
    return Application(
        "A000000333010102",
        "UnionPay Credit",
        tlv(
            0x77,
            tlv(0x82, _AIP),
            tlv(0x94, afl((1, 1, 1))),
            tlv(0x57, track(number("628", 16))),
            _SIGNED,
        ),
        {(1, 1): _ISSUER_KEY},
        1,
        _PDOL,
    )


def unionpay_quasi_credit():
    """A UnionPay quasi-credit card, with options in the short format."""
    records = {(1, 1): tlv(0x70, tlv(0x57, track(number("625", 16))), tlv(0x5F20, b"CARD/TEST"))}
    options = tlv(0x80, _AIP, afl((1, 1, 1), (2, 1, 2)))
    return Application("A000000333010103", "UnionPay Quasi", options, records, 1, _PDOL)


def visa():
    """A Visa: number and expiry with its options."""
    return Application(
        "A0000000031010",
        "Visa Debit",
        tlv(
            0x77,
            tlv(0x82, _AIP),
            tlv(0x94, afl((2, 3, 4))),
            tlv(0x57, track(number("4761", 16))),
            tlv(0x5F34, b"\x01"),
            _SIGNED,
        ),
        {(2, 3): _ISSUER_KEY, (2, 4): _last(tlv(0x5F24, b"\x30\x12\x31"))},
        1,
        _PDOL,
    )


def mastercard():
    """A Mastercard: a track of its own for stripe terminals first, then the record of EMV."""
    pan = number("5413", 16)
    return Application(
        "A0000000041010",
        "Mastercard",
        tlv(0x77, tlv(0x82, _AIP), tlv(0x94, afl((2, 1, 1), (3, 1, 2), (4, 1, 1)))),
        {
            (2, 1): tlv(
                0x70,
                tlv(0x57, track(pan)),
                tlv(0x5A, packed(pan)),
                tlv(0x5F24, b"\x30\x12\x31"),
                tlv(0x8C, b"\x9f\x02\x06" * 20),
            ),
            (3, 1): _ISSUER_KEY,
            (3, 2): _ISSUER_KEY,
            (4, 1): _ISSUER_KEY,
        },
        1,
        bytes.fromhex("9F1D089F1A029F3501"),
    )


def mastercard_stripe():
    """A Mastercard that only imitates a stripe."""
    return Application(
        "A0000000041010",
        "Mastercard",
        tlv(0x77, tlv(0x82, b"\0\0"), tlv(0x94, afl((1, 1, 1)))),
        {(1, 1): tlv(0x70, tlv(0x9F6C, b"\0\1"), tlv(0x9F6B, track(number("5413", 16))))},
    )


def jcb():
    """A JCB card, its number and expiry in two records."""
    pan = number("3528", 16)
    return Application(
        "A0000000651010",
        "JCB Credit",
        tlv(0x77, tlv(0x82, _AIP), tlv(0x94, afl((1, 1, 2))), _SIGNED),
        {
            (1, 1): tlv(0x70, tlv(0x5A, packed(pan)), tlv(0x5F20, b"CARD/TEST")),
            (1, 2): tlv(0x70, tlv(0x5F24, b"\x30\x12\x31"), tlv(0x57, track(pan))),
        },
        1,
        bytes.fromhex("9F5202"),
    )


def amex():
    """An American Express card: 15 digits, options in the short format."""
    pan = number("3742", 15)
    return Application(
        "A000000025010801",
        "AMEX",
        tlv(0x80, _AIP, afl((1, 1, 2))),
        {
            (1, 1): tlv(0x70, tlv(0x57, track(pan)), tlv(0x5F20, b"CARD/TEST")),
            (1, 2): _ISSUER_KEY,
        },
        1,
        bytes.fromhex("9F3501" + "9F6E04"),
    )


def discover():
    """A Discover card."""
    return Application(
        "A0000001523010",
        "Discover",
        tlv(0x77, tlv(0x82, _AIP), tlv(0x94, afl((1, 1, 2))), _SIGNED),
        {
            (1, 1): tlv(0x70, tlv(0x57, track(number("6011", 16)))),
            (1, 2): _last(tlv(0x5F24, b"\x30\x12\x31")),
        },
        1,
        _PDOL,
    )


SCHEMES = {
    "UnionPay debit": unionpay,
    "UnionPay credit": unionpay_credit,
    "UnionPay quasi-credit": unionpay_quasi_credit,
    "Visa": visa,
    "Mastercard": mastercard,
    "Mastercard, stripe": mastercard_stripe,
    "JCB": jcb,
    "American Express": amex,
    "Discover": discover,
}


def transport():
    """A card for buses: it takes APDUs, and knows nothing of payment."""
    return Payment(
        Application("A00000063201010501", "", b""), listed=False, uid=bytes.fromhex("11223344")
    )


def phone():
    """A phone whose owner has chosen no card: another UID each time, and no application."""
    return Payment(listed=False, uid=bytes.fromhex("08D4E5F6"))
