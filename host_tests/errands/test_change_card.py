"""The form of a new card: what is wrong is said at the field; what a swipe brings along."""

import asyncio
from types import SimpleNamespace

import pytest

from drivers.clock import Clock
from firmware import rooms
from firmware.binding import change, change_record, model
from firmware.binding.request import Request
from firmware.errands import after, approval, change_card, codes, field_slot, form, merchant_number
from firmware.errands import draft as drafts
from host_tests.errands.leading import proposed
from host_tests.errands.test_form import LICENCE, NAME, leave, shown
from host_tests.ui.stage import Stage, settle

CARD, OTHER = "6200000000000005", "6222021234567890128"
OLD = model.compose({
    model.NAME: NAME.encode(),
    model.LICENCE: LICENCE,
    model.PAN: CARD.encode(),
    model.EXPIRY: b"2702",
})  # fmt: skip
NOW = 1_800_000_000  # January 2027


class Watch:
    """The time stands."""

    civil = Clock.civil

    def now(self):
        return NOW


class Desk(SimpleNamespace):
    """Operator 01 at a terminal whose slot 1 has a card; cards come through `swipes`."""

    def __init__(self):
        stage = Stage("en")
        super().__init__(
            stage=stage,
            pages=stage.pages,
            text=stage.text,
            operator=b"01",
            draft=None,
            licence=LICENCE,
            clock=SimpleNamespace(
                now=lambda: NOW, civil=lambda at, out: Clock.civil(None, at, out)
            ),
            state=self,
            sync=SimpleNamespace(names=["张三".encode(), NAME.encode()], differing=[], policy=0),
            identity=SimpleNamespace(merchant=b"898310054110001"),
            entries=[],
            card=None,
        )

    def binding(self, slot):
        return OLD if slot == 1 else None

    def change_records(self):
        return []

    def put(self, changes, entry):
        self.entries.append(entry)

    async def _swiped(self, read):
        while self.card is None:
            await asyncio.sleep(0.01)
        number, self.card = self.card, None
        read[:4] = b"2912"
        read[4 : 4 + len(number)] = number.encode()
        return bytearray(number.encode())

    def open(self, name, *args):
        if name == "swipe":
            return self._swiped(*args)
        return rooms.ask("firmware.errands." + name, "run", self, *args)


@pytest.fixture
def desk():
    return Desk()


def bound(tlvs, time=NOW - 86400, event=change.ACTIVE, slot=1):
    """The record of a change that ended so."""
    request = Request(bytes(16), 7, time, 2, slot, 1, b"01", True, None, tlvs)
    outcome = change.Outcome()
    outcome.event, outcome.code = event, b"00"
    return change_record.compose(request, outcome, time)


async def fill(desk, *keys):
    work = form.run(desk, "card.title", model.CHANGE_CARD, 0, change_card._FIELDS, after.FORM)
    task = asyncio.create_task(proposed(desk, work))
    await settle()
    for key in "".join(keys):
        await desk.stage.press(key)
    return task


def test_the_slots_say_what_they_have_and_what_expires_soon(desk):
    async def story():
        task = await fill(desk, "1")
        assert "620000*0005" in shown(desk)
        assert desk.text("slot.free").replace(" ", "") in shown(desk)
        assert desk.text("slot.near") in shown(desk)
        await leave(task)

    asyncio.run(story())


@pytest.mark.parametrize(
    "records, said",
    [
        ([], ""),
        ([bound(OLD)], " since 2027-01-14"),
        ([bound(OLD, slot=2)], ""),
        ([bound(OLD, event=change.REJECTED), bound(OLD, NOW - 172800)], " since 2027-01-13"),
        ([bound(model.compose({model.PAN: OTHER.encode()}))], ""),  # accepted elsewhere since
    ],
)
def test_since_when_a_binding_stands_is_said_where_its_record_is_kept(desk, records, said):
    desk.change_records = lambda: records
    assert field_slot.words(desk, 1) == "Ends 620000*0005 02/27" + said


@pytest.mark.parametrize(
    "reason, number, rule",
    [
        ("1", "620000000000", "rule.9"),  # 12 digits
        ("1", "6200000000000006", "rule.10"),
        ("2", CARD, "rule.17"),
    ],
)
def test_a_card_that_cannot_be_bound_is_refused_at_its_field(desk, reason, number, rule):
    async def story():
        task = await fill(desk, reason, "1", number, "D")
        assert desk.text(rule).replace(" ", "") in shown(desk)
        await leave(task)

    asyncio.run(story())


BY_HAND = OTHER + "D" + "1229" + "D"


@pytest.mark.parametrize("swiped", [False, True])
@pytest.mark.parametrize(
    "key, reason", [("1", 1), ("2", 2), ("3", 3), ("4", 4), ("5", 5), ("6", 9)]
)
def test_every_reason_leads_to_a_proposal_by_keypad_and_by_swipe(desk, key, reason, swiped):
    async def story():
        task = await fill(desk, key, "1", "" if swiped else BY_HAND)
        if swiped:
            desk.card = OTHER
            await asyncio.sleep(0.3)
            await desk.stage.press("D")
        if desk.text("field.name").replace(" ", "") in shown(desk):
            await desk.stage.press("2")  # otherwise the holder is proposed
        await desk.stage.press("B" * 9 + "D")
        return await task

    action, slot, why, tlvs = asyncio.run(story())
    assert (action, slot, why) == (model.CHANGE_CARD, 1, reason)
    assert model.field(tlvs, model.PAN) == OTHER.encode()
    assert model.field(tlvs, model.EXPIRY) == b"2912"
    assert model.field(tlvs, model.NAME) == NAME.encode()


