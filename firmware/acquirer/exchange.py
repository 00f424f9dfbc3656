"""One exchange with the acquirer: a request built and sent, its answer verified.

What always holds: every message has a key of its own, whose counter is durable before it is used;
an answer that isn't provably the answer to this very message counts as no answer. What is asked
for is built by `settlement` and `sign_on`; here is what all messages have in common. In memory
only while there is something to say.

May import message, card, crypto, journal.StorageFault and change.NoAnswer. The link raises its own
error with a `code`; nothing here imports a driver.
"""

from array import array

from micropython import const

from firmware.acquirer.identity import SENT_MAX
from firmware.binding.change import NoAnswer
from firmware.card import tlv
from firmware.crypto import dukpt
from firmware.crypto.cmac import mac
from firmware.crypto.compare import equal
from firmware.crypto.seal import seal, unseal
from firmware.crypto.wipe import wipe
from firmware.message import codec, framing
from firmware.storage.journal import StorageFault

NETWORK = const(0x0800)  # message types
FILE = const(0x0300)
REPEAT = const(0x0301)

UUID = const(0xDF10)
SLOT = const(0xDF12)
TOKEN = const(0xDF44)

_SEALED = const(0xDF20)
_SCRATCH = const(320)
_ECHOED = (7, 11, 12, 13, 41, 42, 60, 62, 70, 91, 101)
_PREFIX = b"\0\0\0\0\0\0\2\2\0\0\1"  # bytes of their length in front
_NUMERIC = (7, 11, 12, 13, 60, 70)


def begin(board, identity, state, tx, rx):
    """Return an Exchange over the board's link with the keys of its keystore, in two buffers.

    Raises StorageFault when there are no keys or they are damaged: the terminal needs service.
    """
    try:
        keys = dukpt.Dukpt(_KeyStorage(board.keystore), rx)
    except dukpt.KeysUnreadable:
        raise StorageFault from None
    return Exchange(board, keys, identity, state, tx, rx)


class _KeyStorage:
    """Where the DUKPT state lives: one blob of the keystore, replaced as a whole."""

    def __init__(self, keystore):
        self._keystore = keystore

    def load(self, buf):
        """Fill `buf` with the stored state; make the first one from the injected key. False if
        none.

        The injected key is erased only once the state made from it is stored.
        """
        if self._keystore.get("dukpt", buf) == dukpt.STATE_LEN:
            self._keystore.erase("ik")
            return True
        initial = self._keystore.get_bytes("ik")
        ikid = self._keystore.get_bytes("ikid")
        if initial is None or ikid is None:
            return False
        dukpt.inject(ikid, initial, buf)
        self.save(buf)
        self._keystore.erase("ik")
        return True

    def save(self, buf):
        """Replace the stored state by `buf`, durably and at once."""
        self._keystore.put("dukpt", buf)


