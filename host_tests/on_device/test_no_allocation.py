"""Every hot function with the heap locked, on good data and on everything it refuses.

One allocation under the lock raises MemoryError. host_tests/proofs checks that no line of a hot
room is left out here. What cryptolib and hashlib make for each key or digest is made beforehand
and handed out under the lock, in the same order; all else is the firmware's own.
"""

import hashlib
from array import array

import cryptolib
from micropython import heap_lock, heap_unlock

from drivers import contactless, pn532
from drivers.magstripe import Magstripe
from firmware.card import emv, luhn, tlv, track
from firmware.card.seek import SEEK_LEN, seek
from firmware.card.swipe import Swipe
from firmware.crypto import cmac, compare, dukpt, pbkdf2, seal, wipe
from firmware.message import codec, framing
from host_tests.readers import talks

TRACK_1 = b"%B4761739001010119^CARD/TEST^22122011758928889?"
TRACK_2 = b";4761739001010119=22122011758928889?"


def results(n):
    """Return `n` places for small ints."""
    return [None] * n


class Handout:
    """What stands for `aes`: real ciphers, made now and handed out again once it is rewound."""

    def __init__(self):
        self._calls = []
        self._made = None
        self._at = 0

    def __call__(self, key, mode, iv=None):
        if self._made is None:
            self._calls.append((bytes(key), mode, None if iv is None else bytes(iv)))
            return self._make(self._calls[-1])
        self._at += 1
        return self._made[self._at - 1]

    def _make(self, call):
        key, mode, iv = call
        return cryptolib.aes(key, mode) if iv is None else cryptolib.aes(key, mode, iv)

    def rewind(self):
        self._made = [self._make(call) for call in self._calls]
        self._at = 0


class Digests:
    """What stands for `sha256`: real digests at first, handed out again once it is rewound."""

    def __init__(self):
        self.made = []
        self._at = -1

    def __call__(self, data):
        return self if self._at >= 0 else Recorded(self.made, data)

    def update(self, data):
        pass

    def digest(self):
        self._at += 1
        return self.made[self._at - 1]

    def rewind(self):
        self._at = 0


class Recorded:
    """A real digest that leaves what it was in `made`."""

    def __init__(self, made, data):
        self._made = made
        self._hash = hashlib.sha256(data)

    def update(self, data):
        self._hash.update(data)

    def digest(self):
        self._made.append(self._hash.digest())
        return self._made[-1]


def rehearsed(modules, work):
    """Run `work()` twice with the ciphers handed out, the second time with the heap locked."""
    handout = Handout()
    for module in modules:
        module.aes = handout
    try:
        work()
        handout.rewind()
        heap_lock()
        try:
            work()
        finally:
            heap_unlock()
    finally:
        for module in modules:
            module.aes = cryptolib.aes


def test_luhn():
    numbers = (b"4111111111111111", b"6222021234567890128", b"6222021234567890123")
    numbers += (b"", b"x11", b"1x1", b"11x")
    sizes = [len(number) for number in numbers]
    seen = results(len(numbers))
    heap_lock()
    try:
        for i in range(7):
            seen[i] = luhn.valid(numbers[i], 0, sizes[i])
    finally:
        heap_unlock()
    assert seen == [1, 1, 0, 0, 0, 0, 0]


ELEMENTS = (
    (b"\x5a\x01A", 3),
    (b"\xdf\x10\x81\x80" + bytes(128), 132),
    (b"\xdf\x81\x01\x82\x01\x00" + bytes(256), 262),
    (b"", -1),
    (b"\x00\x00", -1),
    (b"\xdf", -1),
    (b"\xdf\x81\x81\x01\x00", -1),
    (b"\xdf\x80\x01\x00", -1),
    (b"\x5a", -1),
    (b"\x5a\x80", -1),
    (b"\x5a\x83\x00\x00\x00", -1),
    (b"\x5a\x81\x01A", -1),
    (b"\x5a\x82\x00\x80" + bytes(128), -1),
    (b"\x5a\x02A", -1),
)


def test_tlv_step():
    out = array("i", [0] * tlv.OUT_LEN)
    sizes = [len(data) for data, _ in ELEMENTS]
    seen = results(len(ELEMENTS))
    heap_lock()
    try:
        i = 0
        for data, _ in ELEMENTS:
            seen[i] = tlv.step(data, 0, sizes[i], out)
            i += 1
    finally:
        heap_unlock()
    assert seen == [after for _, after in ELEMENTS]


