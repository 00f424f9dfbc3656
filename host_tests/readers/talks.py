"""What cards say, answer by answer, for tests without a card: proofs with the heap locked, fuzz.

Each talk is (verdict, number, answers). Runs under both interpreters; imports card.emv for the
names of the verdicts.
"""

from binascii import unhexlify

from firmware.card import emv

DONE = b"\x90\x00"
NUMBER = "6230000000000000015"


FILE = b"\x08\1\1\0"
FILES = b"\x08\1\1\0\x10\1\2\0"


def tlv(tag, *values):
    """Return an element: its tag in hexadecimal, its values joined."""
    value = b"".join(values)
    length = bytes((len(value),)) if len(value) < 128 else bytes((0x81, len(value)))
    return unhexlify(tag) + length + value


def number(digits):
    """Return the element 5A."""
    return tlv("5A", unhexlify(digits + "F" * (len(digits) % 2)))


def listed(*entries):
    """Return a list of applications, (AID, priority) each; one of 0 has none."""
    inner = [
        tlv("61", tlv("4F", unhexlify(aid)), tlv("87", bytes((rank,))) if rank else b"")
        for aid, rank in entries
    ]
    return tlv("6F", tlv("84", b"2PAY.SYS.DDF01"), tlv("A5", tlv("BF0C", *inner))) + DONE


def selected(pdol="", label=b"TEST"):
    """Return what a selection answers."""
    inner = tlv("50", label) + (tlv("9F38", unhexlify(pdol)) if pdol else b"")
    return tlv("6F", tlv("84", unhexlify("A000000333010101")), tlv("A5", inner)) + DONE


def options(afl=FILE, *more):
    """Return options in the long format."""
    return tlv("77", tlv("82", b"\x20\0"), tlv("94", afl), *more) + DONE


def record(*elements):
    """Return a record."""
    return tlv("70", *elements) + DONE


def track(digits, rest="D30122010"):
    """Return the element 57."""
    text = digits + rest
    return tlv("57", unhexlify(text + "F" * (len(text) % 2)))


DEBIT = "A000000333010101"
LIST = listed((DEBIT, 1))
PDOL = "9F66049F02069F3501DF600195059F1A03"
EXPIRY = tlv("5F24", b"\x30\x12\x31")
WHOLE = record(number(NUMBER), EXPIRY)
SELECTED = selected()


def broken(*answers):
    """Return the talk with a card of which these answers make nothing."""
    return emv.UNREAD, "", answers


def _read(*answers):
    return emv.OK, NUMBER, answers


def _of(last, opened=None):
    return (LIST, SELECTED, options() if opened is None else opened, last)


