"""Scenarios: small text files that say what a person does at the terminal and what must be seen.

One statement a line, `#` begins a comment, words with spaces are quoted. What is waited for is an
event with a limit (`within S`, 15 seconds if not said); nothing sleeps for a fixed time. Texts are
compared without white space against what the screen reader finds in the panel's pixels;
`@area.name` stands for that entry of firmware/text in the language given.

Time is the terminal's: its own scans of the keypad are what is counted. Between two of them it
does everything that a key leads to, so a few scans after a key the page that answers it is there,
also where it looks like the one before, and however busy the host is. A picture is looked at only
whole: not before a scan has followed what was last sent to the panel. A limit is over when its
seconds are and the terminal has had its share of them.

    press KEY...                      keys in turn; `long` after one holds it
    type TEXT                         every character of it, as keys
    swipe CARD | swipe "TRACKS"       a card of the tray, or what a reader would send
    see TEXT [within S]               the screen comes to show it
    not see TEXT [within S]           the screen comes not to show it
    choose TEXT [within S]            in a menu: go to the row that shows it, and confirm
    go TEXT [within S]                the same without confirming
    pass TEXT [within S]              a page that shows it: read to its end, then confirm with D
    code [wrong]                      type the owner's one-time code (one not used yet)
    password OPERATOR                 type the operator's first password, as drawn or noted
    note OPERATOR                     the eight digits on the screen are a first password
    respond OPERATOR                  on the page of a challenge: type the provider's response
    power on | off | cycle
    console TEXT [within S]           the serial line says it, since the last power-on
    link cut | refuse | swallow | restore
    link cut up|down RECORD [BYTE]    once, at that TLS record of the next connection
    link lose request|reply [MTI [COUNT]]
                                      once, or so often, a change's (needs the acquirer in this
                                      process)
    wifi on | off | drop | open | wrong
    acquirer start | stop | impostor | genuine
    acquirer answer CODE              once: refuse the next change's processing with this code
    acquirer reply [MTI] TAG=HEX...   once: the next answer, to a change's if no MTI is said, has
                                      other contents, see lies.py
    acquirer review on|off            changes wait for a decision
    acquirer cvv2 on|off              CVV2 is wanted with a card
    acquirer accept | reject [TEXT]   decide what is under review
    acquirer owner on|off             changes wait until the owner confirms them
    acquirer hold DAYS                a confirmed change waits so long before it is true
    acquirer later SECONDS            its clock goes forward
    owner confirms | refuses [within S]
                                      on the phone: the change that waits, or comes to wait
    acquirer bind ACCOUNT             change the binding without the terminal
    acquirer unbind [SLOT]            end it
    acquirer merchant NUMBER          give the merchant another number
    acquirer unlock                   after too many wrong one-time codes
    acquirer want                     ask for the terminal's audit records at its next sync
    books COUNT KIND [FIELD=PATTERN...] [within S]
                                      so many rows match (KIND as in `books --json`)
    agree [within S]                  the token on the screen is that of the books
    phase NAME                        what follows is that phase, for whoever measures; one may be
                                      gone on with
    play FILE                         the statements of another file, beside this one

A failure names file, line and statement, and shows the screen, as text and as it looks.
"""

import asyncio
import fnmatch
import json
import re
import shlex
import time
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyotp

from tools.acquirer.keys import reset_code
from tools.simulator.bench import CARDS
from tools.simulator.interpreter import REPOSITORY
from tools.simulator.lies import lie
from tools.simulator.models import wifi as air

WITHIN_S = 15.0

