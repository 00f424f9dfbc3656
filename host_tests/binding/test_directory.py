"""Asking the acquirer's directory of banks, against its own host; and what is believed of it."""

import asyncio

import pytest

from firmware.acquirer import directory
from firmware.binding.change import NoAnswer
from host_tests.crash import world
from host_tests.crash.archive import Shop
from tools.acquirer import banks, initials, made_up
from tools.acquirer.tlv import put


@pytest.fixture
def shop(monkeypatch):
    invented = banks.Directory(":memory:")
    invented.replace((*row, initials.keys(row[1])) for row in made_up.banks())
    monkeypatch.setattr(world, "_NO_BANKS", invented)
    yield Shop(monkeypatch.setattr)
    invented.close()


def ask(shop, *asked):
    return asyncio.run(shop.till.sync.look_up(*asked))


def test_a_terminal_reads_what_its_acquirer_has(shop):
    code, found, more = ask(shop, b"308", bytearray(b"979499255"), 0)
    assert (code, more) == (b"00", directory.LAST)
    assert [bank.decode() for bank in found] == [
        "308980100053招商银行样州长乐路支行",
        "308981100039招商银行乌有长乐路支行",
    ]
    first, second = (ask(shop, b"308", b"", page) for page in (0, 1))
    assert first[2] == directory.MORE
    assert len(first[1]) == len(second[1]) == 8
    assert first[1][-1] < second[1][0]
    assert ask(shop, b"308", b"", 8)[2] == directory.LAST
    assert ask(shop, b"", b"9", 0) == (b"00", [], directory.TOO_MANY)
    assert ask(shop, b"999", b"9", 0) == (b"00", [], directory.LAST)


def test_it_changes_nothing_and_lets_the_line_go(shop):
    before = shop.till.state.get(1), shop.stored()
    ask(shop, b"308", b"", 0)
    assert (shop.till.state.get(1), shop.stored()) == before
    assert not shop.board.link.is_open
    shop.sync()


def test_the_61st_in_an_hour_is_told_by_its_code(shop):
    for _ in range(60):
        assert ask(shop, b"308", b"", 0)[0] == b"00"
    assert ask(shop, b"308", b"", 0) == (b"61", [], directory.LAST)


class Line:
    """A line on which this DE 120 comes back."""

    def __init__(self, block, code=b"00"):
        self.said = {39: code, 120: block}

    async def talk(self, wanted, *contents):
        return {what: self.said[what] for what in wanted}


def read(block):
    return asyncio.run(directory.look_up(Line(block), b"308", b"", 0))


BANK = "308980100053招商银行".encode()
LAST = put(0xDF65, b"\0")


@pytest.mark.parametrize(
    "block",
    [
        None,
        b"",
        put(0xDF64, BANK),  # without DF65
        LAST + LAST,
        put(0xDF65, b""),
        put(0xDF65, b"\3"),
        put(0xDF65, b"\0\0"),
        LAST + b"\xdf\x64",
        LAST + b"\xdf\x64\x20" + BANK[:8],
    ],
)
def test_a_page_out_of_shape_is_no_answer(block):
    with pytest.raises(NoAnswer):
        read(block)


@pytest.mark.parametrize(
    "bad",
    [
        BANK[:12],
        BANK[1:],
        b"30898010005x" + BANK[12:],
        BANK[:12] + b"\xe6\x8b",
        BANK + b"\n",
        BANK + b"x" * 90,
        b"",
    ],
)
def test_a_bank_that_no_binding_could_carry_is_left_out(bad):
    block = put(0xDF64, bad) + put(0xDF64, BANK) + put(0xDF7F, b"?") + LAST
    assert read(block) == (b"00", [BANK], directory.LAST)


def test_no_more_than_a_page_is_kept():
    assert len(read(put(0xDF64, BANK) * 12 + LAST)[1]) == 8
