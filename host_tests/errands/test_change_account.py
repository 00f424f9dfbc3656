"""A refusal of the one-time code: the code alone is asked for again, for this very proposal."""

import asyncio
import contextlib
from hashlib import sha256
from types import SimpleNamespace
from unittest import mock

import pytest

from firmware import rooms
from firmware.binding import change, model
from firmware.binding.change import CODE
from firmware.errands import after, approval, change_account, restore, submission
from firmware.errands import draft as drafts
from firmware.rooms import NoRoom
from firmware.ui.pages import Idle
from host_tests.errands.leading import led

FIRST = (model.CHANGE_ACCOUNT, 1, 4, bytes(model.compose({model.NAME: b"first"})))
OTHER = (model.CHANGE_ACCOUNT, 1, 4, bytes(model.compose({model.NAME: b"other"})))


class Desk(SimpleNamespace):
    """Operator 01, a supervisor and an acquirer that answers what the test says.

    forms: what is submitted from the form, in turn; None gives up. answers: what the acquirer's
    answer leads to, or what it comes to instead. said: who was asked for what, in turn. sent: code
    and proposal of each that was submitted.
    """

    errands = {
        each.__name__.rpartition(".")[2]: each for each in (approval, submission, change_account)
    }

    def __init__(self, forms, answers, takes_s=10):
        super().__init__(
            operator=b"01",
            draft=None,
            said=[],
            sent=[],
            sync=SimpleNamespace(
                keep=self._keep, settle=self._settle, last_outcome=change.Outcome()
            ),
            ended=None,
            change=SimpleNamespace(phase=change.IDLE),
            text=lambda key: key,
            pages=self,
            clock=self,
            time=1_800_000_000,
            bound=None,
            takes_s=takes_s,
            forms=list(forms),
            answers=list(answers),
            composed=[],
            codes=None,
            identity=SimpleNamespace(token=lambda tlvs: sha256(tlvs).digest()[:8]),
        )
        self.state = SimpleNamespace(
            binding=lambda slot: self.bound, backup=lambda slot: b"before"
        )

    def now(self):
        return self.time

    def _keep(self, secrets):
        self.sent.append([secrets[0][1]])

    async def _settle(self, withdraw):
        return change.Outcome()

    def busy(self, *words):
        pass

    async def working(self, work):
        work.close()
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def prove(self, number, title):
        self.said.append(number.decode())
        return True

    async def message(self, *words):
        return True

    async def menu(self, *words):
        return 0

    async def digits(self, title, label, low, high, *others):
        self.time += self.takes_s
        self.said.append("code")
        if self.codes == self.said.count("code"):
            return None
        return bytearray(b"123456")

    async def open(self, name, *args):
        if name in self.errands:
            return await self.errands[name].run(self, *args)
        if name == "codes":
            return await rooms.ask("firmware.errands." + name, "run", self, *args)
        if name == "form":
            self.said.append("form")
            self.typed = self.draft = bytearray(b"01 what was typed")
            self.filled = self.forms.pop(0)
            return self.filled and True
        if name == "propose":
            self.sent[-1].append((*args[:3], bytes(args[3])))
        if name == "outcome":
            return args[0]
        return args[-1] if name == "preparation" else name == "consent"

    def propose(self, desk):
        """What the draft comes to, made anew each time."""
        self.composed.append(bytearray(self.filled[3]))
        return (*self.filled[:3], self.composed[-1])


def asked(desk, errand=change_account):
    with mock.patch.object(drafts, "proposal", desk.propose):
        asyncio.run(led(desk, errand.run(desk)))
    return desk.said


def test_after_a_wrong_code_only_the_code_is_asked_for_again():
    desk = Desk([FIRST], [CODE, CODE, after.NOWHERE])
    assert asked(desk) == ["form", "01", "00", "code", "code", "code"]
    assert desk.draft is desk.typed  # until what was asked for is in effect, see test_submission


def test_the_same_for_a_restore(monkeypatch):
    monkeypatch.setattr(restore, "describe", lambda desk, tlvs: "")
    desk = Desk([], [CODE, after.NOWHERE])
    assert asked(desk, restore) == ["01", "00", "code", "code"]


def test_the_approvals_stand_for_two_minutes():
    desk = Desk([FIRST], [CODE, CODE, CODE, after.NOWHERE], takes_s=50)
    assert asked(desk) == ["form", "01", "00", "code", "code", "code", "01", "00", "code"]


def test_the_approvals_stand_no_longer_for_a_clock_that_is_set_back():
    desk = Desk([FIRST], [CODE, CODE, after.NOWHERE], takes_s=-3600)
    assert asked(desk) == ["form", "01", "00", "code", "01", "00", "code", "01", "00", "code"]


def test_any_edit_voids_the_approvals():
    desk = Desk([FIRST, FIRST, OTHER, None], [CODE, model.NAME, model.NAME])
    desk.codes = 2  # the second time, instead of a code, back to the form
    assert asked(desk) == ["form", "01", "00", "code", "code"] + ["form", "code"] + [
        "form",
        "01",
        "00",
        "code",
        "form",
    ]


@pytest.mark.parametrize("end", [after.NOWHERE, model.NAME, Idle(), NoRoom()])
def test_what_was_composed_to_be_submitted_is_overwritten_however_it_ends(end):
    desk = Desk([FIRST, OTHER, None], [CODE, end, after.NOWHERE])
    with contextlib.suppress(Idle, NoRoom):
        asked(desk)
    assert desk.composed
    assert not any(any(tlvs) for tlvs in desk.composed)


@pytest.mark.parametrize("errand", ["consent", "codes", "propose"])
def test_what_was_composed_is_overwritten_when_its_approval_finds_no_room(errand):
    desk = Desk([FIRST], [])
    opened = desk.open

    async def open_(name, *args):
        if name == errand:
            raise NoRoom
        return await opened(name, *args)

    desk.open = open_
    with pytest.raises(NoRoom):
        asked(desk)
    assert desk.composed and not any(desk.composed[-1])


def test_each_try_is_a_request_of_its_own():
    desk = Desk([FIRST], [CODE, after.NOWHERE])
    asked(desk)
    (first, proposed), (second, again) = desk.sent
    assert first is not second
    assert proposed == again == FIRST


def test_of_another_refusal_what_was_typed_stays():
    desk = Desk([FIRST, None], [model.NAME])
    assert asked(desk) == ["form", "01", "00", "code", "form"]
    assert desk.draft is not None  # the form drops it, which is not played here


@pytest.mark.parametrize("answer", [Idle(), NoRoom()])
def test_what_was_typed_is_kept_when_nobody_stayed_for_the_answer(answer):
    desk = Desk([FIRST], [answer])
    with pytest.raises(type(answer)):
        asked(desk)
    assert desk.draft is not None
