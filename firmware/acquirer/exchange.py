"""One conversation with the acquirer: each request built, sealed, sent, its answer verified.

What always holds: every message has a key of its own, whose counter is durable before it is used;
an answer that isn't provably the answer to this very message counts as no answer. Account numbers
are in clear only in the scratch buffer, which is wiped before it is sent. In memory only while
there is something to say: sync takes it and leaves it, one at a time.

May import message, card, crypto, binding.model and answers. The link raises its own error with a
`code`; nothing here imports a driver.
"""

from array import array

from micropython import const

from firmware.acquirer import answers
from firmware.acquirer.identity import SENT_MAX
from firmware.binding import change, model
from firmware.binding.change import NoAnswer, Outcome
from firmware.card import tlv
from firmware.crypto import dukpt
from firmware.crypto.cmac import mac
from firmware.crypto.compare import equal
from firmware.crypto.seal import seal, unseal
from firmware.crypto.wipe import wipe
from firmware.message import codec, framing

_SIGN_ON = const(1)
_NETWORK = const(0x0800)
_FILE = const(0x0300)
_REPEAT = const(0x0301)
_SCRATCH = const(320)
_ECHOED = (7, 11, 12, 13, 41, 42, 60, 62, 70, 91, 101)
_PREFIX = b"\0\0\0\0\0\0\2\2\0\0\1"  # bytes of their length in front
_NUMERIC = (7, 11, 12, 13, 60, 70)
_UUID = const(0xDF10)
_SEALED = const(0xDF20)
_TOKEN = const(0xDF44)


