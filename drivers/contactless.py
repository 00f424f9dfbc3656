"""The contactless reader PN532 on a UART (NXP UM0701-02): finds a card, and carries its APDUs.

What always holds: the field is on only while a card is looked for or spoken to; every wait has an
end, whatever the line says; what is no whole frame that answers what was asked is noise; a module
that was unplugged is found again by the next look, at whichever speed it speaks; a card has eight
seconds. In memory only while a field waits for a card. Imports pn532: the UART comes in through
`serve`.
"""

import asyncio
import time
from array import array

from micropython import const

from drivers.pn532 import ACK, DATA, ERROR, LENGTH, MORE, NEXT, OUT_LEN, PLACE, frame

_NOISE = const(5)  # beside what `frame` finds: something came that was no frame, then silence

# Why there is no answer, negated: firmware/card/emv.py has the same.
_GONE = const(1)
_SEVERAL = const(2)
_OTHER = const(3)

_TO_READER = const(0xD4)
_FROM_READER = const(0xD5)
_EXCHANGE = const(0x40)
_IC = const(0x32)
_MORE_COMES = const(0x40)  # in the status of an exchange
_STATUS = const(0x3F)
_APDUS = const(0x20)  # in SEL_RES: the card speaks ISO/IEC 14443-4

_FIRMWARE = b"\x02"
_SAM = b"\x14\x01\x00\x00"  # no secure module, no interrupt line
_FASTER = b"\x10\x05"
_RETRIES = b"\x32\x05\xff\x01\x02"  # a look for a card that is not there ends by itself
_FIELD_OFF = b"\x32\x01\x00"
_LOOK_A = b"\x4a\x02\x00"  # two, so that one that lies beside the other is seen
_LOOK_B = b"\x4a\x01\x03\x00"
_WAKE = b"\x55\x55\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
_AGAIN = b"\0\0\xff\xff\0\0"
_TAKEN = b"\0\0\xff\0\xff\0"

_SLOW = const(115200)
_FAST = const(230400)

_BODY = const(5)  # where TFI stands in what is sent
_OUT = const(262)  # the longest that is no extended one
_IN = const(288)  # the longest frame, and what may be before it
_UID = const(10)
_SEL_RES = const(4)  # in what a look has found, behind the count of cards
_UID_A = const(6)
_UID_B = const(3)

_TURN_MS = const(2)
_PAUSE_MS = const(250)
_ACK_MS = const(30)  # the manual has 15
_QUIET_MS = const(20)
_SHORT_MS = const(100)
_LOOK_MS = const(1200)  # slow cards take most of a second
_EXCHANGE_MS = const(2000)
_CARD_MS = const(8000)
_WAKE_MS = const(5)
_SWITCH_MS = const(2)  # an ACK has left, and the reader has changed its speed
_TRIES = const(3)
_DAMAGED = const(6)  # bytes that make a frame


async def serve(uart, line, work, *args):
    """Return what `await work(reader, *args)` gives with the reader at `uart`. However that ends,
    the field is off and nothing of a card stays here.

    line: moves what the UART receives, as Magstripe does: the native code is there once for both.
    """
    reader = Contactless(uart, line)
    try:
        return await work(reader, *args)
    finally:
        reader.rest()


