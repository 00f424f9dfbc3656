"""The terminal's side of AES-DUKPT (ANSI X9.24-3-2017), AES-128: a new key for every message.

Always holds:
- A counter is durable before it is used. To spare the flash, a range is reserved at once: what
  is stored has already moved past the range, and the range is worked off in RAM. A power cut
  skips the rest of it: a gap, never a reuse.
- What is stored or in RAM derives the key in use and future keys, never a past one: a register
  is overwritten as soon as its key is spent.
- Counters with more than 16 one-bits are skipped.

The counter is handled as 4 bytes: it does not fit the small integers of a 32-bit chip. Apart from
one cipher object per key that is derived from, nothing is allocated once a Dukpt is made. Native
code: stays in memory. Imports `cryptolib` and `crypto.wipe` only.

State blob: version (1), IKID (8), next counter (4, big-endian), 32 registers of 16 bytes, CRC-32.
Register i holds the key of the next counter whose lowest one-bit is i, where one is to come.
"""

import micropython
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
_SKIP_BITS = const(16)  # no subtree that is larger is passed over
_KEY_DERIVATION = const(0x8000)
_KSN_LEN = const(12)
_CRC_32 = const(-0x12477CE0)  # 0xEDB88320, the polynomial of IEEE 802.3 from right to left

_data = bytearray(_KEY_LEN)
_work = bytearray(_KEY_LEN)


class KeysExhausted(Exception):
    """The last counter was used: the terminal needs a new initial key."""


class KeysUnreadable(Exception):
    """There is no stored key state, or it is damaged: the terminal needs service."""


@micropython.viper
def _copy(target: ptr8, to: int, source: ptr8, at: int, n: int):
    while n > 0:
        n -= 1
        target[to + n] = source[at + n]


@micropython.viper
def _prepare(usage: int, blob: ptr8):
    """Begin the derivation data: usage, and as tail IKID[4:8] and the counter of `blob`."""
    data = ptr8(_data)
    data[0] = 1
    data[1] = 1
    data[2] = usage >> 8
    data[3] = usage & 0xFF
    data[4] = 0
    data[5] = 2
    data[6] = 0
    data[7] = 0x80
    i = 0
    while i < 8:
        data[8 + i] = blob[_ID + 4 + i]
        i += 1


@micropython.viper
def _checksum(blob: ptr8, out: ptr8, at: int):
    """Write the CRC-32 (IEEE 802.3) of `blob`, as far as its checksum, to `out[at]`."""
    crc = -1
    low = crc ^ crc << 31  # all bits but the sign: too large for a constant of a 32-bit chip
    i = 0
    while i < _CRC:
        crc ^= blob[i]
        i += 1
        bits = 8
        while bits:
            crc = crc >> 1 & low ^ (_CRC_32 if crc & 1 else 0)
            bits -= 1
    i = 4
    while i > 0:
        i -= 1
        out[at + i] = crc & 0xFF ^ 0xFF
        crc >>= 8


@micropython.viper
def _is_whole(blob) -> bool:
    """Return True if `blob` is a state of this version with the right checksum."""
    _checksum(blob, _work, 0)
    data = ptr8(blob)
    expected = ptr8(_work)
    wrong = data[0] ^ _VERSION
    i = 0
    while i < 4:
        wrong |= data[_CRC + i] ^ expected[i]
        i += 1
    return wrong == 0


@micropython.viper
def _lowest_bit(blob: ptr8) -> int:
    """Return the number of the counter's lowest one-bit, or 32 when the counter is 0."""
    bit = 0
    at = _COUNTER_END
    while at > _COUNTER:
        at -= 1
        value = blob[at]
        if value:
            while value & 1 == 0:
                value >>= 1
                bit += 1
            return bit
        bit += 8
    return _BITS


@micropython.viper
def _one_bits(blob: ptr8) -> int:
    count = 0
    at = _COUNTER
    while at < _COUNTER_END:
        value = blob[at]
        while value:
            value &= value - 1
            count += 1
        at += 1
    return count


@micropython.viper
def _add(blob: ptr8, bit: int):
    """Add 1 << `bit` to the counter; past its end it becomes 0, which means exhausted."""
    at = _COUNTER_END - 1 - (bit >> 3)
    carry = 1 << (bit & 7)
    while carry and at >= _COUNTER:
        carry += blob[at]
        blob[at] = carry & 0xFF
        carry >>= 8
        at -= 1


