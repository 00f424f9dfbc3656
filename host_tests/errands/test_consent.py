"""What is approved is shown: no two proposals look the same to whoever approves them."""

import asyncio
import functools
import random
from types import SimpleNamespace

import pytest

from firmware.binding import model
from firmware.errands import consent
from firmware.ui import consent as page
from firmware.ui.keys import CONFIRM
from host_tests.ui.stage import Stage

LICENCE = b"91350100M000100Y43"
NAMES = [
    "上海示例商贸有限公司",
    "上海示例商贸有限公司 ",
    "上海示例商贸有限公司  ",
    "张三",
    "张三卡号 6200 0000 0000 0005",
    "一" * 10 + "有效期 06/31",
    "一" * 40,
    "O0 Ltd",
    "OO Ltd",
    "l" * 20 + "户名 张三",
]
TITLES = ["change.title", "card.title", "restore.title", "reserves.use", "reserves.remove"]
BOUND = [None, b"6222021234567890", b"6222029999997890", b"12345678", b"87655678"]


class Canvas:
    """The canvas, which paints each thing only once: what it looks like is kept. A page is what
    its parts look like, each of which has a place of its own.
    """

    def __init__(self, stage):
        self._real = stage.canvas
        self._looks = {}
        self._wrapped = {}
        self._width = functools.cache(stage.canvas.width)
        self.parts = []

    def clear(self):
        self.parts = []

    def show(self):
        pass

    def width(self, words):
        return self._width(bytes(words))

    def wrap(self, words, ends, room):
        words = bytes(words)
        if (words, room) not in self._wrapped:
            self._wrapped[words, room] = self._real.wrap(words, ends, room), tuple(ends)
        data, ends[:] = self._wrapped[words, room]
        return bytearray(data)

    def piece(self, row, data, start, end, inverted, x):
        self._paint("piece", row, bytes(data[start:end]), 0, end - start, inverted, x)

    def __getattr__(self, name):  # title, hint, scroll_mark
        return functools.partial(self._paint, name)

    def _paint(self, *what):
        if what not in self._looks:
            self._real.clear()
            getattr(self._real, what[0])(*what[1:])
            self._looks[what] = bytes(self._real.panel.buffer)
        self.parts.append(self._looks[what])


class Pages:
    """Somebody who turns to the end; every picture that was there."""

    def __init__(self, canvas, text):
        self.canvas, self.text, self.seen = canvas, text, []

    def begin(self):
        pass

    drop_keys = begin

    async def key(self):
        self.seen.append(self.canvas.parts)
        return CONFIRM

    async def consent(self, title, rows):
        return await page.run(self, title, rows)


def binding(draw):
    """The fields of a card or an account, drawn from few values, so that two are often alike."""
    digits = "".join(draw.choice("01") for _ in range(draw.choice((1, 2)))).encode()
    fields = {model.NAME: draw.choice(NAMES).encode(), model.LICENCE: LICENCE}
    if draw.random() < 0.2:
        fields[model.LICENCE] = b"91350100M000100Y44"
    if draw.random() < 0.5:
        fields[model.PAN] = b"6" * draw.choice((13, 16, 19)) + digits[:1]
        fields[model.PAN] = fields[model.PAN][-19:]
        fields[model.EXPIRY] = draw.choice((b"2912", b"3006", b"1229"))
    else:
        fields[model.ACCOUNT] = b"6" * draw.choice((8, 12, 16, 30)) + digits
        fields[model.CNAPS] = draw.choice((b"102100099996", b"313651027012"))
        fields[model.KIND] = draw.choice((b"\1", b"\2"))
        if draw.random() < 0.3:
            fields[model.BANK] = draw.choice((b"ICBC", "工商银行".encode()))
    return fields


def proposal(draw):
    """(title, slot, fields, what the slot has) as an errand has them approved."""
    title = draw.choice(TITLES)
    bound = draw.choice(BOUND)
    before = bound and model.compose({model.NAME: b"N", model.ACCOUNT: bound})
    fields = {} if title == "reserves.remove" else binding(draw)
    return title, draw.randint(1, 4), fields, before


def mutated(draw, one):
    """Another proposal, most often with a single value changed."""
    other = proposal(draw)
    at = draw.randrange(8)
    if at == 7:
        return other
    if at in (0, 1, 3):
        return (*one[:at], other[at], *one[at + 1 :])
    tag = draw.choice([*one[2], model.NAME])
    fields = one[2] | {tag: other[2][tag]} if tag in other[2] else other[2]
    return (*one[:2], fields, one[3])


def masked(each):
    """What tells a proposal apart: the old number is only ever shown masked."""
    title, slot, fields, before = each
    return title, slot, fields, before and model.masked(before)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_ten_thousand_pairs_of_different_proposals_never_look_the_same(language):
    draw = random.Random(language)
    stage = Stage(language)
    text = functools.cache(stage.text)
    canvas = Canvas(stage)

    async def shown(each):
        title, slot, fields, before = each
        pages = Pages(canvas, text)
        bound = SimpleNamespace(binding=lambda at: before if at == slot else None)
        desk = SimpleNamespace(pages=pages, text=text, licence=LICENCE, state=bound)
        assert await consent.run(desk, "approve.owner", title, slot, model.compose(fields))
        return pages.seen

    async def story():
        pairs = 0
        while pairs < 5000:
            one = proposal(draw)
            other = mutated(draw, one)
            if masked(one) != masked(other):
                pairs += 1
                assert await shown(one) != await shown(other), (one, other)

    asyncio.run(story())
