"""Lives under MicroPython with little memory: a ballast at each seam, and small heaps.

The terminal is the simulator's, on the device's files as they are built; a person at the counter
changes the account and then looks at the token of what is bound. What always holds: the firmware
is as shipped, what pinches lies beside it. May import counter, ending and tools.
"""

import asyncio
import functools
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pyotp

from host_tests.memory import counter
from host_tests.memory.ending import Found
from tools.acquirer import office
from tools.build import mpy, report
from tools.build.device import house
from tools.simulator import interpreter, workplace
from tools.simulator.scenario import Limit
from tools.simulator.terminal import HEAP

# Seam: what is pinched there, by the name that it has in the sources; None: whatever is loaded.
SEAMS = {
    "ask": None,
    "put": ("firmware.storage.journal.Journal", "put"),
    "connect": ("drivers.tls_link.TlsLink", "open"),
    "take": ("firmware.acquirer.line.Line", "take"),
    "page": ("firmware.ui.pages.Pages", "_with"),
}
LEFT = (64, 256, 1024, 2048, 4096, 8192)  # bytes in one piece
SMALL = "small heap"
STEP = 256
MOST = 64 * 1024
STORIES = (*(f"pinched at {seam}" for seam in SEAMS), SMALL)
_QUICK = {"pinched at put": [1024], "pinched at page": [64], SMALL: [60 * 1024]}

_PROBE = Path(__file__).parent / "inside" / "pinch_probe.py"
_NUMBER = "1001230009876543"
_PLAN = {
    "goals": ("change", "bindings"),
    "number": _NUMBER,
    "chosen": {"01": "60417392", "00": "73194068"},
}
_TOKEN = re.compile("(?<![0-9A-F])[0-9A-F]{16}(?![0-9A-F])")
_LEAST = 40 * 1024  # too small to boot
_LOOKS = 1500  # a change takes 150, and 200 more each time that the next code is waited for
_FEW_LOOKS = 250  # that a person gives a terminal with too little memory
_BOOT_S = 15
_STEADY_S = 0.06
_SCANS = 5  # after a key's release: by then its page is there
_LONG_MS = 1000
_SEEN_S = 60  # within which a terminal looks for keys
_REPL = "MicroPython v"  # the console is free: main.py has ended
_SHOWN = 20  # lines of the console


class _Shop:
    """What a person at a real counter has: a phone, a watch, the panel in front of them."""

    def __init__(self, terminal, identity):
        self._terminal = terminal
        self._phone = pyotp.TOTP(identity["totp_secret"])

    def owner_code(self):
        return self._phone.now().encode()

    def now_ms(self):
        return int(time.monotonic() * 1000)

    @property
    def buffer(self):
        return self._terminal.panel.pixels


class Life:
    """One terminal and its person. pinched, refused: how often a seam was, and found no room;
    restarts: what the board said of starts by itself. token: of what is bound, as shown last.
    stopped: whether it has not even started, and its last page is there.
    """

    def __init__(self, stage, identity):
        self.stage, self.terminal = stage, stage.terminal
        shop = _Shop(stage.terminal, identity)
        first = identity["first_passwords"]
        self.person = counter.Person(shop, {**_PLAN, "at the counter": first})
        self.person.panel = shop
        self.pinched = self.refused = 0
        self.restarts, self.token, self.stopped = [], None, False
        stage.terminal.console.printed.connect(self._hear)

    def _hear(self, line):
        if line.startswith("PINCH"):
            self.pinched += 1
            self.refused += line.endswith("refused")
        elif line.startswith(("[board] restart", "[board] off")):
            self.restarts.append(line)
        elif line.startswith(_REPL):
            self.stopped = True

    async def attend(self, looks):
        """Have the person at it until everything is reached, or for so many looks: the terminal
        does its work between two of them, however busy the host is.
        """
        try:
            while looks and not self._over():
                looks -= 1
                await self._step()
        except TimeoutError:
            self.restarts.append("nobody looks for a key any more")
        if self.stopped:
            self.person.told |= bytes(self.terminal.panel.pixels).startswith(_last_page())

    def _over(self):
        return self.person.done or self.restarts or self.stopped

    async def _step(self):
        terminal, person = self.terminal, self.person
        end = terminal.keypad.scans + _SCANS
        async with asyncio.timeout(_SEEN_S):
            while terminal.keypad.scans < end and not self._over():
                await asyncio.sleep(_STEADY_S)
        if self._over():
            return
        picture = None
        while picture != bytes(terminal.panel.pixels):
            picture = bytes(terminal.panel.pixels)
            await asyncio.sleep(_STEADY_S)
        keys = person.look()
        shown = _TOKEN.search(" ".join(person.lines))
        if shown and person.seen[-1] == "bindings.title":
            self.token = shown.group()
        for key in keys:
            await terminal.keypad.press(chr(key & 0x7F), _LONG_MS if key & 0x80 else 0)

    def wrong(self):
        """What does not agree in the end."""
        found = []
        if not self.person.done:
            found.append(f"leads on: {self.person.lost or self.person.seen[-3:]}")
        elif self.token != self.stage.books_token():
            found.append(f"terminal {self.token}, acquirer {self.stage.books_token()}")
        rows = office.read_books(self.stage.acquirer.home.path)["applications"]
        states = [row["status"] for row in rows]
        if states != ["active"]:
            found.append(f"applications {states}")
        return found


