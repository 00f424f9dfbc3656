"""The driver's archive is taken only when it is the one that was pinned."""

import hashlib
import io
import tarfile

import pytest

from tools.toolchain import driver, registry
from tools.toolchain.place import Unavailable


def archive(members):
    """Return a .tar.gz with `members`, {name: content}."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture
def serve(monkeypatch):
    """Let the download give these bytes; pin their digest unless told otherwise."""

    def give(content, pinned=True):
        monkeypatch.setattr(
            registry, "_from_index", lambda project, file, target: target.write_bytes(content)
        )
        if pinned:
            monkeypatch.setattr(driver, "_SHA256", hashlib.sha256(content).hexdigest())

    return give


def test_the_one_file_is_taken_and_nothing_else(tmp_path, serve):
    serve(archive({driver._MEMBER: b"class SSD1306: pass\n", "../outside.py": b"x"}))
    (tmp_path / "home").mkdir()
    driver.get(tmp_path / "home")
    assert (tmp_path / "home/lib/ssd1306.py").read_bytes() == b"class SSD1306: pass\n"
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_another_file_under_the_same_name_is_refused(tmp_path, serve):
    serve(archive({driver._MEMBER: b"import evil\n"}), pinned=False)
    with pytest.raises(Unavailable, match="SHA-256 differs"):
        driver.get(tmp_path)
    assert not driver.present(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_without_the_driver_is_refused(tmp_path, serve):
    serve(archive({"other/ssd1306.py": b""}))
    with pytest.raises(Unavailable, match="holds no"):
        driver.get(tmp_path)
    assert not driver.present(tmp_path)
