"""The page on which the owner is waited for: what it says, who it stays for, how it ends."""

import asyncio
from types import SimpleNamespace

import pytest

from drivers.clock import Clock
from firmware import rooms
from firmware.binding import change, model
from firmware.errands import (
    after,
    approval,
    change_account,
    change_card,
    pending,
    submission,
    waiting,
)
from firmware.errands import draft as drafts
from firmware.storage import state as store
from firmware.ui.pages import Idle
from host_tests.binding.test_change import Terminal
from host_tests.errands.leading import led
from host_tests.errands.test_staying import lived
from host_tests.ui.stage import Stage, settle

BEGUN = 1_800_000_000  # 16:00 in UTC+8
DAY_S = 86400


def outcome(event, code=b"09", **said):
    found = change.Outcome()
    found.event, found.code = event, code
    for name, value in said.items():
        setattr(found, name, value)
    return found


OWNER = outcome(change.REVIEWING, again_s=5)
PEOPLE = outcome(change.REVIEWING)
HELD = outcome(change.REVIEWING, effective=BEGUN + 3 * DAY_S)
LOST = outcome(change.UNSETTLED, b"--", trouble=7)
REFUSED = outcome(change.REJECTED, b"59", kind=change.SPEAK_WITH_OWNER)


class Counter(Terminal):
    """A terminal with a request under review, a person at its screen, an acquirer who has said
    `last`.
    """

    def __init__(self, last=OWNER, language="zh"):
        super().__init__()
        self.stage = Stage(language)
        self.text, self.pages, self.operator = self.stage.text, self.stage.pages, b"01"
        self.hotline, self.opened, self.seen = "95016", [], []
        self.began = 0
        self.clock = SimpleNamespace(now=self._now, civil=lambda *a: Clock.civil(None, *a))
        self.line = SimpleNamespace(close=self._close)
        self.sync = SimpleNamespace(
            last_outcome=last, watched=False, talking=False, line=self.line, wake=self._wake
        )
        self.begin()
        self.state.put(((store.PENDING_STATE, bytes((change.REVIEW,))),))

    def _now(self):
        return BEGUN + int(asyncio.get_running_loop().time() - self.began)

    def _wake(self):
        self.seen.append("asks" if self.sync.watched else "signs on")

    async def _close(self):
        self.seen.append("close")

    async def open(self, name, *args):
        self.opened.append((name, args))
        return "led on"

    def ends(self, last):
        """The acquirer has said the end, which the sync notes."""
        self.sync.last_outcome = last
        self.state.put(((store.PENDING, None), (store.NOTICE, bytes((last.event,)))))

    async def begun(self):
        """Return the errand's task, once its page stands there."""
        self.began = asyncio.get_running_loop().time()
        task = asyncio.create_task(waiting.run(self, ("change_card", (2,))))
        await settle()
        return task

    def words(self):
        return "".join(self.stage.lines).replace(" ", "")


def test_the_page_says_whom_it_waits_for_how_long_and_until_when():
    counter = Counter(language="en")

    async def story():
        task = await counter.begun()
        await asyncio.sleep(65)  # the warning of who presses no key is over
        lines = counter.stage.lines
        await counter.stage.press("1")
        assert isinstance(task.exception(), Idle)
        return lines

    title, *body, hint = lived(story())
    assert title == "Waiting for owner"
    assert body[0] == "Confirm on the phone"
    assert body[1].startswith("622202*")  # which number, masked
    assert body[2] in ("1:04, until 16:30", "1:05, until 16:30")
    assert hint.split() == ["C", "back", "D", "ok"]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("last", [None, OWNER, PEOPLE, HELD, LOST])
def test_what_is_said_has_room_whatever_the_acquirer_has_said(language, last):
    counter = Counter(last, language)
    shown = []
    counter.pages.show = lambda *page: shown.append(page)

    async def story():
        task = await counter.begun()
        task.cancel()

    lived(story())
    title, words = shown[0][:2]
    if last is not OWNER:
        words = words.rpartition("\n")[0]  # the number is only for where there is room
    ends = []
    counter.stage.canvas.wrap(words, ends)
    assert len(ends) <= 3
    assert not counter.text(title).startswith("?")


def test_while_the_old_account_is_paid_the_page_says_until_when_and_who_can_stop_it():
    counter = Counter(HELD, "en")

    async def story():
        task = await counter.begun()
        lines = counter.stage.lines
        await counter.stage.press("C")
        return lines, await task

    lines, to = lived(story())
    assert " ".join(lines[1:4]).startswith(
        "Old account paid until 01-18 16:00. Owner can stop it."
    )
    assert to is None


@pytest.mark.parametrize("effective", [1, BEGUN, BEGUN - 1, BEGUN + 400 * DAY_S, 0xFFFFFFFF])
def test_a_moment_that_is_none_to_wait_for_is_left_out(effective):
    counter = Counter(outcome(change.REVIEWING, effective=effective), "en")

    async def story():
        task = await counter.begun()
        lines = counter.stage.lines
        task.cancel()
        return lines

    assert lived(story())[0] == "Under review"


def test_what_was_said_last_stands_while_the_line_is_lost():
    counter = Counter(language="en")

    async def story():
        task = await counter.begun()
        counter.sync.last_outcome = LOST
        await asyncio.sleep(2)
        lost = counter.stage.lines
        counter.sync.last_outcome = OWNER
        await asyncio.sleep(2)
        task.cancel()
        return lost, counter.stage.lines

    lost, back = lived(story())
    assert (lost[0], lost[1], lost[2]) == (back[0], back[1], "Connection lost")
    assert "until 16:30" in lost[3]
    assert back[2].startswith("622202*")


