"""The smallest MicroPython heap in which the firmware does its work, and where the memory goes.

Run: python -m tools.bench.heap. The work is `heap.txt`: a log-in, a card read, a whole change of
binding over TLS and a restart, on a littlefs as on the chip; `heap_card.txt` is the same with a
bank card. Both have to pass in GOAL bytes, five times of five on a busy machine, with an empty
state and with a full one (full_state.py); every other errand (errands/) with a full one, and every
scenario, in ROOM: --scenarios plays them. Writes
build/reports/heap.json and heap.png: {"min_heap_bytes": n, "min_heap_bytes_full": n,
"min_heap_bytes_without_rom": n, "passed_at_goal": {"empty": n, "full": n, ...},
"scenarios": {...}, "shims_bytes": n, "rom_bytes": n, "rooms": {...}, "phases": {...}, ...}; bytes
of code are measured inside the device around each import, live bytes after a collection. "Without
ROM" has the chip's modules in Python's heap too, as an interpreter has them whose state is not
recognised (shims/rebind_rom.py).
"""

import argparse
import asyncio
import functools
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.bar import Bar
from rich.console import Console
from rich.table import Table

from tools.bench import full_state, plots
from tools.bench.interpreter import Failed
from tools.bench.load import load
from tools.bench.report import conclude
from tools.build import mpy, report
from tools.build.device import house
from tools.simulator import scenario, workplace
from tools.simulator.interpreter import NoInterpreter, command, other_memory

STEP = 512
GOAL = 64 * 1024
ROOM = 68 * 1024  # what every other errand has to do with
TIMES = 5  # of so many, that the work has to pass in GOAL
LOAD = 15  # busy processes meanwhile

_SCRIPT = Path(__file__).with_name("heap.txt")
_CARD = Path(__file__).with_name("heap_card.txt")
_PROBE = Path(__file__).parent / "inside" / "heap_probe.py"
_AMPLE = 256 * 1024
_FIRST_SPAN = 16 * STEP
_LIMIT_S = 400
_SCENARIOS = scenario.REPOSITORY / "host_tests" / "scenarios"
_ERRANDS = Path(__file__).with_name("errands")  # what people do at a terminal that has everything
_GUIDES = ("guide", "directory", "owner_confirms")  # have to pass in GOAL too
_FULL = ("guide", "directory", "archive", "help", "merchant_renumbered", "reset")  # there, too
_UNBOUND = ("first_account",)  # begin with nothing bound
_START_S = 20

_BARE = """\
import gc
gc.collect()
print("HEAP bare", gc.mem_alloc())
"""
_LISTEN = """\
import gc
gc.collect()
print("HEAP before", gc.mem_alloc())
import asyncio
gc.collect()
print("HEAP asyncio", gc.mem_alloc())
__import__("heap_probe").start()
"""
# What mounting takes, on this interpreter alone: the disk is not counted.
_MOUNT = """\
import gc, vfs
class Disk:
    def __init__(self):
        self.cells = bytearray(16 * 4096)
    def readblocks(self, block, buf, offset=0):
        at = block * 4096 + offset
        buf[:] = self.cells[at : at + len(buf)]
    def writeblocks(self, block, buf, offset=0):
        at = block * 4096 + offset
        self.cells[at : at + len(buf)] = buf
    def ioctl(self, op, argument):
        return 16 if op == 4 else 4096 if op == 5 else 0
disk = Disk()
sizes = {"progsize": 32, "readsize": 32, "lookahead": 32}
vfs.VfsLfs2.mkfs(disk, **sizes)
gc.collect()
before = gc.mem_alloc()
vfs.mount(vfs.VfsLfs2(disk, **sizes), "/there")
gc.collect()
print("HEAP mount", gc.mem_alloc() - before)
"""

_COLUMNS = ("stays", "on_demand", "largest_on_demand")

# What the connection tells; all other phases are those of the script.
_TALK = ("connect", "send", "answer", "apply")
_CHANGE = "submission"  # the phase in which an answer is applied


