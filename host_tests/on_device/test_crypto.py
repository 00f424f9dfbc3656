"""The published vectors of every cipher, and what must hold of the keys."""

from binascii import crc32, unhexlify

from cryptolib import aes
from micropython import heap_lock, heap_unlock

from firmware.crypto import compare, dukpt, pbkdf2, seal, wipe
from firmware.crypto.cmac import Cmac, mac

CMAC_KEY = unhexlify("2B7E151628AED2A6ABF7158809CF4F3C")
CMAC_MESSAGE = unhexlify(
    "6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51"
    "30C81C46A35CE411E5FBC1191A0A52EFF69F2445DF4F9B17AD2B417BE66C3710"
)
CMAC_TAGS = {
    0: "BB1D6929E95937287FA37D129B756746",
    16: "070A16B46B4D4144F79BDD9DD04A287C",
    40: "DFA66747DE9AE63030CA32611497C827",
    64: "51F0BEBF7E3B9D92FC49741779363CFE",
}
IKID = unhexlify("1234567890123456")
IK = unhexlify("1273671EA26AC29AFA4D1084127652A1")


class Store:
    """Key state in RAM, durable as far as the test goes."""

    def __init__(self, blob):
        self.blob = bytearray(blob)
        self.saves = 0

    def load(self, buf):
        buf[:] = self.blob
        return True

    def save(self, buf):
        self.blob[:] = buf
        self.saves += 1


def fresh():
    blob = bytearray(dukpt.STATE_LEN)
    dukpt.inject(IKID, IK, blob)
    return Store(blob)


def derive(parent, usage, tail):
    data = b"\1\1" + usage.to_bytes(2, "big") + b"\0\2\0\x80" + IKID[4:] + tail
    out = bytearray(16)
    aes(parent, 1).encrypt(data, out)
    return bytes(out)


def transaction_key(counter):
    key = IK
    for bit in range(31, -1, -1):
        if counter >> bit & 1:
            key = derive(key, 0x8000, (counter >> bit << bit).to_bytes(4, "big"))
    return key


def state_at(counter):
    """Build the state whose next counter is `counter`, down from the initial key."""
    blob = bytearray(dukpt.STATE_LEN)
    blob[0] = 1
    blob[1:9] = IKID
    blob[9:13] = counter.to_bytes(4, "big")
    lowest = counter & -counter
    for bit in range(32):
        if 1 << bit < lowest or (counter >> bit & 1 and 1 << bit != lowest):
            continue
        served = counter if 1 << bit == lowest else (counter >> bit | 1) << bit
        blob[13 + 16 * bit : 29 + 16 * bit] = transaction_key(served)
    blob[525:] = crc32(blob[:525]).to_bytes(4, "big")
    return blob


def test_cmac_gives_the_tags_of_rfc_4493():
    cmac = Cmac(CMAC_KEY)
    tag = bytearray(16)
    for n, expected in CMAC_TAGS.items():
        cmac.start()
        cmac.update(CMAC_MESSAGE, 0, n)
        cmac.finish(tag, 0)
        assert tag == unhexlify(expected)


def test_cmac_does_not_care_about_the_pieces():
    cmac = Cmac(CMAC_KEY)
    buf = bytearray(20)
    for first in range(41):
        cmac.start()
        cmac.update(CMAC_MESSAGE, 0, first)
        cmac.update(CMAC_MESSAGE, first, 40 - first)
        cmac.finish(buf, 2)
        assert buf[2:18] == unhexlify(CMAC_TAGS[40])
        assert buf[:2] == b"\0\0" and buf[18:] == b"\0\0"
    mac(CMAC_KEY, b"!" + CMAC_MESSAGE, 1, 16, buf, 0)
    assert buf[:16] == unhexlify(CMAC_TAGS[16])


def test_dukpt_gives_the_keys_of_the_standard():
    keys = dukpt.Dukpt(fresh(), bytearray(dukpt.STATE_LEN))
    keys.advance()
    assert keys.ksn == IKID + b"\0\0\0\1"
    out = bytearray(16)
    keys.key(dukpt.MAC_GENERATION, out)
    assert out == unhexlify("A2DC23DE6FDE0824A2BC321E08E4B8B7")
    keys.key(dukpt.DATA_ENCRYPT, out)
    assert out == unhexlify("A35C412EFD41FDB98B69797C02DCD08F")
    keys.key(0x1000, out)
    assert out == unhexlify("AF8CB133A78F8DC2D1359F18527593FB")


