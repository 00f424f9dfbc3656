"""A refusal of the one-time code: the code alone is asked for again, for this very proposal."""

import asyncio
import contextlib
from hashlib import sha256
from types import SimpleNamespace

import pytest

from firmware import rooms
from firmware.binding import change, model
from firmware.errands import approval, change_account, restore
from firmware.rooms import NoRoom
from firmware.ui.pages import Idle

FIRST = (model.CHANGE_ACCOUNT, 1, 4, bytes(model.compose({model.NAME: b"first"})))
OTHER = (model.CHANGE_ACCOUNT, 1, 4, bytes(model.compose({model.NAME: b"other"})))


class Desk(SimpleNamespace):
    """Operator 01, a supervisor and an acquirer that answers what the test says.

    forms: what is submitted from the form, in turn; None gives up. answers: what "submission"
    returns or raises. said: who was asked for what, in turn.
    """

    def __init__(self, forms, answers, takes_s=10):
        super().__init__(
            operator=b"01",
            draft=None,
            said=[],
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
        if name == "approval":
            return await approval.run(self, *args)
        if name == "codes":
            return await rooms.ask("firmware.errands." + name, "run", self, *args)
        if name == "form":
            self.said.append("form")
            self.typed = self.draft = bytearray(b"01 what was typed")
            proposal = self.forms.pop(0)
            if proposal is None:
                return None
            self.composed.append(bytearray(proposal[3]))
            return (*proposal[:3], self.composed[-1])
        if name == "submission":
            answer = self.answers.pop(0)
            if isinstance(answer, BaseException):
                raise answer
            return answer
        return name in ("preparation", "consent")


def asked(desk, errand=change_account):
    asyncio.run(errand.run(desk))
    return desk.said


def test_after_a_wrong_code_only_the_code_is_asked_for_again():
    desk = Desk([FIRST], [b"55", b"55", None])
    assert asked(desk) == ["form", "01", "00", "code", "code", "code"]
    assert desk.draft is desk.typed  # until what was asked for is in effect, see test_submission


def test_the_same_for_a_restore(monkeypatch):
    monkeypatch.setattr(restore, "describe", lambda desk, tlvs: "")
    desk = Desk([], [b"55", None])
    assert asked(desk, restore) == ["01", "00", "code", "code"]


def test_the_approvals_stand_for_two_minutes():
    desk = Desk([FIRST], [b"55", b"55", b"55", None], takes_s=50)
    assert asked(desk) == ["form", "01", "00", "code", "code", "code", "01", "00", "code"]


def test_the_approvals_stand_no_longer_for_a_clock_that_is_set_back():
    desk = Desk([FIRST], [b"55", b"55", None], takes_s=-3600)
    assert asked(desk) == ["form", "01", "00", "code", "01", "00", "code", "01", "00", "code"]


def test_any_edit_voids_the_approvals():
    desk = Desk([FIRST, FIRST, OTHER, None], [b"55", b"63", b"63"])
    desk.codes = 2  # the second time, instead of a code, back to the form
    assert asked(desk) == ["form", "01", "00", "code", "code"] + ["form", "code"] + [
        "form",
        "01",
        "00",
        "code",
        "form",
    ]


@pytest.mark.parametrize("end", [None, b"63", Idle(), NoRoom()])
def test_what_was_composed_to_be_submitted_is_overwritten_however_it_ends(end):
    desk = Desk([FIRST, OTHER, None], [b"55", end, None])
    with contextlib.suppress(Idle, NoRoom):
        asked(desk)
    assert desk.composed
    assert not any(any(tlvs) for tlvs in desk.composed)


def test_each_try_is_a_request_of_its_own():
    seen = []
    desk = Desk([FIRST], [b"55", None])
    opened = desk.open

    async def watched(name, *args):
        if name == "submission":
            seen.append((args[1][0][1], (*args[2][:3], bytes(args[2][3]))))
        return await opened(name, *args)

    desk.open = watched
    asked(desk)
    assert len({id(code) for code, _ in seen}) == 2
    assert [proposal for _, proposal in seen] == [FIRST] * 2


def test_of_another_refusal_what_was_typed_stays():
    desk = Desk([FIRST, None], [b"63"])
    assert asked(desk) == ["form", "01", "00", "code", "form"]
    assert desk.draft is not None  # the form drops it, which is not played here


@pytest.mark.parametrize("answer", [Idle(), NoRoom()])
def test_what_was_typed_is_kept_when_nobody_stayed_for_the_answer(answer):
    desk = Desk([FIRST], [answer])
    with pytest.raises(type(answer)):
        asked(desk)
    assert desk.draft is not None
