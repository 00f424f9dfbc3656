"""Signing on: only a whole answer is taken in, what is not of the table is left out and told, and
nothing would lock the terminal out.
"""

import asyncio
from types import SimpleNamespace

import pytest

from firmware.acquirer import merchant, sync, taking_over
from firmware.acquirer.identity import Identity
from firmware.acquirer.sync import Sync
from firmware.binding import model
from firmware.binding.change import NoAnswer
from firmware.storage import state as store
from host_tests.binding.test_change import NEW, OLD, Keys, Terminal
from host_tests.binding.test_checked import composed

MERCHANT = b"898310054110001"
ANOTHER = b"898310054110002"
NOW = 1_800_000_000
WHOLE = {0xDF45: b"\0", 0xDF46: NOW.to_bytes(4, "big"), 0xDF48: b"\0"}
DIFFERS = {**WHOLE, 0xDF45: b"\x01"}


class Clock:
    """A clock that the acquirer may set."""

    def __init__(self, now=NOW):
        self.time = now
        self.trusted = False

    def now(self):
        return self.time

    def set(self, epoch):
        self.time = epoch
        self.trusted = True


class Line:
    """A line to an acquirer that knows some merchant numbers, and answers sign-ons by `tags` and
    inquiries of slots by `slots` ({slot: TLVs, or a whole answer}).
    """

    def __init__(self, tags, slots=(), known=(MERCHANT, ANOTHER)):
        self.tags, self.slots, self.known = tags, dict(slots), known
        self.identity = Identity(b"10000001", MERCHANT, b"S1", bytes(16))
        self.asked = []
        self.unsealed = []  # as `reply` gives it, to be overwritten by whoever asked
        self.board = SimpleNamespace(keystore=Keys())
        self.said = []

    async def reach(self):
        pass

    def take(self):
        pass

    def leave(self):
        pass

    async def close(self):
        pass

    async def talk(self, wanted, fields):
        self.asked.append(fields[0])
        self.said.append(dict(fields[120]))
        if fields[0] == 0x0300:
            tags = self._slot(fields[120][0][1][0])
        elif self.identity.merchant not in self.known:
            tags = {39: b"03"}
        else:
            tags = {39: b"00", **self.tags}
        if tags.get(0xDF20) is not None:
            self.unsealed.append(bytearray(tags[0xDF20]))
            tags = {**tags, 0xDF20: self.unsealed[-1]}
        return {what: tags.get(what) for what in wanted}

    def _slot(self, slot):
        theirs = self.slots.get(slot)
        if isinstance(theirs, dict):
            return theirs
        if theirs is None:
            return {39: b"00", 0xDF40: b"\x04"}
        return {39: b"00", 0xDF20: theirs, 0xDF44: self.identity.token(theirs)}


class Shop:
    """A terminal bound to OLD in slot 1, signing on to whatever the test wants."""

    def __init__(self, tags, *line, clock=None):
        self.terminal = Terminal()
        self.line = Line(tags, *line)
        self.clock = clock or Clock()
        self.sync = Sync(self.line, self.terminal.change, self.terminal.state, self.clock, None)

    def sign_on(self):
        asyncio.run(self.sync.sign_on())
        return self.sync


def signed_on(tags, *line):
    return Shop(tags, *line).sign_on()


@pytest.mark.parametrize("tag", sorted(WHOLE))
@pytest.mark.parametrize("value", [None, b"", bytes(5)])
def test_an_answer_that_leaves_out_what_it_must_say_is_none(tag, value):
    shop = Shop({**WHOLE, tag: value})
    shop.sync.holders = b"kept"
    with pytest.raises(NoAnswer):
        shop.sign_on()
    assert (shop.sync.reached, shop.sync.reached_at) == (sync.UNREACHED, 0)
    assert shop.sync.holders == b"kept"


def test_a_whole_answer_without_notices_says_that_all_agrees_and_when():
    shop = Shop(WHOLE)
    shop.sync.differing = [(1, NEW)]
    shop.sign_on()
    assert shop.sync.differing == []
    assert shop.sync.reached_at == NOW


# -- names


def test_all_the_merchants_names_are_offered():
    names = [b"name %d" % i for i in range(60)]
    found = signed_on({**WHOLE, 0xDF20: composed([(model.NAME, name) for name in names])})
    assert found.names == names
    assert not found.faulty


@pytest.mark.parametrize("bad", [b"\xff\xfe", b"", b"two\nlines", b"x" * 121])
def test_a_name_that_nobody_could_choose_is_left_out_and_told(bad):
    found = signed_on({**WHOLE, 0xDF20: composed([(model.NAME, bad), (model.NAME, b"shop")])})
    assert found.names == [b"shop"]
    assert found.faulty