TALKS = (
    _read(
        LIST,
        selected(PDOL),
        options(FILES),
        record(number(NUMBER)),
        record(EXPIRY),
    ),
    _read(LIST, SELECTED, options(FILE, track(NUMBER))),
    _read(LIST, SELECTED, tlv("80", b"\x20\0\x08\1\1\0") + DONE, record(track(NUMBER, "D0000"))),
    _read(LIST, SELECTED, tlv("77", number(NUMBER)) + DONE),
    _read(*_of(record(track(NUMBER), number(NUMBER), EXPIRY))),
    # Asked for again: with another Le, without one, with one again; and fetched.
    _read(b"\x6c\x20", LIST, b"\x67\x00", b"\x6c\x20", SELECTED, b"\x61\x20", options(), WHOLE),
    _read(LIST, SELECTED, options(), WHOLE[:9] + b"\x61\x09", WHOLE[9:]),
    # By names; by rank; what we do not know is passed over.
    _read(b"\x6a\x82", b"\x6a\x82", SELECTED, options(), WHOLE),
    _read(listed(("A0000006581010", 1), (DEBIT, 2), (DEBIT, 0)), SELECTED, options(), WHOLE),
    _read(listed((DEBIT, 2), ("A0000000031010", 1)), b"\x62\x83", SELECTED, options(), WHOLE),
    _read(LIST, selected("", b"A\nB"), options(unhexlify("580101000801010010010100")), WHOLE),
    # None of ours, locked, without a number, with a wrong one.
    (emv.OTHER, "", (listed(("A0000006581010", 1)),)),
    (emv.OTHER, "", (b"\x6a\x82",) * 9),
    (emv.LOCKED, "", (b"\x6a\x81",)),
    (emv.LOCKED, "", (LIST, b"\x62\x83")),
    (emv.NO_NUMBER, "", (LIST, SELECTED, b"\x69\x85")),
    (emv.NO_NUMBER, "", (LIST, SELECTED, b"\x67\x00", b"\x67\x00")),
    (emv.NO_NUMBER, "", _of(record(EXPIRY))),
    (emv.NO_NUMBER, "", (LIST, SELECTED, tlv("77", tlv("82", b"\0\0")) + DONE)),
    (emv.CHECK_DIGIT, "", _of(record(number("6230000000000000016"), EXPIRY))),
    (emv.GONE, "", (LIST, SELECTED, -emv.GONE)),
    # What breaks a rule.
    broken(b"\x90"),
    broken(tlv("6E") + DONE),
    broken(LIST, tlv("6F", b"\x9f") + DONE),
    broken(LIST, selected("9F02")),
    broken(LIST, selected("9F")),
    broken(LIST, selected("9F81818101")),
    broken(LIST, selected("9F027F")),
    broken(LIST, SELECTED, DONE),
    broken(LIST, SELECTED, options(unhexlify("0801"))),
    broken(LIST, SELECTED, options(unhexlify("08000100"))),
    broken(LIST, SELECTED, options(FILE, tlv("5F24", b"\x30\x13\x01"))),
    broken(*_of(b"\x6a\x83")),
    broken(*_of(WHOLE[:-2] + b"\0" + DONE)),
    broken(*_of(record(tlv("5F24", b"\x30\x1a\x01")))),
    broken(*_of(record(number("62300000")))),
    broken(*_of(record(number("62300000000000000150")))),
    broken(*_of(record(track(NUMBER), number("6230000000000000023")))),
    broken(*_of(record(track(NUMBER, "")))),
    broken(*_of(record(track(NUMBER, "D3012A")))),
    broken(*_of(record(track("62")))),
)

VARIED = [TALKS[at][2] for at in (0, 1, 5, 7)]
"""Answers for which every function of `emv.Talk` is called."""


class Listener:
    """Plays talks to one `emv.Talk`."""

    def __init__(self):
        self.found = bytearray(emv.FOUND_LEN)
        self.label = bytearray(emv.LABEL_LEN)
        self.talk = emv.Talk(self.found, self.label)
        self._n = self._at = 0

    def hear(self, answers):
        """Return the verdict on the answers; None when more would be asked."""
        self._n = self.talk.begin()
        self._at = 0
        while self._n > 0 and self._at < len(answers):
            self._n = self.talk.next(self._put(answers[self._at]))
            self._at += 1
        return None if self._n > 0 else -self._n

    def hear_bytes(self, buf, at, end):
        """Return the verdict on the answers in `buf[at:end]`, each behind a byte of its length."""
        self._n = self.talk.begin()
        while self._n > 0 and at < end:
            size = min(buf[at], end - at - 1)
            self._n = self.talk.next(self._put_bytes(buf, at + 1, size))
            at += 1 + size
        return None if self._n > 0 else -self._n

    def _put_bytes(self, buf, at, size):
        if self.talk._got + size > len(self.talk._answer):
            return -emv.GONE
        for i in range(size):
            self.talk._answer[self.talk._got + i] = buf[at + i]
        return size

    def _put(self, answer):
        # Without the view that `room` makes; an answer may be what is in its way, negated.
        n = answer if isinstance(answer, int) else len(answer)
        for i in range(n):
            self.talk._answer[self.talk._got + i] = answer[i]
        return n
