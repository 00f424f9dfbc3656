"""The supervisor's operators: twenty, each begun with a password that has to be changed."""

import asyncio
import random

import pytest

from firmware.access import cards, operators, roster
from firmware.storage import audit, audit_log
from firmware.storage import state as store
from host_tests.access.test_operators import FIRST, Access
from host_tests.storage.nor import PowerCut


@pytest.fixture
def access():
    access = Access()
    access.random = random.Random(7).randbytes
    access.operators = operators.Operators(access)
    return access


def give(access, number):
    """Return the first password that an operator is given."""
    first = bytearray(8)
    asyncio.run(roster.run(access, number, first))
    return bytes(first)


def told(access, since):
    entries = audit_log.entries(access.state.journal, since + 1)
    return [(entry[4], entry[5:7], entry[9:]) for _, _, _, entry in entries]


def test_an_operator_that_is_added_logs_in_once_the_first_password_is_changed(access):
    before = access.state.journal.number
    first = give(access, b"07")
    assert told(access, before) == [(audit.ADDED, b"00", b"07")]
    access.boot()
    assert access.check(b"07", first) == operators.MUST_CHANGE
    assert access.set(b"07", b"85203916") == operators.SET
    assert access.check(b"07", b"85203916") == operators.GRANTED
    assert [number for number, _, _ in roster.listed(access.state)] == [b"01", b"07"]


def test_there_is_room_for_twenty_and_the_next_changes_nothing(access):
    passwords = {b"%02d" % number: give(access, b"%02d" % number) for number in range(2, 21)}
    assert len(set(passwords.values())) == 19
    before = access.state.journal.number
    with pytest.raises(ValueError):
        give(access, b"21")
    assert access.state.journal.number == before
    access.boot()
    people = roster.listed(access.state)
    assert [number for number, _, _ in people] == [b"%02d" % each for each in range(1, 21)]
    assert access.check(b"20", passwords[b"20"]) == operators.MUST_CHANGE
    assert access.check(b"01", FIRST[b"01"]) == operators.MUST_CHANGE


def test_a_new_first_password_ends_the_one_before_and_the_lock_out(access):
    first = give(access, b"07")
    for _ in range(5):
        access.check(b"07", b"999999")
    before = access.state.journal.number
    second = give(access, b"07")
    assert told(access, before) == [(audit.PASSWORD, b"00", b"07")]
    assert access.check(b"07", second) == operators.MUST_CHANGE
    assert access.check(b"07", first) == operators.WRONG


def test_a_locked_operator_stays_locked_until_the_supervisor_unlocks_it(access):
    give(access, b"07")
    access.set(b"07", b"85203916")
    before = access.state.journal.number
    assert roster.switch(access, b"07")
    access.boot()
    assert access.check(b"07", b"85203916") == operators.DISABLED
    assert access.check(b"07", b"85203917") == operators.WRONG  # who guesses is told no more
    assert access.check(b"07", give(access, b"07")) == operators.DISABLED
    access.set(b"07", b"60417392")
    assert access.check(b"07", b"60417392") == operators.DISABLED
    assert not roster.switch(access, b"07")
    assert access.check(b"07", b"60417392") == operators.GRANTED
    steps = [(event, said) for event, who, said in told(access, before) if who == b"00"]
    assert steps == [
        (audit.GONE, b"07 locked"),
        (audit.PASSWORD, b"07"),
        (audit.ADDED, b"07 unlocked"),
    ]


def test_of_a_deleted_operator_nothing_is_left_for_who_gets_the_number_next(access):
    first = give(access, b"07")
    assert roster.use_card(access, b"07", bytearray(b"20070001"))
    access.check(b"07", b"999999")
    before = access.state.journal.number
    roster.delete(access, b"07")
    assert told(access, before) == [(audit.GONE, b"00", b"07 deleted")]
    access.boot()
    assert access.check(b"07", first) == operators.WRONG
    again = give(access, b"07")
    assert access.left(b"07") == 5
    assert roster.listed(access.state)[1] == (b"07", operators.FIRST, False)
    assert access.check(b"07", again) == operators.MUST_CHANGE


