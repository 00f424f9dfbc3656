"""The change of a binding: every state meets every event, and only the acquirer settles."""

import asyncio
import itertools
from pathlib import Path

import pytest

from firmware import rooms
from firmware.binding import change, model, transition
from firmware.binding.change import Outcome
from firmware.binding.change_record import ChangeRecord
from firmware.binding.request import Request, pending
from firmware.binding.storing import begin
from firmware.storage import audit_log
from firmware.storage import state as store
from firmware.storage.state import State
from host_tests.storage.nor import Nor

OLD = model.compose({model.NAME: b"shop", model.ACCOUNT: b"11112222"})
NEW = model.compose({model.NAME: b"shop", model.ACCOUNT: b"6222020200112233445"})

STATES = (change.IDLE, change.STORED, change.SENT, change.REVIEW, change.HELD)
EVENTS = range(change.SEND, change.WITHDRAWN + 1)


class Keys(dict):
    """A keystore in a dictionary, with the acquirer's token key injected."""

    get_bytes = dict.get

    def __init__(self):
        super().__init__(token_key=bytes(range(32, 48)), count=b"\x03\xe8")

    def put(self, name, data):
        self[name] = bytes(data)


class Clock:
    """A clock that stands still."""

    def now(self):
        return 1_800_000_000


class Host:
    """An acquirer that says what the test wants; records what it was asked."""

    code = b"--"

    def __init__(self, *events):
        self.events = list(events)
        self.asked = []

    def compose(self, how, secrets):
        self.asked.append(("submit", "repeat", "inquire", "withdraw")[how])
        self.given = secrets

    async def ask(self):
        outcome = Outcome()
        outcome.code = self.code
        outcome.event = self.events.pop(0)
        return outcome


class Terminal:
    """State on flash and the change on it; `boot` is power off and on."""

    def __init__(self):
        self.flash, self.keys = Nor(6), Keys()
        self.boot()
        self.state.put(self.state.binding_changes(1, OLD))

    def boot(self):
        self.state = State(self.flash, self.keys, bytes)
        self.change = change.Change(self.state, Clock())

    def begin(self):
        uuid = bytes(range(16))
        request = Request(uuid, 7, 1_800_000_000, 1, 1, 4, b"01", True, b"oldtoken", NEW)
        begin(self.change, request)

    def settle(self, *events):
        host = Host(*events)
        for _ in events:
            asyncio.run(self.change.settle(host))
        return host.asked

    def withdraw(self, event, code=b"00"):
        """Have the request taken back; the acquirer answers so. Returns the event it comes to."""
        host = Host(event)
        host.code = code
        outcome = asyncio.run(self.change.settle(host, withdraw=b"01"))
        assert (host.asked, host.given) == (["withdraw"], b"01")
        return outcome.event


@pytest.fixture
def terminal():
    return Terminal()


def _withdrawing(terminal, *answers):
    host = Host(*[event for event, _ in answers])
    outcomes = []
    for at, (_, code) in enumerate(answers):
        host.code = code
        wanted = None if at else b"01"  # once a person has asked for it, the terminal goes on
        outcomes.append(asyncio.run(terminal.change.settle(host, withdraw=wanted)).event)
    return host.asked, outcomes[-1]


@pytest.mark.parametrize("before", [change.UNSETTLED, change.REVIEWING, change.STUCK])
@pytest.mark.parametrize("answer", [(change.REJECTED, b"59"), (change.NO_SUCH, b"00")])
def test_a_withdrawal_whose_answer_is_lost_goes_on_and_ends_as_one(terminal, before, answer):
    terminal.begin()
    terminal.settle(before)
    lost = (change.UNSETTLED, b"--")
    asked, event = _withdrawing(terminal, lost, lost, answer)
    assert asked == ["withdraw"] * 3  # above all it is not sent again
    assert (event, terminal.change.phase) == (change.WITHDRAWN, change.IDLE)
    terminal.begin()
    assert terminal.settle(change.ACTIVE) == ["submit"]