@pytest.mark.parametrize("number", [b"00", b"99"])
def test_nobody_but_an_operator_enters_a_change(desk, number):
    desk.operator = number
    proposal = (model.CHANGE_CARD, 1, 1, OLD)

    async def story():
        work = approval.run(desk, "card.title", proposal)
        task = asyncio.create_task(work)
        await settle()
        assert desk.text("approve.two")[:20].replace(" ", "") in shown(desk)
        await desk.stage.press("D")
        return await task

    assert asyncio.run(story()) is None


def test_the_slash_of_an_expiry_stands_there_once_the_month_is_typed(desk):
    async def story():
        task = await fill(desk, "1", "1", OTHER, "D", "1")
        assert "/" not in shown(desk).replace("MM/YY", "").replace("1/4", "")
        for key, typed in ("2", "12/"), ("2", "12/2"), ("9", "12/29"):
            await desk.stage.press(key)
            assert typed in shown(desk)
        await leave(task)

    asyncio.run(story())


@pytest.mark.parametrize(
    "expiry, rule", [("1227", None), ("1226", "rule.11"), ("1327", "rule.12")]
)
def test_an_expiry_is_typed_as_it_stands_on_the_card(desk, expiry, rule):
    async def story():
        task = await fill(desk, "1", "1", OTHER, "D", expiry, "D")
        if rule:
            assert desk.text(rule).replace(" ", "") in shown(desk)
        else:
            assert bytes(drafts.get(desk.draft, model.EXPIRY)) == b"2712"
        await leave(task)

    asyncio.run(story())


def test_the_same_card_is_right_where_its_details_were_wrong_and_its_holder_is_proposed(desk):
    async def story():
        task = await fill(desk, "5", "1", CARD, "D", "0228", "D")
        assert "2/2" in shown(desk)  # the holder of what is bound
        await desk.stage.press("D" + "BBBBB" + "D")
        return await task

    action, slot, reason, tlvs = asyncio.run(story())
    assert (action, slot, reason) == (model.CHANGE_CARD, 1, 5)
    assert model.field(tlvs, model.PAN) == CARD.encode()
    assert model.field(tlvs, model.EXPIRY) == b"2802"
    assert model.field(tlvs, model.NAME) == NAME.encode()


def test_a_card_swiped_while_typing_counts_only_after_d_and_brings_its_expiry(desk):
    async def story():
        task = await fill(desk, "1", "1", "62")
        for key, now in (("C", "2/19"), ("7", "3/19")):  # either drops the card
            desk.card = OTHER
            await asyncio.sleep(0.3)
            assert "6222021234567890" in shown(desk)
            await desk.stage.press(key)
            assert now in shown(desk)
        desk.card = OTHER
        await asyncio.sleep(0.3)
        await desk.stage.press("D")
        assert desk.text("field.name").replace(" ", "") in shown(desk)  # no expiry is asked for
        assert bytes(drafts.get(desk.draft, model.PAN)) == OTHER.encode()
        assert bytes(drafts.get(desk.draft, model.EXPIRY)) == b"2912"
        await leave(task)

    asyncio.run(story())


def test_another_number_loses_the_expiry_that_was_the_first_one_s(desk):
    async def story():
        task = await fill(desk, "5", "1", OTHER, "D", "1229", "DC", "C")
        desk.stage.keys.press(b"\xaa")
        await settle()
        await desk.stage.press(CARD + "D")
        assert "0/4" in shown(desk)
        await leave(task)

    asyncio.run(story())


def test_three_wrong_merchant_numbers_end_it_and_are_recorded(desk):
    desk.draft = draft = bytearray(b"01 what was typed")

    async def story():
        approved = [0, None, 0]
        task = asyncio.create_task(merchant_number.run(desk, "card.title", approved))
        await settle()
        for left in (2, 1):
            await desk.stage.press("898310054110002" + "D")
            assert desk.text("merchant.wrong", left)[-16:].replace(" ", "") in shown(desk)
            await desk.stage.press("DC")  # who goes back and comes again has no more of them
            assert await task is False
            task = asyncio.create_task(merchant_number.run(desk, "card.title", approved))
            await settle()
        await desk.stage.press("898310054110002" + "DD")
        return await task

    assert asyncio.run(story()) is False
    assert desk.draft is None and not any(draft)
    (entry,) = desk.entries
    assert b"merchant number" in entry and b"01" in entry


def test_cvv2_is_typed_unseen_and_overwritten_when_the_code_is_given_up(desk, monkeypatch):
    desk.sync.policy = 1
    typed = []
    digits = desk.pages.digits

    async def watched(*args):
        typed.append(await digits(*args))
        return typed[-1]

    monkeypatch.setattr(desk.pages, "digits", watched)

    async def story():
        task = asyncio.create_task(codes.run(desk, "card.title", True))
        await settle()
        await desk.stage.press("123")
        assert "***" in shown(desk) and "123" not in shown(desk)
        await desk.stage.press("DC")
        assert typed[0] == b"\0\0\0"
        await desk.stage.press("456D" + "12")
        await leave(task)
        assert typed[2] == b"\0\0\0"

    asyncio.run(story())