def test_tlv_put():
    buf = bytearray(600)
    value = bytes(300)
    cases = ((0x5A, 1, 3), (0xDF10, 0, 3), (0xDF10, 128, 132), (0xDF10, 300, 305))
    cases += ((0x5A, 299, -1), (0x5A, -1, -1))
    seen = results(len(cases))
    heap_lock()
    try:
        i = 0
        for tag, n, _ in cases:
            seen[i] = tlv.put(buf, 0, 305 if n != 299 else 302, tag, value, 0, n)
            i += 1
    finally:
        heap_unlock()
    assert seen == [after for _, _, after in cases]


def test_tlv_find():
    out = array("i", [0] * tlv.OUT_LEN)
    data = b"\x5a\x01A\xdf\x10\x00\x5f\x24\x02BC"
    twice = data + data
    broken = data[:-1]
    heap_lock()
    try:
        there = tlv.find(data, 0, 11, 0x5F24, out)
        value = out[tlv.VALUE]
        absent = tlv.find(data, 0, 11, 0x57, out)
        repeated = tlv.find(twice, 0, 22, 0x5A, out)
        malformed = tlv.find(broken, 0, 10, 0x5A, out)
    finally:
        heap_unlock()
    assert (there, value, absent, repeated, malformed) == (1, 9, 0, -1, -1)


def test_seek():
    out = array("i", [0] * SEEK_LEN)
    data = b"\0\x6f\x81\x0b\x84\x01A\0\xa5\x05\xbf\x0c\x02\x87\x00\0\x5a\x01B"
    deep = b"\x70\x0a\x70\x08\x70\x06\x70\x04\x70\x02\x70\x00"
    heap_lock()
    try:
        inner = seek(data, 0, 19, 0x87, out)
        behind = seek(data, 0, 19, 0x5A, out)
        value = out[tlv.VALUE]
        absent = seek(data, 0, 19, 0x57, out)
        too_deep = seek(deep, 0, 12, 0x57, out)
        malformed = seek(data, 0, 18, 0x57, out)
    finally:
        heap_unlock()
    assert (inner, behind, value, absent, too_deep, malformed) == (1, 1, 18, 0, -1, -1)


TRACKS = (
    (TRACK_2, track.OK),
    (TRACK_1 + TRACK_2 + b"8", track.OK),
    (TRACK_1 + b";E?", track.OK),
    (b";4761739001010119==1?", track.MALFORMED),
    (b";4761739001010119==201?", track.OK),
    (b";4761739001010119=2212=?", track.OK),
    (b";4761739001010118=2212201?", track.BAD_CHECK_DIGIT),
    (TRACK_2 + b"7", track.BAD_LRC),
    (b"noise", track.NOTHING),
    (b"%E?;E?", track.BAD_READ),
    (b";E", track.INCOMPLETE),
    (b"%A4761739001010119^", track.MALFORMED),
    (b";12345678901234567890=", track.MALFORMED),
    (b";123", track.INCOMPLETE),
    (b";1x", track.MALFORMED),
    (b"%B1^a", track.MALFORMED),
    (b"%B1^" + b"A" * 27, track.MALFORMED),
    (b"%B1^AB", track.INCOMPLETE),
    (b"%B1^A^", track.MALFORMED),
    (b";1=22", track.INCOMPLETE),
    (b";1=2213201?", track.MALFORMED),
    (b";1=221220", track.INCOMPLETE),
    (b";1=2212201", track.INCOMPLETE),
    (b";1=2212201A?", track.MALFORMED),
)


def test_track_parse():
    out = array("H", [0] * track.OUT_LEN)
    sizes = [len(data) for data, _ in TRACKS]
    seen = results(len(TRACKS))
    heap_lock()
    try:
        i = 0
        for data, _ in TRACKS:
            seen[i] = track.parse(data, 0, sizes[i], out)
            i += 1
    finally:
        heap_unlock()
    assert seen == [verdict for _, verdict in TRACKS]


def test_swipe():
    buf = bytearray(256)
    swipe = Swipe(buf)
    card = bytearray(128)
    card[: len(TRACK_2)] = TRACK_2
    heap_lock()
    try:
        swipe.accept(100)
        nothing = swipe.verdict()
        swipe.accept(swipe.room())
        emptied = swipe.room()
        for i in range(128):
            buf[swipe.fill + i] = card[i]
        swipe.accept(128)
        full = swipe.room()
        found = swipe.verdict()
    finally:
        heap_unlock()
    assert (nothing, emptied, full, found) == (track.NOTHING, 128, 0, track.OK)