def test_the_acquirer_is_asked_often_only_for_as_long_as_somebody_looks():
    counter = Counter()

    async def story():
        task = await counter.begun()
        assert counter.seen == ["asks"]
        await counter.stage.press("C")
        return await task

    assert lived(story()) is None
    assert not counter.sync.watched and counter.seen == ["asks", "close"]
    assert counter.opened == []


def test_who_wants_more_comes_to_the_page_of_the_request_and_back():
    counter = Counter(language="en")

    async def story():
        task = await counter.begun()
        await counter.stage.press("D")
        return await task

    assert lived(story()) == ("pending", (True,))
    led_to = counter.stage.play(pending.run(counter, True), "C")[0]
    assert led_to == ("waiting", ())


def test_a_question_that_is_under_way_closes_its_connection_itself():
    counter = Counter()

    async def story():
        task = await counter.begun()
        counter.sync.talking = True
        await counter.stage.press("C")
        return await task

    assert lived(story()) is None
    assert not counter.sync.watched and counter.seen == ["asks"]


def test_the_end_shows_by_itself_and_is_no_news_later():
    counter = Counter()

    async def story():
        task = await counter.begun()
        counter.ends(REFUSED)
        return await asyncio.wait_for(task, 5)

    assert lived(story()) == ("change_card", (2, "led on"))
    assert counter.opened == [("outcome", (REFUSED,))]
    assert not counter.sync.watched and counter.seen == ["asks", "signs on", "close"]
    assert counter.state.get(store.NOTICE) is None  # somebody saw it


def test_who_is_left_alone_is_logged_out_while_the_page_stays_for_the_owner():
    counter = Counter()

    async def story():
        task = await counter.begun()
        await asyncio.sleep(50)
        assert counter.text("ui.leaving").replace(" ", "") in counter.words()
        await asyncio.sleep(600)
        assert counter.text("waiting.owner").replace(" ", "") in counter.words()
        await counter.stage.press("D")  # nobody knows whose key it is
        with pytest.raises(Idle):
            await task

    lived(story())
    assert not counter.sync.watched


def test_an_end_that_nobody_waited_for_leads_nowhere_but_to_the_idle_page():
    counter = Counter()

    async def story():
        task = await counter.begun()
        await asyncio.sleep(600)
        counter.ends(REFUSED)
        with pytest.raises(Idle):
            await asyncio.wait_for(task, 20)

    lived(story())
    assert counter.opened == [("outcome", (REFUSED,))]


@pytest.mark.parametrize("last", [PEOPLE, HELD, LOST])
def test_for_anybody_else_the_page_stays_for_a_minute(last):
    counter = Counter(last)

    async def story():
        task = await counter.begun()
        with pytest.raises(Idle):
            await asyncio.wait_for(task, 62)

    lived(story())


def test_no_page_waits_for_an_acquirer_who_never_says_the_end():
    counter = Counter()

    async def story():
        task = await counter.begun()
        await asyncio.sleep(1860)
        assert not task.done()
        with pytest.raises(Idle):
            await asyncio.wait_for(task, 120)

    lived(story())


def test_without_room_for_other_words_the_page_stays_as_it_was(monkeypatch):
    counter = Counter(language="en")

    async def story():
        task = await counter.begun()
        with monkeypatch.context() as patch:

            def full(*args):
                raise rooms.NoRoom

            patch.setattr(waiting.rooms, "ask", full)
            counter.sync.last_outcome = LOST
            await asyncio.sleep(3)
            assert counter.stage.lines[1] == "Confirm on the phone"
        await asyncio.sleep(2)
        task.cancel()
        return counter.stage.lines

    assert "Connection lost" in lived(story())


@pytest.mark.parametrize("said", [5, 3, 10])
@pytest.mark.parametrize("errand", [change_account, change_card])
def test_a_change_that_waits_for_its_owner_leads_there_and_its_end_to_the_form(said, errand):
    counter = Counter()
    answer = after.leads_to(outcome(change.REVIEWING, again_s=said))
    counter.draft = drafts.begin(counter, model.CHANGE_CARD, 2)
    tag = model.PAN if errand is change_card else model.ACCOUNT
    drafts.put(counter.draft, tag, b"6222020000000128")
    opened = {"resume": [after.NOWHERE], "form": [True, None]}
    kept = []
    opened |= {"consent": [True, True], "merchant_number": [True], "outcome": [answer]}
    opened |= {"codes": [((change.CODE, b"123456"),)], "propose": [None], "waiting": [None]}
    name = errand.__name__.rpartition(".")[2]
    errands = {name: errand, "approval": approval, "submission": submission}

    async def open_(name, *args):
        counter.opened.append((name, args[4] if name == "form" else args))
        if name in errands:
            return await errands[name].run(counter, *args)
        return args[-1] if name == "preparation" else opened[name].pop(0)

    async def settle(withdraw):
        return counter.sync.last_outcome

    async def prove(number, title):
        return True

    counter.open, counter.prove = open_, prove
    counter.sync.settle, counter.sync.keep = settle, kept.append
    counter.identity = SimpleNamespace(token=bytes)
    counter.state.put(((store.PENDING, None),))
    asyncio.run(led(counter, errand.run(counter, 2)))
    assert [each for each, _ in counter.opened] == [
        *("resume", "preparation", name, "form", "approval"),
        *(("merchant_number",) if errand is change_card else ()),
        *("consent", "consent", "codes", "propose", "submission", "outcome", "waiting"),
    ]
    assert kept == [((change.CODE, b"123456"),)]
    assert counter.opened[-1] == ("waiting", ((name, (2,)),))
    counter.opened.clear()
    assert asyncio.run(errand.run(counter, 2, model.ACCOUNT)) is None
    assert counter.opened == [("form", model.ACCOUNT)]