def test_a_withdrawal_that_is_declined_is_not_asked_for_for_ever(terminal):
    terminal.begin()
    terminal.settle(change.REVIEWING)
    declined, refused = (change.STUCK, b"58"), (change.REJECTED, b"59")
    assert _withdrawing(terminal, declined, refused) == (["withdraw", "inquire"], change.REJECTED)


# -- the table of docs/architecture.md, which says for each state what each event makes of it

ARCHITECTURE = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
NAMES = ("none", "stored", "sent", "review", "held")
HEADINGS = ["SEND", "CANCEL", "00/01", "09/02", "refusal/03", "00/04"]
HEADINGS += ["unsettled", "stuck", "superseded", "withdrawn"]
CAN_NOT, COMMITTED, DROPPED, FORGOTTEN = "–", "**commit**", "dropped", "forgotten"


def _table():
    lines = ARCHITECTURE.read_text("utf-8").partition("## The request\n")[2].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:7]]
    assert cells[0] == ["state", *HEADINGS]
    assert [row[0] for row in cells[2:]] == list(NAMES)
    return {
        (state, event): cells[2 + state][1 + event]
        for state, event in itertools.product(STATES, EVENTS)
    }


SAID = _table()


def _in(state):
    """A terminal whose request is in that state."""
    terminal = Terminal()
    if state != change.IDLE:
        terminal.begin()
    events = {change.SENT: change.UNSETTLED, change.REVIEW: change.REVIEWING}
    if state > change.STORED:
        terminal.settle(events.get(state, change.STUCK))
    assert terminal.change.phase == state
    return terminal


def _become(state, event):
    """Return what `event` makes of a request in that state, in the words of the table."""
    terminal = _in(state)
    outcome = None
    if event not in (change.SEND, change.CANCEL):
        outcome = Outcome()
        outcome.event = event
    try:
        decided = transition.decide(terminal.change, event, outcome, False, change.SUBMIT)
    except change.NotPossible:
        decided, word = None, CAN_NOT
    else:
        word = NAMES[state]
    if decided is not None:
        terminal.state.put(*decided)
        terminal.boot()
        word = NAMES[terminal.change.phase]
        assert word != NAMES[state]  # what is known already is not written again
        if word == "none":
            recorded = len(terminal.state.change_records())
            word = DROPPED if recorded else FORGOTTEN
    if terminal.state.binding(1) == NEW:
        assert terminal.state.backup(1) == OLD and word == DROPPED
        return COMMITTED
    return word


@pytest.mark.parametrize("state", STATES, ids=NAMES)
def test_each_event_makes_of_a_request_what_the_table_says(state):
    said = {event: SAID[state, event] for event in EVENTS}
    assert {event: _become(state, event) for event in EVENTS} == said


def test_the_table_is_written_as_it_is_told():
    words = (*NAMES, COMMITTED, DROPPED, FORGOTTEN, CAN_NOT)
    told = [[SAID[state, event] for event in EVENTS] for state in STATES]
    assert [[words[becomes] for becomes in row] for row in transition.TABLE] == told


def test_only_the_acquirers_word_commits_or_drops():
    for (state, event), word in SAID.items():
        if word == COMMITTED:
            assert event == change.ACTIVE and state > change.STORED
        if word == DROPPED:
            assert event in (change.REJECTED, change.SUPERSEDED, change.WITHDRAWN)
        if word == FORGOTTEN:
            assert (state, event) == (change.STORED, change.CANCEL)
        if state > change.STORED and event == change.CANCEL:
            assert word == CAN_NOT
        if event == change.UNSETTLED:
            assert word == NAMES[state]  # unknown is unknown


def test_accepted_makes_the_new_binding_true_and_keeps_the_old_as_backup(terminal):
    terminal.begin()
    assert terminal.settle(change.ACTIVE) == ["submit"]
    terminal.boot()
    assert terminal.state.binding(1) == NEW
    assert terminal.state.backup(1) == OLD
    assert terminal.change.phase == change.IDLE
    (stored,) = terminal.state.change_records()
    assert ChangeRecord(stored).number == "622202*3445"
    assert b"6222020200112233445" not in stored