FRAMES = (
    (b"\0\0\xff\x02\xfe\xd4\x02\x2a\0", pn532.DATA),
    (b"\0\0\xff\xff\xff\0\x02\xfe\xd4\x02\x2a\0", pn532.DATA),
    (b"\0\0\xff\0\xff\0", pn532.ACK),
    (b"\0\0\xff\xff\0\0", pn532.NACK),
    (b"\0\0\xff\x01\xff\x7f\x81\0", pn532.ERROR),
    (b"\0\0\xff\x02\xfd\xd4\x02\x2a\0", pn532.MORE),
    (b"\0\0\xff\x02\xfe\xd4\x03\x2a\0", pn532.MORE),
    (b"\0\0\xff\x02\xfe\xd4", pn532.MORE),
    (b"\0\0\xff\xff\xff\0", pn532.MORE),
    (b"noise", pn532.MORE),
)


def test_pn532_frame():
    out = array("H", [0] * pn532.OUT_LEN)
    sizes = [len(data) for data, _ in FRAMES]
    seen = results(len(FRAMES))
    heap_lock()
    try:
        i = 0
        for data, _ in FRAMES:
            seen[i] = pn532.frame(data, 0, sizes[i], out)
            i += 1
    finally:
        heap_unlock()
    assert seen == [verdict for _, verdict in FRAMES]


class Line:
    """A UART that has received all it ever will."""

    def __init__(self, data):
        self._data = data
        self._at = 0

    def any(self):
        return len(self._data) - self._at

    def readinto(self, buf, count=32):
        count = min(count, self.any())
        for i in range(count):
            buf[i] = self._data[self._at]
            self._at += 1
        return count or None

    def write(self, buf):
        pass


def listening(data):
    """Return a reader that has sent `data`."""
    line = Line(data)
    return contactless.Contactless(line, Magstripe(line))


def test_contactless_takes_bytes():
    # Noise as long as the buffer, then what a look finds, an exchange, and another answer.
    noise = bytes(240) + b"\0\0\xff\x30\xd0" + bytes(43)
    found = b"\0\0\xff\x0c\xf4\xd5\x4b\x01\x01\0\x04\x20\x04\x11\x22\x33\x44\x0c\0"
    exchanged = b"\0\0\xff\x05\xfb\xd5\x41\x00\x90\x00\x5a\0"
    reader = listening(noise + found + exchanged)
    answer = bytearray(8)
    apdu = b"\0\xb2\1\x0c\0"
    kinds = results(6)
    right = results(2)
    heap_lock()
    try:
        reader._put(contactless._LOOK_A)
        kinds[0] = reader._next()
        passed = reader._passed_over()
        kinds[1] = reader._next()
        while kinds[1] == pn532.MORE and reader._at < reader._fill:
            reader._passed_over()
            kinds[1] = reader._next()
        kinds[2] = reader._next() if kinds[1] == pn532.MORE else kinds[1]
        right[0] = reader._is_answer()
        reader._listed(6, 0)
        size = reader._framed(reader._put_apdu(apdu, 5))
        kinds[3] = reader._next()
        right[1] = reader._is_answer()
        got = reader._copy(answer, 2)
        reader._passed_over()  # what follows a frame
        empty = reader._passed_over()
    finally:
        heap_unlock()
    assert (passed, empty) == (True, False)
    assert kinds[2] == kinds[3] == pn532.DATA and right == [True, True]
    assert reader.uid[: reader.uid_len] == b"\x11\x22\x33\x44"
    assert (size, got) == (15, 4)
    assert reader._out[:size] == b"\0\0\xff\x08\xf8\xd4\x40\1\0\xb2\1\x0c\0\x2c\0"
    assert answer == b"\0\0\x90\0" + bytes(4)


# What a look may find: (TFI and all, where the number is, how long), how much it is then.
FOUND = (
    (b"\xd5\x4b\0", 6, 0, emv.GONE),
    (b"\xd5\x4b\1\1", 6, 0, emv.GONE),
    (b"\xd5\x4b\1\1\0\4\x20\x0b" + bytes(11), 6, 0, emv.GONE),
    (b"\xd5\x4b\1\1\0\4\x08\4\1\2\3\4", 6, 0, emv.OTHER),
    (b"\xd5\x4b\2\1\0\4\x20\4\1\2\3\4", 6, 0, emv.SEVERAL),
    (b"\xd5\x4b\1\1\x50\1\2\3\4", 3, 4, 0),
)


