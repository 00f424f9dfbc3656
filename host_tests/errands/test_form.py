"""The form of a new account: what was typed outlives it, and is gone when it is thrown away."""

import asyncio
from types import SimpleNamespace

import pytest

from firmware import rooms
from firmware.binding import model
from firmware.errands import after, change_account, form, main_menu, resume
from firmware.errands import draft as drafts
from firmware.ui.pages import Idle
from host_tests.errands.leading import proposed
from host_tests.ui.stage import CLEAR, Stage, settle

NAME = "上海示例商贸有限公司"
ACCOUNT = "1001230009876543"
CNAPS = "313651027012"
LICENCE = b"91350100M000100Y43"


class Desk(SimpleNamespace):
    """Operator 01 at a terminal that nobody need wait for."""

    def open(self, name, *args):
        if name == "swipe":
            return asyncio.Event().wait()  # no card comes
        return rooms.ask("firmware.errands." + name, "run", self, *args)


@pytest.fixture
def desk():
    stage = Stage()
    return Desk(
        stage=stage,
        pages=stage.pages,
        text=stage.text,
        operator=b"01",
        draft=None,
        licence=LICENCE,
        state=SimpleNamespace(binding=lambda slot: None),
        sync=SimpleNamespace(names=["张三".encode(), NAME.encode()], last_outcome=None),
    )


async def fill(desk, *keys, mending=after.FORM):
    """Begin the form, press keys; return its task, which waits for more."""
    fields = change_account._FIELDS
    work = form.run(desk, "change.title", model.CHANGE_ACCOUNT, 1, fields, mending)
    task = asyncio.create_task(proposed(desk, work))
    await settle()
    for key in "".join(keys):
        await desk.stage.press(key)
    return task


async def leave(task):
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def shown(desk):
    return "".join(desk.stage.lines).replace(" ", "")


UNTIL_ACCOUNT = ("1", "2", "1")
UNTIL_CNAPS = (*UNTIL_ACCOUNT, ACCOUNT, "D", ACCOUNT, "D")


def test_a_form_that_was_left_goes_on_at_the_first_field_that_is_empty(desk):
    async def story():
        await leave(await fill(desk, *UNTIL_CNAPS))
        again = await fill(desk)
        assert desk.text("field.cnaps").replace(" ", "") in shown(desk)
        await desk.stage.press(CNAPS + "D" + "BBBBB" + "D")
        return await again

    action, slot, reason, tlvs = asyncio.run(story())
    assert (action, slot, reason) == (model.CHANGE_ACCOUNT, 1, 4)
    for value in (NAME.encode(), ACCOUNT.encode(), CNAPS.encode(), LICENCE):
        assert value in tlvs


def test_a_whole_form_that_was_left_goes_on_at_its_review(desk):
    async def story():
        await leave(await fill(desk, *UNTIL_CNAPS, CNAPS, "D"))
        again = await fill(desk)
        assert desk.text("reason.4") in shown(desk)
        await leave(again)

    asyncio.run(story())


def test_what_is_left_alone_or_finds_no_room_is_kept_at_the_desk(desk):
    async def story(trouble):
        async def no_digits(*args, **options):
            raise trouble

        digits, desk.pages.digits = desk.pages.digits, no_digits
        with pytest.raises(type(trouble)):
            await (await fill(desk, *UNTIL_ACCOUNT))
        desk.pages.digits = digits
        again = await fill(desk)
        assert desk.text("field.account").replace(" ", "") in shown(desk)
        await leave(again)

    asyncio.run(story(Idle()))
    asyncio.run(story(rooms.NoRoom()))


async def left_alone(desk, *keys):
    """Fill in so far; then nobody is there any more."""
    task = await fill(desk, *keys)
    patient, desk.pages.quiet_ms = desk.pages.quiet_ms, 10
    desk.pages._left_ms = 0
    desk.stage.keys._arrived.set()
    with pytest.raises(Idle):
        await asyncio.wait_for(task, 20)
    desk.pages.quiet_ms = patient


@pytest.mark.parametrize(
    "keys, typed",
    [
        ((*UNTIL_ACCOUNT, "1001230009"), "1001230009"),
        ((*UNTIL_ACCOUNT, ACCOUNT, "D", "1001"), ACCOUNT),  # to be repeated from its beginning
        ((*UNTIL_CNAPS, "313651"), "313651"),
        ((*UNTIL_CNAPS, CNAPS, "D", "91350100622##"), "91350100622##"),
    ],
)
def test_the_field_that_was_being_typed_is_found_as_it_was(desk, keys, typed):
    desk.licence = None

    async def story():
        await left_alone(desk, *keys)
        again = await fill(desk)
        assert typed.replace("2##", "B") in shown(desk)
        await leave(again)
        again = await fill(desk)  # and once more
        assert typed.replace("2##", "B") in shown(desk)
        await desk.stage.press("C")  # left by a key: nothing of it stays
        await leave(again)
        assert typed[:6].encode() not in desk.draft[223:]

    asyncio.run(story())


def test_an_edit_that_was_left_is_found_in_its_field(desk):
    async def story():
        await leave(await fill(desk, *UNTIL_CNAPS, CNAPS, "D", "BBBB", "D", "***"))
        again = await fill(desk)
        assert desk.text("reason.4") in shown(desk)  # the review, with what was entered
        await desk.stage.press("BBBBD")
        assert CNAPS[:9] in shown(desk) and "9/12" in shown(desk)
        await leave(again)

    asyncio.run(story())


def test_a_form_that_is_given_up_is_overwritten(desk):
    async def story():
        task = await fill(desk, *UNTIL_CNAPS, CNAPS, "D")
        draft = desk.draft
        assert ACCOUNT.encode() in draft
        await desk.stage.press("CD")
        assert await task is None
        return draft

    draft = asyncio.run(story())
    assert desk.draft is None and not any(draft)