_WIDTH = 128
_ROWS = (13, 26, 39, 52)  # where the lines below the title begin
_ROW_HEIGHT = 12
_LONG_MS = 1000
_MARGIN = 124  # a column that words and the scroll mark leave free: lit where a row is inverted
_MENU_LIMIT = 60
_OF_A_CHANGE = "030"  # how its messages' MTI begin
_AT_MOST_S = 60  # what a statement may take beyond its own limit
_STEADY_S = 0.06
_LOOK_S = 0.004
_STARVED = 6  # times its limit that a statement gets on a host that has no time for the terminal
_SCANS_A_SECOND = 40  # that a terminal makes which is given time enough
_TAKEN_SCANS = 5  # after a key's release: by then its page is there, unless it waits for something
_ANSWER_SCANS = 25  # within which a page that looks otherwise follows a key
_STILL_S = 1.0  # without a scan: there is nobody who looks for keys
_EIGHT = re.compile(r"^ *(\d{4}) +(\d{4}) *$", re.MULTILINE)
_TOKEN = re.compile(r"(?<![0-9A-F])[0-9A-F]{16}(?![0-9A-F])")


class ScenarioError(Exception):
    """A statement that cannot be read, or did not come true; the text is for a person."""


@dataclass(frozen=True)
class Statement:
    """One line of a scenario."""

    place: str
    line: str
    verb: str
    words: tuple
    within_s: float


def load(path):
    """Read a scenario file. Raises ScenarioError naming the first line that is not a statement."""
    path = Path(path)
    statements = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        place = f"{path.name}:{number}"
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise ScenarioError(f"{place}: {line.strip()}\n  {error}") from None
        if words[:1] == ["play"] and len(words) == 2:
            try:
                statements += load(path.parent / words[1])
            except OSError:
                raise ScenarioError(f"{place}: there is no {words[1]} beside it") from None
        elif words:
            statements.append(_statement(place, line.strip(), words))
    return statements


def _statement(place, line, words):
    within_s = WITHIN_S
    if len(words) > 2 and words[-2] == "within":
        try:
            within_s = float(words[-1])
        except ValueError:
            raise ScenarioError(f"{place}: {line}\n  `within` needs seconds") from None
        words = words[:-2]
    verb = words[0]
    if words[:2] == ["not", "see"]:
        verb = "not_see"
        words = words[1:]
    if verb not in Stage.VERBS:
        raise ScenarioError(f"{place}: {line}\n  unknown statement `{verb}`")
    least, most = Stage.VERBS[verb]
    count = len(words) - 1
    if count < least or (most is not None and count > most):
        wanted = f"{least} word(s)" if least == most else f"at least {least} word(s)"
        raise ScenarioError(f"{place}: {line}\n  `{verb}` takes {wanted}, not {count}")
    return Statement(place, line, verb, tuple(words[1:]), within_s)


class _Unmet(Exception):
    """What a statement says is not so; the text says what was found instead."""


class Limit:
    """So many seconds, in which the terminal was given its share of the host's time."""

    def __init__(self, terminal, seconds):
        now = time.monotonic()
        self._terminal = terminal
        self._end, self._last = now + seconds, now + seconds * _STARVED
        self._scans = terminal.keypad.scans + seconds * _SCANS_A_SECOND

    @property
    def over(self):
        """Whether they are over."""
        now = time.monotonic()
        if now < self._end:
            return False
        served = not self._terminal.on or self._terminal.keypad.scans >= self._scans
        return served or now >= self._last


