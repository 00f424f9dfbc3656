"""The one policy for faults: what an errand fails with, and what the person then sees."""

import asyncio
import sys
import types
from types import SimpleNamespace

import pytest

from firmware import services, terminal
from firmware.binding import change
from firmware.binding.change import NoAnswer
from firmware.desk import Desk
from firmware.rooms import NoRoom
from firmware.storage import audit
from firmware.storage import state as store
from firmware.storage.journal import (
    FLASH_FULL,
    FLASH_MISSING,
    KEYS_MISSING,
    KEYS_USED_UP,
    StorageFault,
)
from firmware.terminal import Terminal
from firmware.ui.pages import Idle
from firmware.ui.text import Text
from host_tests.crash.archive import CONFIG, Shop
from host_tests.ui.stage import Stage, assets, settle


class Reset(BaseException):
    """The chip has started again."""


class Board:
    """A board that notes what is asked of it."""

    def __init__(self, restarts):
        self.faults = []
        self.restarts = restarts  # whether a failed errand is to start it again
        self.failures = []
        self.clock = SimpleNamespace(now=lambda: 7)

    def failed(self, errand):
        self.failures.append(errand)
        return self.restarts

    def reset(self):
        raise Reset


class State:
    def __init__(self, fault=None):
        self.entries = []
        self.fault = fault

    def put(self, changes, entry=None):
        if self.fault:
            raise self.fault
        assert not changes
        self.entries.append(entry)


@pytest.fixture
def make(monkeypatch):
    """Give `make(fault, restarts=False)`: a desk whose errand `shop` raises `fault`."""
    printed = []
    monkeypatch.setattr(sys, "print_exception", printed.append, raising=False)

    def made(fault, restarts=False, language="zh"):
        desk = Desk.__new__(Desk)
        desk.terminal = Terminal.__new__(Terminal)
        desk.terminal.desk, desk.terminal._fault = desk, None
        stage = desk.stage = Stage(language)
        desk.pages, desk.text = stage.pages, stage.text
        desk.board = Board(restarts)
        desk.state = State()
        desk.clock = desk.board.clock
        desk.hotline = "95516"
        desk.closed = ()
        desk.ended = None
        desk.printed = printed

        async def run(desk):
            desk.runs += 1
            raise fault

        async def log_in(desk):
            return b"01"

        async def main_menu(desk, trail):
            desk.menus += 1
            return (None if desk.menus > 1 else "shop"), ()

        desk.runs = desk.menus = 0
        for name, how in (("shop", run), ("log_in", log_in), ("main_menu", main_menu)):
            errand = types.ModuleType(f"firmware.errands.{name}")
            errand.run = how
            monkeypatch.setitem(sys.modules, errand.__name__, errand)
        return desk

    return made


def page(desk):
    """Log in and open the errand; return what is on the screen once it has failed, and what came
    out instead. A key then leads back to the menu, where the person is still logged in.
    """

    async def story():
        desk.menus = 0
        task = asyncio.create_task(desk.terminal._attend("log_in"))
        await settle()
        shown = desk.stage.lines
        if task.done():
            return shown, task.exception()
        assert desk.menus == 1
        desk.stage.keys.press("D")
        await settle()
        assert task.done() and task.exception() is None
        assert desk.menus == 2 and desk.operator == b"01"
        return shown, None

    return asyncio.run(story())


@pytest.mark.parametrize("fault", [MemoryError(), NoRoom()])
def test_no_room_is_a_busy_page_and_nobody_is_logged_out(make, fault):
    desk = make(fault)
    shown, raised = page(desk)
    assert raised is None
    assert shown[0] == "终端忙" and "请再试一次" in "".join(shown)
    assert desk.operator == b"01"
    assert desk.board.failures == [] and desk.closed == () and desk.state.entries == []


def test_no_room_even_for_what_tells_of_it_is_that_page_all_the_same(make, monkeypatch):
    async def run(desk, name, fault):
        raise NoRoom

    fault = types.ModuleType("firmware.fault")
    fault.run = run
    monkeypatch.setitem(sys.modules, fault.__name__, fault)
    shown, raised = page(make(NoRoom()))
    assert raised is None
    assert shown[0] == "终端忙" and "请再试一次" in "".join(shown)


