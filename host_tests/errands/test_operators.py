"""What the supervisor sees of operators, and what each role finds in its menu."""

import asyncio
import random
import re
from types import SimpleNamespace

import pytest

from firmware.access import operators, proving, roster
from firmware.errands import log_in, main_menu, merchant_changed
from firmware.errands import operators as errand
from firmware.storage import state as store
from host_tests.errands.test_passwords import Desk as _Desk
from host_tests.errands.test_passwords import play, until, walk


class Reader:
    """A card reader through which one card after another is drawn."""

    def __init__(self, *tracks):
        self.tracks = list(tracks)

    def drop(self):
        pass

    def read_into(self, buf, at):
        if not self.tracks:
            return 0
        track = self.tracks.pop(0)
        buf[at : at + len(track)] = track
        return len(track)


class Desk(_Desk):
    """At which the supervisor is logged in."""

    def __init__(self, *tracks):
        super().__init__()
        self.operator, self.draft, self.hotline = b"00", None, "95516"
        self.access.random = random.Random(7).randbytes
        self.access.magstripe = Reader(*tracks)

    def check(self, number, password):
        return asyncio.run(proving.check(self, number, bytearray(password)))[0]


OPERATOR_CARD = b";200700012345?\r\n"
BANK_CARD = b";6222021234567890128=30125201000012300?\r\n"


def test_an_operator_is_added_and_the_first_password_shown_once():
    desk = Desk()

    async def story():
        task = asyncio.create_task(errand.run(desk))
        await walk(
            desk,
            ("Add an operator", "2"),
            ("Operator number", "01D"),
            ("number is taken", "**99D"),
            ("01 to 98", "**07D"),
        )
        await until(desk, "Password of 07")
        first = re.search(r"(\d{4}) (\d{4})", " ".join(desk.stage.lines))
        await desk.stage.press("D")
        await until(desk, "07 new")
        assert first[0] not in " ".join(desk.stage.lines)
        await desk.stage.press("C")
        await task
        return first[1] + first[2]

    first = asyncio.run(story())
    assert desk.check(b"07", first.encode()) == operators.MUST_CHANGE


def test_the_twenty_first_is_refused_with_the_reason():
    desk = Desk()
    for number in range(2, 21):
        asyncio.run(roster.run(desk, b"%02d" % number, bytearray(8)))
    play(
        desk,
        errand.run(desk),
        ("1/21", "A"),
        ("Add an operator", "D"),
        ("20 operators already", "D"),
        ("Add an operator", "C"),
    )
    assert len(roster.listed(desk.state)) == 20


def test_locked_unlocked_given_a_new_password_and_deleted():
    desk = Desk()
    asyncio.run(operators.Operators(desk).set_password(b"01", bytearray(b"85203916")))
    play(desk, errand.run(desk), ("01", "1"), ("Lock", "2"), ("01 locked", "C"))
    play(
        desk,
        desk.prove(b"01", "log_in.title"),
        ("Password of 01", "85203916D"),
        ("Supervisor 00 has locked", "D"),
    )
    play(desk, errand.run(desk), ("01 locked", "1"), ("Unlock", "2"), ("1/2", "C"))
    assert desk.check(b"01", b"85203916") == operators.GRANTED
    play(
        desk,
        errand.run(desk),
        ("1/2", "1"),
        ("New first", "1"),
        ("Give operator 01", "C"),
        ("1/2", "1"),
        ("New first", "1"),
        ("Give operator 01", "D"),
        ("Shown once only", "D"),
        ("01 new", "C"),
    )
    assert desk.check(b"01", b"85203916") == operators.WRONG
    desk.draft = bytearray(b"01" + bytes(226))
    play(
        desk,
        errand.run(desk),
        ("01 new", "1"),
        ("1/4", "4"),
        ("Delete operator 01", "D"),
        ("Done", "D"),
        ("1/1", "C"),
    )
    assert roster.listed(desk.state) == []
    assert desk.draft is None  # nobody who gets the number next sees what was typed


def test_an_operator_card_is_registered_and_then_names_its_operator():
    desk = Desk(BANK_CARD)
    register = (("1/2", "1"), ("1/4", "3"))
    page = errand.run(desk)
    play(desk, page, *register, ("This is a bank card", "C"), ("1/2", "C"))
    assert not roster.listed(desk.state)[0][2]
    desk.access.magstripe.tracks.append(OPERATOR_CARD)
    page = errand.run(desk)
    play(desk, page, *register, ("2007 0001 2345", "D"), ("Done", "D"), ("card", "C"))

    asyncio.run(operators.Operators(desk).set_password(b"01", bytearray(b"85203916")))
    desk.operator = None
    for track, said in ((b";9999000011?", "Card not registered"), (BANK_CARD, "is a bank card")):
        desk.access.magstripe.tracks.append(track)
        assert play(desk, log_in.run(desk), (said, "C")) is None
    desk.access.magstripe.tracks.append(OPERATOR_CARD)

    # 07 stands there, not what the page proposes.
    steps = ("Operator number", "**"), ("01", "D"), ("Password of 01", "85203916D")
    assert play(desk, log_in.run(desk), *steps) == b"01"


# -- menus ---------------------------------------------------------------------------------------


def rows(desk, *keys):
    """Return what the menu shows, row for row, once these keys have been pressed."""
    shown = []
    menu = desk.pages.menu

    async def noted(title, items, at=0):
        shown[:] = items
        return await menu(title, items, at)

    desk.pages.menu = noted
    try:
        desk.stage.play(main_menu.run(desk, []), "".join(keys))
    finally:
        desk.pages.menu = menu
    return shown


@pytest.mark.parametrize(
    "number, settings, accounts",
    [
        (
            b"01",
            ["Account management", "Bank card management", "Change password"],
            ["Change account", "Bound account", "Restore backup", "Pending request"],
        ),
        (
            b"00",
            ["Account management", "Bank card management", "Operators", "Change password"],
            ["Bound account", "Pending request", "Change records", "Compare bindings"],
        ),
        (b"99", ["Change password", "Network", "Host", "Self-test"], None),
    ],
)
def test_menus_show_what_the_role_may_do(number, settings, accounts):
    desk = Desk()
    desk.operator = number
    assert rows(desk, "1")[: len(settings)] == settings
    if accounts is None:
        assert "Account management" not in rows(desk, "1")
    else:
        assert rows(desk, "11")[: len(accounts)] == accounts


def test_who_approves_finds_nothing_to_enter():
    shown = rows(Desk(), "11")
    assert not {"Change account", "Restore backup"} & set(shown)


def test_the_supervisor_sees_the_old_and_the_new_merchant_number_once():
    desk = Desk()
    desk.identity = SimpleNamespace(terminal=b"12345678", merchant=b"N" * 15)
    desk.state.put(((store.MERCHANT, b"N" * 15 + b"O" * 15), (store.MERCHANT_NEW, b"\1")))
    assert asyncio.run(main_menu.run(desk, [])) == ("merchant_changed", ())
    play(desk, merchant_changed.run(desk), ("OOOOO", "B"), ("NNNNN", "C"))
    assert desk.state.has(store.MERCHANT_NEW)  # not read: it stays
    play(desk, merchant_changed.run(desk), ("OOOOO", "D"))
    assert not desk.state.has(store.MERCHANT_NEW)
    result, _ = desk.stage.play(main_menu.run(desk, []), "2")
    assert result == (None, ())
