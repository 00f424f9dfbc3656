"""A contactless reader PN532 on a UART (NXP UM0701-02), byte by byte, with the cards in its field.

It sleeps after power-on until it hears something, hears only frames that are whole and at its own
speed, acknowledges each and answers after the time that the work takes; a new command ends the one
before. What the manual leaves open is as strict as can be: before SAMConfiguration it does nothing
else, and no silence ends a frame that has begun.

A card is an object with `kind` ("A" or "B"), `uid`, `sel_res` (A), `activation_s`, `power_on()`
and `answer(apdu)`, which returns (answer, seconds); see `cards`.
"""

import heapq
import threading
import time
from functools import partial
from itertools import count

_BAUDS = {0: 9600, 1: 19200, 2: 38400, 3: 57600, 4: 115200, 5: 230400, 6: 460800, 7: 921600}
_ACK = bytes.fromhex("0000FF00FF00")
_ERROR = bytes.fromhex("0000FF01FF7F8100")

_WAKE_S = 0.002
_ACK_S = 0.0004
_WORK_S = 0.0006
_TRY_S = {"A": 0.005, "B": 0.008}
_GUARD_S = 0.006  # from the field on to the first call
_POWER_UP_S = 0.005  # before a card answers
_TIMEOUT_S = 0.08  # of a card that does not answer

_FIRMWARE = bytes.fromhex("32010607")
_LONGEST = 262  # bytes of a card's answer in one frame
_MORE = 0x40
_ATS = bytes.fromhex("0575338102")
_ATQB = bytes.fromhex("00000000008171" + "0100")  # behind its number, with what ATTRIB answers
_RELEASED, _TIMED_OUT = 0x29, 0x01


def framed(data):
    """Return the frame of `data`, TFI first."""
    size = len(data).to_bytes(1 if len(data) < 256 else 2, "big")
    size = b"\xff\xff" * (len(size) - 1) + size + bytes([-sum(size) & 0xFF])
    return b"\0\0\xff" + size + data + bytes([-sum(data) & 0xFF, 0])


