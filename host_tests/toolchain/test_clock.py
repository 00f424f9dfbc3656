"""The simulated board's clock: got for a packaged interpreter, done without everywhere else."""

import shutil

import pytest

from tools.toolchain import HOME, clock
from tools.toolchain.place import Unavailable


class Archive:
    """A machine with one suite, whose package libfaketime has `files`; without any: no apt."""

    name = "trixie/i386"

    def __init__(self, **files):
        self._files = files

    def suites(self, arch):
        if not self._files:
            raise Unavailable("this machine has no apt")
        return iter((self,))

    def unpack(self, packages, target):
        assert packages == ["libfaketime"]
        for name, content in self._files.items():
            (target / name).write_bytes(content)


@pytest.fixture
def packaged(tmp_path):
    """A folder, with a space in its name, that has the packaged interpreter and no clock."""
    if not (HOME / "clock").is_dir():
        pytest.skip("there is no libfaketime here")
    home = tmp_path / "tool chain"
    shutil.copytree(HOME / "micropython", home / "micropython", symlinks=True)
    return home


def test_an_interpreter_of_another_kind_is_left_without(tmp_path, capsys):
    assert clock.present(tmp_path)
    clock.get(tmp_path, None)
    assert clock.command(tmp_path) is None
    assert capsys.readouterr().out == ""


def test_the_library_is_proven_to_rule_the_time(packaged, capsys):
    assert not clock.present(packaged)
    library = (HOME / "clock/libfaketime.so.1").read_bytes()
    clock.get(packaged, Archive(**{"libfaketime.so.1": library}))
    assert clock.present(packaged)
    assert clock.command(packaged) == [str(packaged / "bin/micropython-clock")]
    assert "the simulated board's clock" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (Archive(), "this machine has no apt"),
        (Archive(other=b""), "not laid out as expected"),
        (Archive(**{"libfaketime.so.1": b"for another processor"}), "does not take libfaketime"),
    ],
)
def test_without_it_setup_goes_on_and_says_what_is_skipped(packaged, archive, reason, capsys):
    clock.get(packaged, archive)
    assert clock.command(packaged) is None
    said = capsys.readouterr().out
    assert "tests of certificates' dates are skipped" in said and reason in said