def test_a_number_is_changed_in_its_place(desk):
    async def story():
        task = await fill(desk, *UNTIL_CNAPS, CNAPS, "D", "BBB", "D")
        desk.stage.keys.press(b"\xaa")
        await settle()
        await desk.stage.press("87654321D87654321D")
        assert b"87654321" in desk.draft and b"0009876543" not in desk.draft
        await leave(task)

    asyncio.run(story())


def test_every_name_that_the_acquirer_sent_is_offered(desk):
    async def story():
        task = await fill(desk, "1", "B" * 13)
        assert "14/14" in shown(desk) and "商户第14号" in shown(desk)
        await leave(task)

    desk.sync.names = [f"商户第{number}号".encode() for number in range(1, 15)]
    asyncio.run(story())


@pytest.mark.parametrize(("key", "kept"), [("D", after.FORM), ("C", None)])
def test_logging_in_again_offers_to_go_on(desk, key, kept):
    desk.draft = bytearray(b"01" + bytes(6) + b"\x01\x01" + bytes(336))

    async def story():
        assert await main_menu.run(desk, []) == ("change_account", ())
        task = asyncio.create_task(resume.run(desk, "change.title", model.CHANGE_ACCOUNT))
        await settle()
        assert desk.text("change.resume")[:8] in shown(desk)
        await desk.stage.press(key)
        return await task

    assert asyncio.run(story()) is kept
    assert (desk.draft is not None) == bool(kept)


def test_another_operator_is_offered_nothing(desk):
    draft = desk.draft = bytearray(b"01" + bytes(6) + b"\x01\x01" + bytes(336))
    desk.operator = b"02"

    async def story():
        task = asyncio.create_task(main_menu.run(desk, []))
        await settle()
        assert desk.text("menu.settings") in shown(desk)
        await leave(task)
        assert desk.draft is draft
        return await resume.run(desk, "change.title", model.CHANGE_ACCOUNT)

    assert asyncio.run(story()) == after.NOWHERE
    assert desk.draft is None  # a form of their own begins


def test_logging_out_by_hand_throws_it_away(desk):
    trail = [["menu", 0]]
    draft = desk.draft = bytearray(b"01 what was typed")

    async def story():
        task = asyncio.create_task(main_menu.run(desk, trail))
        await settle()
        await desk.stage.press("2")
        return await task

    assert asyncio.run(story()) == (None, ())
    assert desk.draft is None and not any(draft)


def test_of_a_form_that_was_accepted_nothing_is_left_to_go_on_with(desk):
    async def story():
        task = await fill(desk, *UNTIL_CNAPS, CNAPS, "D", "BBBBB", "D")
        *_, tlvs = await task
        desk.state.binding = lambda slot: tlvs  # accepted, and nobody came to see it
        task = asyncio.create_task(resume.run(desk, "change.title", model.CHANGE_ACCOUNT))
        await settle()
        assert desk.text("told.accepted") in shown(desk)
        await desk.stage.press("D")
        return await task

    assert asyncio.run(story()) is None
    assert desk.draft is None


@pytest.mark.parametrize(
    ("mending", "label"), [(model.ACCOUNT, "field.account"), (model.CNAPS, "field.cnaps")]
)
def test_what_was_refused_is_asked_for_first_with_what_was_typed(desk, mending, label):
    async def story():
        task = await fill(desk, *UNTIL_CNAPS, CNAPS, "D", "BBBBBD")
        before = await task
        again = await fill(desk, mending=mending)
        assert desk.text(label).replace(" ", "") in shown(desk)
        kept = (ACCOUNT if mending == model.ACCOUNT else CNAPS)[-4:]
        assert kept in shown(desk)
        await desk.stage.press("D" if mending == model.CNAPS else "D" + ACCOUNT + "D")
        assert desk.text("ui.edit")[1:] in shown(desk)  # the review, and no other field
        await desk.stage.press("BBBBBD")
        return before, await again

    before, again = asyncio.run(story())
    assert before == again


@pytest.mark.parametrize("mending", [after.FORM, 0xDF12, model.PAN, 0xDF20, 0xFFFF])
def test_what_is_no_field_of_the_form_leads_to_its_review(desk, mending):
    async def story():
        await (await fill(desk, *UNTIL_CNAPS, CNAPS, "D", "BBBBBD"))
        await leave(await fill(desk, mending=mending))
        assert desk.text("ui.edit")[1:] in shown(desk)

    asyncio.run(story())


def test_who_knows_no_number_has_it_looked_up_with_the_form_out_of_memory(desk):
    async def story():
        assert await (await fill(desk, *UNTIL_CNAPS, "D")) == "bank"
        drafts.put(desk.draft, model.CNAPS, b"308980100053")
        drafts.put(desk.draft, model.BANK, "招商银行样州长乐路支行".encode())
        again = await fill(desk, "BBBB")
        assert "308980100053" in shown(desk)
        assert "招商银行样州长乐路" in shown(desk)
        for keys in ("D", bytes([CLEAR]), "D"):  # looked up once more, from the review
            await desk.stage.press(keys)
        assert await again == "bank"
        again = await fill(desk, "BBBB")
        for keys in ("D", bytes([CLEAR]), CNAPS, "D", "BBBBB", "D"):  # another number is typed
            await desk.stage.press(keys)
        return await again

    tlvs = asyncio.run(story())[-1]
    assert model.field(tlvs, model.CNAPS) == CNAPS.encode()
    assert model.field(tlvs, model.BANK) is None  # of another bank
