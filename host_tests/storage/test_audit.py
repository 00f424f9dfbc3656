"""The audit log: chained, masked, exportable, verifiable; the oldest gives way, and it shows."""

import asyncio
import contextlib

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from firmware.binding import change, model
from firmware.binding.change import Outcome
from firmware.binding.change_record import ChangeRecord
from firmware.binding.change_record import compose as remaining
from firmware.binding.request import Request
from firmware.binding.storing import begin
from firmware.storage import audit, audit_log, turn
from firmware.storage import state as store
from firmware.storage.journal import SIZE
from firmware.storage.state import State
from host_tests.access.test_operators import FIRST, Access
from host_tests.binding.test_change import Clock, Host, Keys, Terminal
from tools.acquirer import archive, tlv

from .journals import fresh, mounted, records
from .log import exported, verified
from .nor import Nor, PowerCut


def told(state):
    """Return the log as the acquirer reads it."""
    return [archive.read(value) for value in exported(state.journal)]


def chain_of(read, key):
    """Recompute the chain from the first record on with another library."""
    before = bytes(8)
    for record in read:
        made = CMAC(AES(key))
        made.update(b"\x02" + before + record.body)
        before = made.finalize()[:8]
        yield before


def events(state):
    return [record.event for record in told(state)]


def test_a_change_tells_its_story_in_the_records_of_its_transitions():
    terminal = Terminal()
    terminal.begin()
    terminal.settle(change.UNSETTLED, change.REVIEWING, change.STUCK, change.ACTIVE)
    terminal.boot()
    read = told(terminal.state)
    assert [record.sequence for record in read] == [1, 2, 3, 4, 5, 6]
    assert [record.event for record in read] == [
        audit.FORMATTED,
        audit.REQUEST + change.STORED,
        audit.REQUEST + change.SENT,
        audit.REQUEST + change.REVIEW,
        audit.REQUEST + change.HELD,
        audit.ENDED + change.ACTIVE,
    ]
    assert {record.operator for record in read[1:]} == {"01"}
    assert read[-1].detail == "1 622202*3445"
    assert [record.chain for record in read] == list(chain_of(read, terminal.keys["token_key"]))
    assert not any("0200112233" in record.detail for record in read)


def test_an_entry_is_true_exactly_when_its_transition_is():
    image = bytes(Terminal().flash.data)
    terminal = Terminal()
    terminal.flash.steps = 0
    terminal.begin()
    steps = terminal.flash.steps
    seen = set()
    for cut in range(0, steps + 1):
        terminal = Terminal()
        assert bytes(terminal.flash.data) == image
        terminal.flash.cut = cut
        with contextlib.suppress(PowerCut):
            terminal.begin()
        terminal.flash.cut = None
        terminal.boot()
        stored = terminal.change.phase == change.STORED
        assert (events(terminal.state)[-1] == audit.REQUEST + change.STORED) == stored
        seen.add(stored)
    assert seen == {False, True}


def test_cancelled_and_refused_are_told_apart():
    terminal = Terminal()
    terminal.begin()
    terminal.change.cancel()
    terminal.begin()
    outcome = Outcome()
    outcome.event, outcome.code, outcome.reference = change.REJECTED, b"63", b"REF000000001"

    class Refusing(Host):
        async def ask(self):
            return outcome

    asyncio.run(terminal.change.settle(Refusing()))
    read = told(terminal.state)
    assert read[2].event == audit.ENDED + change.CANCEL
    assert (read[2].outcome, read[-1].outcome) == ("--", "63")
    assert read[-1].event == audit.ENDED + change.REJECTED
    assert read[-1].detail == "1 622202*3445 REF000000001"


def test_passwords_right_wrong_locked_and_changed_are_told():
    access = Access()
    access.check(b"01", FIRST[b"01"])
    for _ in range(6):
        access.check(b"00", b"999999")
    asyncio.run(access.operators.set_password(b"01", bytearray(b"20261124")))
    read = told(access.state)
    assert [record.event for record in read] == [
        audit.FORMATTED,
        audit.RIGHT,
        *[audit.WRONG] * 4,
        audit.LOCKED,
        audit.PASSWORD,
    ]
    assert [record.operator for record in read] == ["--", "01", *["00"] * 5, "01"]


