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


class Pages:
    """Somebody who turns to the end; every picture that was there."""

    def __init__(self, stage, text):
        self.canvas, self.text, self.seen = stage.canvas, text, []

    def begin(self):
        pass

    drop_keys = begin

    async def key(self):
        self.seen.append(bytes(self.canvas.panel.buffer))
        return CONFIRM

    async def consent(self, title, rows):
        return await page.run(self, title, rows)


def binding(draw):
    """TLVs of a card or an account, drawn from few values, so that two are often alike."""
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
    return model.compose(fields)


def proposal(draw):
    """(title, slot, TLVs, what the slot has) as an errand has them approved."""
    title = draw.choice(TITLES)
    bound = draw.choice(BOUND)
    before = bound and model.compose({model.NAME: b"N", model.ACCOUNT: bound})
    tlvs = b"" if title == "reserves.remove" else binding(draw)
    return title, draw.randint(1, 4), tlvs, before


def mutated(draw, one):
    """Another proposal, often with a single value changed."""
    other = proposal(draw)
    at = draw.randrange(5)
    return other if at == 4 else (*one[:at], other[at], *one[at + 1 :])


def masked(each):
    """What tells a proposal apart: the old number is only ever shown masked."""
    title, slot, tlvs, before = each
    return title, slot, tlvs, before and model.truncated(model.number(before))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("whose", ["approve.supervisor", "approve.owner"])
def test_ten_thousand_pairs_of_different_proposals_never_look_the_same(language, whose):
    draw = random.Random(f"{language} {whose}")
    stage = Stage(language)
    text = functools.cache(stage.text)

    async def shown(each):
        title, slot, tlvs, before = each
        pages = Pages(stage, text)
        bound = SimpleNamespace(binding=lambda at: before if at == slot else None)
        desk = SimpleNamespace(pages=pages, text=text, licence=LICENCE, state=bound)
        assert await consent.run(desk, whose, title, slot, tlvs)
        return pages.seen

    async def story():
        for _ in range(2500):
            one = proposal(draw)
            other = mutated(draw, one)
            if masked(one) != masked(other):
                assert await shown(one) != await shown(other), (one, other)

    asyncio.run(story())
