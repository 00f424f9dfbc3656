"""D held, anywhere: what the page wants, whom to call; then the page again, as it was."""

import ast
import asyncio
from types import SimpleNamespace

import pytest

from firmware import rooms
from firmware.errands import main_menu
from firmware.ui.pages import Idle
from host_tests.conftest import ROOT
from host_tests.errands.test_operators import Desk as _Desk
from host_tests.errands.test_passwords import until
from host_tests.ui.stage import WAITING, settle
from tools.build import texts

HELD = bytes((0xC4,))


class Desk(_Desk):
    """With help, as the terminal's desk has it."""

    def __init__(self):
        super().__init__()
        self.identity = SimpleNamespace(terminal=b"12345678", merchant=b"898310054110001")
        self.pages.help = self.open

    def picture(self):
        return bytes(self.stage.panel.buffer)


@pytest.fixture
def desk():
    return Desk()


def run(desk, page, story):
    async def whole():
        task = asyncio.create_task(page)
        await settle()
        await story()
        done = task.done()
        if not done:
            task.cancel()
        return task.result() if done else WAITING

    return asyncio.run(whole())


async def through(desk, *said):
    """Read help to its end; return all that it said."""
    words = ""
    for _ in range(14):
        words += " ".join(desk.stage.lines) + " "
        await desk.stage.press("B")
    for each in said:
        assert each in words, words


@pytest.mark.parametrize(
    "page, typed, wanted",
    [
        (lambda pages: pages.digits("t", "field.account", 8, 32), "6222021234", "bank's papers"),
        (lambda pages: pages.digits("t", "approve.code", 6, 6), "123", "owner's phone"),
        (lambda pages: pages.code("t", "field.licence", 18), "9135", "business licence"),
        (lambda pages: pages.menu("menu.accounts", ["a", "b", "c", "d", "e"]), "BBBB", "pays to"),
        (lambda pages: pages.message("answer.00", "words " * 60), "BB", "D goes on"),
        (lambda pages: pages.review("change.title", [("field.name", "a")] * 5), "BB", "every row"),
        (lambda pages: pages.consent("approve.owner", [("field.name", "a")] * 5), "", "owner"),
    ],
)
def test_help_comes_over_the_page_and_leaves_it_as_it_was(desk, page, typed, wanted):
    async def story():
        await desk.stage.press(typed)
        before = desk.picture()
        desk.stage.keys.press(HELD)
        await until(desk, "Help")
        await through(desk, wanted, "Acquirer: 95516", "Terminal 12345678", "898310054110001")
        await desk.stage.press("C")
        assert desk.picture() == before
        await desk.stage.press(HELD)
        await until(desk, "Help")
        await desk.stage.press("D")
        await until(desk, "Merchant number")  # what happens when that changes
        await desk.stage.press("D")
        assert desk.picture() == before

    assert run(desk, page(desk.pages), story) is WAITING


def test_what_was_typed_goes_on_behind_help(desk):
    async def story():
        await desk.stage.press("123")
        await desk.stage.press(HELD)
        await until(desk, "Help")
        await desk.stage.press(HELD)  # there is no help for help
        await until(desk, "Merchant number")
        await desk.stage.press("D")
        await desk.stage.press("456D")

    assert run(desk, desk.pages.digits("t", "approve.code", 6, 6), story) == bytearray(b"123456")


def test_who_leaves_help_alone_is_logged_out(desk):
    desk.pages.quiet_ms = 400

    async def story():
        desk.stage.keys.press(HELD)
        await until(desk, "Help")
        await asyncio.sleep(1.2)

    with pytest.raises(Idle):
        run(desk, desk.pages.digits("t", "approve.code", 6, 6), story)
    assert desk.pages.help is not None


def test_without_room_for_help_the_page_stays(desk, monkeypatch):
    loaded = rooms._load

    def full(path, came):
        if path.endswith("help"):
            raise rooms.NoRoom
        return loaded(path, came)

    async def story():
        await desk.stage.press("123")
        before = desk.picture()
        monkeypatch.setattr(rooms, "_load", full)
        await desk.stage.press(HELD)
        assert desk.picture() == before
        monkeypatch.setattr(rooms, "_load", loaded)
        await desk.stage.press("456D")

    assert run(desk, desk.pages.digits("t", "approve.code", 6, 6), story) == bytearray(b"123456")


def test_a_terminal_without_its_state_still_says_whom_to_call(desk):
    desk.identity = None

    async def story():
        desk.stage.keys.press(HELD)
        await until(desk, "Help")
        await through(desk, "Acquirer: 95516")

    run(desk, desk.pages.message("service.title", "words", True), story)


def test_every_page_that_help_is_written_for_is_one():
    words = texts.read("en")
    named = {key.replace(".", "_") for key in words}
    said = {"title", "call", "merchant", "any"}  # what help says on every page
    said.add("review")  # whatever is reviewed
    assert {key[5:] for key in words if key.startswith("help.")} - said <= named


ERRANDS = ROOT / "firmware" / "errands"
ASKING = {"digits": 1, "code": 1, "menu": 0, "consent": 0, "notice": 0}  # where the topic stands


def asked():
    """The topic of every page that wants something chosen, typed or agreed to."""
    topics = {title for title, _ in main_menu._MENUS.values()}
    for path in sorted(ERRANDS.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            node.targets[0].id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            at = ASKING.get(node.func.attr)
            match node.args[at : at + 1] if at is not None else ():
                case [ast.Constant(value=str(topic))]:
                    topics.add(topic)
                case [ast.Name(id=name)] if name in named:
                    topics.add(named[name])
    return topics


def test_every_page_that_wants_something_says_what():
    topics = asked()
    assert {"merchant.number", "field.expiry", "menu.cards", "reserves.title"} <= topics
    words = texts.read("zh")
    unsaid = {topic for topic in topics if "help." + topic.replace(".", "_") not in words}
    assert unsaid == set()
