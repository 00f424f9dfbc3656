"""The scenario language: errors name their line, and a failure shows the screen."""

import asyncio
from types import SimpleNamespace

import pytest

from tools.simulator import scenario
from tools.simulator.models.link import Link
from tools.simulator.models.wifi import Wifi
from tools.simulator.terminal import Console, Signal


def _file(tmp_path, text, name="story.txt"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("power on\n\nsing aloud\n", "story.txt:3: sing aloud\n  unknown statement `sing`"),
        ("see\n", "story.txt:1: see\n  `see` takes 1 word(s), not 0"),
        ('type "12\n', 'story.txt:1: type "12\n  No closing quotation'),
        ("see x within soon\n", "story.txt:1: see x within soon\n  `within` needs seconds"),
        ("play nothing.txt\n", "story.txt:1: there is no nothing.txt beside it"),
    ],
)
def test_what_is_no_statement_is_named_with_its_line(tmp_path, text, complaint):
    with pytest.raises(scenario.ScenarioError) as error:
        scenario.load(_file(tmp_path, text))
    assert str(error.value) == complaint


def test_statements_comments_quotes_limits_and_parts(tmp_path):
    _file(tmp_path, "press D\n", "part.txt")
    text = '# nothing\nsee "two words" within 2.5  # why\nplay part.txt\nnot see x\n'
    read = scenario.load(_file(tmp_path, text))
    assert [(one.place, one.verb, one.words, one.within_s) for one in read] == [
        ("story.txt:2", "see", ("two words",), 2.5),
        ("part.txt:1", "press", ("D",), scenario.WITHIN_S),
        ("story.txt:4", "not_see", ("x",), scenario.WITHIN_S),
    ]


def test_a_failure_shows_the_screen_and_the_serial_line(tmp_path):
    panel = SimpleNamespace(pixels=b"\x03\x01\x02" + bytes(1021), bytes_received=0)
    terminal = SimpleNamespace(
        on=True,
        panel=panel,
        keypad=SimpleNamespace(scans=0),
        console=Console(),
        died=Signal(),
        starved=Signal(),
        changed=Signal(),
    )
    terminal.console.say("MemoryError")

    async def play():
        stage = scenario.Stage(terminal, {})
        stage._read = lambda pixels: ["the title", "", "a line"]
        await stage.play(scenario.load(_file(tmp_path, "see title\nsee other within 0.1\n")))

    with pytest.raises(scenario.ScenarioError) as error:
        asyncio.run(play())
    told = str(error.value).splitlines()
    assert told[:2] == [
        "story.txt:2: see other within 0.1",
        "  'other' was not seen within 0.1 s",
    ]
    assert "    the title" in told and "    █▀▄" in told and "    MemoryError" in told


def test_a_terminal_that_dies_is_not_waited_for(tmp_path):
    terminal = SimpleNamespace(
        on=False,
        panel=SimpleNamespace(pixels=bytes(1024), bytes_received=0),
        keypad=SimpleNamespace(scans=0),
        console=Console(),
        died=Signal(),
        starved=Signal(),
        changed=Signal(),
        link=Link("", 0),
        wifi=Wifi(),
    )

    async def play():
        stage = scenario.Stage(terminal, {})
        playing = asyncio.ensure_future(
            stage.play(scenario.load(_file(tmp_path, "see x within 60\n")))
        )
        await asyncio.sleep(0.05)
        terminal.changed.emit()
        terminal.died.emit(1)
        async with asyncio.timeout(5):
            await playing

    with pytest.raises(scenario.ScenarioError, match="process has ended"):
        asyncio.run(play())