@functools.cache
def _last_page():
    # How drivers.trouble's page begins, which is written in the interpreter's own letters.
    program = (
        "import framebuf; page = bytearray(128 * 8);"
        "framebuf.FrameBuffer(page, 128, 8, framebuf.MONO_VLSB).text('NEEDS SERVICE', 0, 0, 1);"
        "print(page[:104].hex())"
    )
    done = subprocess.run(
        [*interpreter.command(), "-c", program], capture_output=True, text=True, check=True
    )
    return bytes.fromhex(done.stdout)


@functools.cache
def _home():
    folder = tempfile.TemporaryDirectory(prefix="rebind-memory-")
    return folder, workplace.prepare(folder.name)


built = functools.cache(house)


def linked(name):
    """Return where the linker has put what is called so in the sources: unit and short name."""
    for unit, told in built().legend().items():
        for short, names in told.items():
            if name in names.split(" or "):
                return unit, short
    raise LookupError(name)


def target(seam):
    """Return where the linker has put a seam: unit, class and function; None for `ask`."""
    if SEAMS[seam] is None:
        return None
    cls, function = SEAMS[seam]
    return *linked(cls), linked(f"{cls}.{function}")[1]


def _put_beside(files, seam, left, mutant):
    mpy.compile_module(_PROBE.read_text("utf-8"), _PROBE.stem, files / f"{_PROBE.stem}.mpy", [])
    boot = files / "boot.py"
    first = f"__import__({_PROBE.stem!r}).start({seam!r}, {left}, {target(seam)!r})\n"
    boot.write_text(first + mutant + boot.read_text("utf-8"), "utf-8")
    report.manifest(files, mpy.host_arch())


async def _lived(seam, left, heap, mutant):
    """Live a life, pinched at `seam` (None: nowhere) and in `heap` bytes. Returns the Life, and
    whether the person got everything without more memory. mutant: see found.
    """
    original, identity = await asyncio.to_thread(_home)
    with tempfile.TemporaryDirectory(prefix="rebind-memory-") as home:
        await asyncio.to_thread(shutil.copytree, original.name, home, dirs_exist_ok=True)
        if seam is not None:
            _put_beside(Path(home) / "terminal" / "fs", seam, left, mutant)
        async with workplace.at_work(home, identity, heap) as stage:
            life = Life(stage, identity)
            await stage.terminal.power_on()
            await life.attend(_LOOKS if seam else _FEW_LOOKS)
            if not life.person.told:  # it may be slow, or the next code may be waited for
                await life.attend(_LOOKS)
            enough = life.person.done
            if not enough and not life.restarts and seam is None:
                await stage.terminal.power_off()
                life.stopped = False
                stage.terminal.heap = HEAP
                await stage.terminal.power_on()
                await life.attend(_LOOKS)
            return life, enough, life.wrong()


def story(name, point):
    """Tell, for people, what happens at a point."""
    life, enough, wrong = _live(name, point)
    lines = [f"{name}: {point} bytes; {life.pinched} times pinched, {life.refused} times no room"]
    lines += [f"  page: {page}" for page in life.person.seen]
    lines += [f"  console: {line}" for line in life.terminal.console.lines[-_SHOWN:]]
    found = _wrong(name, point, life, enough, wrong)
    lines += [f"  WRONG {one.line}" for one in found] or ["  all rules hold"]
    return "\n".join(lines)


def _live(name, point, mutant=""):
    seam = _seam(name)
    return asyncio.run(_lived(seam, point, point if seam is None else HEAP, mutant))


def _seam(name):
    return None if name == SMALL else name.rpartition(" ")[2]


def found(name, point, mutant=""):
    """Live it; `point` is how many bytes a seam leaves, or the heap. Returns [Found]: what is
    wrong. mutant: what breaks the firmware on purpose, put at the beginning of boot.py.
    """
    return _wrong(name, point, *_live(name, point, mutant))


def _wrong(name, point, life, enough, wrong):
    place = f"{name}:{point}"
    lines = [Found("restarts", f"{place} {line}") for line in life.restarts]
    lines += [Found("disagreements", f"{place} {line}") for line in wrong]
    if not life.person.told and not enough:
        lines.append(Found("silent", f"{place}: no page says so"))
    return lines


async def _boots(heap):
    original, identity = await asyncio.to_thread(_home)
    with tempfile.TemporaryDirectory(prefix="rebind-memory-") as home:
        await asyncio.to_thread(shutil.copytree, original.name, home, dirs_exist_ok=True)
        async with workplace.at_work(home, identity, heap) as stage:
            life = Life(stage, identity)
            await stage.terminal.power_on()
            limit = Limit(stage.terminal, _BOOT_S)
            while not limit.over and not life.restarts and not life.stopped:
                await asyncio.sleep(_STEADY_S)
                life.person.look()
                if life.person.seen[-1:] == ["idle.title"]:
                    return True
    return False


@functools.cache
def smallest():
    """Return the smallest heap, in steps, in which the idle page comes."""
    low, high = _LEAST, MOST
    while high - low > STEP:
        middle = (low + high) // 2 // STEP * STEP
        low, high = (low, middle) if asyncio.run(_boots(middle)) else (middle, high)
    return high


def points(story, quick):
    """Return the points of a story: with `quick` one of some stories."""
    if quick:
        return _QUICK.get(story, [])
    if story == SMALL:
        return list(range(smallest(), MOST + 1, STEP))
    return list(LEFT)
