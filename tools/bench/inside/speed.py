"""How long the hot functions take, and what they are measured against: `time LIBRARY` says it in
one object, {"ns": {name: nanoseconds per call}, ...}; LIBRARY is luhn.c, compiled. `run NAME N`
does one work N times and says nothing: something outside counts instructions.

A work is a function of how often to do it, so that nothing but the loop itself stands between two
calls; the empty loop is subtracted. Imports the firmware from its sources.
"""

import gc
import json
import sys
import time
from array import array

_ENOUGH_US = 30000
_TRIES = 3


ROOT = sys.path[0]
sys.path.append(ROOT + "/.toolchain/lib")

from drivers import contactless, pn532  # noqa: E402
from drivers.magstripe import Magstripe  # noqa: E402
from firmware.card import luhn, track  # noqa: E402
from firmware.crypto import cmac, dukpt, seal  # noqa: E402
from firmware.message import codec, framing  # noqa: E402
from tools.bench.inside import idiom, samples  # noqa: E402

PAN = samples.PAN
PAN_TEXT = PAN.decode()
TRACK = samples.TRACK
FIELDS = samples.FIELDS
TEXTS = samples.TEXTS

frame = bytearray(1024)
encoder = codec.Encoder(frame)
table = array("H", [0] * codec.TABLE_LEN)
card = array("H", [0] * track.OUT_LEN)
out3 = array("H", [0] * pn532.OUT_LEN)
tag = bytearray(16)
KEY = bytes(range(16))
PIECES = []
for _de, _text in FIELDS:
    _value = samples.raw(_text) if _de in samples.BYTES else _text.encode()
    PIECES.append((_de, _value, len(_value)))


def encode(put=encoder.put):
    encoder.begin(0x0200, False)
    for de, value, size in PIECES:
        put(de, value, 0, size)
    return encoder.finish()


TOTAL = encode()
MESSAGE = bytes(frame[codec.BODY : TOTAL])
SIZE = len(MESSAGE)


def nothing(n):
    for _ in range(n):
        pass


def luhn_ours(n, valid=luhn.valid, pan=PAN):
    for _ in range(n):
        valid(pan, 0, 19)


def luhn_idiom(n, valid=idiom.luhn, pan=PAN_TEXT):
    for _ in range(n):
        valid(pan)


def track_ours(n, parse=track.parse, data=TRACK, out=card):
    for _ in range(n):
        parse(data, 0, 37, out)


def track_idiom(n, parse=idiom.track_2, data=TRACK):
    for _ in range(n):
        parse(data)


def decode_ours(n, decode=codec.decode, data=MESSAGE, size=SIZE, out=table):
    for _ in range(n):
        decode(data, 0, size, out)


def decode_idiom(n, decode=idiom.decode, data=MESSAGE):
    for _ in range(n):
        decode(data)


def encode_ours(n):
    for _ in range(n):
        encode()


def encode_idiom(n):
    for _ in range(n):
        idiom.encode(TEXTS)


def framing_ours(n):
    # The frame comes byte by byte, the worst that a line can do.
    framer = framing.Framer(frame)
    for _ in range(n):
        framer.reset()
        for _ in range(TOTAL):
            framer.accept(1)


PN532 = samples.PN532
PN532_LEN = len(PN532)


def pn532_ours(n):
    for _ in range(n):
        for end in range(1, PN532_LEN + 1):
            pn532.frame(PN532, 0, end, out3)


def cmac_ours(n):
    for _ in range(n):
        cmac.mac(KEY, MESSAGE, 0, SIZE, tag, 0)


WORK = {
    "luhn": (luhn_ours, 1),
    "luhn_idiom": (luhn_idiom, 1),
    "track": (track_ours, 1),
    "track_idiom": (track_idiom, 1),
    "decode": (decode_ours, 1),
    "decode_idiom": (decode_idiom, 1),
    "encode": (encode_ours, 1),
    "encode_idiom": (encode_idiom, 1),
    "framing_byte": (framing_ours, TOTAL),
    "pn532_byte": (pn532_ours, PN532_LEN),
    "cmac": (cmac_ours, 1),
}


def _took_us(work, n):
    start = time.ticks_us()
    work(n)
    return time.ticks_diff(time.ticks_us(), start)


def measure(work):
    """Return the nanoseconds that `work(1)` takes, the empty loop subtracted."""
    n = 16
    while _took_us(work, n) < _ENOUGH_US:
        n *= 2
    gc.collect()
    best = min(_took_us(work, n) for _ in range(_TRIES))
    return 1000 * max(0, best - min(_took_us(nothing, n) for _ in range(_TRIES))) / n