def test_the_chain_of_the_whole_log_is_verified_and_damage_is_found():
    flash, log = fresh(4)
    for i in range(200):
        log.put([(1, b"%050d" % i)], audit.entry(audit.RIGHT, i, b"01"))
    image = bytes(flash.data)
    first, last, broken = verified(mounted(flash))
    assert (last, broken) == (200, [])
    oldest = next(sector for sector in range(0, 8, 2) if flash.data[sector * 4096] != 0xFF)
    for start, _ in records(flash, oldest)[2:12:3]:
        flash = Nor(8, image)
        flash.flip(oldest, start + 20, 3)
        again = mounted(flash)
        gone = set(range(first, last + 1)) - {n for n, *_ in audit_log.entries(again)}
        assert len(gone) == 1
        assert min(gone) - 1 in verified(again)[2]


def test_the_log_goes_on_over_a_damaged_record_with_the_numbers_it_had():
    flash, log = fresh()
    for i in range(5):
        log.put((), audit.entry(audit.RIGHT, i, b"01"))
    flash.flip(0, records(flash)[3][0] + 9, 1)
    again = mounted(flash)
    assert again.number == 5
    assert [number for number, *_ in audit_log.entries(again)] == [1, 2, 4, 5]
    again.put((), audit.entry(audit.RIGHT, 9, b"01"))
    assert [number for number, *_ in audit_log.entries(mounted(flash), 4)] == [4, 5, 6]


def test_the_oldest_gives_way_and_what_the_acquirer_never_had_is_told_as_lost():
    keystore = Keys()
    flash = Nor(8)
    state = State(flash, keystore, bytes)
    for i in range(600):
        state.put(((store.LANGUAGE, b"%050d" % i),), audit.entry(audit.RIGHT, i, b"01"))
    again = State(flash, keystore, bytes)
    read = told(again)
    lost = read[0].sequence - 1
    assert lost > 0
    assert (read[-1].event, read[-1].detail) == (audit.LOST, str(lost))
    assert again.number(store.UPLOADED) == lost
    assert [record.sequence for record in read] == list(range(lost + 1, 603))
    # It is said once.
    assert events(State(flash, keystore, bytes))[-2:] == [audit.RIGHT, audit.LOST]


def test_what_the_acquirer_has_goes_first_and_without_a_word():
    keystore = Keys()
    flash = Nor(8)
    state = State(flash, keystore, bytes)
    for i in range(600):
        state.put(((store.LANGUAGE, b"%050d" % i),), audit.entry(audit.RIGHT, i, b"01"))
        state.put_number(store.UPLOADED, state.journal.number)
    assert audit.LOST not in events(State(flash, keystore, bytes))


def test_details_are_cut_to_what_the_profile_allows():
    (entry,) = [audit.entry(audit.TAKEN, 1, detail=b"x" * 90)]
    assert len(entry) == 9 + 64


# -- room -----------------------------------------------------------------------------------------

LONGEST = tlv.join(
    [
        (model.NAME, ("上海示例商贸有限责任公司浦东新区分公司" * 3)[:40].encode()),
        (model.ACCOUNT, b"1" * 32),
        (model.CNAPS, b"1" * 12),
        (model.BANK, "中国工商银行股份有限公司上海市浦东新区示例支行一二三四五六七".encode()),
        (model.KIND, b"\x01"),
        (model.LICENCE, b"L" * 18),
        (model.PAN, b"6" * 19),
        (model.EXPIRY, b"2912"),
    ]
)
ACCOUNT = LONGEST[:291]  # without the card


