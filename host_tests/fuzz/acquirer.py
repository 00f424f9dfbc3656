"""An acquirer that is not to be trusted: the terminal's life among answers whose MAC is right and
whose contents are anything.

A life is host_tests/crash's: the real firmware under either interpreter, the acquirer's own host,
virtual time. Each answer is given other contents first, drawn from a seed; after that the terminal
lives on with an acquirer that says what is so. What has to hold: no conversation ends in anything
but an answer or none, every page that shows what was taken in can be painted, what was taken over
is of the table, and the terminal starts again from that flash and comes back into step. May import
host_tests.crash, tools.simulator.lies; under CPython also the pages.
"""

import contextlib
import random
from types import SimpleNamespace

from firmware.binding import model
from host_tests.crash import life, scenarios
from host_tests.crash.world import MemoryBooks, World, token
from tools.acquirer import message, tlv
from tools.simulator.lies import lie

_CALM = 0.25  # of the answers are as they should be
_SEALED = 0xDF20
_TOKEN = 0xDF44
_NAMES = 0xDF30
_BANK = 0xDF64
_BANK_NAME = 0xDF33
_INNER = tuple(range(0xDF30, 0xDF38))
_CODES = ("00", "03", "09", "14", "22", "30", "54", "55", "58", "61", "63", "91", "97", "A0", "1Q")
_OF = {  # the tags of each answer
    "0810": (_NAMES, _NAMES, _SEALED, 0xDF45, 0xDF46, 0xDF47, 0xDF47, 0xDF48, 0xDF40, _TOKEN),
    "0310": (
        *(0xDF10, 0xDF40, 0xDF40, 0xDF41, 0xDF42, 0xDF43, _TOKEN, 0xDF4A, 0xDF4B, _SEALED),
        *(_BANK, _BANK, _BANK, 0xDF65),
        *_INNER,
    ),
    "0330": (0xDF51, 0xDF51, 0xDF41, 0xDF10),
}
_LIKELY = (  # what a tag may well have, or nearly
    b"",
    b"\0",
    b"\1",
    b"\2",
    b"\3",
    b"\4",
    b"\x1f",
    b"\xff",
    b"\xff\xfe",
    b" " * 15,
    b"898310054110009",
    b"shop.1234567890",
    b"6222020200112233445",
    b"102100099996",
    b"91350100M000100Y43",
    b"3012",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x80\0\0\0",
    "一二三四五六七八九十".encode(),
    "𠀀👩‍👩‍👧".encode(),
    b"DF31 x",
    b"A\nB\tC\0",
    b"%s%d%",
    b"answer.55",
)


class Lying(World):
    """A world whose acquirer lies, as `draw` has it; `told` is what it was to say, a list of words
    for each answer.
    """

    def __init__(self, books, snapshot, policy, draw):
        super().__init__(books, snapshot, policy, watch=False)
        self.told = []
        self._draw = draw

    def _instead(self):
        return self._alter if self._draw.random() >= _CALM else None

    def _alter(self, answer, secrets):
        fields = dict(answer.fields)
        words = _words(answer.mti, self._draw)
        try:
            lie(words)(answer, secrets)
            self._sign(answer, secrets)
            answer.fields[128] = bytes(message.MAC_SIZE)
            if len(message.encode(answer)) > message.MAX_FRAME - 5:
                raise ValueError
            del answer.fields[128]
        except Exception:  # noqa: BLE001 - what does not fit a frame was never said
            answer.fields = fields
            words = ["said too much"]
        self.told.append([answer.mti, *words])

    def _sign(self, answer, secrets):
        """Give a binding that is told its own token: the acquirer has the key."""
        block = dict(_pairs(answer.fields.get(120, b"")))
        if _SEALED in block and self._draw.random() < 0.8:
            with contextlib.suppress(ValueError):
                told = token(secrets.open(block[_SEALED]))
                lie([f"DF44={told}"])(answer, secrets)


def _pairs(block):
    return tlv.split(block, repeatable=range(0xDF00, 0xE000))


def _words(mti, draw):
    """Return the words of a lie about an answer."""
    words = []
    for _ in range(draw.choice((1, 1, 1, 2, 3, 5))):
        what = draw.random()
        if what < 0.15:
            words.append(f"39={draw.choice(_CODES)}")
        elif what < 0.2:
            text = "".join(draw.choice("0aZ .-_") for _ in range(12))
            words.append(f"37={draw.choice((text, '-'))}")
        elif what < 0.23:
            words.append(
                f"{63 if mti == '0810' else 120}={draw.randbytes(draw.randrange(60)).hex()}"
            )
        else:
            tag = draw.choice(_OF.get(mti, (0xDF10,)))
            value = _bank if tag == _BANK else _value
            words += [f"{tag:04X}={value(draw)}" for _ in range(draw.choice((1, 1, 1, 1, 2, 12)))]
    return words


