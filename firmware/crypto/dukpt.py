"""The terminal's side of AES-DUKPT (ANSI X9.24-3-2017), AES-128: a new key for every message.

Always holds:
- A counter is durable before it is used. To spare the flash, a range is reserved at once: what
  is stored has already moved past the range, and the range is worked off in RAM. A power cut
  skips the rest of it: a gap, never a reuse.
- What is stored or in RAM derives the key in use and future keys, never a past one: a register
  is overwritten as soon as its key is spent.
- Counters with more than 16 one-bits are skipped.

The counter is handled as 4 bytes: it does not fit the small integers of a 32-bit chip.
Imports `cryptolib`, `binascii` and `crypto.wipe` only.

State blob: version (1), IKID (8), next counter (4, big-endian), 32 registers of 16 bytes, CRC-32.
Register i holds the key of the next counter whose lowest one-bit is i, where one is to come.
"""

from binascii import crc32

from cryptolib import aes
from micropython import const

from firmware.crypto.wipe import wipe

MAC_GENERATION = const(0x2000)
MAC_VERIFICATION = const(0x2001)
DATA_ENCRYPT = const(0x3000)
DATA_DECRYPT = const(0x3001)

STATE_LEN = const(529)

_VERSION = const(1)
_ID = const(1)
_COUNTER = const(9)
_COUNTER_END = const(13)
_REGISTERS = const(13)
_CRC = const(525)

_ECB = const(1)
_KEY_LEN = const(16)
_BITS = const(32)
_WORK_MAX = const(16)
_RESERVE = const(4)
_KEY_DERIVATION = const(0x8000)

_data = bytearray(_KEY_LEN)
_work = bytearray(_KEY_LEN)


class KeysExhausted(Exception):
    """The last counter was used: the terminal needs a new initial key."""


class KeysUnreadable(Exception):
    """There is no stored key state, or it is damaged: the terminal needs service."""


def _prepare(usage, blob):
    """Begin the derivation data: usage, and as tail IKID[4:8] and the counter of `blob`."""
    _data[0] = 1
    _data[1] = 1
    _data[2] = usage >> 8
    _data[3] = usage & 0xFF
    _data[4] = 0
    _data[5] = 2
    _data[6] = 0
    _data[7] = 0x80
    for i in range(8):
        _data[8 + i] = blob[_ID + 4 + i]


def _seal(blob):
    """Write the checksum of `blob`."""
    crc = crc32(memoryview(blob)[:_CRC])
    for i in range(STATE_LEN - 1, _CRC - 1, -1):
        blob[i] = crc & 0xFF
        crc >>= 8


def _is_whole(blob):
    """Return True if `blob` is a state of this version with the right checksum."""
    return blob[0] == _VERSION and crc32(memoryview(blob)[:_CRC]) == int.from_bytes(
        memoryview(blob)[_CRC:], "big"
    )


def _lowest_bit(blob):
    """Return the number of the counter's lowest one-bit, or 32 when the counter is 0."""
    bit = 0
    for i in range(_COUNTER_END - 1, _COUNTER - 1, -1):
        value = blob[i]
        if value:
            while not value & 1:
                value >>= 1
                bit += 1
            return bit
        bit += 8
    return _BITS


def _one_bits(blob):
    count = 0
    for i in range(_COUNTER, _COUNTER_END):
        value = blob[i]
        while value:
            value &= value - 1
            count += 1
    return count


def _add(blob, bit):
    """Add 1 << `bit` to the counter; past its end it becomes 0, which means exhausted."""
    at = _COUNTER_END - 1 - (bit >> 3)
    carry = 1 << (bit & 7)
    while carry and at >= _COUNTER:
        carry += blob[at]
        blob[at] = carry & 0xFF
        carry >>= 8
        at -= 1


def _spread(blob, parent, top):
    """Fill the registers below `top` with the children of the key `parent`."""
    cipher = aes(parent, _ECB)
    _prepare(_KEY_DERIVATION, blob)
    for bit in range(top - 1, -1, -1):
        at = 15 - (bit >> 3)
        mask = 1 << (bit & 7)
        _data[at] |= mask
        register = _REGISTERS + bit * _KEY_LEN
        # The cipher works in place: encrypt a copy, so that the data serve the next bit.
        for i in range(_KEY_LEN):
            _work[i] = _data[i]
        cipher.encrypt(_work, _work)
        for i in range(_KEY_LEN):
            blob[register + i] = _work[i]
        _data[at] ^= mask
    wipe(_work)


def _step(blob, key):
    """Move `blob` past its counter; `key` (16 bytes) receives that counter's transaction key."""
    bit = _lowest_bit(blob)
    register = _REGISTERS + bit * _KEY_LEN
    for i in range(_KEY_LEN):
        key[i] = blob[register + i]
        blob[register + i] = 0
    if _one_bits(blob) < _WORK_MAX:
        _spread(blob, key, bit)
        _add(blob, 0)
    else:
        _add(blob, bit)


def inject(ikid, ik, out):
    """Make the first state from the 8-byte `ikid` and the 16-byte initial key `ik`.

    `out` (STATE_LEN bytes) is ready to be saved; `ik` is needed no more and has to be erased.
    """
    wipe(out)
    out[0] = _VERSION
    for i in range(8):
        out[_ID + i] = ikid[i]
    _spread(out, ik, _BITS)
    out[_COUNTER_END - 1] = 1
    _seal(out)


class Dukpt:
    """The keys of one terminal.

    `store` has `load(buf) -> bool` (fills STATE_LEN bytes) and `save(buf)` (durable and atomic
    before it returns; raises when it cannot be). `spare`: a buffer of at least STATE_LEN bytes
    that `advance` may use; what is in it then is lost.
    """

    def __init__(self, store, spare):
        """Load the state; raises KeysUnreadable."""
        self._store = store
        self._live = bytearray(STATE_LEN)
        self._saved = memoryview(spare)[:STATE_LEN]
        self._key = bytearray(_KEY_LEN)
        self._left = 0
        self.ksn = bytearray(12)
        if not store.load(self._live) or not _is_whole(self._live):
            raise KeysUnreadable

    def _reserve(self):
        """Save the state as it will be after the next range, before any of it is used."""
        saved = self._saved
        for i in range(STATE_LEN):
            saved[i] = self._live[i]
        count = 0
        while count < _RESERVE and _lowest_bit(saved) < _BITS:
            _step(saved, self._key)
            count += 1
        wipe(self._key)
        _seal(saved)
        self._store.save(saved)
        wipe(saved)
        self._left = count

    def advance(self):
        """Take the next counter into use: `ksn` and `key` speak of it from now on.

        It is durable on return. Raises KeysExhausted, or what `save` raises: the counter before
        then stays out of use too, and the next call tries again.
        """
        wipe(self._key)
        wipe(self.ksn)
        if _lowest_bit(self._live) == _BITS:
            raise KeysExhausted
        if not self._left:
            self._reserve()
        for i in range(12):
            self.ksn[i] = self._live[_ID + i]
        _step(self._live, self._key)
        self._left -= 1

    def key(self, usage, out):
        """Write the working key (16 bytes) of the counter in use for `usage` to `out`."""
        _prepare(usage, self._live)
        for i in range(8):
            _data[8 + i] = self.ksn[4 + i]
        aes(self._key, _ECB).encrypt(_data, _data)
        for i in range(_KEY_LEN):
            out[i] = _data[i]
        wipe(_data)

    def release(self):
        """Overwrite the key in use; the message it served is settled."""
        wipe(self._key)
