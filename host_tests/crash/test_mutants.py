"""The explorer sees what it is there for: a terminal broken on purpose is caught by its rule."""

import pytest

from drivers.flash import Flash
from firmware.access import attempts, proving, reset, roster
from firmware.acquirer.line import Line
from firmware.acquirer.sync import Sync
from firmware.binding import change
from firmware.binding.change import Change
from firmware.binding.request import pending
from firmware.storage import audit
from firmware.storage import state as store
from firmware.storage.journal import LAST
from host_tests.crash.bodies import CPython
from host_tests.crash.explorer import Explorer
from host_tests.crash.images import readable, secrets

PENDING = (store.PENDING, store.PENDING_STATE, store.PENDING_TLVS)


@pytest.fixture
def caught():
    """A function: the rules that break when this scenario's quick faults are gone through."""
    explorers = []

    def explore(name, rule):
        explorers.append(Explorer(name, CPython()))
        explorer = explorers[-1]
        without_fault = [broken for broken, _ in explorer.broken(explorer.first)]
        assert rule not in without_fault  # only a fault brings it to light
        for fault in explorer.singles(quick=True):
            if any(found.rule == rule for found in explorer.disagreements(fault)):
                return True
        return False

    yield explore
    for explorer in explorers:
        explorer.close()


@pytest.fixture
def states(monkeypatch):
    """The state that each Change works on, for terminals that do more than they should."""
    found = {}
    made = Change.__init__

    def make(self, state, clock):
        found[self] = state
        made(self, state, clock)

    monkeypatch.setattr(Change, "__init__", make)
    return found


def test_a_binding_that_is_committed_before_the_answer_is_caught(caught, states, monkeypatch):
    settled = Change.settle

    async def settle(self, *given):
        if self.phase == change.STORED:
            request = pending(states[self])
            states[self].put(states[self].binding_changes(request.slot, request.tlvs))
        return await settled(self, *given)

    monkeypatch.setattr(Change, "settle", settle)
    assert caught("change accepted", "never_ahead")


def test_a_request_that_is_forgotten_when_its_answer_is_lost_is_caught(
    caught, states, monkeypatch
):
    settled = Change.settle

    async def settle(self, *given):
        outcome = await settled(self, *given)
        if self.phase == change.SENT:
            states[self].put(tuple((key, None) for key in PENDING))
        return outcome

    monkeypatch.setattr(Change, "settle", settle)
    assert caught("change accepted", "tokens_agree")


def test_a_sector_that_is_erased_before_its_heir_is_verified_is_caught(caught, monkeypatch):
    programmed = Flash.program

    def program(self, sector, off, buf):
        if off and buf[3] & 3 == LAST:
            for other in range(self.sectors):
                if other & ~1 != sector:
                    self.erase(other)
        programmed(self, sector, off, buf)

    monkeypatch.setattr(Flash, "program", program)
    assert caught("change accepted", "starts_again")


def test_a_key_counter_that_is_saved_after_its_use_is_caught(caught, monkeypatch):
    held = {}
    loaded, answered = Line.load, Line._answer

    def load(self, buf):
        if self.board.keystore not in held:
            return loaded(self, buf)
        buf[: len(held[self.board.keystore])] = held[self.board.keystore]
        return True

    def save(self, buf):
        held[self.board.keystore] = bytes(buf)

    async def answer(self, wanted):
        try:
            return await answered(self, wanted)
        finally:
            for keystore, buf in held.items():
                keystore.put("dukpt", buf)
            held.clear()

    monkeypatch.setattr(Line, "load", load)
    monkeypatch.setattr(Line, "save", save)
    monkeypatch.setattr(Line, "_answer", answer)
    assert caught("change accepted", "counters_rise")


class LateState:
    """A state whose writing waits."""

    def __init__(self, state):
        self._state = state
        self.waiting = []

    def __getattr__(self, name):
        return getattr(self._state, name)

    def put(self, *changes):
        self.waiting.append(changes)

    def write(self):
        for changes in self.waiting:
            self._state.put(*changes)
        self.waiting.clear()


def test_an_attempt_that_is_counted_after_the_check_is_caught(caught, monkeypatch):
    checked = proving.check

    async def check(desk, number, password):
        class Desk:
            state = LateState(desk.state)
            board, clock = desk.board, desk.clock

        result = await checked(Desk, number, password)
        Desk.state.write()
        return result

    monkeypatch.setattr(proving, "check", check)
    assert caught("lock-out", "guesses_counted")


def test_an_operator_who_is_deleted_in_two_steps_is_caught(caught, monkeypatch):
    over = attempts.over

    def over_later(desk, whose, changes, entry=None):
        desk.state.put(changes, entry)
        over(desk, whose, ())

    monkeypatch.setattr(attempts, "over", over_later)
    assert caught("operator added and deleted", "staff_whole")


def _leak(sync, value):
    # Into the log, which stays.
    entry = audit.entry(audit.WRONG, sync.clock.now(), b"01", detail=b"x" * 9 + value)
    sync.state.put((), entry)


def _leak_and_regret(sync, value):
    # Into the state, where the next value takes its place.
    sync.state.put(((store.LANGUAGE, value),))
    sync.state.put(((store.LANGUAGE, b"zh"),))


@pytest.mark.parametrize("leak", [_leak, _leak_and_regret])
@pytest.mark.parametrize("tag", [change.CVV2, change.CODE])
def test_what_is_typed_and_never_stored_is_found_wherever_it_is(leak, tag, monkeypatch):
    kept = Sync.keep

    def keep(self, secrets):
        leak(self, bytes(dict(secrets)[tag]))
        kept(self, secrets)

    monkeypatch.setattr(Sync, "keep", keep)
    explorer = Explorer("change of card", CPython())
    rules = [broken for broken, _ in explorer.broken(explorer.first)]
    assert rules == ["secrets_nowhere"]
    images = [point.snapshot() for point in explorer.first.points]
    found = [secrets_in(image) for image in images]
    assert not found[0] and found[-1]
    explorer.close()


@pytest.mark.parametrize("leak", [_leak, _leak_and_regret])
@pytest.mark.parametrize(
    "name, module, look",
    [("operator added and deleted", roster, "use_card"), ("password reset", reset, "check")],
)
def test_an_operator_s_card_and_a_response_are_searched_for_too(
    leak, name, module, look, monkeypatch
):
    kept = getattr(module, look)

    def looked_at(desk, number, digits):
        leak(desk, bytes(digits))
        return kept(desk, number, digits)

    monkeypatch.setattr(module, look, looked_at)
    explorer = Explorer(name, CPython())
    assert [broken for broken, _ in explorer.broken(explorer.first)] == ["secrets_nowhere"]
    explorer.close()


def secrets_in(image):
    """Which of them can be read in an image."""
    there = readable(image)
    return [secret for secret in secrets(image) if secret.encode() in there]