def _bank(draw):
    """A number that is right, before a name that may be."""
    return (b"102100099996" + bytes.fromhex(_value(draw).replace("-", ""))).hex()


def _value(draw):
    what = draw.random()
    if what < 0.1:
        return "-"
    if what < 0.55:
        return draw.choice(_LIKELY).hex()
    if what < 0.75:
        return (draw.choice(_LIKELY) * draw.randrange(1, 9))[: draw.randrange(1, 140)].hex()
    return draw.randbytes(draw.choice((1, 1, 2, 4, 8, 8, 15, 16, 32, 120, 200))).hex()


# -- what has to hold ----------------------------------------------------------------------------


def in_table(tlvs):
    """Tell whether a binding is one that the profile knows."""
    try:
        pairs = tlv.split(tlvs)
    except tlv.TlvError:
        return False
    found = dict(pairs)
    tags = [tag for tag, _ in pairs]
    return (
        tags == sorted(tags)
        and set(tags) <= set(_INNER)
        and _NAMES in found
        and ((0xDF31 in found) != (0xDF36 in found))
        and all(_RULES[tag](value) for tag, value in pairs)
    )


def _is_text(most):
    def good(value):
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return False
        controls = any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in text)
        return 0 < len(value) <= most and not controls

    return good


def _is_number(least, most):
    return lambda value: least <= len(value) <= most and value.isdigit()


_RULES = {
    _NAMES: _is_text(120),
    0xDF31: _is_number(8, 32),
    0xDF32: _is_number(12, 12),
    _BANK_NAME: _is_text(90),
    0xDF34: lambda value: value in (b"\1", b"\2"),
    0xDF35: lambda value: len(value) == 18 and value.isalnum(),
    0xDF36: _is_number(13, 19),
    0xDF37: _is_number(4, 4),
}

_PAGES = ("bindings", "change_records", "pending", "idle")
_KEYS = "DBDADDDDBBDDCDDDDDDDD"


class Reader(life.Till):
    """A till at whose end somebody reads every page that shows what was taken in."""

    async def rest(self):
        right = await super().rest()
        await self._read()
        return right

    async def _read(self):
        from firmware.binding.change import NoAnswer
        from firmware.errands import after, change_account
        from firmware.ui.pages import Idle
        from host_tests.ui.stage import Stage

        stage = Stage(idle_ms=1)
        self.hotline = "95516"
        self.draft = None
        self.board.faults = []
        self.board.keypad = SimpleNamespace(stuck=-1)
        self.board.wifi.encrypted = True
        kept = self.text, self.pages, self.operator
        self.operator = b"01"
        self.text, self.pages = stage.text, stage.pages
        try:
            for name in _PAGES:
                stage.keys.press(_KEYS)
                with contextlib.suppress(Idle):
                    await __import__(f"firmware.errands.{name}", None, None, ["run"]).run(self)
                stage.pages.drop_keys()
            with contextlib.suppress(NoAnswer):
                for bank in (await self.sync.look_up(b"102", b"94", 0))[1]:
                    if not (_is_number(12, 12)(bank[:12]) and _RULES[_BANK_NAME](bank[12:])):
                        raise Trouble(f"a bank to choose from: {bank}")
            if self.sync.names:
                stage.keys.press("D" + "B" * len(self.sync.names))
                with contextlib.suppress(Idle):
                    asked = model.CHANGE_ACCOUNT, 1, change_account._FIELDS, after.FORM
                    await self.open("form", "change.title", *asked)
        finally:
            self.text, self.pages, self.operator = kept


class Trouble(AssertionError):
    """What must hold did not; the text says after which lies."""


def play(seed, body, scenario):
    """Live through one scenario with an acquirer that lies, then with one that does not.

    body: one of host_tests.crash.bodies. Raises Trouble.
    """
    draw = random.Random(f"{seed} {scenario}")
    plan = {**scenarios.SCENARIOS[scenario].full_plan(False), "patience_s": 2000, "linger_s": 0}
    policy = scenarios.SCENARIOS[scenario].policy
    books = MemoryBooks()
    there = Lying(books, scenarios.begin(scenario), policy, draw)
    try:
        _live(body, there, plan, there.told)
        taken = there.facts["settled"]["bindings"]
        for _, tlvs in taken:
            if not in_table(bytes.fromhex(tlvs)):
                raise Trouble(f"taken over: {tlvs}, after {there.told}")
        again = World(books, there.snapshot().later(90), policy, watch=False)
        plan |= {"resumed": True, "patience_s": 8 * 3600}
        _live(body, again, plan, there.told)
        if not again.facts["settled"]["settled"]:
            raise Trouble(f"never in step again, after {there.told}")
    finally:
        books.close()


def _live(body, there, plan, told):
    kept, life.Till = life.Till, Reader
    try:
        body.live(there, plan)
    except Exception as fault:
        raise Trouble(f"{fault!r} after {told}") from fault
    finally:
        life.Till = kept
    if "settled" not in there.facts:
        raise Trouble(f"needs service, after {told}")
