"""A life at the counter: the terminal as main.py runs it, and a person who reads its pages.

The terminal is firmware.terminal itself, with all its errands and pages, on the crash world's
parts, a panel and a keypad. What always holds: the person looks only when the terminal waits for a
key, knows nothing but what the panel shows, and goes on from whatever page comes; so a page that
says "busy" costs a detour and no more. May import firmware, host_tests.crash and host_tests.ui.
"""

import asyncio
import contextlib
import functools
import json
import re
import tempfile
from collections import deque
from pathlib import Path

from drivers import clock as clocks
from firmware import terminal as terminals
from host_tests.crash import life
from host_tests.ui import stage
from tools.build import texts
from tools.simulator.bench import CARDS

_PATIENCE_S = 2 * 3600
_LOOK_S = 5
_CLEAR = bytes((stage.CLEAR,))
_OK = "D"
_BACK = "C"
_DOWN = "B"
_WATCHDOG_S = 90
_THINKS_MS = 1000
_STAY_MS = 20000  # a key now and then: somebody is here
_SEEN = 10  # characters of a text
_LONG = 12  # rows of a review at most

# What a goal is: the rows to it from the settings, and the words that tell that it is reached.
_GOALS = {
    "change": ("menu.accounts", "change.title", "told.accepted"),
    "restore": ("menu.accounts", "restore.title", "told.accepted"),
    "review": ("menu.accounts", "change.title", "submit.review"),
    "watch": ("menu.accounts", "pending.title", "told.accepted"),
    "accept": ("menu.accounts", "take_over.title", "take_over.done"),
    "password": ("password.title", "password.changed"),
    "network": ("network.title", "network.up"),
    "language": ("language.title", "language.zh"),
    "about": ("about.title", "about.build"),
    "bindings": ("menu.accounts", "bindings.title", "bindings.title"),
    "pending": ("menu.accounts", "pending.title", "pending.none"),
    "records": ("menu.accounts", "change_records.title", "change_records.none"),
    "agrees": ("menu.accounts", "take_over.title", "take_over.agrees"),
}

_LATER = {
    "told.accepted": ("idle.ended.2",),
    "submit.review": ("pending.phase.3",),
    "take_over.done": ("take_over.agrees",),
    "password.changed": ("password.same",),
}


class Restarted(Exception):
    """The firmware has asked for a reset, or the watchdog has."""


class Reader:
    """A magnetic stripe reader: all of a card's bytes come at once."""

    def __init__(self):
        self._waiting = b""

    def swipe(self, tracks):
        self._waiting = tracks

    def drop(self):
        self._waiting = b""

    def read_into(self, buf, at):
        taken = self._waiting[: len(buf) - at]
        buf[at : at + len(taken)] = taken
        self._waiting = self._waiting[len(taken) :]
        return len(taken)


class Keypad:
    """The person's fingers: the person looks whenever the terminal waits for a key."""

    stuck = -1

    def __init__(self, person):
        self.beat = 0
        self._person = person
        self._waiting = deque()

    async def run(self):
        while True:
            await asyncio.sleep(5)
            self.beat += 1

    def get(self):
        return self._waiting.popleft() if self._waiting else -1

    async def arrival(self, limit_ms):
        while not self._waiting and limit_ms > 0:
            await asyncio.sleep(min(limit_ms, _THINKS_MS) / 1000)
            limit_ms -= _THINKS_MS
            self._waiting.extend(self._person.look())


class Wifi(life.Wifi):
    """A safe network that is always there."""

    ssid = "Shop"
    encrypted = True

    async def run(self):
        while True:
            await asyncio.sleep(60)


class Board(life.Board):
    """drivers.parts.Parts as far as the terminal uses it."""

    name = "counter"
    faults = notes = ()

    def __init__(self, world, cells, entries, person):
        super().__init__(world, cells, entries)
        self.oled = person.panel = stage.Panel()
        self.keypad = Keypad(person)
        self.magstripe = person.reader = Reader()
        self.wifi = Wifi()
        self.fed_ms = 0
        self._world = world

    def reset(self):
        raise Restarted("reset")

    def failed(self, errand):
        return True

    def start_watchdog(self, ms):
        self.feed()

    def feed(self):
        self.fed_ms = self._world.now_ms()

    def settled(self):
        """Starts are not counted here."""