class Listener:
    """Takes the lines of the console, and adds up what the probe says in them.

    `figures` are bytes by their name, `modules` the bytes of each module, `live` the most that was
    alive in each phase; `idle` is (bytes, modules loaded) when the least was alive on the idle
    page. called: {name of a module on the device: its name}, where they differ.
    """

    def __init__(self, called=None):
        self._called = called or {}
        self.phase = "start"
        self.figures = {}
        self.bare = []
        self.modules = {}
        self.live = {}
        self.names = []
        self.idle = None
        self._now = 0
        self._here = set()
        self._changing = False

    def enter(self, phase):
        """Begin a phase of the script: what is alive now is alive in it too."""
        self.phase = phase
        self._changing = False
        if self._now:
            self._alive(phase)

    def hear(self, line):
        """Take a line of the console; what is not the probe's is left alone."""
        kind, _, rest = line.partition(" ")
        if kind == "HEAP":
            self._told(*rest.split())
        elif kind == "qstr":
            self.names.append(int(rest.rpartition("n_total_bytes=")[2]))

    def _told(self, kind, *words):
        if kind == "here":
            self._here = {self._called.get(word, word) for word in words}
            return
        n = int(words[0])
        if kind == "live":
            self._now = n - self.figures["probe"]
            label = words[1] if len(words) > 1 else ""
            if label:
                self._changing = label == "apply" and self.phase == _CHANGE
            self._alive(label or ("apply" if self._changing else self.phase))
        elif kind == "module" and n > 0:
            self.modules.setdefault(self._called.get(words[1], words[1]), n)
        elif kind == "loaded":
            self.figures["probe"] = n - self.figures["asyncio"]
        elif kind == "probe":
            self.figures["probe"] += n
        elif kind != "module":
            self.figures[kind] = n

    def _alive(self, phase):
        self.live[phase] = max(self.live.get(phase, 0), self._now)
        if phase == "idle" and (self.idle is None or self._now < self.idle[0]):
            self.idle = (self._now, self._here)


def listen():
    """Play the script with the probe on the device; return the Listener.

    Raises ScenarioError, BuildFailed, NoInterpreter.
    """
    heard = Listener(house().places())
    statements = scenario.load(_SCRIPT)
    with tempfile.TemporaryDirectory(prefix="rebind-heap-") as home:
        identity = workplace.prepare(home)
        files = Path(home) / "terminal" / "fs"
        probe = _PROBE.read_text(encoding="utf-8")
        mpy.compile_module(probe, _PROBE.stem, files / "heap_probe.mpy", [])
        asyncio.run(_play(home, identity, files / "boot.py", statements, heard))
    return heard


async def _play(home, identity, boot, statements, heard):
    own = boot.read_text(encoding="utf-8")
    async with workplace.at_work(home, identity, _AMPLE) as stage:
        stage.terminal.console.printed.connect(heard.hear)
        boot.write_text(_BARE + "raise Exception\n", encoding="utf-8")
        for stage.terminal.rom in (False, True):
            heard.figures.pop("bare", None)
            await stage.terminal.power_on()
            await stage.terminal.console.printed.wait_for(
                lambda: "bare" in heard.figures, _START_S
            )
            await stage.terminal.power_off()
            heard.bare.append(heard.figures["bare"])
        boot.write_text(_LISTEN + own, encoding="utf-8")
        report.manifest(boot.parent, mpy.host_arch())
        stage.on_phase = heard.enter
        await stage.play(statements)


def alone():
    """Return what the interpreter takes without a device, and what mounting takes, in bytes."""
    heard = Listener()
    for text in (_BARE, _MOUNT):
        with tempfile.TemporaryDirectory(prefix="rebind-heap-") as folder:
            (Path(folder) / "boot.py").write_text(text, encoding="utf-8")
            line = [*command(), "-X", f"heapsize={_AMPLE}", "-c", "execfile('boot.py')"]
            done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=True)
        for told in done.stdout.splitlines():
            heard.hear(told)
    return heard.figures["bare"], heard.figures["mount"]


async def passes(heap, script=_SCRIPT, full=False, rom=True, tell=lambda why: None):
    """Tell whether `script` passes in `heap` bytes, on a workplace of its own.

    full: the terminal has everything already. rom: see SimulatedTerminal. tell(why): told when it
    does not.
    """
    bound = {"account": None} if script.stem in _UNBOUND else {}
    with tempfile.TemporaryDirectory(prefix="rebind-heap-") as home:
        identity = await asyncio.to_thread(workplace.prepare, home, **bound)
        if full:
            await asyncio.to_thread(full_state.fill, home)
        try:
            async with (
                asyncio.timeout(_LIMIT_S),
                workplace.at_work(home, identity, heap, rom=rom) as stage,
            ):
                await _unbroken(stage, scenario.load(script))
        except (scenario.ScenarioError, TimeoutError) as why:
            tell(str(why) or f"took more than {_LIMIT_S} s")
            return False
    return True


async def _unbroken(stage, statements):
    """Play a story in which the terminal may not start again by itself. Raises ScenarioError."""
    playing = asyncio.ensure_future(stage.play(statements))

    def hear(line):
        if line.startswith("[board] restart"):
            playing.cancel()

    forget = stage.terminal.console.printed.connect(hear)
    try:
        await playing
    except asyncio.CancelledError:
        if not playing.cancelled():
            raise  # it is us who are to end
        why = "\n".join(["it started again by itself:", *stage.terminal.console.lines[-3:]])
        raise scenario.ScenarioError(why) from None
    finally:
        playing.cancel()
        forget()