def test_contactless_tells_what_lies_there():
    readers = [listening(b"") for _ in FOUND]
    for reader, (data, _, _, _) in zip(readers, FOUND):
        for i in range(len(data)):
            reader._in[i] = data[i]
        reader._place[pn532.LENGTH] = len(data)
        reader._put(contactless._LOOK_A)
    is_answer = results(len(FOUND))
    heap_lock()
    try:
        i = 0
        for _, at, n, _ in FOUND:
            is_answer[i] = readers[i]._is_answer()
            readers[i]._listed(at, n)
            readers[i]._forget()
            i += 1
    finally:
        heap_unlock()
    assert is_answer == [True] * len(FOUND)
    assert [reader._trouble for reader in readers] == [trouble for _, _, _, trouble in FOUND]


def test_contactless_forgets_the_card():
    reader = listening(b"abc")
    reader._in[7] = reader.uid[2] = reader._out[100] = 7
    reader._send = reader._framed  # the view for the UART is what allocates
    heap_lock()
    try:
        reader.rest()
    finally:
        heap_unlock()
    assert not any(reader._in) and not any(reader.uid) and not any(reader._out)


def test_emv():
    listener = talks.Listener()
    seen = results(len(talks.TALKS))
    numbers = [bytearray(19) for _ in talks.TALKS]
    heap_lock()
    try:
        at = 0
        for _, _, answers in talks.TALKS:
            seen[at] = listener.hear(answers)
            for i in range(19):
                numbers[at][i] = listener.found[4 + i]
            listener.talk.wipe()
            at += 1
    finally:
        heap_unlock()
    assert not any(listener.talk._answer)
    at = 0
    for verdict, number, answers in talks.TALKS:
        assert seen[at] == verdict, answers
        assert bytes(numbers[at]).rstrip(b"\0") == number.encode(), answers
        at += 1


def test_framing():
    buf = bytearray(1024)
    buf[1] = 15
    buf[2] = 0x60
    buf[18] = 15
    buf[19] = 0x60
    framer = framing.Framer(buf)
    bad = (b"\x04", b"\x00\x0e", b"\x00\x0f\x61")
    seen = results(3)
    heap_lock()
    try:
        header = framer.wanted()
        more = framer.accept(2)
        body = framer.wanted()
        whole = framer.accept(25)
        none = framer.wanted()
        again = framer.accept(0)
        following = framer.next()
        still = framer.next()
        rest = framer.room()
        for i in range(3):
            seen[i] = framing.verdict(bad[i], 0, i + 1)
        one_byte = framing.verdict(buf, 0, 1)
        framer.reset()
        empty = framer.room()
    finally:
        heap_unlock()
    assert (header, more, body, whole, none, again) == (2, framing.MORE, 15, 17, 0, 17)
    assert (following, still, rest, empty) == (framing.MORE, framing.MORE, 1014, 1024)
    assert one_byte == framing.MORE
    assert seen == [framing.BAD] * 3


def message():
    """Return a frame with fields of every kind, and its length."""
    buf = bytearray(1024)
    encoder = codec.Encoder(buf)
    encoder.begin(0x0200, True)
    encoder.put(2, b"6222021234567890128", 0, 19)
    encoder.number(11, 42)
    encoder.put(35, b"6222021234567890128=3012", 0, 24)
    encoder.put(41, b"10000001", 0, 8)
    encoder.put(60, b"00000001000", 0, 11)
    encoder.number(70, 301)
    encoder.put(120, bytes(41), 0, 41)
    encoder.put(128, bytes(8), 0, 8)
    return buf, encoder.finish()


# The byte that is changed (counted from the MTI), its new value, and the DE that is then at fault.
FAULTS = (
    (0, 0x0A, codec.MESSAGE),
    (3, 0x60, 10),  # a DE that is not in the profile
    (18, 0xAA, 2),  # LL
    (18, 0x20, 2),
    (28, 0x81, 2),  # its pad
    (29, 0xA0, 11),
    (33, 0xE0, 35),
    (45, 0x0A, 41),
    (61, 0x10, 70),  # the leading zero of an odd field
    (63, 0x09, 120),
)