@pytest.mark.parametrize("operator", [None, b"01"])
def test_a_page_without_room_is_left_when_nobody_comes_by_who_is_logged_in_alone(make, operator):
    desk = make(None)
    desk.operator, desk.pages.quiet_ms = operator, 15

    async def story():
        task = asyncio.create_task(desk.terminal._told_with_what_there_is())
        await asyncio.sleep(0.2)
        async with asyncio.timeout(5):
            while not task.done():
                desk.stage.keys.press("D")
                await settle()
        return task.exception()

    assert isinstance(asyncio.run(story()), Idle) == (operator is not None)


def test_what_was_done_all_the_same_is_not_to_be_tried_again(make):
    desk = make(NoRoom())
    desk.ended = change.ACTIVE
    shown, raised = page(desk)
    assert raised is None
    assert shown[0] == "终端忙" and "变更已生效" in "".join(shown)
    assert "再试" not in "".join(shown)
    shown, _ = page(desk)  # another time it is another matter
    assert "请再试一次" in "".join(shown)


@pytest.mark.parametrize(
    ("code", "words"), [(3, "连不上收单机构"), (4, "加密连接失败"), (0, "应答无法核实")]
)
def test_no_answer_is_its_words_and_nothing_else(make, code, words):
    desk = make(NoAnswer(code))
    shown, raised = page(desk)
    assert raised is None
    assert words in "".join(shown)
    assert desk.operator == b"01"
    assert desk.board.failures == [] and desk.closed == () and desk.state.entries == []


@pytest.mark.parametrize(
    "fault",
    [ValueError("x"), KeyError("k"), UnicodeError(), OSError(5), AttributeError(), IndexError()],
)
def test_anything_else_starts_the_terminal_again_once_then_only_this_errand_is_closed(make, fault):
    with pytest.raises(Reset):
        asyncio.run(make(fault, restarts=True).terminal._attend("log_in"))
    desk = make(fault)
    shown, raised = page(desk)
    assert raised is None
    assert shown[0].startswith("功能已停用") and shown[0].endswith("31")
    assert shown[-1].startswith("shop") and "95516" in "".join(shown)
    assert desk.printed and desk.operator == b"01"
    (entry,) = desk.state.entries
    assert entry[4] == audit.NEEDS_SERVICE and entry.endswith(b"31 shop")
    again, raised = page(desk)
    assert raised is None
    assert again == shown and desk.runs == 1  # it is not even opened
    assert len(desk.state.entries) == 1


@pytest.mark.parametrize("errand", ["idle", "log_in", "first_start"])
def test_what_the_terminal_cannot_be_without_is_never_closed(make, monkeypatch, errand):
    desk = make(ValueError())
    module = sys.modules["firmware.errands.shop"]
    monkeypatch.setitem(sys.modules, f"firmware.errands.{errand}", module)
    with pytest.raises(Reset):
        asyncio.run(desk.terminal._attend(errand))
    assert desk.closed == ()


@pytest.mark.parametrize("fault", [StorageFault(FLASH_FULL), Idle()])
def test_storage_and_idle_are_not_the_errands_to_deal_with(make, fault):
    desk = make(fault)
    _, raised = page(desk)
    assert raised is fault
    assert desk.board.failures == []


def test_storage_that_fails_while_an_errand_is_closed_is_not_lost(make):
    desk = make(ValueError())
    desk.state.fault = StorageFault(FLASH_FULL)
    _, raised = page(desk)
    assert isinstance(raised, StorageFault) and raised.code == FLASH_FULL


