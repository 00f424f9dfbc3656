"""`make verify`: a board or an image is what the tree builds, or it is said which file is not."""

import subprocess
import sys

import pytest

from host_tests.build import stock
from host_tests.conftest import ROOT
from tools.build import image, report
from tools.build.tree import BuildError
from tools.device import link
from tools.device.flash import flash
from tools.device.verify import verify

FILES = {
    "boot.py": "import gc\n",
    "main.py": "print('log in')\n",
    "firmware/a.py": "A = 1\n",
    "assets/font.bin": "font" * 400,
}


@pytest.fixture
def build(tmp_path):
    root = tmp_path / "build"
    for path, content in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    report.manifest(root, "none")
    return root


@pytest.fixture
def words(build):
    """The four words, from the manifest's own text."""
    return " ".join((build / report.MANIFEST).read_text().split("\n")[0].split(" ")[2:])


def test_a_board_that_was_flashed_is_what_the_tree_builds(desk, build, words, tmp_path, capsys):
    config = tmp_path / "config"
    (config / "certs").mkdir(parents=True)
    (config / "config.json").write_text("{}")
    (config / "certs/ca.der").write_bytes(b"ca")
    board = desk()
    flash(board.url, build, config, False, 0)
    before = board.disk.read_bytes()
    capsys.readouterr()
    assert verify(board.url, None, build)
    assert capsys.readouterr().out.endswith(
        f"verify: all 5 files are as this tree builds them: {words}\n"
    )
    assert board.disk.read_bytes() == before
    assert len(words.split(" ")) == 4


def test_each_file_that_is_not_is_said(desk, build, words, capsys):
    board = desk()
    flash(board.url, build, None, False, 0)
    with link.Link(board.url) as line:
        line.run(
            "import os\nos.remove('firmware/a.py')\nos.mkdir('random')\n"
            "for p in ('assets/font.bin', 'random/__init__.py'):\n"
            " with open(p, 'a') as f: f.write('x')"
        )
    capsys.readouterr()
    assert not verify(board.url, None, build)
    _, *said, last = capsys.readouterr().out.splitlines()
    assert said == [
        "verify: differs: assets/font.bin",
        "verify: extra: random/__init__.py",
        "verify: missing: firmware/a.py",
    ]
    assert last.startswith("verify: 3 files are not as this tree builds them") and words in last


@pytest.mark.parametrize("chip", ["esp32", "esp32s3"])
def test_an_image_is_what_the_tree_builds_or_not(build, words, tmp_path, capsys, chip):
    _, files = report.load(build)
    made = tmp_path / "image.bin"
    made.write_bytes(image.compose(stock.firmware(chip), {**files, "config.json": b"{}"}).data)
    assert verify(None, made, build)
    assert words in capsys.readouterr().out
    other = {**files, "main.py": b"print('other')\n"}
    made.write_bytes(image.compose(stock.firmware(chip), other).data)
    assert not verify(None, made, build)
    assert "verify: differs: main.py\n" in capsys.readouterr().out


def test_one_byte_of_a_file_moves_all_four_words_into_doubt(build, words):
    (build / "main.py").write_text("print('Log in')\n")
    report.manifest(build, "none")
    assert words not in (build / report.MANIFEST).read_text()


def test_an_image_without_files_is_told(build, tmp_path):
    made = tmp_path / "stock.bin"
    made.write_bytes(stock.firmware())
    with pytest.raises(BuildError, match="no files are in this image"):
        verify(None, made, build)


@pytest.mark.parametrize(
    "options, said",
    [
        (
            ["--image", "nowhere.bin"],
            "verify: nowhere.bin cannot be read: No such file or directory\n",
        ),
        (["--image", "/"], "verify: / cannot be read: Is a directory\n"),
        ([], "verify: which board? PORT=…; "),
    ],
)
def test_what_cannot_be_compared_is_one_line(build, options, said):
    line = [sys.executable, "-m", "tools.device", "verify", "--build", build, *options]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(said) and done.stderr.count("\n") == 1