@micropython.viper
def _spread(blob, parent, top: int):
    """Fill the registers below `top` with the children of the key `parent`."""
    data = ptr8(_data)
    cipher = aes(parent, _ECB)
    _prepare(_KEY_DERIVATION, blob)
    while top > 0:
        top -= 1
        at = 15 - (top >> 3)
        mask = 1 << (top & 7)
        data[at] = data[at] | mask
        cipher.encrypt(_data, _work)
        _copy(blob, _REGISTERS + top * _KEY_LEN, _work, 0, _KEY_LEN)
        data[at] = data[at] ^ mask
    wipe(_work)


@micropython.viper
def _step(blob, key):
    """Move `blob` past its counter; `key` (16 bytes) receives that counter's transaction key."""
    data = ptr8(blob)
    bit = int(_lowest_bit(blob))
    register = _REGISTERS + bit * _KEY_LEN
    _copy(key, 0, blob, register, _KEY_LEN)
    i = register
    while i < register + _KEY_LEN:
        data[i] = 0
        i += 1
    if int(_one_bits(blob)) < _WORK_MAX:
        _spread(blob, key, bit)
        _add(blob, 0)
    else:
        _add(blob, bit)


@micropython.viper
def inject(ikid, ik, out):
    """Make the first state from the 8-byte `ikid` and the 16-byte initial key `ik`.

    `out` (STATE_LEN bytes) is ready to be saved; `ik` is needed no more and has to be erased.
    """
    wipe(out)
    data = ptr8(out)
    data[0] = _VERSION
    _copy(out, _ID, ikid, 0, 8)
    _spread(out, ik, _BITS)
    data[_COUNTER_END - 1] = 1
    _checksum(out, out, _CRC)


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
        self.ksn = bytearray(_KSN_LEN)
        if not store.load(self._live) or not _is_whole(self._live):
            raise KeysUnreadable

    @micropython.viper
    def _reserve(self):
        """Save the state as it will be after the next range, before any of it is used."""
        saved = self._saved
        _copy(saved, 0, self._live, 0, STATE_LEN)
        count = 0
        while count < _RESERVE and int(_lowest_bit(saved)) < _BITS:
            _step(saved, self._key)
            count += 1
        wipe(self._key)
        _checksum(saved, saved, _CRC)
        self._store.save(saved)
        wipe(saved)
        self._left = count

    @micropython.viper
    def advance(self):
        """Take the next counter into use: `ksn` and `key` speak of it from now on.

        It is durable on return. Raises KeysExhausted, or what `save` raises: the counter before
        then stays out of use too, and the next call tries again.
        """
        wipe(self._key)
        wipe(self.ksn)
        if int(_lowest_bit(self._live)) == _BITS:
            raise KeysExhausted
        if int(self._left) == 0:
            self._reserve()
        _copy(self.ksn, 0, self._live, _ID, _KSN_LEN)
        _step(self._live, self._key)
        self._left = int(self._left) - 1

    @micropython.viper
    def skip(self, count: int):
        """Move on by `count` counters or a few more, durably, without making their keys: the other
        side has seen higher ones. The key in use is gone.

        Raises what `save` raises, and nothing has happened then.
        """
        saved = self._saved
        _copy(saved, 0, self._live, 0, STATE_LEN)
        left = int(self._left)
        while left > 0:  # what is reserved is behind what is stored
            _step(saved, self._key)
            left -= 1
        wipe(_data)
        while count > 0:
            bit = int(_lowest_bit(saved))
            if bit == _BITS:
                break
            if bit < _SKIP_BITS and (1 << bit) <= count:  # with all that its key leads to
                _copy(saved, _REGISTERS + bit * _KEY_LEN, _data, 0, _KEY_LEN)
                _add(saved, bit)
                count -= 1 << bit
            else:
                _step(saved, self._key)
                count -= 1
        wipe(self._key)
        _checksum(saved, saved, _CRC)
        self._store.save(saved)
        _copy(self._live, 0, saved, 0, STATE_LEN)
        wipe(saved)
        self._left = 0

    @micropython.viper
    def key(self, usage: int, out):
        """Write the working key (16 bytes) of the counter in use for `usage` to `out`."""
        _prepare(usage, self._live)
        _copy(_data, 8, self.ksn, 4, 8)
        aes(self._key, _ECB).encrypt(_data, _data)
        _copy(out, 0, _data, 0, _KEY_LEN)
        wipe(_data)

    @micropython.viper
    def release(self):
        """Overwrite the key in use; the message it served is settled."""
        wipe(self._key)
