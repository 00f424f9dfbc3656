"""What the Makefile offers: each target has a short form, a form that fails is noticed, and every
command that a page names is there.
"""

import importlib.util
import re
import socket

import pytest

from host_tests import targets
from host_tests.conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_target_has_a_short_form_and_is_run_after_the_tests():
    offered = targets.targets()
    assert {*targets.FORMS, *targets.BEFORE, *targets.WITHIN} == set(offered)
    assert list(targets.FORMS)[-1] == "clean"
    ci = (ROOT / ".ci" / "run").read_text()
    assert re.search(r"make test\n(.*\n)*.* -m host_tests\.targets$", ci, re.MULTILINE)


def test_a_short_form_sets_what_the_line_of_its_target_offers():
    offered = targets.targets()
    for name, form in targets.FORMS.items():
        for option in form.options.split():
            assert re.search(rf"\b{option.partition('=')[0]}=", offered[name]), (name, option)


_SHOWN = "echo page http://127.0.0.1:$(PORT)/"
_SERVED = "python3 -m http.server $(PORT)"


def _makefile(folder, recipe):
    (folder / "Makefile").write_text(f"one: ## something\n\t@{recipe}\n")
    return folder


@pytest.mark.parametrize(
    ("recipe", "board"),
    [
        ("false", False),
        ("echo 'Traceback (most recent call last):'", False),
        ("sleep 5", False),
        ("true", True),  # it needs a board, and did not miss it
        ("echo 'one: no board'; echo more; false", True),
        ("echo 'one: no board'; echo 'one: really'; false", True),
        ("echo 'Traceback (most recent call last):'; echo 'one: no board'; false", True),
    ],
)
def test_a_target_that_does_not_do_it_is_noticed(tmp_path, recipe, board):
    with pytest.raises(targets.Failed):
        targets.play("one", targets.Short("", 1, board), _makefile(tmp_path, recipe))


@pytest.mark.parametrize(
    ("recipe", "board"), [("test $(N) = 1", False), ("echo 'one: no board'; false", True)]
)
def test_a_target_that_does_it_passes(tmp_path, recipe, board):
    targets.play("one", targets.Short("N=1", 10, board), _makefile(tmp_path, recipe))


@pytest.mark.parametrize("recipe", ["true", "cd $(NOWHERE)/nowhere", f"{_SHOWN}; {_SERVED}"])
def test_a_page_that_is_not_served_or_is_none_is_noticed(tmp_path, recipe):
    (tmp_path / "index.html").write_text("nothing")
    with pytest.raises(targets.Failed):
        targets.visit("one", targets.Short("", 5), _makefile(tmp_path, recipe))


def test_a_page_is_fetched_and_what_serves_it_is_gone_afterwards(tmp_path, monkeypatch):
    (tmp_path / "index.html").write_text("<html>")
    port = targets._free_port()
    monkeypatch.setattr(targets, "_free_port", lambda: port)
    targets.visit("one", targets.Short("", 20), _makefile(tmp_path, f"{_SHOWN}; exec {_SERVED}"))
    with socket.socket() as again:
        again.settimeout(1)
        assert again.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_is_there(page):
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"\bmake ([a-z]+)\b(?=[`\s]*(?:[A-Z]+=|`|#|$))", text, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert named <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for module in re.findall(r"python3? -m ([a-z_.]+)", text):
        assert importlib.util.find_spec(module) is not None, module
