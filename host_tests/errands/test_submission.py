"""Seeing a request through: what the screen says at the end is what happened."""

import asyncio
from types import SimpleNamespace

import pytest

from firmware.acquirer.identity import Identity
from firmware.acquirer.sync import Sync
from firmware.binding import change, model
from firmware.binding.request import pending
from firmware.desk import Desk
from firmware.errands import after, change_account, resume, submission
from firmware.errands import draft as drafts
from firmware.rooms import NoRoom
from firmware.storage import state as store
from firmware.ui.pages import Idle
from host_tests.binding.test_change import NEW, OLD, Terminal
from host_tests.binding.test_sync import Unsteady, Watch, _secrets
from host_tests.errands.leading import led
from host_tests.ui.stage import Stage

FORM = (1, 1, 4, NEW)
OTHER = model.compose({model.NAME: b"shop", model.ACCOUNT: b"99998888"})


class Counter(Terminal):
    """A terminal with a person at its screen; each try on the line is as scripted."""

    def __init__(self, reasons, *events):
        super().__init__()
        self.line = Unsteady(reasons, *events)
        self.identity = Identity(b"10000001", b"898310054110001", b"S1", bytes(16))
        self.clock = Watch()
        self.sync = Sync(self.line, self.change, self.state, self.clock, None)
        self.stage = Stage("en")
        self.text, self.pages, self.operator = self.stage.text, self.stage.pages, b"01"
        self.board = SimpleNamespace(random=bytes, beep=self._beep)
        self.draft, self.ended, self.busy, self.hotline = None, None, [], "95016"

    async def _beep(self, ms):
        pass

    open, log_out = Desk.open, Desk.log_out

    async def prove(self, number, title):
        return True

    def submit(self, monkeypatch, *args):
        """Submit; return what the page says in the end, and what the busy pages said."""
        monkeypatch.setattr(submission, "_PAUSE_S", 0)
        pages = []
        busy = self.pages.busy
        self.pages.busy = lambda title, line, *a: (self.busy.append(line), busy(title, line, *a))

        async def message(title, body, ok_only=False):
            pages.append(self.text(title) + "\n" + body)
            return True

        self.pages.message = message
        if not args:
            self.sync.keep(((change.CODE, bytearray(b"123456")),))
            asyncio.run(self.open("propose", *FORM))
        asyncio.run(submission.run(self, "change.title", *args))
        return pages


LOST, UNKNOWN = change.UNSETTLED, change.NO_SUCH


def test_a_request_that_the_acquirer_does_not_have_is_not_called_approved(monkeypatch):
    # 0300 and 0301 are lost, the inquiry says 00/04, then the line is cut.
    counter = Counter([None, None, None, 7], LOST, LOST, UNKNOWN)
    (page,) = counter.submit(monkeypatch)
    assert "Approved" not in page and "Accepted" not in page
    assert page.startswith("Result unknown\nConnection lost\n")
    assert counter.change.phase == change.SENT
    assert counter.state.binding(1) == OLD


@pytest.mark.parametrize("last, words", [(3, "does not answer"), (6, "time-out"), (1, "Wi-Fi")])
def test_the_reason_is_that_of_the_last_try(monkeypatch, last, words):
    counter = Counter([None, 7, 7, last], LOST)
    (page,) = counter.submit(monkeypatch)
    assert words in page


def test_of_a_form_that_was_accepted_nothing_is_kept_for_who_is_left_alone_on_that_page(
    monkeypatch,
):
    counter = Counter([None], change.ACTIVE)
    draft = counter.draft = bytearray(b"01 what was typed")
    seen = []

    async def nobody(*words):
        seen.append(counter.draft)
        raise Idle

    counter.pages.message = nobody
    with pytest.raises(Idle):
        counter.sync.keep(_secrets())
        asyncio.run(counter.open("propose", *FORM))
        asyncio.run(submission.run(counter, "change.title"))
    assert seen == [None] and not any(draft)


@pytest.mark.parametrize("event", [change.ACTIVE, change.REVIEWING])
def test_what_ended_without_room_for_its_page_is_left_for_the_next_page_to_tell(event):
    counter = Counter([None], event)

    async def full(*words):
        raise NoRoom

    counter.pages.message = full
    with pytest.raises(NoRoom):
        counter.sync.keep(_secrets())
        asyncio.run(counter.open("propose", *FORM))
        asyncio.run(submission.run(counter, "change.title"))
    assert counter.ended == (event if event == change.ACTIVE else None)


def test_what_ended_an_earlier_request_is_never_told_of_this_one(monkeypatch):
    counter = Counter([None] + [3] * 4, change.ACTIVE)
    assert counter.submit(monkeypatch)[0].startswith("Accepted\n")
    counter.operator = b"01"
    pages = counter.submit(monkeypatch)
    assert pages[0].startswith("Not sent yet\n")
    assert counter.sync.last_outcome.trouble == 3