def test_operator_01_may_be_deleted_and_is_not_begun_again(access):
    roster.delete(access, b"01")
    access.boot()
    assert roster.listed(access.state) == []
    assert access.check(b"00", FIRST[b"00"]) == operators.MUST_CHANGE


def test_the_supervisor_and_the_administrator_are_not_in_the_list(access):
    asyncio.run(access.operators.set_password(b"99", bytearray(b"59317604"), True))
    assert [number for number, _, _ in roster.listed(access.state)] == [b"01"]
    assert access.check(b"99", b"59317604") == operators.GRANTED


@pytest.mark.parametrize("number", [b"00", b"99"])
def test_nothing_is_done_to_the_supervisor_or_the_administrator(access, number):
    before = access.state.journal.number
    for step in (roster.switch, roster.delete, give):
        with pytest.raises(ValueError):
            step(access, number)
    with pytest.raises(ValueError):
        roster.use_card(access, number, bytearray(b"20070001"))
    assert access.state.journal.number == before
    assert access.check(b"00", FIRST[b"00"]) == operators.MUST_CHANGE


@pytest.mark.parametrize("step", ["give", "switch", "delete", "card"])
def test_power_lost_at_any_byte_leaves_an_operator_as_it_was_or_wholly_changed(access, step):
    def act():
        if step == "give":
            give(access, b"07")
        elif step == "switch":
            roster.switch(access, b"07")
        elif step == "delete":
            roster.delete(access, b"07")
        else:
            roster.use_card(access, b"07", bytearray(b"20070001"))

    def seen():
        return access.state.get(store.OPERATOR + 2), access.left(b"07")

    if step != "give":
        give(access, b"07")
        access.check(b"07", b"999999")
    before, blank = seen(), bytes(access.flash.data)
    found = set()
    for cut in (0, 1, 8, 30, 63, 64, 100, 10_000):
        access.flash.data[:] = blank
        access.flash.cut = cut
        try:
            access.state = store.State(access.flash, access.keys, access.random)
            act()
        except PowerCut:
            pass
        access.flash.cut = None
        access.state = store.State(access.flash, access.keys, access.random)
        found.add("before" if seen() == before else "after")
        if seen() != before:
            assert step != "delete" or seen() == (None, 5)
            assert step != "give" or seen()[0][operators.FLAGS] == operators.FIRST
    assert found == {"before", "after"}


# -- two people, two passwords -------------------------------------------------------------------


def test_no_two_people_ever_have_the_same_password(access):
    give(access, b"07")
    assert access.set(b"07", b"85203916") == operators.SET
    assert access.set(b"00", b"85203916") == operators.TAKEN
    assert access.check(b"00", FIRST[b"00"]) == operators.MUST_CHANGE
    assert access.set(b"00", b"71828182") == operators.SET
    assert access.set(b"07", b"71828182") == operators.TAKEN
    assert access.check(b"07", b"85203916") == operators.GRANTED
    assert access.set(b"01", b"85203916") == operators.TAKEN  # of two operators neither
    assert access.set(b"01", b"60417392") == operators.SET


def test_no_provider_makes_them_the_same_either(access):
    access.set(b"00", b"71828182")

    def by_provider(number, password):
        return asyncio.run(access.operators.set_password(number, bytearray(password), True))

    assert by_provider(b"01", b"71828182") == operators.TAKEN
    assert by_provider(b"99", b"71828182") == operators.TAKEN
    access.set(b"01", b"85203916")
    assert by_provider(b"00", b"85203916") == operators.TAKEN


def test_a_first_password_is_nobody_elses(access, monkeypatch):
    drawn = [b"71828182", b"71828182", b"40302010"]
    access.set(b"00", drawn[0])
    monkeypatch.setattr("firmware.access.drawn.digits", lambda random: drawn.pop(0))
    assert give(access, b"07") == b"40302010"