def test_names_that_end_in_the_middle_are_left_out_and_told():
    found = signed_on({**WHOLE, 0xDF20: composed([(model.NAME, b"shop")]) + b"\xdf\x30\x05a"})
    assert found.names == [b"shop"]
    assert found.faulty


# -- merchant number


def test_a_new_merchant_number_is_taken_and_kept():
    shop = Shop({**WHOLE, 0xDF47: ANOTHER})
    shop.sign_on()
    assert shop.line.identity.merchant == ANOTHER
    shop.terminal.boot()
    identity = Identity(b"10000001", MERCHANT, b"S1", bytes(16))
    merchant.begin(shop.terminal.state, identity)
    assert identity.merchant == ANOTHER


BAD_NUMBERS = [b"8983100541", b"89831005411000\n", b"8983100541100\xe5\x8f", b" " * 15, b""]


@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_a_merchant_number_of_another_form_is_not_taken_and_told(number):
    found = signed_on({**WHOLE, 0xDF47: number})
    assert found.line.identity.merchant == MERCHANT
    assert found.faulty
    assert found.reached == sync.REACHED


def test_a_number_that_the_acquirer_never_knows_makes_nobody_mute():
    shop = Shop({**WHOLE, 0xDF47: b"899999999999999"})
    shop.sign_on()
    shop.line.tags = WHOLE
    shop.sign_on()  # 03: the one before is tried again
    assert shop.sync.reached == sync.REACHED
    assert shop.line.identity.merchant == MERCHANT
    shop.line.asked = []
    shop.sign_on()
    assert len(shop.line.asked) == 1  # and stays


def test_a_number_that_is_given_again_and_again_and_never_known_is_taken_once_and_told():
    shop = Shop({**WHOLE, 0xDF47: b"899999999999999"})
    shop.sign_on()
    entries = shop.terminal.state.journal.number
    for _ in range(3):
        assert shop.sign_on().reached == sync.REACHED
        assert shop.sync.faulty
    assert shop.line.identity.merchant == MERCHANT
    assert shop.terminal.state.journal.number == entries
    shop.line.known = (b"899999999999999",)  # in the end it does know it
    assert shop.sign_on().reached == sync.REACHED
    assert not shop.sync.faulty


def test_the_provisioned_number_is_the_way_back_when_no_given_one_is_known():
    shop = Shop({**WHOLE, 0xDF47: ANOTHER})
    shop.sign_on()
    shop.line.tags = {**WHOLE, 0xDF47: b"899999999999999"}
    shop.sign_on()
    shop.line.tags, shop.line.known = WHOLE, (MERCHANT,)
    assert shop.sign_on().reached == sync.REACHED
    assert shop.line.identity.merchant == MERCHANT


def test_spaces_that_older_firmware_has_stored_are_no_number():
    shop = Shop(WHOLE)
    shop.terminal.state.put(((store.MERCHANT, b" " * 15),))
    merchant.begin(shop.terminal.state, shop.line.identity)
    assert shop.line.identity.merchant == MERCHANT


def test_a_merchant_that_is_not_known_at_all_is_asked_for_once_a_number():
    shop = Shop(WHOLE, (), ())
    assert shop.sign_on().code == b"03"
    assert len(shop.line.asked) == 1
    assert shop.sync.reached == sync.DECLINED


# -- bindings


@pytest.mark.parametrize(
    "theirs",
    [
        composed([(model.NAME, b"shop"), (model.ACCOUNT, b"\xff" * 16)]),
        composed([(model.NAME, b"\xff\xfe"), (model.ACCOUNT, b"11112222")]),
        composed([(model.NAME, b"shop")]),
        composed([(model.NAME, b"x" * 300)]),
        {39: b"00"},
        {39: b"00", 0xDF20: NEW, 0xDF44: bytes(8)},  # it is not what its token says
    ],
)
@pytest.mark.parametrize("slot", [1, 2])
def test_a_binding_that_is_not_of_the_table_is_not_stored_but_told(slot, theirs):
    shop = Shop(DIFFERS, {1: OLD, slot: theirs, 3: NEW})
    found = shop.sign_on()
    assert found.faulty
    assert found.reached == sync.REACHED
    assert found.differing == [(slot, b"")]  # its slot takes no change until it is mended
    shop.terminal.boot()
    state = shop.terminal.state
    assert (state.binding(1), state.binding(2)) == (OLD, None)
    assert state.binding(3) == NEW  # the others are none the worse


@pytest.mark.parametrize("code", [b"96", b"58"])
def test_an_inquiry_that_is_declined_is_told_by_its_code_and_not_as_an_answer_that_is_none(code):
    shop = Shop(DIFFERS, {1: NEW, 2: {39: code}})
    found = shop.sign_on()
    assert (found.reached, found.code, found.reached_at) == (sync.DECLINED, code, 0)
    assert found.differing == []
    shop.line.slots.pop(2)
    assert shop.sign_on().differing == [(1, NEW)]