def test_the_page_stays_when_nobody_comes_but_whoever_was_logged_in_is_logged_out(make):
    desk = make(MemoryError())
    desk.pages.quiet_ms = 15

    async def story():
        task = asyncio.create_task(desk.terminal._attend("log_in"))
        await settle()
        assert desk.operator == b"01"
        while desk.operator is not None:
            await asyncio.sleep(0.01)
        assert not task.done()
        assert desk.stage.lines[0] == "终端忙"
        desk.stage.keys.press("D")
        await settle()
        # The idle page follows, and says who was logged out and which form is kept.
        assert isinstance(task.exception(), Idle) and desk.operator == b"01"

    asyncio.run(asyncio.wait_for(story(), 5))


def test_without_room_for_the_busy_page_a_key_leads_on(make, monkeypatch):
    desk = make(MemoryError())

    def full(*args):
        raise MemoryError

    monkeypatch.setattr(desk.pages.canvas, "clear", full)
    _, raised = page(desk)
    assert raised is None


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("code", [KEYS_MISSING, KEYS_USED_UP, FLASH_MISSING, FLASH_FULL])
def test_the_last_page_has_its_code_and_whom_to_call(make, language, code):
    desk = make(None, language=language)
    desk.terminal.needs_service(code)
    shown = desk.stage.lines
    assert shown[0].endswith(str(code))
    assert shown[-1].startswith("95516")
    assert "被删除" in "".join(shown) or "deleted" in "".join(shown)
    noted = [entry[4:5] + entry[-2:] for entry in desk.state.entries]
    # The journal says so only where it is none of the trouble.
    assert noted == ([b"\x0f%d" % code] if code < FLASH_MISSING else [])


def test_a_journal_that_fails_too_does_not_keep_the_page_away(make):
    desk = make(None)
    desk.state.fault = StorageFault(FLASH_FULL)
    desk.terminal.needs_service(KEYS_MISSING)
    assert desk.stage.lines[0].endswith("11")


def test_a_task_that_meets_bad_storage_ends_what_the_person_does(make):
    desk = make(None)
    keeping = []

    async def broken():
        raise StorageFault(KEYS_USED_UP)

    async def person():
        desk.terminal._person = asyncio.current_task()
        keeping.append(asyncio.create_task(desk.terminal._kept(broken)))
        await asyncio.sleep(60)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(person())
    assert desk.terminal._fault.code == KEYS_USED_UP


def test_a_task_without_room_begins_again_later(make, monkeypatch):
    desk = make(None)
    monkeypatch.setattr(terminal, "_LATER_S", 0)

    async def story():
        begun = []
        going = asyncio.Event()

        async def hungry():
            begun.append(1)
            if len(begun) < 3:
                raise MemoryError
            going.set()
            await asyncio.sleep(60)

        desk.terminal._person = asyncio.current_task()
        task = asyncio.create_task(desk.terminal._kept(hungry))
        await asyncio.wait_for(going.wait(), 5)
        assert not task.done()
        task.cancel()

    asyncio.run(story())
    assert desk.terminal._fault is None


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("hotline", ["", "95516", "400-820-5555 # 2"])
def test_a_closed_errand_says_whom_to_call_and_by_which_number(make, language, hotline):
    desk = make(ValueError(), language=language)
    desk.hotline = hotline
    shown, _ = page(desk)
    words = "".join(shown[1:-1]).replace(" ", "")
    assert ("联系收单机构" if language == "zh" else "Calltheacquirer") in words
    assert words.endswith(hotline.replace(" ", "")) and shown[-1].startswith("shop")


@pytest.mark.parametrize("stored", [b"fr", b"", b"\xff", b"e\0"])
def test_a_language_that_this_build_does_not_have_is_chinese(monkeypatch, stored):
    till = Shop(monkeypatch.setattr).till
    till.state.put(((store.LANGUAGE, stored),))
    monkeypatch.setattr(till, "text", Text(assets() / "zh.bin"))
    monkeypatch.setattr(
        till, "use_language", lambda code: till.text.load(assets() / f"{code}.bin")
    )
    services.build(till, CONFIG)
    assert till.text("ui.ok") == "D确定"
    till.state.put(((store.LANGUAGE, b"en"),))
    services.build(till, CONFIG)
    assert till.text("ui.ok") == "D ok"