def luhn_in_c(library):
    """Return the nanoseconds of the C function in the shared library, or None."""
    try:
        import ffi

        repeat = ffi.open(library).func("i", "repeat", "Pii")
    except (ImportError, OSError):
        return None
    n = 1000000
    assert repeat(PAN, 19, 1) == 1
    best = None
    for _ in range(_TRIES):
        start = time.ticks_us()
        repeat(PAN, 19, n)
        took = time.ticks_diff(time.ticks_us(), start)
        best = took if best is None or took < best else best
    return 1000 * best / n


class _Bus:
    """An I2C bus that counts: every byte sent, addresses included."""

    def __init__(self):
        self.sent = 0

    def writeto(self, addr, buf):
        self.sent += 1 + len(buf)

    def writevto(self, addr, parts):
        self.sent += 1 + sum(len(part) for part in parts)


class _Keys:
    """A keypad whose keys are already pressed; notes what the bus had sent before each."""

    def __init__(self, bus, codes):
        self._bus = bus
        self._codes = codes
        self._at = 0
        self.sent = []
        self.last_ms = time.ticks_ms()

    def get(self):
        self.sent.append(self._bus.sent)
        self._at += 1
        return self._codes[self._at - 1]

    async def arrival(self, limit_ms):
        pass


def key_bytes(digits):
    """Return (I2C bytes for each digit typed into the account field, bytes of a full show)."""
    import asyncio

    from ssd1306 import SSD1306_I2C

    from drivers.oled import Oled
    from firmware.ui.canvas import Canvas
    from firmware.ui.font import Font
    from firmware.ui.pages import Pages
    from firmware.ui.text import Text

    bus = _Bus()
    panel = Oled(bus)
    keys = _Keys(bus, digits + b"C")
    assets = ROOT + "/build/device/assets/"
    canvas = Canvas(panel, Font(assets + "font.bin"))
    pages = Pages(canvas, keys, Text(assets + "zh.bin"))
    asyncio.run(pages.digits("change.title", "field.account", 8, 32))
    # What was sent between two keys is what the first of them cost.
    cost = [keys.sent[at + 1] - keys.sent[at] for at in range(len(digits))]
    plain = SSD1306_I2C(128, 64, bus)
    before = bus.sent
    plain.show()
    return cost, bus.sent - before


class _Module:
    """A PN532 with nothing in its field, and the time: what waits moves it."""

    # Code: (ms until it answers, the answer).
    _ANSWERS = {
        0x02: (1, b"\x32\x01\x06\x07"),
        0x10: (1, b""),
        0x14: (1, b""),
        0x32: (1, b""),
        0x4A: (20, b"\0"),
    }

    def __init__(self):
        self.moved = self.turns = self.ms = 0
        self._line = bytearray(64)
        self._fill = 0
        self._ready_ms = 0
        self._acks = 0

    def init(self, baudrate):
        pass

    def write(self, data):
        self.moved += len(data)
        if data[3:5] == b"\0\xff" or data[2] != 0xFF:
            return  # an ACK, or what it wakes of
        delay, answer = self._ANSWERS[data[6]]
        body = bytes((0xD5, data[6] + 1)) + answer
        size = len(body)
        frame = b"\0\0\xff\0\xff\0\0\0\xff" + bytes((size, -size & 0xFF)) + body
        frame += bytes((-sum(body) & 0xFF, 0))
        self._line[: len(frame)] = frame
        self._fill = len(frame)
        self._acks = 6
        self._ready_ms = self.ms + delay
        self.moved += len(frame)

    def any(self):
        return self._fill if self.ms >= self._ready_ms else self._acks

    def readinto(self, buf, count=32):
        count = min(count, self.any())
        buf[:count] = self._line[:count]
        self._line[: self._fill - count] = self._line[count : self._fill]
        self._fill -= count
        self._acks = 0
        return count or None

    # What stands for asyncio and for time.

    async def sleep_ms(self, ms):
        self.turns += 1
        self.ms += ms

    def ticks_ms(self):
        return self.ms

    def ticks_diff(self, later, earlier):
        return later - earlier


