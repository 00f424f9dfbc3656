"""What waits in the slots beside the paid one is bound, used and removed from its list."""

import asyncio
from types import SimpleNamespace

import pytest

from drivers.clock import Clock
from firmware.binding import change, model
from firmware.errands import remove_reserve, reserves, use_reserve
from host_tests.errands.test_change_card import NOW, OLD
from host_tests.ui.stage import Stage

CARD = model.compose({model.NAME: b"A", model.PAN: b"6200000000000005", model.EXPIRY: b"3106"})
ACCOUNT = model.compose({model.NAME: b"A", model.ACCOUNT: b"1001230009876543"})


class Desk(SimpleNamespace):
    """A terminal whose slot 1 is paid; `prepared`: whether the merchant is, once asked."""

    def __init__(self, **reserves):
        stage = Stage("en")
        bound = {1: OLD} | {int(slot[1:]): tlvs for slot, tlvs in reserves.items()}
        super().__init__(
            stage=stage,
            pages=stage.pages,
            text=stage.text,
            draft=bytearray(b"01 of another slot"),
            prepared=True,
            opened=[],
            change=SimpleNamespace(phase=change.IDLE),
            state=SimpleNamespace(binding=bound.get, change_records=list),
            clock=SimpleNamespace(
                now=lambda: NOW, civil=lambda at, out: Clock.civil(None, at, out)
            ),
        )

    async def open(self, name, *args):
        self.opened.append((name, args))
        return self.prepared


@pytest.mark.parametrize(
    "keys, chosen",
    [
        ("11", ("use_reserve", (2,))),
        ("12", ("remove_reserve", (2,))),
        ("21", ("change_card", (3,))),
        ("32", ("change_account", (4,))),
    ],
)
def test_a_free_slot_takes_a_card_or_an_account_and_a_taken_one_is_used_or_removed(keys, chosen):
    desk = Desk(_2=CARD)
    draft = desk.draft
    assert desk.stage.play(reserves.run(desk), keys)[0] == chosen
    assert desk.draft is None and not any(draft)  # what was typed was for another slot


def test_nothing_is_chosen_with_c_and_while_a_request_is_under_way():
    desk = Desk()
    assert desk.stage.play(reserves.run(desk), "1CC")[0] is None
    desk.change.phase = change.REVIEW
    assert asyncio.run(reserves.run(desk)) == ("pending", ())


@pytest.mark.parametrize(
    "tlvs, action", [(CARD, model.CHANGE_CARD), (ACCOUNT, model.CHANGE_ACCOUNT)]
)
def test_what_is_used_is_proposed_for_the_paid_slot_as_it_is(tlvs, action):
    desk = Desk(_3=tlvs)
    result, _ = desk.stage.play(use_reserve.run(desk, 3), "4")  # a change of bank
    assert result == ("approval", ("reserves.use", (action, 1, 4, tlvs)))
    assert desk.opened == [("preparation", ("reserves.use", 1))]


def test_a_removal_proposes_nothing_in_its_place():
    desk = Desk(_2=CARD)
    proposal = (model.REMOVE, 2, 9, b"")
    work = remove_reserve.run(desk, 2)
    assert asyncio.run(work) == ("approval", ("reserves.remove", proposal))
    assert desk.opened == [("preparation", ("reserves.remove", 2))]


@pytest.mark.parametrize("errand", [use_reserve, remove_reserve])
def test_who_is_not_prepared_proposes_nothing(errand):
    desk = Desk(_2=CARD)
    desk.prepared = False
    assert asyncio.run(errand.run(desk, 2)) is None
