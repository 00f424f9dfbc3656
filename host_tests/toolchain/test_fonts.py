"""Which font is taken, and that its archive's other files are not."""

import io
import tarfile

import pytest

from tools.toolchain import fonts
from tools.toolchain.place import Unavailable


class NoArchive:
    """A machine without apt."""

    def suites(self, arch):
        raise Unavailable("this machine has no apt")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A machine that has no font itself."""
    monkeypatch.setattr(fonts, "_SYSTEM", (str(tmp_path / "system"),))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def _give(monkeypatch, content=None):
    def from_npm(package, version, integrity, target):
        if content is None:
            raise Unavailable("the registry can't be reached")
        with tarfile.open(target, "w:gz") as archive:
            member = tarfile.TarInfo(fonts._OTHER_MEMBER)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))

    monkeypatch.setattr(fonts, "from_npm", from_npm)


def test_without_packages_the_font_is_npms(home, monkeypatch):
    _give(monkeypatch, b"woff")
    fonts.get(home, NoArchive())
    assert fonts.present(home)
    assert fonts.path(home).read_bytes() == b"woff"
    assert [file.name for file in home.rglob("*")] == ["fonts", fonts.path(home).name]


def test_the_machines_own_goes_before_it(home, tmp_path, monkeypatch):
    _give(monkeypatch)
    (tmp_path / "system").mkdir()
    (tmp_path / "system" / fonts._FONT).write_bytes(b"pcf")
    fonts.get(home, NoArchive())
    assert fonts.path(home).read_bytes() == b"pcf"


def test_with_none_the_message_says_what_was_tried_and_what_to_do(home, monkeypatch):
    _give(monkeypatch)
    with pytest.raises(Unavailable) as caught:
        fonts.get(home, NoArchive())
    for said in ("this machine has no apt", "can't be reached", "package xfonts-wqy"):
        assert said in str(caught.value)
    assert not fonts.present(home)