async def smallest(low, passes, say=lambda heap, good: None):
    """Return the smallest heap in bytes, to STEP, that `passes`; `low` must be too small.

    Raises LookupError when none up to `_AMPLE` passes.
    """

    async def good(heap):
        passed = await passes(heap)
        say(heap, passed)
        return passed

    low = low // STEP * STEP
    span = _FIRST_SPAN
    while not await good(high := low + span):
        if high >= _AMPLE:
            raise LookupError
        low, span = high, 2 * span
    while high - low > STEP:
        middle = (low + high) // 2 // STEP * STEP
        low, high = (low, middle) if await good(middle) else (middle, high)
    return high


async def smallest_of_all(found, say):
    """Return the smallest heaps of the report: empty, full, without ROM; say(text) what is tried.

    All three at the same time.
    """

    def searched(name, low, **how):
        return smallest(
            low,
            functools.partial(passes, **how),
            lambda heap, good: say(f"{name:12} {heap:7,} B: {'passes' if good else 'fails'}"),
        )

    peak = found["peak_bytes"]
    sizes = await asyncio.gather(
        searched("empty", peak),
        searched("full", peak, full=True),
        searched("without ROM", peak + found["rom_bytes"], rom=False),
    )
    return dict(
        zip(
            ("min_heap_bytes", "min_heap_bytes_full", "min_heap_bytes_without_rom"),
            sizes,
            strict=True,
        )
    )


async def confirm(times, busy, say):
    """Play the work, and the change of a card, in GOAL bytes, `times` times with each state,
    beside `busy` busy processes; return how often it passed: {"empty": n, "full": n, "card": n,
    "card, full": n}. Ends with the first that does not.
    """
    works = ("empty", _SCRIPT, False), ("full", _SCRIPT, True)
    works += ("card", _CARD, False), ("card, full", _CARD, True)
    passed = {name: 0 for name, _, _ in works}
    with load(busy):
        for number in range(times):
            for pair in (works[:2], works[2:]):
                good = await asyncio.gather(
                    *(passes(GOAL, script, full, tell=say) for _, script, full in pair)
                )
                for (name, _, _), one in zip(pair, good, strict=True):
                    passed[name] += one
                    say(f"{name:12} {GOAL:7,} B, {number + 1}: {'passes' if one else 'fails'}")
                if not all(good):
                    return passed
    return passed


async def each_scenario(say):
    """Return {scenario or errand: the heap in which it passes}: GOAL, ROOM, or None for neither.
    An errand, and what is called so, is played with a full state.
    """
    found = {}
    turn = asyncio.Semaphore(2)

    async def one(script, full):
        async with turn:
            enough = GOAL
            while enough and not await passes(enough, script, full):
                enough = ROOM if enough < ROOM else None
        name = script.stem + ", full" * full
        found[name] = enough
        say(f"{name:26} {enough or ROOM:7,} B{'' if enough else ' is too little'}")

    scripts = [(script, False) for script in sorted(_SCENARIOS.glob("*.txt"))]
    scripts += [(_SCENARIOS / f"{name}.txt", True) for name in _FULL]
    scripts += [(script, True) for script in sorted(_ERRANDS.glob("*.txt"))]
    await asyncio.gather(*(one(*script) for script in scripts))
    return dict(sorted(found.items()))


def room(module):
    """Return the room a module belongs to: its folder, or itself."""
    return module.rpartition(".")[0].replace(".", "/") or module


def account(heard, bare, mount):
    """Return the report's figures but for the smallest heap."""
    figures = heard.figures
    idle, here = heard.idle
    rooms = {}
    for module, size in sorted(heard.modules.items()):
        found = rooms.setdefault(room(module), dict.fromkeys(_COLUMNS, 0))
        if module in here:
            found["stays"] += size
        else:
            found["on_demand"] += size
            found["largest_on_demand"] = max(found["largest_on_demand"], size)
    code = sum(found["stays"] for found in rooms.values())
    shims = figures["bare"] - bare - mount
    loop = figures["asyncio"] - figures["before"]
    return {
        "shims_bytes": shims,
        "rom_bytes": heard.bare[0] - heard.bare[1],
        "names_bytes": heard.names[-1] - heard.names[0],
        "peak_bytes": max(heard.live.values()),
        "idle": {
            "interpreter": bare,
            "file system": mount,
            "shims": shims,
            "asyncio": loop,
            "code": code,
            "objects": idle - bare - mount - shims - loop - code,
        },
        "rooms": rooms,
        "phases": {
            phase: heard.live[phase]
            for phase in sorted(heard.live, key=lambda phase: phase in _TALK)
        },
        "modules": dict(sorted(heard.modules.items())),
    }