def test_codec_decode():
    buf, total = message()
    table = array("H", [0] * codec.TABLE_LEN)
    body = codec.BODY
    seen = results(len(FAULTS))
    low = bytearray(buf[body:total])
    low[2] &= 0x7F
    heap_lock()
    try:
        good = codec.decode(buf, body, total, table)
        for i in range(len(FAULTS)):
            fault = FAULTS[i]
            kept = buf[body + fault[0]]
            buf[body + fault[0]] = fault[1]
            seen[i] = codec.decode(buf, body, total, table)
            buf[body + fault[0]] = kept
        tail = codec.decode(buf, body, total + 1, table)
        cut = codec.decode(buf, body, total - 1, table)
        in_text = codec.decode(buf, body, body + 50, table)
        in_digits = codec.decode(buf, body, body + 30, table)
        in_length = codec.decode(buf, body, body + 18, table)
        in_bitmap = codec.decode(buf, body, body + 12, table)
        no_bitmap = codec.decode(buf, body, body + 9, table)
        one_bitmap = codec.decode(low, 0, 70, table)
    finally:
        heap_unlock()
    assert good == 0
    assert seen == [de for _, _, de in FAULTS]
    assert (tail, cut, in_text, in_digits, in_length) == (codec.MESSAGE, 128, 41, 11, 2)
    assert (in_bitmap, no_bitmap) == (codec.MESSAGE, codec.MESSAGE)
    assert one_bitmap > 1


def test_codec_encoder():
    buf = bytearray(100)
    src = b"622202=x\n" + bytes(90)
    encoder = codec.Encoder(buf)
    small = codec.Encoder(bytearray(20))
    seen = results(20)
    heap_lock()
    try:
        seen[0] = small.begin(0x0200, True)
        encoder.begin(0x0200, False)
        encoder.put(2, src, 0, 5)
        encoder.number(11, 42)
        encoder.put(35, src, 0, 7)
        encoder.put(41, src, 0, 6)
        encoder.open(55)
        encoder.close(2)
        good = encoder.finish()
        seen[1] = encoder.number(11, 42)
        seen[2] = encoder.open(64)
        for step in range(3, 19):
            encoder.begin(0x0300, True)
            if step == 3:
                seen[step] = encoder.number(5, 1)
            elif step == 4:
                seen[step] = encoder.number(41, 1)
            elif step == 5:
                seen[step] = encoder.number(11, 1000000)
            elif step == 6:
                seen[step] = encoder.put(41, src, 0, 9)
            elif step == 7:
                seen[step] = encoder.put(41, src, 1, 8)
            elif step == 8:
                seen[step] = encoder.put(2, src, 0, 7)
            elif step == 9:
                seen[step] = encoder.put(11, src, 0, 5)
            elif step == 10:
                seen[step] = encoder.put(120, src, 0, 99)
            elif step == 11:
                seen[step] = encoder.open(41)
            elif step == 12:
                encoder.put(120, src, 0, 66)
                seen[step] = encoder.open(128)
            elif step == 13:
                encoder.put(5, src, 0, 1)
                seen[step] = encoder.put(11, src, 0, 6)
            elif step == 14:
                seen[step] = encoder.close(0)
            elif step == 15:
                encoder.open(120)
                seen[step] = encoder.finish()
            elif step == 16:
                encoder.open(120)
                seen[step] = encoder.close(1000)
            elif step == 17:
                encoder.put(60, src, 0, 1)
                seen[step] = encoder.finish()
            else:
                small.begin(0x0200, False)
                seen[step] = small.number(7, 1)
    finally:
        heap_unlock()
    assert good > 0
    expected = [codec.TOO_LONG, codec.ORDER, codec.ORDER]
    expected += [codec.UNFIT] * 7 + [codec.TOO_LONG, codec.UNFIT, codec.TOO_LONG]
    expected += [codec.UNFIT, codec.ORDER, codec.ORDER, codec.UNFIT, codec.UNFIT, codec.TOO_LONG]
    assert seen[:19] == expected


KEY = b"0123456789abcdef"


def test_cmac():
    tag = bytearray(16)
    text = bytes(40)

    def work():
        cmac.mac(KEY, text, 0, 40, tag, 0)
        cmac.mac(KEY, text, 0, 32, tag, 0)

    rehearsed([cmac], work)
    expected = bytes(tag)
    made = cmac.Cmac(KEY)
    heap_lock()
    try:
        made.start()
        made.update(text, 0, 7)
        made.update(text, 7, 25)
        made.finish(tag, 0)
    finally:
        heap_unlock()
    assert tag == expected


def test_compare_and_wipe():
    secret = bytearray(KEY)
    heap_lock()
    try:
        same = compare.equal(secret, KEY, 16)
        wipe.wipe(secret)
        other = compare.equal(secret, KEY, 16)
    finally:
        heap_unlock()
    assert same and not other
    assert secret == bytes(16)