@functools.cache
def _words(key, language):
    # What is seen of a text, without white space: what stands before or behind its datum, as much
    # of it as fits into a line or two.
    before, _, behind = texts.read_all()[language][key].partition("%")
    return "".join((before or behind[1:]).split())[:_SEEN]


@functools.lru_cache(maxsize=4096)
def _read(pixels):
    return ["".join(line.split()) for line in stage.reader().read(pixels)]


class Person:
    """Somebody who wants one thing after another, and presses what the page shown asks for.

    plan: {"goals": names of _GOALS, "at the counter": {number: password}, "number": what is typed
    as the new account's, None for a card, "chosen": {number: the password that is chosen}}.
    lines: what the page shows. seen: the pages met, in turn, each once in a row. told: whether one
    said that the terminal was busy. lost: what the page showed that leads nowhere, "" if there was
    none. done: everything was reached and the idle page is there.
    """

    def __init__(self, world, plan):
        self.lines, self.seen, self.told, self.lost, self.done = [], [], False, "", False
        self._world, self._plan = world, plan
        self._goals = list(plan["goals"])
        self._passwords = {who: [word] for who, word in plan["at the counter"].items()}
        self._who = None  # was asked for a password last
        self._fresh = False  # the page has just come
        self._empty = False  # the field shown
        self._pressed_ms = 0
        self._code = None
        self._language = "zh"

    def look(self):
        """Return the keys to press now, as bytes."""
        lines = self.lines = _read(bytes(self.panel.buffer))
        title, body = lines[0] if lines else "", "".join(lines[1:])
        self._empty = re.search("(?<![0-9])0/", title) is not None
        page, keys = self._page(title, body)
        self._fresh = self.seen[-1:] != [page]
        if self._fresh:
            self.seen.append(page)
        self.told |= any(self._words(key) in title + body for key in ("busy.title", "link.8"))
        if keys is None:
            self.lost = " | ".join(lines)
            return b""
        if not page.startswith("menu."):  # its rows are no pages yet
            self._reach(title + body)
        if page == "idle.title":
            self.done = not self._goals
            keys = _OK if self._goals else ""
        if callable(keys):
            keys = keys(body)
        if keys:
            self._pressed_ms = self._world.now_ms()
        return keys if isinstance(keys, bytes) else keys.encode()

    def _reach(self, shown):
        # What was not told when it was reached shows when it is tried again.
        if self._goals:
            word = _GOALS[self._goals[0]][-1]
            if any(self._words(key) in shown for key in (word, *_LATER.get(word, ()))):
                self._goals.pop(0)

    def _words(self, key):
        return _words(key, self._language)

    def _page(self, title, body):
        for self._language in ("zh", "en"):
            for name, words, keys in self._known():
                if name and not title.startswith(self._words(name)):
                    continue
                if words is None or self._words(words) in body:
                    return " ".join(filter(None, (name, words))), keys
        return "unknown", None

    def _known(self):
        # Title and words of a page, and what is pressed there; the first that fits.
        return (
            (None, "ui.wait", ""),
            ("idle.title", None, ""),
            (None, "password.of", self._password),
            (None, "password.new", self._chosen if self._choosing() else _BACK),
            (None, "password.again", self._chosen),
            ("password.title", "password.changed", self._changed),
            ("password.title", "password.same", self._changed),
            (None, "password.wrong", self._wrong),
            (None, "approve.code", self._owners_code),
            ("log_in.title", "log_in.number", _OK),
            ("menu.title", None, "1" if self._goals else "2"),
            ("menu.settings", None, self._row(0)),
            ("menu.accounts", None, self._row(1)),
            ("network.title", None, lambda body: _OK if self._fresh else _BACK),
            ("field.reason", None, "1"),
            ("field.name", None, "1"),
            ("field.kind", None, "1"),
            (None, "field.account", self._number),
            (None, "field.account_again", self._number),
            (None, "field.cnaps", lambda body: self._typed("102100099996")),
            ("change.title", "field.reason", "B" * _LONG + _OK),  # the review
            ("pending.title", "pending.ask_now", "1"),
            ("pending.title", "pending.send", "1"),
            ("pending.title", "pending.phase.3", self._stay),
            (None, "prepare.clock", self._later),
            *((title, None, _OK) for title in _READ),
            *((None, hint, _OK) for hint in ("ui.next", "ui.accept", "ui.ok")),
        )

    def _row(self, depth):
        # The digit before the words of the row wanted; it may be further down.
        *rows, _ = _GOALS[self._goals[0]] if self._goals else ("",)
        if len(rows) <= depth:
            return _BACK
        for line in self.lines[1:]:
            if line[1:].startswith(self._words(rows[depth])):
                return line[0]
        return _DOWN

    def _password(self, body):
        self._who = re.search("[0-9]{2}", body).group()
        return self._typed(self._passwords[self._who][0])

    def _wrong(self, body):
        known = self._passwords[self._who]
        known.append(known.pop(0))  # which of them it is was never said
        return _OK

    def _choosing(self):
        # Whether one is wanted, and not only found out to be chosen already.
        return "password" not in self._plan["goals"] or "password" in self._goals

    def _chosen(self, body):
        known = self._passwords[self._who]
        new = self._plan["chosen"][self._who]
        if new not in known:
            known.append(new)
        return self._typed(new)

    def _changed(self, body):
        self._passwords[self._who] = [self._plan["chosen"][self._who]]
        return _OK

    def _owners_code(self, body):
        code = self._world.owner_code()
        if code == self._code:
            return self._stay(body)  # the phone shows the next one soon
        self._code = code
        return self._typed(code.decode())

    def _number(self, body):
        if self._plan["number"] is not None:
            return self._typed(self._plan["number"])
        if self._fresh:
            self.reader.swipe(CARDS["debit"][2])
            return ""
        return _OK if re.search("[0-9]{4}", body) else ""

    def _typed(self, digits):
        cleared = b"" if self._empty else _CLEAR
        return cleared + digits.encode() + _OK.encode()

    def _stay(self, body):
        return self._later(body) and "A"

    def _later(self, body):
        return _OK if self._world.now_ms() - self._pressed_ms >= _STAY_MS else ""