class Stage:
    """Where a scenario plays: a terminal, and the acquirer when it runs in this process.

    terminal: SimulatedTerminal. identity: the bundle's keys.json. acquirer: a started
    tools.acquirer.Acquirer whose clock is a workplace.Clock, or None; office: the module that
    decides, binds and reads its books. echo: takes lines to show, or None for silence.
    `on_phase(name)` is called as a phase begins. presses: {phase: keys pressed and cards swiped in
    it}, "" before the first.
    """

    # verb: fewest and most words after it
    VERBS = {
        "press": (1, None), "type": (1, 1), "swipe": (1, 1), "see": (1, 1), "not_see": (1, 1),
        "choose": (1, 1), "go": (1, 1), "pass": (1, 1),
        "code": (0, 1), "password": (1, 1), "power": (1, 1), "console": (1, 1),
        "note": (1, 1), "respond": (1, 1),
        "link": (1, 4), "wifi": (1, 1), "acquirer": (1, None), "books": (2, None), "agree": (0, 0),
        "phase": (1, 1), "owner": (1, 1),
    }  # fmt: skip

    def __init__(self, terminal, identity, acquirer=None, office=None, echo=None, language="zh"):
        self.terminal = terminal
        self.acquirer = acquirer
        self.on_phase = lambda name: None
        self.presses = Counter()
        self._phase_now = ""
        self._identity = identity
        self._merchant = identity.get("merchant")
        self._office = office
        self._echo = echo
        self._language = language
        self._texts = None
        self._impostor = None
        self._last_step = 0
        self._first = dict(identity.get("first_passwords", {}))
        self._lines = []
        self._read_pixels = None
        self._shown = []
        self._typing = False
        self._began = time.monotonic()
        self._console_from = 0
        self._faults = []  # (event, mti prefix, what the acquirer's event is to return), each once
        self._died = False
        self._starved = None  # what is said of a terminal that has too little memory
        self._forget = (
            terminal.died.connect(self._note_death),
            terminal.starved.connect(self._note_hunger),
        )
        self._listener = None
        if acquirer is not None:
            self._listener = acquirer.on_event
            acquirer.on_event = self._hear

    async def play(self, statements):
        """Do every statement in turn. Raises ScenarioError at the first that does not hold."""
        watcher = asyncio.ensure_future(self._watch()) if self._echo else None
        try:
            for statement in statements:
                await self._do(statement)
            if watcher is not None:
                await self._show()
        finally:
            if watcher is not None:
                watcher.cancel()
                await asyncio.gather(watcher, return_exceptions=True)

    async def close(self):
        """Let go of what scenarios started."""
        if self._impostor is not None:
            await self._impostor.stop()
            self._impostor = None
        if self.acquirer is not None:
            self.acquirer.on_event = self._listener
        for forget in self._forget:
            forget()

    def _note_death(self, status):
        self._died = True

    def _note_hunger(self, text):
        self._starved = text

    async def _do(self, statement):
        if self._echo:
            self._echo(f"{self._clock()}  {statement.line}")
        try:
            async with asyncio.timeout(statement.within_s * _STARVED + _AT_MOST_S):
                await getattr(self, f"_{statement.verb}")(
                    *statement.words, limit=statement.within_s
                )
        except (_Unmet, TimeoutError, ValueError) as error:
            if self._starved:
                raise ScenarioError(f"{statement.place}: {self._starved}") from None
            raise ScenarioError(await self._complaint(statement, error)) from None

    def _clock(self):
        return f"{time.monotonic() - self._began:6.2f} s"

    async def _complaint(self, statement, error):
        lines = await self.lines()
        said = str(error) or "took too long"
        parts = [f"{statement.place}: {statement.line}", f"  {said}", "", "  On the screen:"]
        if not self.terminal.on:
            parts.append("    (the terminal is off)")
        parts += [f"    {line}" for line in lines if line.strip()]
        parts += ["", *(f"    {line}" for line in blocks(self.terminal.panel.pixels))]
        tail = self.terminal.console.lines[-12:]
        if tail:
            parts += ["", "  On the serial line:", *(f"    {line}" for line in tail)]
        return "\n".join(parts)

    # -- the screen -------------------------------------------------------------------------------

    async def lines(self):
        """Return what is on the screen now, read once for each picture."""
        pixels = self.terminal.panel.pixels
        if pixels != self._read_pixels:
            lines = await asyncio.to_thread(self._read, pixels)
            self._read_pixels, self._lines = pixels, lines
        return self._lines

    def _read(self, pixels):
        if not any(pixels):
            return []
        from tools.simulator.screen_reader import read

        return read(pixels)

    async def _until(self, met, limit, complaint):
        """Wait until `met(lines)` gives something true, looking at every change; return it."""
        time_left = Limit(self.terminal, limit)
        while True:
            found = met(await self.lines())
            if found and await self._whole():
                return found
            if self._starved:
                raise _Unmet(self._starved)
            if self._died:
                raise _Unmet("the terminal's process has ended")
            if time_left.over:
                raise _Unmet(f"{complaint} within {limit:g} s")
            await self.terminal.changed.wait_for(
                lambda: self.terminal.panel.pixels != self._read_pixels, _STEADY_S
            )

    async def _whole(self):
        """Wait for the terminal's next scan; return whether the picture that was read last is
        there still, and nothing was sent to the panel meanwhile: it is painted to its end.
        """
        terminal = self.terminal
        sent, scans = terminal.panel.bytes_received, terminal.keypad.scans
        end = time.monotonic() + _STILL_S
        while terminal.on and terminal.keypad.scans == scans and time.monotonic() < end:
            await asyncio.sleep(_LOOK_S)
        return terminal.panel.bytes_received == sent and terminal.panel.pixels == self._read_pixels

    def _meant(self, text):
        """Return the words that stand for `text`, without white space."""
        if text.startswith("@"):
            if self._texts is None:
                path = REPOSITORY / "firmware" / "text" / f"{self._language}.json"
                self._texts = json.loads(path.read_text(encoding="utf-8"))
            if text[1:] not in self._texts:
                raise _Unmet(f"firmware/text has no {text}")
            text = max(re.split(r"%[sd]|%%|\n", self._texts[text[1:]]), key=len)
        return _squeeze(text)

    async def _watch(self):
        """Show each screen that stays for a moment."""
        while True:
            await self.terminal.changed.wait()
            pixels = self.terminal.panel.pixels
            await asyncio.sleep(_STEADY_S)
            if pixels == self.terminal.panel.pixels and not self._typing:
                await self._show()

    async def _show(self):
        lines = [line.rstrip() for line in await self.lines()]
        if lines == self._shown:
            return
        self._shown = lines
        if any(lines):
            self._echo(_framed(lines))

    async def _see(self, text, limit):
        meant = self._meant(text)
        await self._until(
            lambda lines: meant in _squeeze("".join(lines)), limit, f"{text!r} was not seen"
        )

    async def _not_see(self, text, limit):
        meant = self._meant(text)
        await self._until(
            lambda lines: meant not in _squeeze("".join(lines)), limit, f"{text!r} stayed"
        )

    async def _choose(self, text, limit):
        await self._go(text, limit)
        await self._answered("D")

    async def _pass(self, text, limit):
        meant, further, busy = map(self._meant, (text, "@ui.next", "@ui.wait"))

        def asks(lines):
            return meant in _squeeze("".join(lines)) and busy not in _hint(lines)

        await self._until(asks, limit, f"{text!r} was not seen")
        while further in _hint(await self._picture()):
            await self._answered("D")
        await self._answered("D")

    async def _picture(self):
        """Return the lines of the picture, once it is whole."""
        while True:
            lines = await self.lines()
            if await self._whole():
                return lines

    async def _answered(self, key):
        """Press a key, and wait for the page that answers it.

        The next statement would otherwise act upon the page that the key has answered already.
        """
        terminal = self.terminal
        before = terminal.panel.pixels
        await self._key(key)
        await terminal.keypad.scanned(_TAKEN_SCANS)
        end = terminal.keypad.scans + _ANSWER_SCANS
        while terminal.on and terminal.panel.pixels == before and terminal.keypad.scans < end:
            await asyncio.sleep(_LOOK_S)
        await self._picture()

    async def _go(self, text, limit):
        meant = self._meant(text)
        await self._until(lambda lines: self._chosen(), limit, "no menu was seen")
        passed = []
        for _ in range(_MENU_LIMIT):
            counter, words = await self._steady_row(limit)
            if _names(words, meant):
                return
            if (counter, words) in passed:
                break
            passed.append((counter, words))
            await self._answered("B")
        rows = ", ".join(words for _, words in passed)
        raise _Unmet(f"no row shows {text!r}; there are: {rows}")

    def _chosen(self):
        """Return where the inverted rows of a menu or a review begin."""
        pixels = self._read_pixels
        return [
            top
            for top in _ROWS
            if all(
                pixels[(y >> 3) * _WIDTH + _MARGIN] >> (y & 7) & 1
                for y in range(top, top + _ROW_HEIGHT)
            )
        ]

    async def _steady_row(self, limit):
        """Return (counter, words) of the chosen row, once the picture is whole."""
        rows = await self._until(lambda lines: self._chosen(), limit, "no row was chosen")
        counter = "".join((await self.lines())[:1])
        lines = await asyncio.to_thread(self._read, _only(self._read_pixels, rows))
        return counter, _squeeze("".join(lines))

    # -- hands ------------------------------------------------------------------------------------

    async def _press(self, *keys, limit):
        for index, key in enumerate(keys):
            if key == "long":
                continue
            held = keys[index + 1 : index + 2] == ("long",)
            await self._key(key, _LONG_MS if held else 0)
        await self.terminal.keypad.scanned(_TAKEN_SCANS)

    async def _type(self, text, limit):
        self._typing = True  # only what it comes to is worth showing
        try:
            for key in text:
                await self._key(key)
            await self.terminal.keypad.scanned(_TAKEN_SCANS)
        finally:
            self._typing = False

    async def _key(self, key, held_ms=0):
        self.presses[self._phase_now] += 1
        await self.terminal.keypad.press(key, held_ms)

    async def _swipe(self, card, limit):
        self.presses[self._phase_now] += 1
        self.terminal.reader.swipe(CARDS[card][2] if card in CARDS else f"{card}\r\n")

    async def _code(self, how="right", *, limit):
        totp = pyotp.TOTP(self._identity["totp_secret"])
        if how == "wrong":
            good = {totp.at(self._now() + shift) for shift in range(-90, 120, 30)}
            code = next(f"{n:06d}" for n in range(len(good) + 1) if f"{n:06d}" not in good)
        else:
            code = totp.generate_otp(await self._free_step())
        await self._type(code, limit)

    async def _password(self, operator, limit):
        if operator not in self._first:
            raise _Unmet(f"there is no first password of {operator}")
        await self._type(self._first[operator], limit)

    async def _note(self, operator, limit):
        self._first[operator] = await self._eight(limit)

    async def _respond(self, operator, limit):
        challenge = await self._eight(limit)
        await self._answered("D")
        service_key = bytes.fromhex(self._identity["service_key"])
        await self._type(reset_code(service_key, self._me(), operator, challenge), limit)

    async def _eight(self, limit):
        """Return the eight digits, in fours, on the screen."""
        found = await self._until(
            lambda lines: _EIGHT.search("\n".join(lines)), limit, "no eight digits were seen"
        )
        return "".join(found.groups())

    async def _free_step(self):
        """Return an unused time step that the host takes now: the present one or the next."""
        while True:
            now = int(self._now()) // 30
            step = max(now, self._last_step + 1)
            if step <= now + 1:
                self._last_step = step
                return step
            await asyncio.sleep(30 - self._now() % 30)

    def _now(self):
        # The owner's clock, which goes with the acquirer's.
        return time.time() if self.acquirer is None else self.acquirer.clock()

    async def _power(self, what, limit):
        if what in ("off", "cycle"):
            await self.terminal.power_off()
        if what in ("on", "cycle"):
            self._console_from = len(self.terminal.console.lines)
            self._died = False
            await self.terminal.power_on()
        if what not in ("on", "off", "cycle"):
            raise _Unmet("power on, off or cycle")

    async def _console(self, text, limit):
        console = self.terminal.console
        time_left = Limit(self.terminal, limit)
        while not await console.printed.wait_for(
            lambda: any(text in line for line in console.lines[self._console_from :]), _STEADY_S
        ):
            if time_left.over:
                raise _Unmet(f"{text!r} was not printed within {limit:g} s")

    # -- the way to the acquirer ------------------------------------------------------------------

    async def _link(self, what, *words, limit):
        link = self.terminal.link
        if what == "cut" and words:
            byte = int(words[2]) if len(words) > 2 else 0
            link.cut_at(words[0], int(words[1]), byte)
        elif what == "cut":
            link.cut()
        elif what == "refuse":
            link.refuse = True
            link.cut()
        elif what == "swallow":
            link.swallow = True
        elif what == "restore":
            link.restore()
            self._faults.clear()
        elif what == "lose" and words and words[0] in ("request", "reply"):
            self._here()
            event = "received" if words[0] == "request" else "processed"
            mti = words[1] if len(words) > 1 else _OF_A_CHANGE
            count = int(words[2]) if len(words) > 2 else 1
            self._faults += [(event, mti, "drop")] * count
        else:
            raise _Unmet("link cut, refuse, swallow, restore, or lose request or reply")

    async def _wifi(self, what, limit):
        wifi = self.terminal.wifi
        network = air.Network(**self.terminal.facts["networks"][0])
        changed = {
            "on": network,
            "open": air.Network(network.ssid, "", air.OPEN),
            "wrong": air.Network(network.ssid, network.password + "?"),
        }
        if what in changed:
            wifi.add(changed[what])
        elif what == "off":
            wifi.remove(network.ssid)
        elif what == "drop":
            wifi.drop()
        else:
            raise _Unmet("wifi on, off, drop, open or wrong")

    # -- the acquirer -----------------------------------------------------------------------------

    def _here(self):
        if self.acquirer is None:
            raise _Unmet("the acquirer does not run here")
        return self.acquirer

    def _hear(self, name, info):
        for fault in self._faults:
            event, mti, answer = fault
            if event == name and info.get("mti", "").startswith(mti):
                self._faults.remove(fault)
                return answer
        return self._listener(name, info) if self._listener is not None else None

    async def _acquirer(self, what, *words, limit):
        acquirer = self._here()
        home = acquirer.home.path
        merchant = self._merchant
        if what == "stop":
            await acquirer.stop()
        elif what == "start":
            await acquirer.start(port=self.terminal.link.port)
        elif what == "impostor":
            await self._stand_in(home)
        elif what == "genuine":
            await self._impostor.stop()
            self._impostor = None
            self.terminal.link.port = acquirer.port
            self.terminal.link.cut()
        elif what == "answer" and words:
            self._faults.append(("received", _OF_A_CHANGE, words[0]))
        elif what == "reply" and words:
            mti, lies = (_OF_A_CHANGE, words) if "=" in words[0] else (words[0], words[1:])
            self._faults.append(("received", mti, lie(lies)))
        elif what == "review" and words in (("on",), ("off",)):
            self._office.set_policy(home, merchant, review=words == ("on",))
        elif what == "cvv2" and words in (("on",), ("off",)):
            self._office.set_policy(home, merchant, cvv2=words == ("on",))
        elif what in ("accept", "reject"):
            reason = words[0] if words else None
            self._office.decide(home, what == "accept", reason=reason, at=acquirer.clock())
        elif what == "owner" and words in (("on",), ("off",)):
            self._office.set_policy(home, merchant, owner_confirms=words == ("on",))
        elif what == "hold" and words:
            self._office.set_policy(home, merchant, hold_days=int(words[0]))
        elif what == "later" and words:
            acquirer.clock.later_s += float(words[0])
        elif what == "want":
            self._office.want_records(home, self._me())
        elif what == "bind" and words:
            self._office.bind(home, self._me(), words[0])
        elif what == "unbind":
            self._office.unbind(home, self._me(), *map(int, words))
        elif what == "merchant" and words:
            self._office.renumber(home, merchant, words[0])
            self._merchant = words[0]
        elif what == "unlock":
            self._office.unlock(home, self._me())
        else:
            raise _Unmet("acquirer start, stop, impostor, genuine, answer, reply, review, …")

    async def _owner(self, answer, *, limit):
        if answer not in ("confirms", "refuses"):
            raise _Unmet("owner confirms or refuses")
        acquirer = self._here()
        await self._books("1", "applications", "status=review", limit=limit)
        self._office.answer_as_owner(
            acquirer.home.path,
            answer == "confirms",
            terminal=self._me(),
            at=acquirer.clock(),
        )

    async def _stand_in(self, home):
        """Lead the link to somebody with the acquirer's name and a certificate of his own."""
        other = Path(f"{home}.impostor")
        self._office.init(other, server_name=self._identity["server_name"])
        self._impostor = type(self.acquirer)(other)
        self.terminal.link.port = await self._impostor.start()
        self.terminal.link.cut()

    async def _phase(self, name, *, limit):
        self._phase_now = name
        self.on_phase(name)

    async def _books(self, count, kind, *patterns, limit):
        wanted = int(count)
        rules = [pattern.partition("=")[::2] for pattern in patterns]
        time_left = Limit(self.terminal, limit)
        while True:
            rows = self._rows(kind)
            found = [row for row in rows if _matches(row, rules)]
            if len(found) == wanted:
                return
            if time_left.over:
                shown = json.dumps(rows, ensure_ascii=False)
                raise _Unmet(f"{len(found)} rows of {kind} match, of these: {shown}")
            await asyncio.sleep(0.05)

    def _rows(self, kind):
        books = self._office.read_books(self._here().home.path)
        if kind not in books:
            raise _Unmet(f"the books have {', '.join(books)}")
        return [row for row in books[kind] if row.get("terminal") in (None, self._me())]

    def _me(self):
        return self._identity["terminal"]

    async def _agree(self, *, limit):
        terminal = await self.terminal_token(limit)
        books = self.books_token()
        if terminal != books:
            raise _Unmet(f"terminal {terminal}, acquirer {books}")

    async def terminal_token(self, limit=WITHIN_S):
        """Return the check token on the screen, once there is one."""
        found = await self._until(
            lambda lines: _TOKEN.search(" ".join(lines)), limit, "no token was seen"
        )
        return found.group()

    def books_token(self, slot=1):
        """Return the token of the slot's binding in the books, or None."""
        tokens = [row["token"] for row in self._rows("bindings") if row["slot"] == slot]
        return tokens[0] if tokens else None


