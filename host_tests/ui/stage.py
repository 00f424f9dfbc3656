"""What the tests of pages stand on: a panel, keys pressed by the test, an eye on the pixels."""

import asyncio
import contextlib
from collections import deque
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import framebuf

from firmware.ui.canvas import Canvas
from firmware.ui.font import Font
from firmware.ui.pages import Pages
from firmware.ui.text import Text
from tools.build import font, texts
from tools.simulator.screen_reader import Reader

CLEAR = 0xAA  # * held
_folder = TemporaryDirectory(prefix="rebind-ui-")


@lru_cache(maxsize=1)
def assets() -> Path:
    """Return a folder with font.bin, zh.bin and en.bin, made once."""
    folder = Path(_folder.name)
    font.build(texts.build(folder), folder / "font.bin")
    return folder


@lru_cache(maxsize=1)
def reader() -> Reader:
    """Return the reader for that font."""
    words = [words for table in texts.read_all().values() for words in table.values()]
    return Reader(font.load(assets() / "font.bin"), "".join(words))


class Panel(framebuf.FrameBuffer):
    """A panel that shows at once and counts how often."""

    def __init__(self):
        self.buffer = bytearray(1024)
        self.flushed = 0
        super().__init__(self.buffer, 128, 64, framebuf.MONO_VLSB)

    def flush(self):
        self.flushed += 1
        return 0


class Keys:
    """A keypad: keys are pressed by the test."""

    def __init__(self):
        self._waiting = deque()
        self._arrived = None

    def press(self, codes):
        self._waiting.extend(codes.encode() if isinstance(codes, str) else codes)
        if self._arrived is not None:
            self._arrived.set()

    def get(self):
        return self._waiting.popleft() if self._waiting else -1

    async def arrival(self, limit_ms):
        if not self._waiting:
            self._arrived = asyncio.Event()  # of the loop that runs now
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), limit_ms / 1000)


class Stage:
    """Pages on a panel; `lines` is what a person reads there."""

    def __init__(self, language="zh", idle_ms=60000):
        self.panel = Panel()
        self.keys = Keys()
        self.canvas = Canvas(self.panel, Font(assets() / "font.bin"))
        self.text = Text(assets() / f"{language}.bin")
        self.pages = Pages(self.canvas, self.keys, self.text, idle_ms)

    @property
    def lines(self):
        return reader().read(bytes(self.panel.buffer))

    async def press(self, codes):
        """Press keys one after the other, each once the one before has been dealt with."""
        for code in codes.encode() if isinstance(codes, str) else codes:
            self.keys.press(bytes((code,)))
            await settle()

    def play(self, page, codes=""):
        """Run a page, press keys; return (what it returned or WAITING, the screen before each)."""

        async def run():
            screens = []
            task = asyncio.create_task(page)
            await settle()
            for code in codes.encode() if isinstance(codes, str) else codes:
                screens.append(self.lines)
                self.keys.press(bytes((code,)))
                await settle()
            screens.append(self.lines)
            if task.done():
                return task.result(), screens
            task.cancel()
            return WAITING, screens

        return asyncio.run(run())


WAITING = object()  # the page had not returned yet


async def settle():
    """Let everything that can run now run."""
    for _ in range(12):
        await asyncio.sleep(0)
