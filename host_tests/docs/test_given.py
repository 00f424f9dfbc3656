"""What a person gives to make reaches the program as it is, whatever is in it."""

import json
import os
import re
import subprocess
import sys

import pytest

from host_tests.conftest import ROOT
from tools.device import __main__ as device
from tools.device import provision

# fmt: off
ODD = (
    "cash$box", "$(shell touch pwned)", "${HOME}", "$$", "`touch pwned`", "$(touch pwned)", '"',
    '""', "it's", "back\\slash\\", "two  words ", "中文 店", "#5 shop", "shop #5", "-n", "--ssid",
    "=x", "a=b", "*", "~", "!", "%", "(a b", "a,b", "a;touch pwned", "a&b|c", "\t tab",
)
# fmt: on

_RECORDER = """\
#!{python}
import json, os, sys
if not sys.argv[2].startswith(("tools.toolchain", "tools.build", "tools.bench.start")):
    told = {{"argv": sys.argv[2:], "args": os.environ.get("ARGS")}}
    with open({log!r}, "w", encoding="utf-8") as log:
        json.dump(told, log)
"""


@pytest.fixture
def told(tmp_path):
    """A function that makes a target, on stand-ins for Python, and returns what one was told."""
    folder = tmp_path / "my $tools (1)"
    folder.mkdir()
    log = tmp_path / "log.json"
    python = tmp_path / "python"
    python.write_text(_RECORDER.format(python=sys.executable, log=str(log)))
    python.chmod(0o755)
    outer = folder / "python3"
    outer.symlink_to(python)

    def make(target, *given, **environment):
        command = ["make", "-C", ROOT, target, f"PY={python}", f"PYTHON={outer}", *given]
        environment = {**os.environ, **environment}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert not (ROOT / "pwned").exists()
        return json.loads(log.read_text(encoding="utf-8"))

    return make


_NAMES = ("terminal", "merchant", "host", "ssid", "hotline", "board", "bundle")
_SEVENS = [(ODD + ODD)[at : at + len(_NAMES)] for at in range(0, len(ODD), len(_NAMES))]


@pytest.mark.parametrize("odd", _SEVENS)
def test_what_is_given_reaches_the_program_as_it_is(told, monkeypatch, odd):
    orders = []
    monkeypatch.setattr(provision, "provision", lambda port, order: orders.append((port, order)))
    monkeypatch.setenv("WIFI_PASSWORD", "not asked for")
    given = dict(zip(_NAMES, odd, strict=True))
    told_it = told("provision", "PORT=a $b", *(f"{n.upper()}={v}" for n, v in given.items()))
    monkeypatch.setattr(sys, "argv", told_it["argv"])
    device.main()
    [(port, order)] = orders
    # make takes off its own command line what is blank before a value
    wanted = {name: value.lstrip() for name, value in given.items()}
    assert port == "a $b"
    assert {name: str(getattr(order, name)) for name in given} == wanted


@pytest.mark.parametrize(
    "odd", [*_SEVENS, (" space in front", "two\nlines", "-", "$", "'", "#", "")]
)
def test_what_is_in_the_environment_reaches_it_too(told, odd):
    given = dict(zip(_NAMES, odd, strict=True))
    argv = told("provision", **{name.upper(): value for name, value in given.items()})["argv"]
    wanted = [f"--{name}={value}" for name, value in given.items() if value]
    assert sorted(argv) == sorted(["tools.device", "provision", *wanted])


def test_what_was_not_given_is_not_told(told):
    assert told("run")["argv"] == ["tools.simulator", "run"]
    assert told("run", "PORT=")["argv"] == ["tools.simulator", "run"]


def test_the_acquirer_s_words_reach_it_as_they_were_given(told):
    words = f"enroll {' '.join(map(repr, ODD))}"
    assert told("acquirer", f"ARGS={words}")["args"] == words


def test_every_value_of_a_recipe_goes_through_the_environment():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = "\n".join(line for line in makefile.splitlines() if line.startswith("\t"))
    given = set(re.search(r"^GIVEN := ((?:.*\\\n)*.*)", makefile, re.MULTILINE)[1].split())
    assert set(re.findall(r"\$\((\w+)\)", recipes)) <= {"PY", "MAKEFILE_LIST", "name"}
    called = set(re.findall(r"\$\(call (?:with|flag),(\w+),", recipes))
    assert called | set(re.findall(r"\$\$\{?([A-Z]+)", recipes)) <= given


def test_the_list_of_targets_fits_a_window_and_says_where_to_start():
    shown = subprocess.run(["make", "-C", ROOT, "help"], capture_output=True, text=True).stdout
    lines = shown.splitlines()
    assert max(map(len, lines)) <= 80
    groups = [line.partition(":")[0] for line in lines if line and not line.startswith("make")]
    assert groups == ["Start here", "Develop", "A board", "Prove"]
