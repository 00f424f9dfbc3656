"""The key state against a derivation from the initial key, and what a power cut may do to it."""

import zlib
from functools import cache

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from firmware.crypto import dukpt

IKID = bytes.fromhex("1234567890123456")
IK = bytes.fromhex("1273671EA26AC29AFA4D1084127652A1")
REGISTERS = 13


def derive(parent, usage, counter):
    """Derive one key as the standard says, with nothing of the firmware."""
    data = bytes((1, 1, *usage.to_bytes(2, "big"), 0, 2, 0, 128))
    data += IKID[4:] + counter.to_bytes(4, "big")
    encryptor = Cipher(algorithms.AES(parent), modes.ECB()).encryptor()
    return encryptor.update(data)


@cache
def transaction_key(counter):
    """Walk from the initial key over the set bits, the most significant first."""
    lowest = counter & -counter
    parent = IK if counter == lowest else transaction_key(counter ^ lowest)
    return derive(parent, 0x8000, counter)


def ones(counter):
    return counter.bit_count()


def state_at(counter):
    """Build the only state that serves `counter` and what follows, and nothing before it."""
    blob = bytearray(dukpt.STATE_LEN)
    blob[0] = 1
    blob[1:9] = IKID
    blob[9:13] = counter.to_bytes(4, "big")
    lowest = counter & -counter
    for bit in range(32):
        node = 1 << bit
        if node == lowest:
            served = counter
        elif node > lowest and not counter & node:
            served = counter >> bit << bit | node
        else:
            continue
        if ones(served) <= 16:
            assert served >= counter
            blob[REGISTERS + 16 * bit : REGISTERS + 16 * bit + 16] = transaction_key(served)
    blob[-4:] = zlib.crc32(blob[:-4]).to_bytes(4, "big")
    return blob


class PowerCut(Exception):
    """The store stops here."""


class Store:
    """A durable blob. `cut` counts the saves that are still to work; `torn` loses the last one."""

    def __init__(self, blob):
        self.blob = bytearray(blob)
        self.saves = 0
        self.cut = None
        self.written = False

    def load(self, buf):
        buf[:] = self.blob
        return True

    def save(self, buf):
        if self.cut == 0:
            if self.written:
                self.blob[:] = buf
            raise PowerCut
        if self.cut is not None:
            self.cut -= 1
        self.blob[:] = buf
        self.saves += 1


def next_usable(counter):
    counter += 1
    while ones(counter) > 16:
        counter += counter & -counter
    return counter


def test_injection_makes_the_state_of_counter_one():
    blob = bytearray(dukpt.STATE_LEN)
    dukpt.inject(IKID, IK, blob)
    assert blob == state_at(1)
    assert IK not in bytes(blob)


@pytest.mark.parametrize(
    ("counter", "key"),
    [
        (1, "4F21B565BAD9835E112B6465635EAE44"),
        (0x1FFFE, "E21E8C8D347F8561A2BE752DAA85A111"),
        (0xFFFF0000, "F6BA59389BD14A9855BE9727E7C52E3C"),
    ],
)
def test_transaction_keys_of_the_standard(counter, key):
    assert transaction_key(counter).hex().upper() == key


def check(keys, counter):
    out = bytearray(16)
    assert keys.ksn == IKID + counter.to_bytes(4, "big")
    for usage in (
        dukpt.MAC_GENERATION,
        dukpt.MAC_VERIFICATION,
        dukpt.DATA_ENCRYPT,
        dukpt.DATA_DECRYPT,
    ):
        keys.key(usage, out)
        assert out == derive(transaction_key(counter), usage, counter)


def test_every_key_of_the_first_thousand_counters():
    store = Store(state_at(1))
    keys = dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN))
    for counter in range(1, 1001):
        keys.advance()
        check(keys, counter)
    assert store.saves == 250


@pytest.mark.parametrize(
    "start",
    [0xF0, 0xFFFE, 0x1FFFD, 0x1FFFE, 0x3FFF0, 0x7FFFF8, 0x3FFC003F, 0x7FFFFFF0, 0xFFFEFFF0],
)
def test_jumps_skip_counters_with_too_many_bits(start):
    counter = start if ones(start) <= 16 else next_usable(start)
    store = Store(state_at(counter))
    keys = dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN))
    for _ in range(100):
        keys.advance()
        check(keys, counter)
        counter = next_usable(counter)
        if counter > 0xFFFF0000:
            break