class Busy(Terminal):
    """A terminal with every slot bound and backed up, twenty operators, all at their longest."""

    def __init__(self, blocks, binding=LONGEST):
        self.binding = binding
        self.flash, self.keys = Nor(blocks), Keys()
        self.boot()
        for slot in range(1, store.SLOTS + 1):
            for _ in range(2):
                self.state.put(self.state.binding_changes(slot, binding))
        for index in range(store.OPERATORS):
            self.state.put(((store.OPERATOR + index, bytes(36)),))
        for index in range(store.NETWORKS):
            self.state.put(((store.NETWORK + index, bytes(97)),))
        self.state.put(((store.MERCHANT, bytes(30)), (store.LANGUAGE, b"zh")))
        self.state.put(((store.MERCHANT_NEW, b"\1"), (store.RESET, bytes(14))))
        for key in range(11):  # all of them have failed and are locked, and twenty of nobody's
            self.state.put(((store.ATTEMPTS + key, bytes(4 * 5)),))
        for key in (store.TIME, store.STAN, store.UPLOADED):
            self.state.put_number(key, 1)

    def log_in(self, number):
        """Write what a right password writes."""
        self.state.put(((store.ATTEMPTS, bytes(4 * 5)),))
        self.state.put(((store.ATTEMPTS, bytes(3 * 5)),), audit.entry(audit.RIGHT, 1, number))

    def change(self):
        """Go through a change as it is made, with the longest answer there is."""
        for number in (b"01", b"01", b"00"):
            self.log_in(number)
        changed = change.Change(self.state, Clock())
        begin(changed, Request(bytes(16), 7, 1, 1, 1, 4, b"01", True, b"oldtoken", self.binding))
        outcome = Outcome()
        outcome.event, outcome.code = change.ACTIVE, b"00"
        outcome.reference = b"R" * 12
        outcome.application, outcome.note = "A" * 40, "长" * 60

        class Accepting(Host):
            async def ask(self):
                return outcome

        asyncio.run(changed.settle(Accepting()))
        self.log_in(b"01")

    def boot(self):
        self.state = State(self.flash, self.keys, bytes)


@pytest.mark.parametrize("binding", [LONGEST, ACCOUNT])
def test_the_largest_state_leaves_two_kibibytes_of_its_sector_for_transitions(binding):
    assert (len(LONGEST), len(ACCOUNT)) == (320, 291)
    terminal = Busy(12, binding)
    for _ in range(store.CHANGE_RECORDS):
        terminal.change()
    state = terminal.state
    kept = len(state.change_records())
    assert kept == store.CHANGE_RECORDS if binding == ACCOUNT else kept >= store.CHANGE_RECORDS - 2
    request = Request(bytes(16), 7, 1, 1, 1, 4, b"01", True, b"oldtoken", binding)
    begin(change.Change(state, Clock()), request)
    turn.begin(state.journal)
    assert SIZE - state.journal.pos >= 2048


@pytest.mark.parametrize("log_ins", [0, 1, 2, 3])
def test_the_largest_changes_leave_room_for_five_hundred_entries(capsys, log_ins):
    # Whole changes, with more or fewer log-ins between: how they fit into sectors differs.
    terminal = Busy(64)
    while sum(map(bool, terminal.flash.erases)) < 64:
        terminal.change()
        for _ in range(log_ins):
            terminal.log_in(b"02")
    first, last, broken = verified(terminal.state.journal)
    with capsys.disabled():
        print(f"\nthe largest state and changes, 64 sectors: {last - first + 1} audit entries")
    assert not broken
    assert last - first + 1 >= 500


@pytest.mark.parametrize("note", ["", "长" * 60, "x" * 500])
def test_a_change_record_is_never_too_long_and_no_character_of_it_is_cut(note):
    outcome = Outcome()
    outcome.note, outcome.application = note, "A" * 100
    request = Request(bytes(16), 7, 1, 1, 1, 4, b"01", True, None, LONGEST)
    stored = remaining(request, outcome, 1)
    assert len(stored) <= 142
    read = ChangeRecord(stored)
    assert note.startswith(read.note)
    assert len(read.application) == 32