class Exchange:
    """The way to the acquirer for one terminal, one request at a time.

    link: drivers.tls_link.TlsLink or its like. link_error: the exception class it raises. keys:
    crypto.dukpt.Dukpt. identity: identity.Identity. clock, state, random: as in terminal.
    tx, rx: buffers of identity.SENT_MAX and identity.FRAME_MAX bytes.
    """

    def __init__(self, link, link_error, keys, identity, clock, state, random, tx, rx):
        self._link = link
        self._link_error = link_error
        self._keys = keys
        self._identity = identity
        self._clock = clock
        self._state = state
        self._random = random
        self._tx = tx
        self._rx = rx
        self._scratch = bytearray(_SCRATCH)
        self._key = bytearray(16)
        self._tag = bytearray(16)
        self._civil = [0] * 6
        self._found = array("i", bytes(4 * tlv.OUT_LEN))
        self._fields = array("H", bytes(2 * codec.TABLE_LEN))
        self._frame = codec.Encoder(self._tx)
        self._framer = framing.Framer(self._rx)
        self._ends = array("H", bytes(2 * len(_ECHOED)))  # in what was sent
        self._tlvs_at = 0

    # -- what others ask for ---------------------------------------------------------------------

    async def reach(self):
        """Open the connection unless it is open. Raises NoAnswer with the link's error code."""
        await self._open()

    async def sign_on(self, tokens):
        """Sign on (0800, 70=001). tokens: (slot, token) of each bound slot.

        Returns the Reply. Raises NoAnswer.
        """
        self._begin(_NETWORK, self._state.next_stan(), self._clock.now(), _SIGN_ON)
        self._number(70, _SIGN_ON)
        if tokens:
            pos = self._open_tlvs()
            for slot, token in tokens:
                pos = self._put(pos, 0xDF12, bytes((slot,)))
                pos = self._put(pos, _TOKEN, token)
            self._close(pos)
        return await self._ask(_NETWORK, None)

    async def submit(self, request, secrets):
        """Send a change for the first time (0300). Returns an Outcome; never raises for the
        line.
        """
        return await self._change(_FILE, request, secrets)

    async def repeat(self, request, secrets):
        """Repeat a change whose answer is unknown (0301). Returns an Outcome."""
        return await self._change(_REPEAT, request, secrets)

    async def inquire(self, request):
        """Ask what became of a request (0300, 91=5). Returns an Outcome."""
        try:
            reply = await self._inquiry(_UUID, request.uuid)
        except NoAnswer as error:
            return self._unanswered(error)
        return self._outcome(reply, request)

    async def inquire_slot(self, slot):
        """Ask for the binding of a slot. Returns its TLVs, or None when nothing is bound.

        Raises NoAnswer, also when the answer is an error or doesn't match its own token.
        """
        reply = await self._inquiry(0xDF12, bytes((slot,)))
        if reply.code == b"00" and reply.status == answers.UNKNOWN:
            return None
        tlvs = reply.unsealed()
        token = reply.value(_TOKEN)
        if reply.code != b"00" or tlvs is None or token != self._identity.token(tlvs):
            raise NoAnswer(0)
        return tlvs

    # -- building --------------------------------------------------------------------------------

    async def _change(self, mti, request, secrets):
        try:
            self._begin(mti, request.stan, request.time, 0)
            self._text(91, b"2")
            self._text(101, b"SETTLEBIND")
            if request.old_token is not None:
                self._text(102, _hex(request.old_token))
            number = model.number(request.tlvs)
            if number is not None:
                self._text(103, model.truncated(number).encode())
            self._put_change(self._open_tlvs(), request, secrets)
            reply = await self._ask(mti, request.uuid)
        except NoAnswer as error:
            return self._unanswered(error)
        return self._outcome(reply, request)

    async def _inquiry(self, tag, value):
        self._begin(_FILE, self._state.next_stan(), self._clock.now(), 0)
        self._text(91, b"5")
        self._text(101, b"SETTLEBIND")
        self._close(self._put(self._open_tlvs(), tag, value))
        return await self._ask(_FILE, value if tag == _UUID else None)

    def _begin(self, mti, stan, when, network_code):
        self._keys.advance()
        civil = self._civil
        self._frame.begin(mti, True)
        for index in range(len(_ECHOED)):
            self._ends[index] = 0
        self._clock.civil(when, civil)
        self._number(7, ((civil[1] * 100 + civil[2]) * 100 + civil[3]) * 10000 + _minutes(civil))
        self._number(11, stan)
        self._clock.civil(when + 8 * 3600, civil)
        self._number(12, civil[3] * 10000 + _minutes(civil))
        self._number(13, civil[1] * 100 + civil[2])
        self._text(41, self._identity.terminal)
        self._text(42, self._identity.merchant)
        batch = b"00000001%03d" % network_code
        self._text(60, batch)
        self._text(62, self._keys.ksn)

    def _put_change(self, pos, request, secrets):
        # DE 120 of a 0300 or 0301, its DF20 sealed under this message's own key.
        pos = self._put(pos, _UUID, request.uuid)
        pos = self._put(pos, 0xDF11, bytes((request.action,)))
        pos = self._put(pos, 0xDF12, bytes((request.slot,)))
        pos = self._put(pos, 0xDF13, bytes((request.reason,)))
        pos = self._put(pos, 0xDF14, request.operator)
        if request.approved:
            pos = self._put(pos, 0xDF15, b"00")
        pos = self._put(pos, 0xDF16, self._identity.serial)
        scratch = self._scratch
        try:
            n = len(request.tlvs)
            scratch[:16] = self._random(16)
            scratch[16 : 16 + n] = request.tlvs
            n += 16
            if secrets is not None:
                if secrets.cvv2:
                    n = tlv.put(scratch, n, _SCRATCH, 0xDF38, secrets.cvv2, 0, len(secrets.cvv2))
                if secrets.code:
                    n = tlv.put(scratch, n, _SCRATCH, 0xDF3A, secrets.code, 0, len(secrets.code))
            self._keys.key(dukpt.DATA_ENCRYPT, self._key)
            sealed = seal(self._key, memoryview(scratch)[:16], scratch, 16, n - 16)
            pos = tlv.put(self._tx, pos, SENT_MAX, _SEALED, scratch, 0, 16 + sealed)
            self._check(pos)
        finally:
            wipe(scratch)
        self._close(pos)

    def _put(self, pos, tag, value):
        return self._check(tlv.put(self._tx, pos, SENT_MAX, tag, value, 0, len(value)))

    def _open_tlvs(self):
        self._tlvs_at = self._check(self._frame.open(120))
        return self._tlvs_at

    def _close(self, pos):
        self._check(self._frame.close(pos - self._tlvs_at))

    def _number(self, de, value):
        self._mark(de, self._frame.number(de, value))

    def _text(self, de, value):
        self._mark(de, self._frame.put(de, value, 0, len(value)))

    def _mark(self, de, end):
        self._check(end)
        if de in _ECHOED:
            self._ends[_ECHOED.index(de)] = end

    def _check(self, result):
        if result < 0:
            raise ValueError("message too long")
        return result

    # -- sending and receiving -------------------------------------------------------------------

    async def _open(self):
        if not self._link.is_open:
            try:
                await self._link.open()
            except self._link_error as error:
                raise NoAnswer(error.code) from None

    async def _ask(self, mti, uuid):
        # The message stands in the frame but for its MAC. Send it, await and verify the reply.
        frame = self._frame
        end = self._check(frame.open(128))
        self._keys.key(dukpt.MAC_GENERATION, self._key)
        mac(self._key, self._tx, codec.BODY, end - codec.BODY, self._tag, 0)
        for i in range(8):
            self._tx[end + i] = self._tag[i]
        self._check(frame.close(8))
        length = self._check(frame.finish())
        await self._open()
        try:
            await self._link.write(self._tx, length)
            framer = self._framer
            framer.reset()
            size = framing.MORE
            while size == framing.MORE:
                wanted = framer.wanted()
                await self._link.read_into(self._rx, framer.fill, wanted)
                size = framer.accept(wanted)
        except self._link_error as error:
            await self._link.close()
            raise NoAnswer(error.code) from None
        reply = None if size == framing.BAD else self._verified(mti, size, uuid)
        if reply is None:
            await self._link.close()  # what else this connection brings can't be matched either
            raise NoAnswer(0)
        return reply

    def _verified(self, mti, end, uuid):
        # The Reply in the receive buffer, or None when it isn't the answer to what was sent.
        rx, fields = self._rx, self._fields
        if codec.decode(rx, codec.BODY, end, fields) != 0:
            return None
        if (rx[7] << 8 | rx[8]) != (mti & 0xFFF0) + 0x10 or not fields[2 * 128]:
            return None
        if not fields[2 * 39]:
            return None
        self._keys.key(dukpt.MAC_VERIFICATION, self._key)
        mac(self._key, rx, codec.BODY, end - 8 - codec.BODY, self._tag, 0)
        if not equal(self._tag, memoryview(rx)[end - 8 : end], 8):
            return None
        if not self._echoed():
            return None
        reply = Reply(self)
        answered = reply.value(_UUID)
        if uuid is not None and answered != uuid and (answered is not None or reply.status):
            return None
        return reply

    def _echoed(self):
        # What _ECHOED names comes back as it was sent, length and all.
        rx, tx, fields = memoryview(self._rx), memoryview(self._tx), self._fields
        for index, de in enumerate(_ECHOED):
            end = self._ends[index]
            if end:
                at, size = fields[2 * de], fields[2 * de + 1]
                if de in _NUMERIC:
                    size = (size + 1) // 2
                prefix = _PREFIX[index]
                start = end - size - prefix
                if not at or start < 0 or rx[at - prefix : at + size] != tx[start:end]:
                    return False
        return True

    def _unanswered(self, error):
        outcome = Outcome()
        outcome.trouble = error.code
        return outcome

    def _outcome(self, reply, request):
        outcome = Outcome()
        outcome.code = reply.code
        outcome.status = reply.status
        outcome.event = answers.event(reply.code, reply.status)
        outcome.fault_tag, outcome.note = answers.split_reason(reply.text(0xDF41))
        outcome.application = reply.text(0xDF43)
        outcome.effective = reply.number(0xDF42)
        outcome.token = reply.value(_TOKEN)
        reference = reply.field(37)
        if reference is not None:
            outcome.reference = reference
        if outcome.event == change.ACTIVE and outcome.token != self._identity.token(request.tlvs):
            outcome.event = change.SUPERSEDED if outcome.token else change.UNSETTLED
        return outcome