def test_asking_about_a_request_is_not_called_submitting(monkeypatch):
    counter = Counter([None], change.REVIEWING)
    counter.begin()
    counter.state.put(((store.PENDING_STATE, bytes((change.REVIEW,))),))
    counter.submit(monkeypatch, None)
    assert counter.busy == ["Asking the acquirer"]


def test_a_withdrawal_ends_with_a_word_of_its_own(monkeypatch):
    counter = Counter([None], change.NO_SUCH)
    counter.begin()
    counter.state.put(((store.PENDING_STATE, bytes((change.HELD,))),))
    (page,) = counter.submit(monkeypatch, None, None, b"01")
    assert counter.busy == ["Withdrawing the request"]
    assert page.startswith("Withdrawn\n")
    assert counter.line.asked == ["withdraw"]
    assert counter.change.phase == change.IDLE


def _proposed(differing):
    counter = Counter([])
    counter.sync.differing = differing
    asyncio.run(counter.open("propose", *FORM))
    return counter, pending(counter.state)


def test_a_request_names_what_the_acquirer_has_in_its_slot():
    counter, request = _proposed([(2, None)])
    assert request.old_token == counter.identity.token(OLD)


def test_a_request_for_a_slot_that_the_acquirer_has_unbound_names_nothing():
    counter, request = _proposed([(1, None), (2, NEW)])
    assert request.old_token is None


def test_a_request_replaces_what_was_shown_to_who_approved_it_and_nothing_that_came_since():
    counter, request = _proposed([(1, NEW)])
    assert request.old_token == counter.identity.token(OLD)


@pytest.mark.parametrize("number", [b"00", b"99"])
def test_a_request_of_somebody_who_enters_no_changes_is_not_stored(number):
    counter = Counter([])
    counter.operator = number
    with pytest.raises(change.NotPossible):
        asyncio.run(counter.open("propose", *FORM))
    assert pending(counter.state) is None


def _left_unanswered(monkeypatch, event, code):
    """A change whose four answers are lost; nobody is there when the fifth try ends it. Returns
    the terminal, and what lay at the desk meanwhile.
    """
    counter = Counter([None] * 5, *[LOST] * 4, event)
    counter.draft = bytearray(b"01" + bytes(6) + b"\x01\x01" + bytes(336))
    drafts.put(counter.draft, model.ACCOUNT, b"11112222")
    opened = counter.open

    async def open_(name, *args):
        if name == "form":
            return FORM
        if name == "preparation":
            return args[-1]
        if name in ("resume", "consent"):
            return True
        return _secrets() if name == "codes" else await opened(name, *args)

    counter.open = open_
    draft = counter.draft

    async def story():
        await led(counter, change_account.run(counter))
        assert counter.change.phase == change.SENT
        counter.line.code = code
        assert await counter.sync.once()

    monkeypatch.setattr(submission, "_PAUSE_S", 0)

    async def message(*words):
        return True

    counter.pages.message = message
    asyncio.run(story())
    assert counter.change.phase == change.IDLE
    return counter, draft


def test_a_code_that_ran_out_on_the_way_costs_no_second_form(monkeypatch):
    counter, draft = _left_unanswered(monkeypatch, change.REJECTED, b"55")
    assert counter.draft is draft
    assert bytes(drafts.get(draft, model.ACCOUNT)) == b"11112222"
    assert (
        asyncio.run(resume.run(counter, "change.title", model.CHANGE_ACCOUNT)) == after.FORM
    )  # D: go on


@pytest.mark.parametrize("event", [change.ACTIVE, change.SUPERSEDED, change.WITHDRAWN])
def test_what_has_ended_otherwise_leaves_no_form(monkeypatch, event):
    counter = Counter([None], event)
    draft = counter.draft = bytearray(b"01 what was typed")
    counter.submit(monkeypatch)
    assert counter.draft is None and not any(draft)


def test_a_request_that_waited_names_what_its_slot_has_when_it_is_sent():
    counter = Counter([])
    asyncio.run(counter.open("propose", *FORM))
    waited = pending(counter.state)
    # Meanwhile another binding came to the slot, and a supervisor accepted it.
    counter.state.put(counter.state.binding_changes(1, OTHER))
    opened, sent = counter.open, []

    async def open_(name, *args):
        if name in ("preparation", "consent"):
            return True
        if name == "codes":
            return _secrets()
        return None if name == "outcome" else await opened(name, *args)

    async def settle(withdraw=None):
        sent.append(pending(counter.state))
        raise change.NoAnswer(change.NO_CODE)

    counter.open, counter.sync.settle = open_, settle
    counter.stage.play(led(counter, counter.open("pending")), "DD")
    (request,) = sent
    assert waited.old_token == counter.identity.token(OLD)
    assert request.old_token == counter.identity.token(OTHER)
    assert (request.tlvs, request.reason, request.operator) == (NEW, 4, b"01")
    assert request.stan != waited.stan