_READ = (  # titles of pages that are confirmed, whatever else they show
    *("busy.title", "closed.title", "password.title", "log_in.title", "change.title"),
    *("notice.title", "language.title", "about.title", "bindings.title", "bindings.backup"),
    *("approve.supervisor", "approve.owner"),
    *(
        "change_records.title",
        "restore.title",
        "pending.title",
        "take_over.title",
        "result.accepted",
    ),
    *("result.unsent", "result.unknown", "result.review", "result.refused", "result.held"),
)


@functools.cache
def _device():
    # What of the device's files is opened by name.
    folder = tempfile.TemporaryDirectory(prefix="rebind-counter-")
    root = Path(folder.name)
    (root / "assets").symlink_to(stage.assets())
    (root / "manifest.txt").write_text(f"1 {bytes(32).hex()} one two three four\n")
    return folder


async def _live(world, plan, config, cells, entries):
    person = Person(world, plan)
    terminal = terminals.Terminal(Board(world, cells, entries, person), config)
    desk = terminal.desk
    till = life.Till(desk.board, plan, world)
    for service in ("state", "clock", "identity", "licence", "change", "sync"):
        setattr(till, service, getattr(desk, service))
    world.report("booted", json.dumps(till.facts()))
    running = till.syncing = asyncio.create_task(terminal._main())
    try:
        left_s = _PATIENCE_S
        while left_s > 0 and not running.done() and not person.done:
            await asyncio.sleep(_LOOK_S)
            left_s -= _LOOK_S
        till.facts()  # from here on it is looked at, no longer lived
        if running.done():
            await running
        if not person.done:
            world.report("lost", json.dumps(person.lost or person.seen[-3:]))
            return
        right = await till.rest()
        if world.now_ms() - desk.board.fed_ms > _WATCHDOG_S * 1000:
            raise Restarted("the watchdog bites")
        facts = {**till.facts(), "right": right, "told": person.told, "pages": person.seen}
        world.report("settled", json.dumps({**facts, **till.history()}))
    finally:
        running.cancel()
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # that of a terminal which is cancelled without a fault


def live(world, plan, config, cells, entries, run):
    """Live one life, as life.live does; `plan` has what a Person needs, too."""
    chip = life.Chip(world)
    kept = clocks.time, clocks.machine
    clocks.time = clocks.machine = chip
    try:
        with contextlib.chdir(_device().name):
            run(_live(world, plan, config, cells, entries))
    finally:
        clocks.time, clocks.machine = kept