class Exchange:
    """One request after the other over the board's open link.

    board: link (drivers.tls_link.TlsLink or its like), link_error, clock, random. keys:
    crypto.dukpt.Dukpt. identity: identity.Identity. state: as in terminal. tx, rx: buffers of
    identity.SENT_MAX and identity.FRAME_MAX bytes.

    A request is `begin`, then `number`, `text` and `open_tlvs`, `tlv`…, `close_tlvs` in ascending
    order of data elements, then `ask`.
    """

    def __init__(self, board, keys, identity, state, tx, rx):
        self.identity = identity
        self.state = state
        self.clock = board.clock
        self._board = board
        self._keys = keys
        self._tx = tx
        self._rx = rx
        self._key = bytearray(16)
        self._tag = bytearray(16)
        self._found = array("i", bytes(4 * tlv.OUT_LEN))
        self._fields = array("H", bytes(2 * codec.TABLE_LEN))
        self._frame = codec.Encoder(self._tx)
        self._framer = framing.Framer(self._rx)
        self._ends = array("H", bytes(2 * len(_ECHOED)))  # in what was sent
        self._tlvs_at = 0
        self._pos = 0

    def forget(self):
        """Overwrite the keys of the last message: the conversation is over."""
        wipe(self._key)
        self._keys.release()

    # -- building --------------------------------------------------------------------------------

    def begin(self, mti, stan, when, network_code=0):
        """Begin a message of `mti` with DE 11 `stan` and the time `when` (Unix epoch), up to DE
        62, under the next key. Raises what the keystore raises.
        """
        self._keys.advance()
        civil = [0] * 6
        self._frame.begin(mti, True)
        for index in range(len(_ECHOED)):
            self._ends[index] = 0
        clock = self.clock
        clock.civil(when, civil)
        self.number(7, ((civil[1] * 100 + civil[2]) * 100 + civil[3]) * 10000 + _minutes(civil))
        self.number(11, stan)
        clock.civil(when + 8 * 3600, civil)
        self.number(12, civil[3] * 10000 + _minutes(civil))
        self.number(13, civil[1] * 100 + civil[2])
        self.text(41, self.identity.terminal)
        self.text(42, self.identity.merchant)
        batch = b"00000001%03d" % network_code
        self.text(60, batch)
        self.text(62, self._keys.ksn)

    def number(self, de, value):
        """Add the fixed numeric DE `de`."""
        self._mark(de, self._frame.number(de, value))

    def text(self, de, value):
        """Add the DE `de` from its digits, text or bytes."""
        self._mark(de, self._frame.put(de, value, 0, len(value)))

    def open_tlvs(self):
        """Begin DE 120."""
        self._tlvs_at = self._pos = self._check(self._frame.open(120))

    def tlv(self, tag, value):
        """Add a TLV to DE 120."""
        self._put(tag, value, len(value))

    def sealed(self, plain, secrets):
        """Add DF20: the TLVs `plain` and the (tag, value) pairs `secrets`, sealed under this
        message's own key. Nothing of it stays in memory in clear but what the caller has.
        """
        scratch = bytearray(_SCRATCH)
        try:
            n = len(plain)
            scratch[:16] = self._board.random(16)
            scratch[16 : 16 + n] = plain
            n += 16
            for tag, value in secrets:
                n = self._check(tlv.put(scratch, n, _SCRATCH, tag, value, 0, len(value)))
            self._keys.key(dukpt.DATA_ENCRYPT, self._key)
            size = seal(self._key, memoryview(scratch)[:16], scratch, 16, n - 16)
            self._put(_SEALED, scratch, self._check(size) + 16)
        finally:
            wipe(scratch)

    def close_tlvs(self):
        """End DE 120."""
        self._check(self._frame.close(self._pos - self._tlvs_at))

    def _put(self, tag, value, n):
        self._pos = self._check(tlv.put(self._tx, self._pos, SENT_MAX, tag, value, 0, n))

    def _mark(self, de, end):
        self._check(end)
        if de in _ECHOED:
            self._ends[_ECHOED.index(de)] = end

    def _check(self, result):
        if result < 0:
            raise ValueError("message too long")
        return result

    # -- sending and receiving -------------------------------------------------------------------

    async def ask(self, mti, uuid=None):
        """Send what was built, await the reply and verify it. Returns the Reply; raises NoAnswer.

        uuid: the request's, which the reply has to name; None when the message is about none.
        """
        frame = self._frame
        end = self._check(frame.open(128))
        self._keys.key(dukpt.MAC_GENERATION, self._key)
        mac(self._key, self._tx, codec.BODY, end - codec.BODY, self._tag, 0)
        for i in range(8):
            self._tx[end + i] = self._tag[i]
        self._check(frame.close(8))
        length = self._check(frame.finish())
        link, framer = self._board.link, self._framer
        framer.reset()
        size = framing.MORE
        try:
            await link.write(self._tx, length)
            while size == framing.MORE:
                wanted = framer.wanted()
                await link.read_into(self._rx, framer.fill, wanted)
                size = framer.accept(wanted)
        except self._board.link_error as error:
            await link.close()
            raise NoAnswer(error.code) from None
        reply = None if size == framing.BAD else self._verified(mti, size, uuid)
        if reply is None:
            await link.close()  # what else this connection brings can't be matched either
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
        answered = reply.value(UUID)
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