@given(st.integers(1, 0xFFFF0000).filter(lambda counter: ones(counter) <= 16), st.integers(1, 40))
def test_what_is_stored_serves_the_future_only(counter, steps):
    store = Store(state_at(counter))
    keys = dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN))
    used = counter
    for step in range(steps):
        if used > 0xFFFF0000:
            with pytest.raises(dukpt.KeysExhausted):
                keys.advance()
            break
        keys.advance()
        check(keys, used)
        used = next_usable(used)
        stored = int.from_bytes(store.blob[9:13], "big")
        if stored:
            assert stored >= used
            assert store.blob == state_at(stored)
        else:
            assert not any(store.blob[REGISTERS:-4])
        live = int.from_bytes(keys._live[9:13], "big")
        assert keys._live[:-4] == (state_at(live)[:-4] if live else store.blob[:-4])
        assert step < 16 or store.saves > 1


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["off", "before", "after"]))))
def test_a_power_cut_never_gives_a_counter_twice(days):
    store = Store(state_at(1))
    last = 0
    for count, end in days:
        store.cut = count // 16 if end != "off" else None
        store.written = end == "after"
        keys = dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN))
        try:
            for _ in range(count):
                keys.advance()
                counter = int.from_bytes(keys.ksn[8:], "big")
                assert counter > last
                assert int.from_bytes(store.blob[9:13], "big") > counter
                last = counter
        except PowerCut:
            pass
    assert last <= sum(count + 16 for count, _ in days)


def test_a_failed_save_uses_no_counter_and_the_next_try_works():
    store = Store(state_at(1))
    store.cut = 0
    keys = dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN))
    with pytest.raises(PowerCut):
        keys.advance()
    assert not any(keys.ksn)
    store.cut = None
    keys.advance()
    check(keys, 1)


def test_the_last_counter_is_the_end():
    store = Store(state_at(0xFFFF0000))
    keys = dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN))
    keys.advance()
    check(keys, 0xFFFF0000)
    for _ in range(2):
        with pytest.raises(dukpt.KeysExhausted):
            keys.advance()
    with pytest.raises(dukpt.KeysExhausted):
        dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN)).advance()


@pytest.mark.parametrize("at", [0, 1, 9, 12, 13, 300, dukpt.STATE_LEN - 1])
def test_a_damaged_state_is_told_apart(at):
    store = Store(state_at(77))
    store.blob[at] ^= 4
    with pytest.raises(dukpt.KeysUnreadable):
        dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN))


def test_no_state_is_told_apart():
    class Empty:
        def load(self, buf):
            return False

    with pytest.raises(dukpt.KeysUnreadable):
        dukpt.Dukpt(Empty(), bytearray(dukpt.STATE_LEN))


def test_release_forgets_the_key():
    keys = dukpt.Dukpt(Store(state_at(5)), bytearray(dukpt.STATE_LEN))
    keys.advance()
    keys.release()
    assert not any(keys._key)


def _moved(store, count):
    """Use a counter, move on, use the next; return both counters."""
    keys = dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN))
    keys.advance()
    before = int.from_bytes(keys.ksn[8:], "big")
    keys.skip(count)
    keys.advance()
    after = int.from_bytes(keys.ksn[8:], "big")
    check(keys, after)
    return before, after


@pytest.mark.parametrize("start", [1, 2, 3, 0xFF8, 0x1000, 0x1FFFE, 0x10000, 0x7FFF8000])
@pytest.mark.parametrize("count", [4, 16, 64, 256, 1024, 4096])
def test_moving_on_passes_so_many_counters_and_the_keys_behind_are_right(start, count):
    before, after = _moved(Store(state_at(next_usable(start - 1))), count)
    assert before + count < after <= before + 2 * count + 4 + 0x10000 * (start > 0x1FFFD)


@given(start=st.integers(1, 0xFFFFFF), count=st.sampled_from([4, 16, 64, 256, 1024, 4096]))
def test_moving_on_from_anywhere_leads_to_a_right_key_and_never_back(start, count):
    store = Store(state_at(next_usable(start - 1)))
    before, after = _moved(store, count)
    assert after > before + count
    assert int.from_bytes(store.blob[9:13], "big") > after  # used only once it was durable


def test_power_lost_while_moving_on_leaves_the_old_state_and_no_key_twice():
    store = Store(state_at(5))
    keys = dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN))
    keys.advance()
    stored = bytes(store.blob)
    store.cut = 0
    with pytest.raises(PowerCut):
        keys.skip(64)
    assert store.blob == stored
    store.cut = None
    keys = dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN))
    keys.advance()
    assert int.from_bytes(keys.ksn[8:], "big") > 5


def test_moving_on_past_the_last_counter_ends_the_keys():
    keys = dukpt.Dukpt(Store(state_at(0xFFFF0000)), bytearray(dukpt.STATE_LEN))
    keys.skip(4096)
    with pytest.raises(dukpt.KeysExhausted):
        keys.advance()