def show(found, console):
    """Print the tables."""
    rooms = Table(title="Code, in bytes of the heap", title_justify="left")
    rooms.add_column("room")
    for column in _COLUMNS:
        rooms.add_column(column.replace("_", " "), justify="right")
    for name, sizes in found["rooms"].items():
        rooms.add_row(name, *(f"{sizes[key]:,}" if sizes[key] else "" for key in _COLUMNS))
    rooms.add_section()
    sums = [sum(sizes[key] for sizes in found["rooms"].values()) for key in _COLUMNS[:2]]
    rooms.add_row("all", *(f"{one:,}" for one in sums))
    console.print(rooms)
    _bars("Alive on the idle page", found["idle"], console)
    _bars("Alive at most, by phase", found["phases"], console)
    console.print(f"names, which are in all of these: {found['names_bytes']:,} B")
    for name, text in (
        ("min_heap_bytes", "smallest heap"),
        ("min_heap_bytes_full", "with a full state"),
        ("min_heap_bytes_without_rom", "without the chip's ROM"),
    ):
        console.print(f"{text:22} {found[name]:7,} B", style="bold")


def _bars(title, sizes, console):
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(width=40)
    most = max(sizes.values())
    for name, size in sizes.items():
        table.add_row(name, f"{size:,}", Bar(most, 0, max(size, 0), color="cyan"))
    console.print(table)


def plot(found, path):
    """Draw what is alive in each phase, against the goal and the smallest heap."""
    drawing, axes = plots.figure(1, 1, 8, 4)
    phases = list(found["phases"].items())[::-1]
    axes.barh(range(len(phases)), [size / 1024 for _, size in phases], color=plots.OURS)
    for place, (_, size) in enumerate(phases):
        axes.text(size / 1024 + 0.5, place, f"{size / 1024:.1f}", va="center")
    axes.set_yticks(range(len(phases)), [name.replace("_", " ") for name, _ in phases])
    axes.axvline(GOAL / 1024, color=plots.BAR, linewidth=1)
    axes.axvline(found["min_heap_bytes"] / 1024, color=plots.INK, linewidth=1, linestyle="--")
    axes.margins(x=0.1)
    axes.set_xlabel("KiB; red: 64 KiB, dashed: the smallest heap in which all of it passes")
    axes.set_title("Alive in the device's heap")
    plots.save(drawing, path)


def missed(found):
    """Return a line for each bar that was not met."""
    bars = _not_confirmed(found["passed_at_goal"], TIMES)
    for name, heap in found.get("scenarios", {}).items():
        bar = GOAL if name.partition(",")[0] in _GUIDES else ROOM
        if heap is None or heap > bar:
            bars.append(f"scenario {name} does not pass in {bar:,} B")
    return bars


def _not_confirmed(passed, times):
    return [
        f"in {GOAL:,} B, {name}, it passed {count} times of {times}"
        for name, count in passed.items()
        if count < times
    ]


def main():
    """Measure, search, confirm, print and write the report; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.heap", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only pass once, empty and full")
    parser.add_argument("--load", type=int, default=LOAD, help="busy processes beside it")
    parser.add_argument("--scenarios", action="store_true", help="play every scenario, too")
    options = parser.parse_args()
    console = Console()

    def say(text):
        console.print(f"  {text}", highlight=False, markup=False)

    try:
        if other_memory():
            say(other_memory())
            return 0
        workplace.device_root()
        if options.quick:
            bars = _not_confirmed(asyncio.run(confirm(1, 0, say)), 1)
            for line in bars:
                console.print(f"missed: {line}", style="red")
            return 1 if bars else 0
        with console.status("listening to the device"):
            found = account(listen(), *alone())
        console.print("The smallest heap:")
        found = asyncio.run(smallest_of_all(found, say)) | found
        console.print(f"In {GOAL:,} B, beside {options.load} busy processes:")
        found["passed_at_goal"] = asyncio.run(confirm(TIMES, options.load, say))
        if options.scenarios:
            console.print("Every scenario:")
            found["scenarios"] = asyncio.run(each_scenario(say))
    except (scenario.ScenarioError, workplace.BuildFailed, NoInterpreter, Failed) as trouble:
        console.print(str(trouble), style="red", markup=False)
        return 1
    except LookupError:
        console.print(f"{_SCRIPT.name} fails in {_AMPLE:,} B already", style="red")
        return 1
    return conclude("heap", found, plot, show, missed, console)


if __name__ == "__main__":
    sys.exit(main())
