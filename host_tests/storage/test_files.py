"""A terminal looks after its own files, and tells the acquirer what runs."""

import asyncio
from types import SimpleNamespace

import pytest

from firmware.storage import audit, files
from firmware.storage.journal import FILES_DIFFER, StorageFault
from tools.build import report


@pytest.fixture
def built(tmp_path, monkeypatch):
    for name in ("main.py", "a.mpy", "z.mpy"):
        (tmp_path / name).write_text(name * 500)
    report.manifest(tmp_path, "none")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def keypad(monkeypatch):
    """A keypad whose `presses` are keys that come, one for each piece of a file."""
    keypad = SimpleNamespace(last_ms=0, presses=0)

    async def others(seconds):
        if keypad.presses:
            keypad.presses -= 1
            keypad.last_ms += 1

    monkeypatch.setattr(asyncio, "sleep", others)
    return keypad


def step(at, keypad):
    return asyncio.run(files.step(at, keypad))


def looked_at(keypad):
    """Look at all files; return how many there are."""
    at, count = step(0, keypad), 1
    while at:
        at = step(at, keypad)
        count += bool(at)
    return count


def test_files_that_are_as_they_were_built_are_all_looked_at(built, keypad):
    assert looked_at(keypad) == 3


@pytest.mark.parametrize("hurt", [lambda p: p.unlink(), lambda p: p.write_text("z.mpi")])
@pytest.mark.parametrize("name", ["main.py", "a.mpy", "z.mpy"])
def test_one_that_differs_is_a_fault_with_its_code(built, keypad, capsys, name, hurt):
    hurt(built / name)
    with pytest.raises(StorageFault) as fault:
        looked_at(keypad)
    assert fault.value.code == FILES_DIFFER
    assert name in capsys.readouterr().out


def test_a_key_ends_it_within_a_piece_and_the_file_is_looked_at_again(built, keypad):
    first = step(0, keypad)
    keypad.presses = 2
    assert step(first, keypad) == first
    assert keypad.presses == 1  # it did not go on
    keypad.presses = 0
    assert step(first, keypad) > first


class State(dict):
    """A state, and the audit entries put into it."""

    def __init__(self):
        self.entries = []

    def put(self, changes, entry):
        self.update(changes)
        self.entries.append(entry)


def test_the_hash_of_what_runs_is_told_once_for_each_build(built):
    state = State()
    told = []
    for _ in range(2):
        files.told(state, 7)
        files.told(state, 8)
        digest = (built / report.MANIFEST).read_text().split()[1]
        told.append(audit.entry(audit.BUILD, 7, detail=digest.encode()))
        assert state.entries == told
        (built / "a.mpy").write_text("another build")
        report.manifest(built, "none")
