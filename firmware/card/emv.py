"""Number and expiry from a payment card's chip, whoever carries the APDUs (EMV Books 1 and 3).

A transport has one method:

    await transport.exchange(apdu, n, answer)

It sends the command APDU `apdu[:n]` and returns how many bytes `answer` then has, the two status
bytes last; or, negated, why there is none: GONE, SEVERAL or OTHER. An answer that does not fit is
GONE. What the card says with its status (61xx, 6Cxx, 6700) is answered here.

Always holds: a number is whole, passes Luhn and comes from one application of one card, all of
whose answers were well-formed, else there is none; nothing is paid, nothing is signed for, no
counter of the terminal is involved. No answer leads outside the buffers, no card keeps the talk
going for more than 64 APDUs; nothing is allocated but to wait. In memory only while a card is
awaited. May import card.luhn, card.tlv and card.seek.
"""

from array import array

from micropython import const

from firmware.card.luhn import valid
from firmware.card.seek import SEEK_LEN, seek
from firmware.card.tlv import LENGTH, VALUE

OK = const(0)
GONE = const(1)  # the card was taken away, or does not answer
SEVERAL = const(2)  # more than one card
OTHER = const(3)  # a card or a phone, but no payment card of a scheme that we know
NO_NUMBER = const(4)  # a payment card that does not tell its number
UNREAD = const(5)  # it broke a rule
CHECK_DIGIT = const(6)  # its number fails Luhn
LOCKED = const(7)  # by its issuer

# `found`: as errands/swipe.py has it. Zeros are where the card says nothing.
EXPIRY_LEN = const(4)
FOUND_LEN = const(23)
LABEL_LEN = const(16)

_PAN_MIN = const(13)
_PAN_MAX = const(19)

_PPSE = b"2PAY.SYS.DDF01"
# Prefixes, each after its length, in the order in which a card without a list is asked.
_KNOWN = (
    b"\x08\xa0\0\0\x03\x33\x01\x01\x01"  # UnionPay: debit, credit, quasi-credit
    b"\x08\xa0\0\0\x03\x33\x01\x01\x02"
    b"\x08\xa0\0\0\x03\x33\x01\x01\x03"
    b"\x07\xa0\0\0\0\x03\x10\x10"  # Visa
    b"\x07\xa0\0\0\0\x04\x10\x10"  # Mastercard
    b"\x07\xa0\0\0\0\x65\x10\x10"  # JCB
    b"\x06\xa0\0\0\0\x25\x01"  # American Express
    b"\x07\xa0\0\0\x01\x52\x30\x10"  # Discover
)
# What a PDOL may ask for, (tag, length, value): an amount of nothing, online, so that no purse on
# the card is touched. All else is zero.
_TERMINAL = (
    b"\x9f\x66\x04\x36\x80\x40\x00"  # EMV contactless and contact, online cryptogram wanted
    b"\x9f\x1a\x02\x01\x56"  # country and currency: China
    b"\x5f\x2a\x02\x01\x56"
    b"\x9f\x35\x01\x22"  # attended, with a line
    b"\x9f\x33\x03\xe0\xf8\xc8"
    b"\x9f\x40\x05\x60\x00\xf0\xa0\x01"
    b"\x9f\x6d\x01\xc0"  # American Express: EMV by contactless
    b"\x9f\x6e\x04\xd8\xe0\x00\x00"
)

_COMMAND = const(128)
_PDOL_AT = const(7)
_ANSWER = const(258)
_CANDIDATES = const(8)  # of 18 bytes: rank, length of AID, AID
_CANDIDATE = const(18)
_AID_MAX = const(16)
_AID_MIN = const(5)
_UNRANKED = const(16)  # a priority of none comes after all others
_AFL_MAX = const(64)
_RECORDS = const(32)
_SFI_MAX = const(10)  # those beyond hold no EMV data
_EXCHANGES = const(64)
_AGAIN = const(2)

_LIST = const(0)  # which answer is awaited
_SELECTED = const(1)
_OPTIONS = const(2)
_RECORD = const(3)


async def read(transport, found, label):
    """Read the card at `transport`; return OK, or why there is no number.

    found: a bytearray of 23: receives the expiry, YYMM, and the number, as digits; zeros unless it
    is OK, and in place of an expiry that the card does not have. label: a bytearray of 16:
    receives what the card calls itself, zeros behind it. The caller overwrites `found` in the end.
    """
    talk = Talk(found, label)
    try:
        n = talk.begin()
        while n > 0:
            n = talk.next(await transport.exchange(talk.command, n, talk.room()))
        return -n
    finally:
        talk.wipe()