def test_a_slot_that_the_acquirer_has_unbound_is_told_and_stays():
    shop = Shop(DIFFERS, {2: NEW})
    assert shop.sign_on().differing == [(1, None)]
    assert shop.terminal.state.binding(1) == OLD
    assert shop.terminal.state.binding(2) == NEW


@pytest.mark.parametrize("slot", [1, 2, 3, 4])
def test_a_slot_whose_unbinding_was_accepted_is_news_no_more_and_free(slot):
    others = {each: OLD for each in range(1, 5) if each != slot}
    shop = Shop(DIFFERS, others)
    state = shop.terminal.state
    for each in range(2, 5):
        state.put(state.binding_changes(each, OLD))
    ((at, theirs),) = shop.sign_on().differing
    taking_over.take_over(shop.sync, at, theirs, b"00")
    assert (at, theirs, state.binding(slot), state.backup(slot)) == (slot, None, None, OLD)
    assert shop.sign_on().differing == []
    shop.terminal.boot()
    assert shop.terminal.state.binding(slot) is None
    assert shop.terminal.state.backup(slot) == OLD


# -- time

DAY = 86400


def test_a_time_within_a_day_is_taken_at_once_back_as_well_as_forth():
    for ours in (NOW - DAY, NOW + DAY):
        shop = Shop(WHOLE, clock=Clock(ours))
        shop.sign_on()
        assert shop.clock.now() == NOW
        assert shop.clock.trusted


@pytest.mark.parametrize("ours", [NOW - 2 * DAY, NOW + 300 * DAY])
def test_a_time_further_off_has_to_be_said_twice_a_minute_apart(ours):
    shop = Shop(WHOLE, clock=Clock(ours))
    for passed in (0, 59):
        shop.clock.time = ours + passed
        shop.line.tags = {**WHOLE, 0xDF46: (NOW + passed).to_bytes(4, "big")}
        shop.sign_on()
        assert shop.clock.now() == ours + passed
        assert not shop.clock.trusted
        assert shop.sync.doubt
    shop.clock.time = ours + 60
    shop.line.tags = {**WHOLE, 0xDF46: (NOW + 60).to_bytes(4, "big")}
    shop.sign_on()
    assert shop.clock.now() == NOW + 60
    assert shop.clock.trusted
    assert not shop.sync.doubt
    assert shop.terminal.state.number(store.TIME) == NOW + 60


def test_two_different_times_are_not_one_said_twice():
    shop = Shop(WHOLE, clock=Clock(NOW - 2 * DAY))
    shop.sign_on()
    shop.clock.time += 60
    shop.line.tags = {**WHOLE, 0xDF46: (NOW + 5 * DAY).to_bytes(4, "big")}
    shop.sign_on()
    assert not shop.clock.trusted


def test_a_lock_out_lasts_as_long_when_the_clock_is_set_meanwhile():
    for ours in (NOW - 3600, NOW + 7200):
        shop = Shop(WHOLE, clock=Clock(ours))
        locked = b"\x05" + (ours + 1800).to_bytes(4, "big")
        over = b"\x05" + (ours - 1).to_bytes(4, "big")
        others = b"\x45" + over[1:] + b"\x84\0\0\0\0"
        far = store.ATTEMPTS + 77 // 4
        put = shop.terminal.state.put
        put(((store.ATTEMPTS, locked + others), (far, locked)))
        shop.sign_on()
        shop.terminal.boot()
        later = b"\x05" + (NOW + 1800).to_bytes(4, "big")
        assert shop.terminal.state.get(store.ATTEMPTS) == later + others
        assert shop.terminal.state.get(far) == later


def test_failed_attempts_are_told_at_each_sign_on_until_something_has_ended_them():
    shop = Shop(WHOLE)
    shop.sign_on()
    assert 0xDF19 not in shop.line.said[-1]
    shop.terminal.state.put(((store.ATTEMPTS, b"\x43\0\0\0\0"),))
    shop.line.board.keystore.put("failures", b"\1\2\x4d\6")  # the journal was set back
    for _ in range(2):
        shop.sign_on()
        assert shop.line.said[-1][0xDF19] == b"\x4d\6\1\3"


@pytest.mark.parametrize("slots", [{1: OLD, 2: NEW}, {1: OLD, 2: {39: b"00", 0xDF20: NEW}}])
def test_nothing_unsealed_stays_once_it_was_compared(slots):
    shop = Shop(DIFFERS, slots)
    shop.sign_on()
    assert len(shop.line.unsealed) == 2
    assert not any(map(any, shop.line.unsealed))


def test_what_differs_stays_until_somebody_has_looked_at_it():
    shop = Shop(DIFFERS, {1: NEW})
    assert shop.sign_on().differing == [(1, NEW)]