def test_what_is_bound_here_already_is_accepted_and_the_backup_stays_what_it_is(terminal):
    # The acquirer has unbound the slot, and binds it again to what the terminal still holds.
    state = terminal.state
    state.put(state.binding_changes(1, NEW))
    terminal.begin()
    terminal.settle(change.ACTIVE)
    terminal.boot()
    assert terminal.change.phase == change.IDLE
    assert (terminal.state.binding(1), terminal.state.backup(1)) == (NEW, OLD)
    assert not terminal.state.has(store.PENDING_TLVS)


def test_a_restored_backup_is_a_request_like_any_other(terminal):
    terminal.begin()
    terminal.settle(change.ACTIVE)
    backup = terminal.state.backup(1)
    uuid = bytes(range(16, 32))
    action = model.RESTORE
    request = Request(uuid, 8, 1_800_000_000, action, 1, 5, b"00", False, b"newtoken", backup)
    begin(terminal.change, request)
    terminal.boot()
    assert terminal.state.binding(1) == NEW  # nothing is restored before the acquirer says so
    assert pending(terminal.state).action == model.RESTORE
    terminal.settle(change.ACTIVE)
    terminal.boot()
    assert (terminal.state.binding(1), terminal.state.backup(1)) == (OLD, NEW)


def test_a_request_whose_binding_was_damaged_is_none_and_makes_way_for_another(terminal):
    terminal.begin()
    terminal.state.put(((store.PENDING_TLVS, None),))
    terminal.boot()
    assert terminal.change.phase == change.IDLE
    terminal.begin()
    terminal.boot()
    assert pending(terminal.state).tlvs == NEW


def test_a_lost_answer_is_repeated_then_inquired_until_settled(terminal):
    terminal.begin()
    lost = change.UNSETTLED
    asked = terminal.settle(lost, lost, lost, lost, change.ACTIVE)
    assert asked == ["submit", "repeat", "inquire", "repeat", "inquire"]
    assert terminal.state.binding(1) == NEW


def test_power_loss_while_the_answer_is_unknown_resumes_with_the_same_request(terminal):
    terminal.begin()
    terminal.settle(change.UNSETTLED)
    terminal.boot()
    assert terminal.change.phase == change.SENT
    assert pending(terminal.state).uuid == bytes(range(16))
    assert terminal.state.binding(1) == OLD
    assert terminal.settle(change.NO_SUCH, change.NO_SUCH, change.ACTIVE) == ["repeat"] * 3
    assert terminal.state.binding(1) == NEW


def test_refused_keeps_the_old_binding_and_leaves_a_record(terminal):
    terminal.begin()
    terminal.settle(change.REJECTED)
    terminal.boot()
    assert terminal.state.binding(1) == OLD
    assert terminal.change.phase == change.IDLE
    assert len(terminal.state.change_records()) == 1


def test_under_review_survives_power_loss_and_is_only_inquired(terminal):
    terminal.begin()
    terminal.settle(change.REVIEWING)
    terminal.boot()
    assert terminal.change.phase == change.REVIEW
    assert terminal.settle(change.REVIEWING, change.ACTIVE) == ["inquire", "inquire"]
    assert terminal.state.binding(1) == NEW


def test_cancel_is_possible_only_before_the_first_sending(terminal):
    terminal.begin()
    terminal.change.cancel()
    assert terminal.change.phase == change.IDLE
    terminal.begin()
    terminal.settle(change.UNSETTLED)
    with pytest.raises(change.NotPossible):
        terminal.change.cancel()
    assert terminal.change.phase == change.SENT


def test_a_second_request_waits_for_the_first(terminal):
    terminal.begin()
    terminal.begin()  # it was never sent, so another may stand in its place
    terminal.settle(change.UNSETTLED)
    with pytest.raises(change.NotPossible):
        terminal.begin()


