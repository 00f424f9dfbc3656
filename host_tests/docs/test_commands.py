"""Each command that a page names is one that a stranger can type.

The quick ones are typed here, as they stand, by somebody with no Python but the machine's; the
others by `host_tests.targets`, after the tests, in a short form and up to the board.
"""

import os
import re
import signal
import urllib.request

import pytest

from host_tests import targets
from host_tests.conftest import ROOT
from tools.typed import typed

PAGES = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").glob("*.md"))]
TWINS = [("README.md", "README.zh.md"), ("docs/guide.en.md", "docs/guide.zh.md")]

_STARTS = r"(?:make|python3?|\S*/python3?)\s"


def commands(page):
    """Return the commands of a page, in its order: of its blocks, and those between its words."""
    text = page.read_text(encoding="utf-8")
    found = []
    for block, inline in re.findall(r"^```sh\n(.*?)^```|`([^`\n]+)`", text, re.S | re.M):
        for line in block.replace("\\\n", " ").splitlines() or [inline]:
            typed = re.sub(r"\s+# .*", "", line).strip()
            if re.match(_STARTS, typed):
                found.append(re.sub(r"\s+", " ", typed))
    return found


ALL = sorted({typed for page in PAGES for typed in commands(page)})


def test_commands_are_found():
    assert "make run" in ALL
    assert any("HOTLINE=" in typed for typed in ALL)  # behind a line that goes on
    assert any(typed.startswith(".venv/bin/python -m esptool") for typed in ALL)


@pytest.mark.parametrize("typed", [one for one in ALL if one.startswith("make ")])
def test_a_target_is_run_by_ci_and_takes_what_a_page_gives_it(typed):
    name, *given = re.sub(r"(['\"]).*?\1", "", typed).split()[1:]
    assert name in {*targets.FORMS, *targets.BEFORE, *targets.WITHIN}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for option in given:
        assert re.search(rf"\b{option.partition('=')[0]}\b", makefile), option


@pytest.mark.parametrize("typed", [one for one in ALL if not one.startswith("make ")])
def test_no_command_needs_packages_that_a_stranger_has_not(typed):
    assert typed.startswith((".venv/bin/python -m ", "python3 -m tools.toolchain.venv"))


@pytest.mark.parametrize("twins", TWINS)
def test_both_languages_have_the_same_commands(twins):
    one, other = (
        [re.sub(r"=[^ =]*$|=\S*(?= )", "=", typed) for typed in commands(ROOT / page)]
        for page in twins
    )
    assert one == other


@pytest.fixture
def stranger(tmp_path):
    """A function that has a command typed at the root of the clone, and returns its process."""
    outside = [
        folder
        for folder in os.environ["PATH"].split(os.pathsep)
        if not folder.startswith(str(ROOT / ".venv"))
    ]
    known = ("HOME", "LANG", "LC_ALL", "TMPDIR")
    environment = {name: os.environ[name] for name in known if name in os.environ}
    environment |= {"PATH": os.pathsep.join(outside), "HOME_DIR": str(tmp_path / "home")}

    return lambda command: typed(["sh", "-c", f"exec {command}"], ROOT, env=environment)


def _said(process):
    said, _ = process.communicate(timeout=120)
    return process.returncode, said


def test_another_terminal_is_enrolled_and_runs_at_its_acquirer(stranger, tmp_path):
    """README's and guide's commands for the acquirer, each as it stands but for the places."""
    typed = [one for one in commands(ROOT / "README.md") if one.startswith("make acquirer")]
    typed += [one for one in commands(ROOT / "docs/guide.en.md") if "make acquirer" in one]
    assert len(typed) == 5
    for one in typed:
        status, said = _said(stranger(one.replace("--out bundle", f"--out {tmp_path}/bundle")))
        assert status == 0, said
    [elsewhere] = [one for one in commands(ROOT / "README.md") if "BUNDLE=" in one]
    elsewhere = elsewhere.replace("host:port", "127.0.0.1:1").replace(
        "=dir", f"={tmp_path}/bundle"
    )
    with stranger(f"{elsewhere} PORT=0") as running:
        try:
            shown = []
            for line in running.stdout:
                shown.append(line)
                if line.startswith("page "):
                    break
            assert shown and shown[-1].startswith("page "), shown
            with urllib.request.urlopen(shown[-1].split()[1], timeout=20) as page:
                assert "<html" in page.read().decode()
            os.killpg(running.pid, signal.SIGINT)
            rest = running.communicate(timeout=60)[0].splitlines()
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
    assert rest[0] == "stopped", rest


@pytest.mark.parametrize("typed", [one for one in ALL if "esptool" in one])
def test_a_boards_command_runs_up_to_the_board(stranger, tmp_path, typed):
    (tmp_path / "image").write_bytes(bytes([0xE9]) + bytes(4095))
    typed = re.sub(r"ESP32_GENERIC\S*", f"{tmp_path}/image", typed)
    status, said = _said(stranger(typed.replace("PORT", "/dev/nowhere")))
    assert status != 0
    assert "Traceback" not in said
    assert "could not open port /dev/nowhere" in said


def test_a_traceback_is_read(stranger):
    [typed] = [one for one in ALL if "tools.build.link" in one]
    status, said = _said(stranger(f"{typed} </dev/null"))
    assert (status, said) == (0, "")


@pytest.mark.parametrize(
    ("module", "way"),
    [("tools.acquirer", "make acquirer ARGS="), ("tools.simulator", ".venv/bin/python -m tools")],
)
def test_who_types_a_module_is_told_in_a_line_what_to_type(stranger, module, way):
    status, said = _said(stranger(f"python3 -S -m {module}"))
    assert status != 0
    assert said.count("\n") == 1
    assert way in said