class Pn532:
    """A reader at a `SerialPort`.

    `agrees`: whether it changes its speed when asked. `spoil(kind, frame)` gives what goes onto
    the line instead of a frame of the kind "ack", "answer" or "error". `largest`: bytes of a
    card's answer in one frame. `line_s` and `card_s` add up how long bytes were on the line, and
    how long cards have taken; `commands` are the codes heard.
    """

    def __init__(self, port, clock=time.monotonic, fitted=True):
        self.agrees = True
        self.spoil = lambda kind, frame: frame
        self.largest = _LONGEST
        self.cards = []
        self.forget()
        self._port = port
        self._clock = clock
        self._lock = threading.RLock()
        self._order = count()
        self._fitted = fitted
        self.power_up()
        port.on_transmit = self._heard
        port.on_look = self.catch_up

    def forget(self):
        """Count from nothing."""
        self.line_s = self.card_s = 0.0
        self.line_bytes = 0
        self.commands = []

    # -- the person -------------------------------------------------------------------------------

    @property
    def fitted(self):
        return self._fitted

    @fitted.setter
    def fitted(self, fitted):
        """Plug it in, or pull it out."""
        with self._lock:
            self._fitted = fitted
            self.power_up()

    def put(self, card):
        """Lay a card into the field."""
        with self._lock:
            self.catch_up()
            self._entered[card] = self._now
            self.cards.append(card)
            card.power_on()

    def take(self, card):
        """Take a card out of the field."""
        with self._lock:
            self.catch_up()
            self.cards.remove(card)

    @property
    def field(self):
        """Whether the field is on now."""
        with self._lock:
            self.catch_up()
            return self._field_since is not None

    # -- time -------------------------------------------------------------------------------------

    def power_up(self):
        """Begin as after power-on: what was under way never happens."""
        with self._lock:
            self._begin()

    def _begin(self):
        self._due = []
        self._now = self._clock()
        self.baud = 115200
        self._wakes_at = None
        self._has_sam = False
        self._buf = bytearray()
        self._field_since = None
        self._entered = {card: self._now for card in self.cards}
        self._tries = 0xFF
        self._turn = 0  # of what is being worked at: a new command ends it
        self._last = b""
        self._next_baud = None
        self._listed = []
        self._active = set()
        self._rest = b""

    def catch_up(self):
        """Do all that was due until now."""
        with self._lock:
            now = self._clock()
            while self._due and self._due[0][0] <= now:
                self._now, _, act = heapq.heappop(self._due)
                act()
            self._now = max(self._now, now)

    def _at(self, when, act):
        heapq.heappush(self._due, (when, next(self._order), act))

    def _later(self, seconds, act):
        """Do it after a while, unless another command comes before."""
        turn = self._turn
        self._at(self._now + seconds, lambda: turn == self._turn and act())

    # -- the line ---------------------------------------------------------------------------------

    def _heard(self, data, baud, at):
        with self._lock:
            self.catch_up()
            if not self._fitted:
                return
            self.line_bytes += len(data)
            self.line_s += len(data) * 10 / baud
            for index, byte in enumerate(data):
                when = at + (index + 1) * 10 / baud
                self._at(when, lambda byte=byte: self._byte(byte, baud))

    def _byte(self, byte, baud):
        if self._wakes_at is None:
            self._wakes_at = self._now + _WAKE_S
        if self._now < self._wakes_at:
            return
        self._buf.append(byte if abs(baud - self.baud) <= 0.03 * baud else 0xFE)
        while self._frame():
            pass

    def _frame(self):
        """Take one step through what was heard; return whether there may be another."""
        buf = self._buf
        start = buf.find(b"\0\xff")
        if start < 0:
            del buf[:-1]
            return False
        del buf[:start]
        if len(buf) < 4:
            return False
        head = bytes(buf[2:4])
        if head in (b"\0\xff", b"\xff\0"):
            del buf[:4]
            (self._acknowledged if head[0] == 0 else self._again)()
            return True
        size, place = buf[2], 4
        right = not sum(head) & 0xFF
        if head == b"\xff\xff":
            if len(buf) < 7:
                return False
            size, place = int.from_bytes(buf[4:6], "big"), 7
            right = not sum(buf[4:7]) & 0xFF
        if not right or not size:
            del buf[:1]
            return True
        if len(buf) < place + size + 1:
            return False
        data = bytes(buf[place : place + size])
        right = not sum(buf[place : place + size + 1]) & 0xFF
        del buf[: place + size + 1 if right else 1]
        if right:
            self._command(data)
        return True

    def _put(self, kind, frame):
        frame = self.spoil(kind, frame)
        self.line_bytes += len(frame)
        self.line_s += len(frame) * 10 / self.baud
        self._port.arrive(frame, self.baud, self._now)

    def _answer(self, code, data):
        self._last = framed(bytes([0xD5, code + 1]) + data)
        self._put("answer", self._last)

    def _acknowledged(self):
        self._turn += 1
        if self._next_baud:
            self.baud = self._next_baud
            self._next_baud = None

    def _again(self):
        if self._last:
            self._later(_WORK_S, lambda: self._put("answer", self._last))

    # -- commands ---------------------------------------------------------------------------------

    def _command(self, data):
        self._turn += 1
        self._last = b""
        self._next_baud = None
        if data[0] != 0xD4 or len(data) < 2:
            self._later(_ACK_S, lambda: self._put("error", _ERROR))
            return
        code, rest = data[1], data[2:]
        if not self._has_sam and code != 0x14:
            return
        self.commands.append(code)
        work = {
            0x02: self._firmware,
            0x10: self._set_baud,
            0x14: self._sam,
            0x32: self._configure,
            0x40: self._exchange,
            0x4A: self._list,
        }.get(code, lambda rest: False)

        def begin():
            self._put("ack", _ACK)
            if work(rest) is False:
                self._later(_WORK_S, lambda: self._put("error", _ERROR))

        self._later(_ACK_S, begin)

    def _done(self, code, data=b""):
        self._later(_WORK_S, lambda: self._answer(code, data))

    def _firmware(self, rest):
        self._done(0x02, _FIRMWARE)

    def _sam(self, rest):
        self._has_sam = True
        self._done(0x14)

    def _set_baud(self, rest):
        if not self.agrees or rest[0] not in _BAUDS:
            return False
        self._next_baud = _BAUDS[rest[0]]
        self._done(0x10)
        return None

    def _configure(self, rest):
        if rest[0] == 0x01:
            self._switch(bool(rest[1] & 1))
        elif rest[0] == 0x05:
            self._tries = rest[3]
        elif rest[0] not in (0x02, 0x04):
            return False
        self._done(0x32)
        return None

    def _switch(self, on):
        if on and self._field_since is None:
            self._field_since = self._now
        if not on:
            self._field_since = None
            self._listed = []
            self._active.clear()
            for card in self.cards:
                card.power_on()

    def _list(self, rest):
        most, kind = rest[0], {0: "A", 3: "B"}.get(rest[1])
        if kind is None or not 0 < most < 3:
            return False
        guard = 0 if self._field_since is not None else _GUARD_S
        self._switch(True)
        # Who was spoken to takes the first call for a mistake, and listens again after it.
        mute = set(self._active)
        self._active.clear()
        self._listed = []
        self._later(guard, partial(self._look, kind, most, self._tries, mute))
        return None

    def _look(self, kind, most, tries, mute):
        if len(self._listed) == most:
            self._tell(kind)
            return
        for card in self.cards:
            since = self._now - max(self._field_since, self._entered[card])
            if card.kind != kind or card in mute or card in self._active or since < _POWER_UP_S:
                continue
            found = partial(self._found, card, kind, most, tries, mute)
            self._later(card.activation_s, found)
            return
        if tries == 0:
            again = partial(self._tell, kind)
        else:
            left = tries if tries == 0xFF else tries - 1
            again = partial(self._look, kind, most, left, mute)
        self._later(_TRY_S[kind], again)

    def _found(self, card, kind, most, tries, mute):
        self.card_s += card.activation_s
        if card in self.cards:
            self._listed.append(card)
            self._active.add(card)
        self._look(kind, most, tries, mute)

    def _tell(self, kind):
        told = bytes([len(self._listed)])
        for number, card in enumerate(self._listed, 1):
            told += bytes([number])
            if kind == "A":
                told += b"\x00\x04" + bytes([card.sel_res, len(card.uid)]) + card.uid
                if card.sel_res & 0x20:
                    told += _ATS
            else:
                told += b"\x50" + card.uid + _ATQB
        self._done(0x4A, told)

    def _exchange(self, rest):
        number = rest[0] & 0x3F
        if not 0 < number <= len(self._listed) or self._field_since is None:
            self._done(0x40, bytes([_RELEASED]))
            return
        card = self._listed[number - 1]
        if len(rest) == 1 and self._rest:
            self._pass_on(b"")
            return
        self._rest = b""
        answer, seconds = card.answer(rest[1:]) if card in self.cards else (None, 0)
        if answer is None:
            self._later(_TIMEOUT_S, lambda: self._answer(0x40, bytes([_TIMED_OUT])))
            return
        self._later(seconds, lambda: self._answered(card, answer, seconds))

    def _answered(self, card, answer, seconds):
        self.card_s += seconds
        if card in self.cards:
            self._pass_on(answer)
        else:
            self._later(_TIMEOUT_S, lambda: self._answer(0x40, bytes([_TIMED_OUT])))

    def _pass_on(self, answer):
        whole = self._rest + answer
        self._rest = whole[self.largest :]
        self._done(0x40, bytes([_MORE if self._rest else 0]) + whole[: self.largest])