class Contactless:
    """The reader, and the card that it has found.

    `uid[:uid_len]` is the card's own number: no secret, and a phone draws another each time.
    """

    def __init__(self, uart, line):
        self.uid = bytearray(_UID)
        self.uid_len = 0
        self._uart = uart
        self._line = line
        self._out = bytearray(_OUT)
        self._in = bytearray(_IN)
        self._place = array("H", bytes(2 * OUT_LEN))
        self._at = self._fill = 0  # of `_in`, what is not yet looked at
        self._got = self._noise = 0
        self._body = self._size = 0  # of an answer, in `_in`
        self._baud = _SLOW
        self._is_ready = self._is_slow = self._is_lit = False
        self._trouble = _GONE
        self._since = 0

    async def arrival(self):
        """Wait until something lies in the field; without a reader nothing ever does, and it is
        looked for as often. What it is, the first `exchange` tells.
        """
        while not await self.look():
            await asyncio.sleep_ms(_PAUSE_MS)

    async def look(self):
        """Look once, with the field on for it; return whether something lies there."""
        if not self._is_ready and not await self._begin():
            return False
        if self._is_lit:  # a card that was found is seen again once it has lost its power
            await self._darken()
        self._trouble = _GONE
        self._is_lit = True
        if await self._ask(_LOOK_A, _LOOK_MS) > 0:
            self._listed(_UID_A, 0)
        if self._trouble == _GONE and self._is_ready and await self._ask(_LOOK_B, _LOOK_MS) > 0:
            self._listed(_UID_B, 4)
        if self._trouble == _GONE:
            await self._darken()
            return False
        self._since = time.ticks_ms()
        return True

    async def exchange(self, apdu, n, answer):
        """Send `apdu[:n]` (252 bytes at most) to the card; return the length of its answer, status
        bytes and all, or what is in the way, negated: `card/emv.py` names it.
        """
        if self._trouble:
            return -self._trouble
        n = self._put_apdu(apdu, n)
        got = 0
        while time.ticks_diff(time.ticks_ms(), self._since) < _CARD_MS:
            size = await self._command(n, _EXCHANGE_MS)
            if size < 2 or self._in[self._body] & _STATUS or got + size - 1 > len(answer):
                break
            got = self._copy(answer, got)
            if not self._in[self._body] & _MORE_COMES:
                return got
            n = 2  # the rest is asked for with no APDU
        self._trouble = _GONE
        return -_GONE

    def rest(self):
        """Switch the field off, and forget the card. Waits for nothing: what the reader is at is
        given up for it.
        """
        self._send(self._put(_FIELD_OFF))
        self._trouble = _GONE
        self._line.drop()
        self._wipe(self._in)
        self._wipe(self._out)
        self._wipe(self.uid)

    # -- the reader -------------------------------------------------------------------------------

    async def _begin(self):
        # Find the reader and make it ready; return whether it is there.
        for _ in range(3):
            await self._tune(self._baud)
            self._uart.write(_WAKE)
            await asyncio.sleep_ms(_WAKE_MS)
            self._is_ready = True
            if not (
                await self._ask(_SAM, _SHORT_MS) == 0
                and await self._is_there()
                and await self._ask(_RETRIES, _SHORT_MS) == 0
            ):
                self._is_ready = False
                self._baud = _FAST if self._baud == _SLOW else _SLOW
            elif self._baud == _FAST:
                self._is_slow = False  # whoever speaks at 115,200 after this was unplugged
                return True
            elif self._is_slow or await self._rise():
                return True
        return False

    async def _darken(self):
        if self._is_ready:
            self._is_lit = await self._ask(_FIELD_OFF, _SHORT_MS) < 0

    async def _is_there(self):
        return await self._ask(_FIRMWARE, _SHORT_MS) == 4 and self._in[self._body] == _IC

    async def _rise(self):
        # Go on at 230,400 if the reader agrees and is understood there; else at 115,200 for good.
        self._is_slow = True
        if await self._ask(_FASTER, _SHORT_MS) == 0:
            self._uart.write(_TAKEN)
            await asyncio.sleep_ms(_SWITCH_MS)
            await self._tune(_FAST)
            if await self._is_there():
                self._is_slow = False
                self._baud = _FAST
        return self._is_ready

    async def _tune(self, baud):
        self._uart.init(baudrate=baud)
        await asyncio.sleep_ms(_SWITCH_MS)

    async def _ask(self, command, limit_ms):
        return await self._command(self._put(command), limit_ms)

    async def _command(self, n, limit_ms):
        # Have the reader do what `_out` says, `n` bytes with its code; return how many bytes
        # `_in[_body:]` has of the answer. Without one that is right, -1, and the reader has to be
        # looked for again.
        for _ in range(_TRIES):
            self._forget()
            self._send(n)
            kind = await self._frame(_ACK_MS, False)
            if kind == ACK:
                kind = await self._frame(limit_ms, True)
                for _ in range(_TRIES):
                    if kind == _NOISE:  # the answer, most likely: the reader has it still
                        self._uart.write(_AGAIN)
                        kind = await self._frame(_SHORT_MS, True)
                if kind == MORE:
                    break  # it has understood, and takes too long
            if kind == DATA:
                return self._size
        self._is_ready = False
        return -1

    async def _frame(self, limit_ms, is_taken):
        # Wait for the answer, or for the ACK that comes before it unless the command `is_taken`;
        # return what has come, MORE when nothing has in time.
        start_ms = last_ms = time.ticks_ms()
        self._noise = 0
        while True:
            kind = self._next()
            if kind == DATA and self._is_answer() or kind == ERROR:
                return kind
            if kind == ACK and not is_taken:
                return kind
            if kind != MORE:
                continue
            now_ms = time.ticks_ms()
            if self._got:
                last_ms = now_ms
            elif time.ticks_diff(now_ms, last_ms) >= _QUIET_MS:
                if self._passed_over():
                    continue
                if is_taken and self._noise >= _DAMAGED:
                    return _NOISE
            if time.ticks_diff(now_ms, start_ms) >= limit_ms:
                return MORE
            await asyncio.sleep_ms(_TURN_MS)

    # -- bytes ------------------------------------------------------------------------------------

    def _put(self, command):
        # Take a command of its own; return its length.
        for index in range(len(command)):
            self._out[_BODY + 1 + index] = command[index]
        return len(command)

    def _put_apdu(self, apdu, n):
        self._out[_BODY + 1] = _EXCHANGE
        self._out[_BODY + 2] = 1
        for index in range(n):
            self._out[_BODY + 3 + index] = apdu[index]
        return n + 2

    def _send(self, n):
        self._uart.write(memoryview(self._out)[: self._framed(n)])

    def _framed(self, n):
        # Make a frame of the `n` bytes that lie in `_out`; return its length.
        out = self._out
        end = _BODY + 1 + n
        out[2] = 0xFF
        out[3] = n + 1
        out[4] = -(n + 1) & 0xFF
        out[5] = _TO_READER
        total = 0
        for index in range(_BODY, end):
            total += out[index]
        out[end] = -total & 0xFF
        out[end + 1] = 0
        return end + 2

    def _forget(self):
        self._line.drop()
        self._at = self._fill = 0

    def _next(self):
        # Take what has arrived; return what it begins with.
        if self._fill == _IN:
            self._shift()
        self._got = self._line.read_into(self._in, self._fill)
        self._fill += self._got
        kind = frame(self._in, self._at, self._fill, self._place)
        if kind == MORE:
            self._noise += self._place[NEXT] - self._at
        self._at = self._place[NEXT]
        return kind

    def _shift(self):
        # No frame is as long as all of `_in`, so what is looked at can go.
        for index in range(self._at, _IN):
            self._in[index - self._at] = self._in[index]
        self._fill -= self._at
        self._at = 0

    def _passed_over(self):
        # What began like a frame was none; return whether there was such a thing.
        if self._at == self._fill:
            return False
        self._at += 1
        self._noise += 1
        return True

    def _is_answer(self):
        self._body = self._place[PLACE] + 2
        self._size = self._place[LENGTH] - 2
        return (
            self._size >= 0
            and self._in[self._body - 2] == _FROM_READER
            and self._in[self._body - 1] == self._out[_BODY + 1] + 1
        )

    def _listed(self, at, n):
        # Take what a look has found: the card's number of `n` bytes, or as many as the byte before
        # it says, lies `at` bytes behind the count of cards.
        count = self._in[self._body]
        if not count or self._size < at:
            return
        if not n:
            n = self._in[self._body + at - 1]
        if n > _UID or self._size < at + n:
            return
        for index in range(n):
            self.uid[index] = self._in[self._body + at + index]
        self.uid_len = n
        if count > 1:
            self._trouble = _SEVERAL
        elif at == _UID_A and not self._in[self._body + _SEL_RES] & _APDUS:
            self._trouble = _OTHER
        else:
            self._trouble = 0

    def _copy(self, answer, got):
        # Put what came behind the status of an exchange behind `got` bytes; return how many it is.
        for index in range(self._body + 1, self._body + self._size):
            answer[got] = self._in[index]
            got += 1
        return got

    def _wipe(self, buf):
        for index in range(len(buf)):
            buf[index] = 0
