"""The opening bank from the directory: found by class and letters, or the number is typed."""

import asyncio
from types import SimpleNamespace

import pytest

from firmware import rooms
from firmware.acquirer import directory
from firmware.binding import model
from firmware.binding.change import NoAnswer
from firmware.errands import bank, draft
from firmware.ui import canvas
from host_tests.ui.stage import Stage, assets, settle
from tools.acquirer import made_up
from tools.build import texts

LONG = "308980100053招商银行样州长乐路支行".encode()
OTHER = "308980600041招商银行拟海长乐路支行".encode()
WRONG = "308980600042招商银行例城支行".encode()  # its check digit


class Desk(SimpleNamespace):
    """Operator 01, who has begun a form, and a directory that gives `answers` in turn."""

    def __init__(self, *answers):
        stage = Stage()
        super().__init__(
            stage=stage,
            pages=stage.pages,
            text=stage.text,
            operator=b"01",
            draft=None,
            answers=list(answers),
            asked=[],
            sync=self,
        )
        draft.begin(self, model.CHANGE_ACCOUNT, 1)

    async def look_up(self, *asked):
        self.asked.append(tuple(map(bytes, asked[:2])) + asked[2:])
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def open(self, name, *args):
        return rooms.ask("firmware.errands." + name, "run", self, *args)

    def entered(self, tag):
        return bytes(draft.get(self.draft, tag))


def page(*banks, more=directory.LAST):
    return b"00", list(banks), more


async def choose(desk, *keys):
    """Begin the errand, press keys; return its task and what the screen shows."""
    task = asyncio.create_task(bank.run(desk))
    await settle()
    for key in "".join(keys):
        await desk.stage.press(key)
    return task, "".join(desk.stage.lines).replace(" ", "")


def played(desk, *keys):
    """Press keys; return what the screen shows then."""

    async def story():
        task, shown = await choose(desk, *keys)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return shown

    return asyncio.run(story())


CMB = "7"  # the seventh of the list


def test_a_branch_is_chosen_by_class_and_letters():
    desk = Desk(page(LONG, OTHER))

    async def story():
        task, shown = await choose(desk, CMB, "255D")
        assert "样州长乐路支行" in shown
        assert "招商银行" not in shown  # what all of them are called is left out
        await desk.stage.press("1")
        return await task

    assert asyncio.run(story()) is True
    assert desk.asked == [(b"308", b"255", 0)]
    assert desk.entered(model.CNAPS) == b"308980100053"
    assert desk.entered(model.BANK) == "招商银行样州长乐路支行".encode()


def test_the_only_one_is_shown_by_its_whole_name():
    assert "招商银行样州" in played(Desk(page(LONG)), CMB, "255D")


def test_pages_go_on_and_back():
    more = page(LONG, OTHER, more=directory.MORE)
    desk = Desk(more, page(OTHER), more)
    assert desk.text("bank.letters").replace(" ", "") in played(desk, CMB, "D", "3", "C", "C")
    assert desk.asked == [(b"308", b"", 0), (b"308", b"", 1), (b"308", b"", 0)]


def test_another_bank_is_asked_for_with_letters_alone():
    desk = Desk(page(LONG))
    assert desk.text("entry.too_short", 1) in played(desk, "A", "D", "D")
    assert desk.text("bank.no_letters") in played(desk, "A", "D", "10", "D")
    assert desk.asked == []
    played(desk, "A", "D", "2", "D")
    assert desk.asked == [(b"", b"2", 0)]


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        (page(), "bank.none"),
        (page(more=directory.TOO_MANY), "bank.too_many"),
        ((b"61", [], directory.LAST), "bank.too_often"),
        ((b"97", [], directory.LAST), "answer.97"),
        (NoAnswer(3), "link.3"),
        (page(WRONG), "rule.8"),
    ],
)
def test_what_comes_to_nothing_is_said_and_what_was_typed_stays(answer, key):
    desk = Desk(answer)
    keys = [CMB, "255D"] + (["1"] if key == "rule.8" else [])
    assert desk.text(key)[:8] in played(desk, *keys)
    desk.answers.append(answer)
    shown = played(desk, *keys, "C")
    assert desk.text("bank.letters").replace(" ", "") in shown
    assert "255" in shown
    assert desk.entered(model.CNAPS) == desk.entered(model.BANK) == b""


def test_out_of_reach_says_that_the_number_can_be_typed_and_tries_again():
    desk = Desk(NoAnswer(3), page(LONG))

    async def story():
        task, shown = await choose(desk, CMB, "255D")
        assert desk.text("bank.or_type")[:5].replace(" ", "") in shown
        await desk.stage.press("DD")
        await desk.stage.press("D")
        return await task

    assert asyncio.run(story()) is True
    assert len(desk.asked) == 2


def test_the_list_has_the_thirty_classes_in_both_languages():
    classes = [bank._CLASSES[at : at + 3].decode() for at in range(0, len(bank._CLASSES), 3)]
    assert len(set(classes)) == len(classes) == 30
    assert set(classes) == set(made_up.CLASSES)
    for words in texts.read_all().values():
        named = [words[f"bank.{code}"] for code in classes]
        assert len(set(named)) == 30


def test_its_rows_and_labels_fit_the_panel_in_both_languages():
    desk = Desk()
    for language in texts.LANGUAGES:
        desk.text.load(str(assets() / f"{language}.bin"))
        labels = [desk.text(key) for key in ("bank.letters", "bank.no_letters", "field.cnaps")]
        for words, left_out in ((labels, 0), (bank._choices(desk.text), _DIGIT_AND_SPACE)):
            wide = [each for each in words if left_out + _width(desk, each) > canvas.TEXT_WIDTH]
            assert wide == []


_DIGIT_AND_SPACE = 13  # before a menu's words


def _width(desk, words):
    return desk.pages.canvas.width(words.encode())