class Reply:
    """A verified reply; valid until the next exchange. Copies what is taken out of it."""

    def __init__(self, exchange):
        self._exchange = exchange
        self.code = self.field(39)
        status = self.value(0xDF40)
        self.status = status[0] if status is not None and len(status) == 1 else 0

    def field(self, de):
        """Return an an/ans/b field as bytes, or None."""
        fields = self._exchange._fields
        at = fields[2 * de]
        if not at:
            return None
        return bytes(memoryview(self._exchange._rx)[at : at + fields[2 * de + 1]])

    def value(self, tag):
        """Return a TLV's value from DE 120 or DE 63 as bytes, or None."""
        exchange = self._exchange
        for de in (120, 63):
            at = exchange._fields[2 * de]
            if at:
                end = at + exchange._fields[2 * de + 1]
                if tlv.find(exchange._rx, at, end, tag, exchange._found) == 1:
                    start = exchange._found[1]
                    return bytes(memoryview(exchange._rx)[start : start + exchange._found[2]])
        return None

    def number(self, tag):
        """Return a TLV's value as an unsigned number, 0 when absent."""
        total = 0
        for byte in self.value(tag) or b"":
            total = total << 8 | byte
        return total

    def text(self, tag):
        """Return a TLV's UTF-8 text, empty when absent or not UTF-8."""
        try:
            return str(self.value(tag) or b"", "utf-8")
        except (UnicodeError, ValueError):
            return ""  # a reason that can't be read is shown as none

    def unsealed(self):
        """Return the plain TLVs of DF20 as bytes, or None when absent or not properly sealed."""
        block = self.value(_SEALED)
        if block is None or len(block) < 32 or len(block) % 16:
            return None
        exchange = self._exchange
        exchange._keys.key(dukpt.DATA_DECRYPT, exchange._key)
        buf = bytearray(block)
        n = unseal(exchange._key, block[:16], buf, 16, len(buf) - 16)
        return None if n < 0 else bytes(memoryview(buf)[16 : 16 + n])


def _minutes(civil):
    return civil[4] * 100 + civil[5]


def _hex(data):
    return b"".join(b"%02X" % byte for byte in data)