def _matches(row, rules):
    return all(
        name in row and fnmatch.fnmatchcase(_value(row[name]), pattern) for name, pattern in rules
    )


def _value(value):
    return "" if value is None else str(value)


def _hint(lines):
    return _squeeze("".join(lines[-1:]))


def _squeeze(text):
    return "".join(text.split())


def _names(words, meant):
    """Whether a menu row (its digit, its words, cut or not) is the one that is meant."""
    words = re.sub(r"^[1-9]", "", words, count=1) if not meant[:1].isdigit() else words
    return meant in words or (words.endswith("…") and meant.startswith(words[:-1]))


def _only(pixels, rows):
    """Return the picture with nothing but the rows that begin at `rows`."""
    kept = bytearray(len(pixels))
    for y in (y for top in rows for y in range(top, top + _ROW_HEIGHT)):
        bit = 1 << (y & 7)
        for at in range((y >> 3) * _WIDTH, (y >> 3) * _WIDTH + _WIDTH):
            kept[at] |= pixels[at] & bit
    return bytes(kept)


def blocks(pixels):
    """Return the picture as 32 lines of half-block characters."""
    lines = []
    for y in range(0, 64, 2):
        page = pixels[(y >> 3) * _WIDTH :][:_WIDTH]
        lines.append("".join(" ▀▄█"[byte >> (y & 7) & 3] for byte in page).rstrip())
    return lines


def _framed(lines):
    width = max(22, *(_columns(line) for line in lines))
    inside = "\n".join(f"          │ {line}{' ' * (width - _columns(line))} │" for line in lines)
    bar = "─" * (width + 2)
    return f"          ┌{bar}┐\n{inside}\n          └{bar}┘"


def _columns(text):
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