def test_dukpt_gives_the_keys_of_far_counters():
    assert transaction_key(0x1FFFE) == unhexlify("E21E8C8D347F8561A2BE752DAA85A111")
    assert transaction_key(0xFFFF0000) == unhexlify("F6BA59389BD14A9855BE9727E7C52E3C")
    out = bytearray(16)
    for counter, following in (
        (0x1FFFE, 0x20000),
        (0x7FFF8000, 0x80000000),
        (0x80000000, 0x80000001),
        (0xFFFF0000, None),
    ):
        keys = dukpt.Dukpt(Store(state_at(counter)), bytearray(dukpt.STATE_LEN))
        while counter:
            keys.advance()
            assert keys.ksn == IKID + counter.to_bytes(4, "big")
            keys.key(dukpt.MAC_VERIFICATION, out)
            assert out == derive(
                transaction_key(counter), dukpt.MAC_VERIFICATION, counter.to_bytes(4, "big")
            )
            counter, following = following, None


def test_dukpt_ends_after_the_last_counter():
    store = Store(state_at(0xFFFF0000))
    dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN)).advance()
    for keys in (
        dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN)),
        dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN)),
    ):
        try:
            keys.advance()
        except dukpt.KeysExhausted:
            continue
        raise AssertionError


def test_dukpt_never_gives_a_counter_twice():
    store = fresh()
    last = 0
    for count in (1, 16, 17, 3, 40, 0, 15):
        keys = dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN))
        for _ in range(count):
            keys.advance()
            counter = int.from_bytes(keys.ksn[8:], "big")
            assert counter > last
            assert int.from_bytes(store.blob[9:13], "big") > counter
            assert int.from_bytes(store.blob[9:13], "big") <= counter + 16
            last = counter


def test_dukpt_reads_no_damaged_state():
    for at in (0, 5, 12, 200, dukpt.STATE_LEN - 1):
        store = fresh()
        store.blob[at] ^= 1
        try:
            dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN))
        except dukpt.KeysUnreadable:
            continue
        raise AssertionError


def test_sealing_and_unsealing_meet():
    for n in range(50):
        buf = bytearray(b"<" * 100)
        for i in range(n):
            buf[5 + i] = i
        total = seal.seal(CMAC_KEY, CMAC_TAGS[0][:16].encode(), buf, 5, n)
        assert total == n + 16 - n % 16
        assert buf[:5] == b"<" * 5 and buf[5 + total :] == b"<" * (95 - total)
        assert seal.unseal(CMAC_KEY, CMAC_TAGS[0][:16].encode(), buf, 5, total) == n
        assert buf[5 : 5 + n] == bytes(range(n))


def test_pbkdf2_gives_the_published_key():
    work = pbkdf2.Pbkdf2(b"password", b"salt", 4096)
    steps = 1
    while not work.step(1000):
        steps += 1
    assert steps == 5
    assert work.result == unhexlify(
        "C5E478D59288C841AA530DB6845C4C8D962893A001CE4E11A4963873AA98134A"
    )
    work.wipe()
    assert work.result == bytes(32)


def test_compare_sees_every_difference_within_its_length():
    a = bytearray(b"0123456789abcdef")
    assert compare.equal(a, bytes(a), 16)
    for i in range(16):
        b = bytearray(a)
        b[i] ^= 0x80
        assert not compare.equal(a, b, 16)
        assert compare.equal(a, b, i)


def test_wipe_leaves_nothing():
    buf = bytearray(b"secret")
    wipe.wipe(buf)
    assert buf == bytes(6)


def test_cmac_allocates_nothing_once_made():
    cmac = Cmac(CMAC_KEY)
    tag = bytearray(16)
    cmac.start()
    cmac.update(CMAC_MESSAGE, 0, 1)
    cmac.finish(tag, 0)
    heap_lock()
    try:
        cmac.start()
        cmac.update(CMAC_MESSAGE, 0, 7)
        cmac.update(CMAC_MESSAGE, 7, 33)
        cmac.finish(tag, 0)
    finally:
        heap_unlock()
    assert tag == unhexlify(CMAC_TAGS[40])


def test_compare_and_wipe_allocate_nothing():
    a = bytearray(16)
    b = bytearray(b"0123456789abcdef")
    heap_lock()
    try:
        same = compare.equal(a, b, 16)
        wipe.wipe(b)
        same_now = compare.equal(a, b, 16)
    finally:
        heap_unlock()
    assert not same and same_now


def test_dukpt_walks_its_counter_without_allocating():
    blob = state_at(0x7FFF8000)
    heap_lock()
    try:
        lowest = dukpt._lowest_bit(blob)
        ones = dukpt._one_bits(blob)
        dukpt._add(blob, lowest)
        dukpt._prepare(0x8000, blob)
    finally:
        heap_unlock()
    assert (lowest, ones) == (15, 16)
    assert blob[9:13] == b"\x80\0\0\0"
