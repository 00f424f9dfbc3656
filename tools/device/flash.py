"""Brings the files of a board in line with a build.

What always holds: what is on the board is judged by its hashes, read there; new files are written
to `.new` and read back before the first old one is replaced; while files change places there is no
main.py, so a terminal never runs on half a build; main.py comes last, after the manifest. What is
not the build's own, such as config.json and certs, stays unless it is given.
"""

import binascii
import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.build.report import MANIFEST, load
from tools.device.checks import Facts, examine
from tools.device.link import DeviceError, Link, Refused

STAGE = ".new"

_OURS = ("drivers/", "firmware/", "assets/")  # whatever else lies in these folders is removed
_MODULE = re.compile(r"\w+\.mpy")  # and so are these, at the root
_FORMER = ("lib/ssd1306.py", "manifest.json")  # what earlier builds had elsewhere
_TOPS = (STAGE, "drivers", "firmware", "assets", "lib", "certs")
_CHUNK = 3072  # bytes of a file in one command
_COMMAND = 6000  # characters of commands that are sent together
_TOGETHER = 20  # files whose hashes are asked for together
_SLACK = 8  # blocks of the file system that stay free
_WATCHDOG_MS = 3600000

_TOOLS = """
import os
from hashlib import sha256
from binascii import a2b_base64 as d, hexlify
b = bytearray(512)
def h(p):
 s = sha256()
 try:
  with open(p, 'rb') as f:
   while 1:
    n = f.readinto(b)
    if not n: return hexlify(s.digest()).decode()
    s.update(memoryview(b)[:n])
 except OSError: return '?'
def w(p, f, tops):
 for e in os.ilistdir(p or '/'):
  q = p + e[0]
  if not e[1] & 0x4000: f.append(q)
  elif p or tops is None or q in tops: w(q + '/', f, tops)
 return f
def m(p):
 for i, c in enumerate(p):
  if c == '/':
   try: os.mkdir(p[:i])
   except OSError as e:
    if e.errno != 17: raise
def r(p):
 for e in list(os.ilistdir(p)):
  q = p + '/' + e[0]
  if e[1] & 0x4000: r(q)
  else: os.remove(q)
 os.rmdir(p)
def v(p, s):
 if h(p) != s: raise ValueError(p)
"""