def idle_look(times):
    """Have the contactless reader look `times` times for a card that is not there; return what a
    look takes: {"ns", "bytes" on the line, "turns" of the event loop, "ms" that pass}.
    """
    module = _Module()
    contactless.asyncio = contactless.time = module
    reader = contactless.Contactless(module, Magstripe(module))

    def look():
        try:
            reader.look().send(None)
        except StopIteration as end:
            return end.value

    assert look() is False and reader._is_ready
    module.moved = module.turns = module.ms = 0
    start = time.ticks_us()
    for _ in range(times):
        look()
    took = time.ticks_diff(time.ticks_us(), start)
    found = {"bytes": module.moved, "turns": module.turns, "ms": module.ms}
    return {name: value // times for name, value in found.items()} | {"ns": 1000 * took // times}


class _Counted:
    """Stands for cryptolib.aes and counts the blocks."""

    blocks = 0

    def __init__(self, *args):
        self._real = _aes(*args)

    def encrypt(self, source, target):
        _Counted.blocks += len(source) // 16
        return self._real.encrypt(source, target)


_aes = cmac.aes


class _Board:
    """The parts that a message needs; the line breaks once it was sent."""

    class link_error(Exception):
        code = 0

    class _Clock:
        def civil(self, when, out):
            out[:] = time.gmtime(when)[:6]

        def now(self):
            return 1764000000

    class _Link:
        sent = b""

        async def write(self, buf, n):
            self.sent = bytes(buf[:n])
            raise _Board.link_error

        async def close(self):
            pass

    class _Keystore:
        def __init__(self):
            self._blob = bytearray(dukpt.STATE_LEN)
            dukpt.inject(b"12345678", KEY, self._blob)

        def get(self, name, buf):
            buf[: dukpt.STATE_LEN] = self._blob
            return dukpt.STATE_LEN

        def put(self, name, buf):
            pass

    def __init__(self):
        self.link = self._Link()
        self.clock = self._Clock()
        self.keystore = self._Keystore()

    def random(self, n):
        return bytes(n)


class _State:
    """What is stored, in memory."""

    def __init__(self):
        self._items = {}
        self.get = self._items.get

    def has(self, key):
        return key in self._items

    def put(self, changes, entry):
        self._items.update(changes)


def change_request(times):
    """Send `times` whole 0300s; return (ns each, AES blocks each, the least they can take)."""
    import asyncio

    # What is loaded once stays: a module's way from flash is not what is measured.
    from firmware.acquirer import message  # noqa: F401
    from firmware.acquirer.identity import Identity
    from firmware.acquirer.line import Line
    from firmware.binding import change, model
    from firmware.binding.request import Request
    from firmware.binding.storing import begin

    board = _Board()
    me = Identity(b"10000001", b"898110012345678", b"RB-000001", KEY)
    line = Line(board, me, _State())
    line.take()
    begin(change.Change(line.state, board.clock), samples.request(model, Request))

    async def send():
        for _ in range(times):
            line.compose(change.SUBMIT, samples.SECRETS)
            try:
                await line.ask()
            except change.NoAnswer:
                pass

    start = time.ticks_us()
    asyncio.run(send())
    took = time.ticks_diff(time.ticks_us(), start)
    sent = board.link.sent
    codec.decode(sent, codec.BODY, len(sent), table)
    for module in (cmac, dukpt, seal):
        module.aes = _Counted
    _Counted.blocks = 0
    asyncio.run(send())
    blocks = _Counted.blocks / times
    for module in (cmac, dukpt, seal):
        module.aes = _aes
    # A key for each message: its children, on average one; two working keys; every block of
    # DF20 and of the MAC's message, and the MAC's subkey.
    sealed = samples.sealed_len(sent) // 16
    least = 1 + 2 + sealed + (len(sent) - 8 - codec.BODY + 15) // 16 + 1
    return 1000 * took / times, blocks, least, len(sent)


def main():
    if sys.argv[1] == "run":
        WORK[sys.argv[2]][0](int(sys.argv[3]))
        return
    result = {"ns": {name: measure(work) / n for name, (work, n) in WORK.items()}}
    result["ns"]["luhn_c"] = luhn_in_c(sys.argv[2])
    result["key_bytes"], result["full_frame"] = key_bytes(samples.ACCOUNT)
    ns, blocks, least, size = change_request(64)
    result["ns"]["change"] = ns
    result["change"] = {"aes_blocks": blocks, "aes_least": least, "bytes": size}
    result["look"] = idle_look(50)
    result["frame_bytes"] = TOTAL
    result["message"] = MESSAGE.hex()
    print(json.dumps(result))


main()
