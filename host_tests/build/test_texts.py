"""The words: complete in both languages, known to the sources, short enough for their places."""

import ast
import json
import re

import pytest

from firmware.ui import canvas as paint
from host_tests.ui.stage import Stage
from tools.build import font, texts

FIRMWARE = texts.ROOT / "firmware"


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_key_that_the_firmware_names_exists(language):
    assert texts.unknown_keys(FIRMWARE, texts.read(language)) == []


def test_a_key_that_nobody_words_is_found(tmp_path):
    (tmp_path / "errand.py").write_text('text("change.title"), text("change.nothing"), "rule.%d"')
    assert texts.unknown_keys(tmp_path, texts.read("zh")) == ["errand.py: change.nothing"]


def test_no_words_are_kept_that_nobody_speaks(tmp_path):
    assert texts.unspoken_keys(FIRMWARE, texts.read("zh")) == []
    (tmp_path / "errand.py").write_text('text("change.title"), "rule.%d"')
    words = {"change.title": "", "rule.1": "", "rule.other": "", "change.body": ""}
    assert texts.unspoken_keys(tmp_path, words) == ["change.body"]


def test_the_languages_agree():
    assert len(texts.read_all()) == 2


@pytest.mark.parametrize(
    "zh, en",
    [
        ('{"a.b": "甲"}', '{"a.c": "x"}'),
        ('{"a.b": "%d位"}', '{"a.b": "digits"}'),
        ('{"a.b": "甲", "a.b": "乙"}', '{"a.b": "x"}'),
        ('{"A": "甲"}', '{"A": "x"}'),
        ('{"a.b": 1}', '{"a.b": 1}'),
    ],
)
def test_words_that_do_not_agree_are_refused(tmp_path, zh, en):
    (tmp_path / "zh.json").write_text(zh, "utf-8")
    (tmp_path / "en.json").write_text(en, "utf-8")
    with pytest.raises(texts.TextError):
        texts.read_all(tmp_path)


def test_two_keys_with_one_hash_are_refused(monkeypatch):
    monkeypatch.setattr(texts, "hashed", lambda key: 7)
    with pytest.raises(texts.TextError, match="hash"):
        texts.pack("en", {"a.b": "x", "a.c": "y"})


def test_the_files_are_kept_in_order():
    for language in texts.LANGUAGES:
        keys = list(json.loads((texts.FOLDER / f"{language}.json").read_text("utf-8")))
        assert keys == sorted(keys)


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_words_fit_their_places(language):
    stage = Stage(language)
    width = stage.canvas.width
    words = {key: text.replace("%d", "32") for key, text in texts.read(language).items()}
    errors = [key for key in words if key.startswith(("rule.", "entry."))]
    asked = [key for key in errors if not words[key].endswith(("?", "？"))]  # those are messages
    assert [key for key in asked if width(words[key]) > paint.TEXT_WIDTH] == []
    titles = [key for key in words if key.endswith(".title")]
    assert [key for key in titles if width(words[key]) > 126 - width("32/32") - 4] == []
    spare = 0 if font.FONT.suffix == ".pcf" else 1  # taken from the spaces, by another font
    for middle, right in (
        ("ui.move", "ui.choose"),
        ("ui.move", "ui.edit"),
        ("ui.move", "ui.submit"),
        ("ui.delete", "ui.ok"),
        ("ui.letters", "ui.ok"),
        ("ui.swipe", "ui.ok"),
    ):
        assert (
            width(words["ui.back"] + " " + words[middle] + " " + words[right])
            <= paint.WIDTH + spare
        )
    for right in ("ui.next", "ui.accept"):
        assert width(words["ui.refuse"] + " " + words["ui.move"] + " " + words[right]) <= 128


# Which of a page's arguments are text keys and which are words: data stand only among the words.
_KEYS_OF = {
    "show": (0, 2, 3),
    "message": (0,),
    "notice": (0,),
    "menu": (0,),
    "review": (0,),
    "digits": (0, 1),
    "code": (0, 1),
    "busy": (0,),
    "working": (1,),
}
_WORDS_OF = {"show": (1,), "message": (1,), "notice": (1,), "busy": (1,), "working": (2,)}


def _page_calls(folder):
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = ast.unparse(node.func.value)
                if owner.split(".")[-1] == "pages" and node.func.attr in _KEYS_OF:
                    yield f"{path.name}:{node.lineno}", node.func.attr, node.args


def _mistaken(folder, known):
    # Where a page is given words for a text key, or a text key for words.
    found = []
    for place, page, args in _page_calls(folder):
        for at in _KEYS_OF[page]:
            arg = args[at] if at < len(args) else None
            literal = isinstance(arg, ast.Constant) and arg.value not in ("", None, *known)
            if isinstance(arg, ast.Call | ast.BinOp | ast.JoinedStr) or literal:
                found.append(place)
        for at in _WORDS_OF.get(page, ()):
            arg = args[at] if at < len(args) else None
            if isinstance(arg, ast.Constant) and arg.value != "":
                found.append(place)
    return found


def test_pages_are_given_keys_where_keys_are_due_and_words_where_words_are():
    assert _mistaken(FIRMWARE, texts.read("zh")) == []


@pytest.mark.parametrize(
    "call",
    [
        'pages.message(text("change.title"), words)',
        'desk.pages.message("change.title", "change.abandon", True)',
        'desk.pages.digits("change.title", "a.b" % data, 4, 16)',
        'pages.working(work, "change.title", "password.storing")',
        'pages.menu("Shop 1", items)',
    ],
)
def test_words_for_a_key_and_a_key_for_words_are_found(tmp_path, call):
    (tmp_path / "errand.py").write_text(call)
    assert _mistaken(tmp_path, texts.read("zh")) == ["errand.py:1"]


def test_what_a_person_must_read_waits_for_a_key():
    """Only pages that change with what they tell are painted and left to themselves, and one for
    which there is no more room than that: the terminal itself waits for a key.
    """
    shown = [place for place, page, _ in _page_calls(FIRMWARE) if page == "show"]
    assert {place.partition(":")[0] for place in shown} <= {
        "idle.py",
        "terminal.py",
        "waiting.py",
    }


def test_data_are_put_into_words_by_the_text_itself():
    """What stands in for words that are missing has no place for them."""
    for path in sorted(FIRMWARE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
                filled = node.left
                if isinstance(filled, ast.Call):
                    name = ast.unparse(filled.func).rpartition(".")[2]
                    assert name != "text", f"{path.name}:{node.lineno}"


@pytest.mark.parametrize(
    "language, call, whom",
    [
        ("en", r"\bcall\b", r"\b(the acquirer|them|service)\b"),
        ("zh", r"致电|联系(?!：)", r"(致电|联系)(收单机构|维护人员)"),
    ],
)
def test_who_is_told_to_call_is_told_whom(language, call, whom):
    # The hotline follows where one is provisioned; where none is, the words must do.
    for key, words in texts.read(language).items():
        for sentence in re.split("[.。:;，]", words):
            if re.search(call, sentence, re.IGNORECASE):
                assert re.search(whom, sentence, re.IGNORECASE), key