def test_superseded_leaves_the_binding_for_the_sync_to_fetch(terminal):
    terminal.begin()
    terminal.settle(change.SUPERSEDED)
    assert terminal.change.phase == change.IDLE
    assert terminal.state.binding(1) == OLD


class Full(Host):
    """A way to the acquirer that finds no room in memory: to compose, or to read the answer."""

    def __init__(self, composing):
        super().__init__()
        self.composing = composing

    def compose(self, how, secrets):
        super().compose(how, secrets)
        if self.composing:
            raise rooms.NoRoom

    async def ask(self):
        raise rooms.NoRoom


def test_a_request_that_found_no_room_to_be_sent_can_still_be_cancelled(terminal):
    terminal.begin()
    with pytest.raises(rooms.NoRoom):
        asyncio.run(terminal.change.settle(Full(True)))
    assert terminal.change.phase == change.STORED
    terminal.change.cancel()


def test_an_answer_that_found_no_room_to_be_read_is_asked_for_again(terminal):
    terminal.begin()
    with pytest.raises(rooms.NoRoom):
        asyncio.run(terminal.change.settle(Full(False)))
    assert terminal.change.phase == change.SENT
    assert terminal.settle(change.ACTIVE) == ["repeat"]
    assert terminal.state.binding(1) == NEW


WAITING = (change.SENT, change.REVIEW, change.HELD)


@pytest.mark.parametrize("phase", WAITING)
@pytest.mark.parametrize(
    "event, code", [(change.REJECTED, b"59"), (change.NO_SUCH, b"00")], ids=["59", "unknown"]
)
def test_a_request_that_is_withdrawn_has_ended_so_for_good(phase, event, code):
    terminal = _in(phase)
    assert terminal.withdraw(event, code) == change.WITHDRAWN
    terminal.boot()
    assert terminal.change.phase == change.IDLE
    assert terminal.state.binding(1) == OLD
    (stored,) = terminal.state.change_records()
    assert ChangeRecord(stored).event == change.WITHDRAWN
    (entry,) = [
        entry for *_, entry in audit_log.entries(terminal.state.journal) if entry[4] > 0x1F
    ]
    assert entry[4] == 0x29


@pytest.mark.parametrize("phase", WAITING)
def test_what_is_decided_already_is_told_as_it_is(phase):
    assert _in(phase).withdraw(change.REJECTED, b"63") == change.REJECTED
    terminal = _in(phase)
    assert terminal.withdraw(change.ACTIVE) == change.ACTIVE
    assert terminal.state.binding(1) == NEW
    terminal = _in(phase)
    assert terminal.withdraw(change.SUPERSEDED) == change.SUPERSEDED
    assert terminal.state.binding(1) == OLD
    terminal = _in(phase)
    assert terminal.withdraw(change.REVIEWING, b"09") == change.REVIEWING
    assert terminal.change.phase == change.REVIEW


@pytest.mark.parametrize("phase", WAITING)
@pytest.mark.parametrize("event", [change.UNSETTLED, change.STUCK])
def test_a_withdrawal_that_is_lost_or_declined_leaves_the_request_as_it_was(phase, event):
    terminal = _in(phase)
    assert terminal.withdraw(event, b"58") == change.UNSETTLED
    terminal.boot()
    assert terminal.change.phase == phase
    assert terminal.settle(change.ACTIVE)[0] in ("repeat", "inquire")
    assert terminal.state.binding(1) == NEW


@pytest.mark.parametrize("code, phase", [(b"30", change.HELD), (b"97", change.SENT)])
def test_what_could_not_be_read_is_not_sent_again_until_a_person_asks(code, phase):
    terminal = Terminal()
    terminal.begin()
    for event in (change.STUCK, change.NO_SUCH):
        host = Host(event)
        host.code = code
        asyncio.run(terminal.change.settle(host, notice=True))
    assert terminal.change.phase == phase
    terminal.settle(change.NO_SUCH)
    assert terminal.change.phase == change.SENT
