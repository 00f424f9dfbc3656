"""The terminal shows the same four words for its files as `make verify` says on the desk."""

from types import SimpleNamespace

import pytest

from firmware.errands import about
from host_tests.ui.stage import Stage
from tools.build import report, texts


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_the_words_of_the_build_are_shown(tmp_path, monkeypatch, language):
    (tmp_path / "main.py").write_text("print('log in')\n")
    report.manifest(tmp_path, "none")
    _, _, words = report.read((tmp_path / report.MANIFEST).read_text())
    stage = Stage(language)
    desk = SimpleNamespace(
        text=stage.text,
        pages=stage.pages,
        identity=SimpleNamespace(terminal=b"10000001", serial=b"RB000001"),
    )
    monkeypatch.chdir(tmp_path)
    _, screens = stage.play(about.run(desk))
    shown = "".join("".join(screens[0]).split())
    assert "10000001" in shown
    assert words.replace(" ", "") in shown