class Plan:
    """What a board lacks of the files `wanted` {path: content}, given the hashes it `has`.

    `copy`: paths to send. `place`: paths to move from the stage, in order. `remove`: paths to
    delete. `stale`: staged paths that are of no use.
    """

    def __init__(self, wanted: dict[str, bytes], has: dict[str, str]) -> None:
        self.wanted = wanted
        self.hashes = {path: hashlib.sha256(data).hexdigest() for path, data in wanted.items()}
        staged = {
            path.removeprefix(STAGE + "/"): found
            for path, found in has.items()
            if path.startswith(STAGE + "/")
        }
        lacks = [path for path in wanted if has.get(path) != self.hashes[path]]
        self.copy = [path for path in lacks if staged.get(path) != self.hashes[path]]
        self.place = sorted(lacks, key=lambda path: (path == "main.py", path == MANIFEST, path))
        self.stale = sorted(path for path in staged if staged[path] != self.hashes.get(path))
        self.remove = sorted(
            path
            for path in has
            if path not in wanted
            and (path.startswith(_OURS) or path in _FORMER or _MODULE.fullmatch(path))
        )
        self.resumed = bool(staged)

    @property
    def done(self) -> bool:
        """Whether the board is as it should be."""
        return not (self.place or self.remove or self.resumed)

    def blocks(self, size: int) -> int:
        """Return how many blocks of `size` bytes the copies take while the old files stand."""
        folders = {path.rpartition("/")[0] for path in self.copy}
        return sum(-(-len(self.wanted[path]) // size) for path in self.copy) + 2 * len(folders)


def flash(port: str, build: Path, config: Path | None, dry: bool, listen_s: float) -> bool:
    """Bring the board on `port` in line with `build` and start it; return whether it started.

    With `dry` it is only said what would be done. The boot log is shown for up to `listen_s`
    seconds. Raises `DeviceError`, `BuildError`; the board then runs what it ran before, or its
    next run of this finishes what was begun.
    """
    arch, wanted = load(build, config)
    with Link(port) as link:
        facts = examine(link)
        say(str(facts))
        if arch not in ("none", facts.arch):
            raise DeviceError(
                f"the build is for {arch}, this chip takes {facts.arch}: "
                f"make build ARCH={facts.arch}"
            )
        if not facts.journal:
            say("no partition `journal`: the state is kept in files; see `make partition`")
        has = listing(link, _TOPS)
        plan = Plan(wanted, has)
        if dry:
            _tell(plan)
        elif plan.done:
            say(f"nothing to copy: all {len(wanted)} files are as they should be")
        else:
            _bring(link, plan, facts)
        log = link.restart(listen_s)
        started = _started(log, "config.json" in {**has, **wanted})
        return started or dry


def say(text: str) -> None:
    """Print one line of progress."""
    print(f"flash: {text}", flush=True)


def listing(link: Link, tops: tuple[str, ...] | None = None) -> dict[str, str]:
    """Return {path: SHA-256 in hex} of the board's files, as it reads them: of those at the root
    and in the folders `tops`, of all when not given; "?" for one that cannot be read.
    """
    link.run(_TOOLS)
    paths = link.ask(f"reply(w('', [], {tops!r}))")
    found = {}
    for at in range(0, len(paths), _TOGETHER):
        some = paths[at : at + _TOGETHER]
        found.update(zip(some, link.ask(f"reply([h(p) for p in {some!r}])"), strict=True))
    return found


def _tell(plan: Plan) -> None:
    for path in plan.place:
        say(f"would copy {path} ({len(plan.wanted[path])} B)")
    for path in plan.remove:
        say(f"would remove {path}")
    if plan.done:
        say("would change nothing")


def _bring(link: Link, plan: Plan, facts: Facts) -> None:
    needed = plan.blocks(facts.block) + _SLACK
    if plan.copy and needed > facts.free:
        raise DeviceError(
            f"the file system is full: {facts.free * facts.block >> 10} KiB are free, "
            f"{needed * facts.block >> 10} KiB are needed; nothing was changed. "
            "Remove files of your own from the board"
        )
    if plan.resumed:
        say("finishing an interrupted run")
    # The terminal's watchdog cannot be stopped, only be given more time.
    link.run(f"import machine\nmachine.WDT(timeout={_WATCHDOG_MS})")
    try:
        _copy(link, plan)
    except Refused as refusal:
        link.run(f"r({STAGE!r})")
        if re.search(r"\b28\b|ENOSPC", refusal.fault):
            raise DeviceError("the file system is full; nothing was changed") from None
        if "ValueError" in refusal.fault:
            raise DeviceError(
                "a file was read back differently from how it was written; nothing was changed. "
                "Try again; if it stays, the flash chip is worn"
            ) from None
        raise
    _switch(link, plan)
    if not Plan(plan.wanted, listing(link, _TOPS)).done:
        raise DeviceError("the files on the board are not those that were copied: run it again")
    say(f"files copied: {len(plan.copy)}, removed: {len(plan.remove)}; all hashes verified")


def _copy(link: Link, plan: Plan) -> None:
    for path in plan.stale:
        link.run(f"os.remove({STAGE + '/' + path!r})")
    total = sum(len(plan.wanted[path]) for path in plan.copy)
    sent = shown = 0
    for command, size in _together(plan):
        link.run(command)
        sent += size
        percent = 100 * sent // total if total else 100
        if sys.stdout.isatty():
            print(f"\rflash: copying, {percent} %", end="\n" * (percent == 100), flush=True)
        elif percent >= shown + 20:
            shown = percent
            say(f"copying, {percent} %")


def _together(plan: Plan) -> Iterator[tuple[str, int]]:
    """Yield (commands, bytes of files in them), several as long as they are short."""
    commands, length, size = [], 0, 0
    for command, more in _commands(plan):
        if commands and length + len(command) > _COMMAND:
            yield "\n".join(commands), size
            commands, length, size = [], 0, 0
        commands.append(command)
        length += len(command)
        size += more
    if commands:
        yield "\n".join(commands), size


def _commands(plan: Plan) -> Iterator[tuple[str, int]]:
    for path in plan.copy:
        staged, data = f"{STAGE}/{path}", plan.wanted[path]
        yield f"m({staged!r})\nf=open({staged!r},'wb')", 0
        for at in range(0, len(data), _CHUNK):
            piece = data[at : at + _CHUNK]
            text = binascii.b2a_base64(piece, newline=False).decode()
            yield f"n=f.write(d('{text}'))", len(piece)
        yield f"f.close()\nv({staged!r},{plan.hashes[path]!r})", 0


def _switch(link: Link, plan: Plan) -> None:
    """Move what is staged to its place. Without main.py meanwhile, nothing starts half."""
    place = plan.place
    if place and "main.py" not in place:
        place = [*place, "main.py"]
    link.run(
        f"m({STAGE + '/'!r})\n"
        f"place={place!r}\n"
        f"if place and 'main.py' in os.listdir():\n"
        f" if 'main.py' in {plan.place!r}: os.remove('main.py')\n"
        f" else: os.rename('main.py', {STAGE + '/main.py'!r})\n"
        "for p in place:\n"
        f" m(p)\n"
        f" if p!='main.py': os.rename({STAGE + '/'!r}+p, p)\n"
        f"for p in {plan.remove!r}:\n"
        " os.remove(p)\n"
        " while '/' in p:\n"
        "  p = p.rsplit('/', 1)[0]\n"
        "  try: os.rmdir(p)\n"
        "  except OSError: break\n"
        f"if place: os.rename({STAGE + '/main.py'!r}, 'main.py')\n"
        f"r({STAGE!r})"
    )


def _started(log: str, provisioned: bool) -> bool:
    """Show the boot log; tell whether the terminal runs, as far as it can."""
    for line in log.strip().splitlines():
        print(f"  | {line}")
    if not log.rstrip().endswith(">>>"):
        say("the terminal is running")
        return True
    if not provisioned:
        say("the terminal is not provisioned: it has no config.json (CONFIG=dir brings one)")
        return True
    say("the terminal did not start: the lines above say why")
    return False