def test_seal():
    buf = bytearray(64)
    seen = results(6)

    def work():
        for i in range(20):
            buf[i] = i
        seen[0] = seal.seal(KEY, KEY, buf, 0, 20)
        seen[1] = seal.seal(KEY, KEY, buf, 40, 20)
        seen[2] = seal.unseal(KEY, KEY, buf, 0, 32)
        seen[3] = seal.unseal(KEY, KEY, buf, 32, 16)
        seen[4] = seal.unseal(KEY, KEY, buf, 0, 15)

    rehearsed([seal], work)
    assert seen[:5] == [32, -1, 20, -1, -1]
    assert buf[:20] == bytes(range(20))


class Store:
    """A key state that can be put back to where it was."""

    def __init__(self, counter=1):
        self.blob = bytearray(dukpt.STATE_LEN)
        dukpt.inject(b"12345678", KEY, self.blob)
        self.saves = 0

    def load(self, buf):
        buf[:] = self.blob
        return True

    def save(self, buf):
        self.saves += 1


def test_dukpt():
    # The same steps twice, from the same state: the second time the ciphers are there already.
    store = Store()
    spare = bytearray(dukpt.STATE_LEN)
    last = bytearray(dukpt.STATE_LEN)
    last[:] = store.blob
    rows = [dukpt.Dukpt(store, spare), dukpt.Dukpt(store, spare)]
    outs = [bytearray(16), bytearray(16)]
    turn = [0]

    def work():
        keys, out = rows[turn[0]], outs[turn[0]]
        turn[0] += 1
        for _ in range(9):
            keys.advance()
        keys.key(dukpt.MAC_GENERATION, out)
        keys.release()

    rehearsed([dukpt], work)
    assert store.saves == 6
    assert outs[0] == outs[1] != bytes(16)
    assert rows[0].ksn == rows[1].ksn == b"12345678\0\0\0\x09"


def test_dukpt_skips():
    store = Store()
    spare = bytearray(dukpt.STATE_LEN)
    rows = [dukpt.Dukpt(store, spare), dukpt.Dukpt(store, spare)]
    turn = [0]

    def work():
        keys = rows[turn[0]]
        turn[0] += 1
        keys.advance()
        keys.skip(4)
        keys.skip(300)

    rehearsed([dukpt], work)
    store.blob[9:13] = b"\xff\xff\0\0"  # nothing is left to skip
    dukpt._checksum(store.blob, store.blob, 525)
    keys = dukpt.Dukpt(store, spare)
    keys.advance()
    rehearsed([dukpt], lambda: keys.skip(4))


def test_dukpt_at_its_end():
    # Sixteen one-bits: no children; then the last counter of all.
    store = Store()
    store.blob[9:13] = b"\xff\xff\0\0"
    dukpt._checksum(store.blob, store.blob, 525)
    keys = dukpt.Dukpt(store, bytearray(dukpt.STATE_LEN))
    exhausted = dukpt.KeysExhausted
    dukpt.KeysExhausted = exhausted()  # what is raised is made beforehand too
    seen = results(1)
    heap_lock()
    try:
        keys.advance()
        try:
            keys.advance()
        except exhausted:
            seen[0] = 1
    finally:
        heap_unlock()
        dukpt.KeysExhausted = exhausted
    assert seen == [1]


def test_dukpt_inject():
    blob = bytearray(dukpt.STATE_LEN)
    rehearsed([dukpt], lambda: dukpt.inject(b"12345678", KEY, blob))
    assert blob == Store().blob
    heap_lock()
    try:
        whole = dukpt._is_whole(blob)
        blob[3] ^= 1
        damaged = dukpt._is_whole(blob)
    finally:
        heap_unlock()
    assert whole and not damaged


def test_pbkdf2():
    digests = Digests()
    pbkdf2.sha256 = digests
    try:
        first = pbkdf2.Pbkdf2(b"password", b"salt", 20)
        while not first.step(7):
            pass
        expected = bytes(first.result)
        digests.rewind()
        second = pbkdf2.Pbkdf2(b"password", b"salt", 20)
        heap_lock()
        try:
            while not second.step(7):
                pass
            right = compare.equal(second.result, expected, 32)
            second.wipe()
        finally:
            heap_unlock()
    finally:
        pbkdf2.sha256 = hashlib.sha256
    assert right
    assert second.result == bytes(32)