class Talk:
    """What is said to one card: `begin` and `next` give the length of what `command` then holds,
    `room` is where its answer goes.
    """

    def __init__(self, found, label):
        self.command = bytearray(_COMMAND)
        self._answer = bytearray(_ANSWER)
        self._found = found
        self._label = label
        self._place = array("i", bytes(4 * SEEK_LEN))
        self._candidates = bytearray(_CANDIDATES * _CANDIDATE)
        self._afl = bytearray(_AFL_MAX)
        self._awaited = _LIST
        self._worst = OTHER
        self._left = _EXCHANGES
        self._n = self._again = 0  # of the command
        self._has_le = True
        self._got = 0  # of an answer that comes in parts
        self._at = self._stop = 0  # what is being read of it: bytes of a PDOL, nibbles of a number
        self._put = 0  # where the next byte of an AID or value for the PDOL goes
        self._afl_at = self._afl_end = 0
        self._record = self._records = 0  # the next one, and how many more
        self._digits = 0  # of the number, once it is known
        self._has_expiry = False

    def begin(self):
        """Begin with a card."""
        self._worst = OTHER
        self._left = _EXCHANGES
        self._got = 0
        self._clear(self._candidates)
        self._forget()
        self._awaited = _LIST
        return self._select(_PPSE, 0, len(_PPSE))

    def room(self):
        """Return the buffer for the answer."""
        return memoryview(self._answer)[self._got :] if self._got else self._answer

    def next(self, n):
        """Take an answer of `n` bytes, or what is in its way, negated; return the length of the
        next command, or, when the talk is over, the verdict, negated.
        """
        if n < 0:
            return self._end(-n)
        self._left -= 1
        if n < 2 or not self._left:
            return self._end(UNREAD)
        n += self._got - 2
        status = self._answer[n] << 8 | self._answer[n + 1]
        if status >> 8 == 0x61:
            self._got = n
            return self._get_response(status & 0xFF)
        if self._again:
            if status >> 8 == 0x6C:
                return self._with_le(status & 0xFF)
            if status == 0x6700 and self._has_le:
                return self._without_le()
        self._got = 0
        return self._take(n, status)

    def wipe(self):
        """Forget what the card has said; `found` is the caller's."""
        self._clear(self._answer)

    # -- commands ---------------------------------------------------------------------------------

    def _say(self, n):
        # The command is there, `n` bytes with Le.
        self.command[n - 1] = 0
        self._n = n
        self._has_le = True
        self._again = _AGAIN
        return n

    def _with_le(self, le):
        if not self._has_le:
            self._n += 1
        n = self._say_again()
        self._has_le = True
        self.command[n - 1] = le
        return n

    def _without_le(self):
        self._has_le = False
        self._n -= 1
        return self._say_again()

    def _say_again(self):
        self._again -= 1
        return self._n

    def _head(self, ins, p1, p2):
        self.command[0] = 0x80 if ins == 0xA8 else 0
        self.command[1] = ins
        self.command[2] = p1
        self.command[3] = p2

    def _get_response(self, le):
        self._head(0xC0, 0, 0)
        n = self._say(5)
        self.command[4] = le
        return n

    def _select(self, buf, at, n):
        self._head(0xA4, 4, 0)
        self.command[4] = n
        for i in range(n):
            self.command[5 + i] = buf[at + i]
        return self._say(6 + n)

    def _get_options(self):
        n = self._put - _PDOL_AT
        self._head(0xA8, 0, 0)
        self.command[4] = n + 2
        self.command[5] = 0x83
        self.command[6] = n
        self._awaited = _OPTIONS
        return self._say(_PDOL_AT + n + 1)

    # -- answers ----------------------------------------------------------------------------------

    def _take(self, n, status):
        if self._awaited == _LIST:
            return self._list(n, status)
        if status != 0x9000:
            return self._refused(status)
        if self._awaited == _SELECTED:
            return self._selected(n)
        if self._awaited == _OPTIONS:
            return self._options(n)
        if not self._is_whole(0x70, n):
            return self._fail(UNREAD)
        reason = self._data(n)
        return self._fail(reason) if reason else self._next_record()

    def _refused(self, status):
        if status == 0x6283 or status == 0x6A81:
            return self._fail(LOCKED)
        if self._awaited == _SELECTED:
            return self._fail(OTHER)
        return self._fail(NO_NUMBER if self._awaited == _OPTIONS else UNREAD)

    def _list(self, n, status):
        if status == 0x6A81 or status == 0x6283:
            return self._end(LOCKED)
        if status != 0x9000:
            self._all_known()
        elif not self._listed(n):
            return self._end(UNREAD)
        return self._following()

    def _listed(self, n):
        # Note the applications of a list that we know.
        if not self._is_whole(0x6F, n):
            return False
        end = 0
        while self._seek(0x61, end, n):
            at = self._place[VALUE]
            end = at + self._place[LENGTH]
            self._note(at, end)
        return True

    def _note(self, at, end):
        rank = 0
        if self._seek(0x87, at, end) and self._place[LENGTH] == 1:
            rank = self._answer[self._place[VALUE]] & 15
        if self._seek(0x4F, at, end):
            n = self._place[LENGTH]
            if _AID_MIN <= n <= _AID_MAX and self._is_known(self._place[VALUE], n):
                self._add(rank or _UNRANKED, self._answer, self._place[VALUE] - 1)

    def _is_known(self, at, n):
        i = 0
        while i < len(_KNOWN):
            size = _KNOWN[i]
            if size <= n and self._is_same(at, i + 1, size):
                return True
            i += size + 1
        return False

    def _is_same(self, at, i, size):
        while size:
            size -= 1
            if self._answer[at + size] != _KNOWN[i + size]:
                return False
        return True

    def _all_known(self):
        i = 0
        while i < len(_KNOWN):
            self._add(_UNRANKED, _KNOWN, i)
            i += _KNOWN[i] + 1

    def _add(self, rank, buf, at):
        # Note an AID that stands behind its length, as in a TLV.
        self._put = 0
        while self._put < _CANDIDATES * _CANDIDATE:
            if not self._candidates[self._put]:
                self._candidates[self._put] = rank
                for i in range(buf[at] + 1):
                    self._put += 1
                    self._candidates[self._put] = buf[at + i]
                return
            self._put += _CANDIDATE

    def _following(self):
        # Ask for the best application that is left.
        best = -1
        for place in range(0, _CANDIDATES * _CANDIDATE, _CANDIDATE):
            rank = self._candidates[place]
            if rank and (best < 0 or rank < self._candidates[best]):
                best = place
        if best < 0:
            return self._end(self._worst)
        self._forget()
        self._candidates[best] = 0
        self._awaited = _SELECTED
        return self._select(self._candidates, best + 2, self._candidates[best + 1])

    def _selected(self, n):
        if not self._is_whole(0x6F, n):
            return self._fail(UNREAD)
        if self._seek(0x50, 0, n):
            self._name()
        self._put = _PDOL_AT
        if self._seek(0x9F38, 0, n):
            self._at = self._place[VALUE]
            self._stop = self._at + self._place[LENGTH]
            if not self._fill():
                return self._fail(UNREAD)
        return self._get_options()

    def _name(self):
        for i in range(min(self._place[LENGTH], LABEL_LEN)):
            char = self._answer[self._place[VALUE] + i]
            if not 0x20 <= char < 0x7F:
                break
            self._label[i] = char

    def _fill(self):
        # Put into the command what the PDOL asks for; return whether it is one.
        while self._at < self._stop:
            tag = self._tag()
            n = self._byte()
            if tag < 0 or n < 0 or self._put + n >= _COMMAND:
                return False
            self._tell(tag, n)
        return True

    def _byte(self):
        if self._at == self._stop:
            return -1
        self._at += 1
        return self._answer[self._at - 1]

    def _tag(self):
        tag = self._byte()
        if tag & 0x1F == 0x1F:
            more = tag >= 0
            while more:
                byte = self._byte()
                if byte < 0 or tag > 0xFFFF:
                    return -1
                tag = tag << 8 | byte
                more = byte & 0x80
        return tag

    def _tell(self, tag, n):
        at = 0
        while at < len(_TERMINAL) and _TERMINAL[at] << 8 | _TERMINAL[at + 1] != tag:
            at += 3 + _TERMINAL[at + 2]
        is_ours = at < len(_TERMINAL) and _TERMINAL[at + 2] == n
        for i in range(n):
            self.command[self._put] = _TERMINAL[at + 3 + i] if is_ours else 0
            self._put += 1

    def _options(self, n):
        skipped = 0
        if self._is_whole(0x80, n):
            skipped = 2  # AIP
        elif self._is_whole(0x77, n):
            reason = self._data(n)
            if reason:
                return self._fail(reason)
            if not self._seek(0x94, 0, n):
                return self._enough()
        else:
            return self._fail(UNREAD)
        if not self._plan(self._place[VALUE] + skipped, self._place[LENGTH] - skipped):
            return self._fail(UNREAD)
        return self._next_record()

    def _plan(self, at, n):
        # Take the AFL, four bytes for each file: number, first record, last, how many are signed.
        if n <= 0 or n > _AFL_MAX or n & 3:
            return False
        for i in range(n):
            self._afl[i] = self._answer[at + i]
        self._afl_at = 0
        self._afl_end = n
        self._record = 0
        self._records = _RECORDS
        for i in range(0, n, 4):
            if not self._is_file(i):
                return False
        return True

    def _is_file(self, i):
        sfi = self._afl[i]
        first = self._afl[i + 1]
        last = self._afl[i + 2]
        return (
            8 <= sfi <= 0xF0
            and not sfi & 7
            and 0 < first <= last
            and self._afl[i + 3] <= last - first + 1
        )

    def _next_record(self):
        # Ask for a record unless all is known, or there is no other.
        while not (self._digits and self._has_expiry) and self._afl_at < self._afl_end:
            at = self._afl_at
            record = self._record or self._afl[at + 1]
            if record <= self._afl[at + 2] and self._afl[at] >> 3 <= _SFI_MAX and self._records:
                self._record = record + 1
                self._records -= 1
                self._awaited = _RECORD
                self._head(0xB2, record, self._afl[at] | 4)
                return self._say(5)
            self._afl_at += 4
            self._record = 0
        return self._enough()

    def _enough(self):
        return self._end(OK) if self._digits else self._fail(NO_NUMBER)

    # -- number and expiry ------------------------------------------------------------------------

    def _data(self, n):
        # Take what is in the answer; return the reason why it can't be.
        reason = 0
        if self._seek(0x57, 0, n) or self._seek(0x9F6B, 0, n):
            reason = self._track()
        if not reason and self._seek(0x5A, 0, n):
            self._nibbles()
            reason = self._number() or self._padding()
        if not reason and self._seek(0x5F24, 0, n):
            self._nibbles()
            reason = self._expiry() or (self._place[LENGTH] != 3) * UNREAD
        return reason

    def _track(self):
        self._nibbles()
        reason = self._number()
        if reason:
            return reason
        if self._nibble() != 0xD:
            return UNREAD
        self._at += 1
        reason = self._expiry()
        while self._nibble() < 10:
            self._at += 1
        return reason or self._padding()

    def _nibbles(self):
        self._at = 2 * self._place[VALUE]
        self._stop = self._at + 2 * self._place[LENGTH]

    def _nibble(self):
        # The one that is next, 16 at the end.
        if self._at == self._stop:
            return 16
        byte = self._answer[self._at >> 1]
        return byte & 15 if self._at & 1 else byte >> 4

    def _number(self):
        n = 0
        while self._nibble() < 10:
            if n == _PAN_MAX or not self._digit(n, 0x30 + self._nibble()):
                return UNREAD
            self._at += 1
            n += 1
        if n < _PAN_MIN or self._digits and n != self._digits:
            return UNREAD
        self._digits = n
        return OK if valid(self._found, EXPIRY_LEN, n) else CHECK_DIGIT

    def _digit(self, n, digit):
        # Keep the digit; one that is known already has to be the same.
        if self._digits:
            return n < self._digits and self._found[EXPIRY_LEN + n] == digit
        self._found[EXPIRY_LEN + n] = digit
        return True

    def _padding(self):
        while self._nibble() == 15:
            self._at += 1
        return OK if self._at == self._stop else UNREAD

    def _expiry(self):
        date = 0
        for _ in range(4):
            digit = self._nibble()
            if digit > 9:
                return UNREAD
            self._at += 1
            date = 10 * date + digit
        if date and not 1 <= date % 100 <= 12:
            return UNREAD
        if date and not self._has_expiry:
            self._has_expiry = True
            for i in range(3, -1, -1):
                self._found[i] = 0x30 + date % 10
                date //= 10
        return OK

    # -- ends -------------------------------------------------------------------------------------

    def _fail(self, reason):
        # This application tells nothing; another one may.
        self._worst = max(self._worst, reason)
        return self._following()

    def _end(self, verdict):
        if verdict:
            self._forget()
        return -verdict

    def _forget(self):
        self._digits = 0
        self._has_expiry = False
        self._clear(self._found)
        self._clear(self._label)

    def _clear(self, buf):
        for i in range(len(buf)):
            buf[i] = 0

    def _is_whole(self, tag, n):
        # Whether the answer is this template, well-formed, and nothing else.
        return (
            n > 0
            and seek(self._answer, 0, n, 0, self._place) == 0
            and self._answer[0] == tag
            and self._seek(tag, 0, n)
            and self._place[VALUE] + self._place[LENGTH] == n
        )

    def _seek(self, tag, at, end):
        return seek(self._answer, at, end, tag, self._place) > 0