def test_one_stretching_of_a_new_password_tells_of_twenty(access, monkeypatch):
    for number in range(2, 21):
        give(access, b"%02d" % number)
    stretched = []
    verifier = operators.Operators._verifier

    def counted(people, *given):
        stretched.append(given[1])
        return verifier(people, *given)

    monkeypatch.setattr(operators.Operators, "_verifier", counted)
    assert access.set(b"00", b"71828182") == operators.SET
    assert len(stretched) == 1


def test_operators_of_older_firmware_are_compared_by_their_own_salt():
    class Salted(Access):
        def random(self, n):  # one salt each, as it was drawn
            self.drawn = getattr(self, "drawn", 0) + 1
            return bytes((self.drawn,)) * n

    access = Salted()
    stored = access.state.get(store.OPERATOR + 1)
    access.state.put(((store.OPERATOR + 1, stored[:5] + b"anothers" + bytes(16)),))
    own = access.operators
    tag = asyncio.run(own._verifier(bytearray(b"85203916"), b"anothers", 1000))
    access.state.put(((store.OPERATOR + 1, stored[:5] + b"anothers" + tag),))
    assert access.set(b"00", b"85203916") == operators.TAKEN
    assert access.set(b"01", b"85203916") == operators.SAME
    assert access.set(b"00", b"85203917") == operators.SET


# -- one's own last four -------------------------------------------------------------------------


def test_none_of_ones_last_four_passwords_is_a_new_one(access):
    chosen = [b"85203916", b"60417392", b"48305927", b"59317604", b"73194068"]
    for password in chosen[:4]:
        assert access.set(b"01", password) == operators.SET
    access.boot()
    for password in chosen[:4]:
        assert access.set(b"01", password) == operators.SAME
    assert access.set(b"01", chosen[4]) == operators.SET
    assert access.set(b"01", chosen[0]) == operators.SET  # four newer ones ago


def test_former_passwords_outlast_a_reset_but_not_the_operator(access):
    give(access, b"07")
    for password in (b"85203916", b"60417392"):
        access.set(b"07", password)
    for _ in range(4):
        first = give(access, b"07")  # drawn ones are none that somebody chose
    assert access.set(b"07", b"85203916") == operators.SAME
    assert access.set(b"07", first) == operators.SAME
    roster.delete(access, b"07")
    give(access, b"07")
    assert access.set(b"07", b"85203916") == operators.SET


def test_a_card_and_former_passwords_leave_each_other_alone(access):
    give(access, b"07")
    card = bytearray(b"200700012345")
    for count, password in enumerate((b"85203916", b"60417392", b"48305927", b"59317604")):
        assert roster.use_card(access, b"07", card)
        assert access.set(b"07", password) == operators.SET
        access.boot()
        assert cards.owner(access, card) == b"07"
        assert roster.listed(access.state)[1] == (b"07", 0, True)
        assert len(access.state.get(store.OPERATOR + 2)) == 36 + 4 * count
    assert roster.use_card(access, b"07", None)
    assert roster.listed(access.state)[1] == (b"07", 0, False)
    assert access.set(b"07", b"85203916") == operators.SAME


# -- operator cards ------------------------------------------------------------------------------


def test_a_card_is_one_operators_and_only_a_tag_of_it_is_kept(access):
    give(access, b"07")
    card = bytearray(b"200700012345")
    assert cards.owner(access, card) is None
    assert roster.use_card(access, b"07", card)
    access.boot()
    assert cards.owner(access, card) == b"07"
    assert cards.owner(access, bytearray(b"200700012346")) is None
    assert not roster.use_card(access, b"01", card)
    stored = access.state.get(store.OPERATOR + 2)
    assert bytes(card) not in stored and len(stored) == 36
    access.set(b"07", b"85203916")
    assert cards.owner(access, card) == b"07"  # a new password keeps the card
    assert roster.use_card(access, b"07", None)
    assert cards.owner(access, card) is None
    assert roster.use_card(access, b"01", card)
