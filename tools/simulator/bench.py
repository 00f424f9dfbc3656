"""The workbench: one simulated terminal, its owner's phone and the acquirer, for the page.

What always holds: nothing that `ask` is given can raise out of it or stop the terminal; every hand
on the keypad goes through one queue, so keys arrive in order and are held long enough to be seen;
what goes out is JSON-ready and masked, and panel frames replace one another instead of piling up.
May import the rest of tools.simulator; knows no HTTP.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque

import pyotp

from tools.simulator.models import wifi as air

KEYS = frozenset("0123456789ABCD*#")
FRAME_PERIOD_S = 1 / 50
SEEN_S = 10.0  # a terminal that looks at no key for so long does not keep the next one waiting
PRESSES_WAITING = 128
LOOK_S = 0.005
BACKLOG = 200

POWERED = 1
SHOWING = 2

_log = logging.getLogger(__name__)

# id: (printed number, printed expiry, what the reader sends)
CARDS = {
    "debit": (
        "6222 0212 3456 7890 128",
        "12/29",
        b"%B6222021234567890128^SHOP/OWNER^29122010000000000000?\r\n"
        b";6222021234567890128=29122010000000000?\r\n",
    ),
    "credit": (
        "6200 0000 0000 0005",
        "06/31",
        b";6200000000000005=31062010000012345678?\r\n",
    ),
    "expired": (
        "4761 7390 0101 0119",
        "12/22",
        b";4761739001010119=22122011758928889?\r\n",
    ),
    "damaged": ("8171 9999 2766 0000", "03/30", b"%E?\r\n;E?\r\n"),
}

WIFI_MODES = ("on", "off", "open", "wrong")
LINK_MODES = ("open", "refuse", "swallow", "cut")


class Refused(Exception):
    """What was asked cannot be done now; the argument is the key of a word on the page."""


class BooksHeld(Exception):
    """Another program holds the books."""


class Fingers:
    """Everybody's hands on the keypad: moves in order, a pressed key held until it was seen.

    A press is refused when too many wait; a release never is, and always comes behind its press.
    """

    def __init__(self, terminal):
        self._terminal = terminal
        self._moves = asyncio.Queue()  # bounded by its presses: each has one release at most
        self._presses = 0
        self._releases = dict.fromkeys(KEYS, 0)
        self._holders = {key: set() for key in KEYS}

    def move(self, holder, key, down):
        """Queue `holder` (anything hashable) pressing or leaving `key`."""
        holders = self._holders[key]
        if down:
            if not holders:
                if self._presses >= PRESSES_WAITING:
                    raise Refused("busy")
                self._presses += 1
                self._moves.put_nowait((key, True))
            holders.add(holder)
        elif holder in holders:
            holders.discard(holder)
            if not holders:
                self._releases[key] += 1
                self._moves.put_nowait((key, False))

    def let_go(self, holder):
        """Queue `holder` leaving every key."""
        for key in KEYS:
            self.move(holder, key, False)

    async def run(self):
        """Make the moves, each once the terminal has seen the one before, until cancelled."""
        while True:
            key, down = await self._moves.get()
            keypad = self._terminal.keypad
            if not down:
                self._releases[key] -= 1
                keypad.up(key)
            else:
                self._presses -= 1
                # What has come up meanwhile was short, however late the terminal looks at it.
                (keypad.matrix.tap if self._releases[key] else keypad.down)(key)
            limit = time.monotonic() + SEEN_S
            while (
                self._terminal.on and not keypad.matrix.settled(key) and time.monotonic() < limit
            ):
                await asyncio.sleep(LOOK_S)


class Phone:
    """The owner's authenticator app. `secret` is base32, or None."""

    def __init__(self, secret):
        self._totp = pyotp.TOTP(secret) if secret else None

    def read(self, now=None):
        """Return what it shows: {"code", "left" seconds}."""
        if self._totp is None:
            return {"type": "code", "code": "", "left": 0}
        now = time.time() if now is None else now
        period = self._totp.interval
        return {"type": "code", "code": self._totp.at(now), "left": period - now % period}


class Bench:
    """The terminal, the phone and, where it runs here, the acquirer (`desk`, else None).

    `desk` has `snapshot() -> dict`, `version() -> hashable` (changes when the books do),
    `decide(application, accept, reason)` and `answer_as_owner(application, confirms)`, which raise
    ValueError for what is settled or waits for somebody else. They are called on other threads,
    and raise BooksHeld when they have waited long enough for somebody else who holds the books.
    """

    def __init__(self, terminal, identity, slip, address, desk=None):
        """Take `identity` (the bundle's terminal, merchant, serial, totp_secret), `slip` (rows of
        key and value to type from) and the acquirer's `address` as text.
        """
        self.terminal = terminal
        self.fingers = Fingers(terminal)
        self.phone = Phone(identity.get("totp_secret"))
        self.address = address
        self._desk = desk
        self._tabs = set()
        self._events = deque(maxlen=BACKLOG)
        self._console = deque(maxlen=BACKLOG)
        self._books = None
        self._decision = None
        self._frame = b""
        self._lines = []
        self._wifi = "on"
        self._shop = terminal.wifi.networks[0]
        self._link = "open"
        self._power = asyncio.Lock()
        self._dirty = asyncio.Event()
        terminal.changed.connect(self._dirty.set)
        terminal.console.printed.connect(self._print)
        terminal.link.on_event = self._hear_link
        self._hello = {
            "type": "hello",
            "terminal": {key: identity[key] for key in ("terminal", "merchant", "serial")},
            "acquirer": {"here": desk is not None, "address": address},
            "cards": [
                {"id": card, "number": number, "expiry": expiry}
                for card, (number, expiry, _) in CARDS.items()
            ],
            "slip": [{"key": key, "value": value} for key, value in slip],
            "wifi": WIFI_MODES,
            "link": LINK_MODES,
        }

    # -- what goes out ----------------------------------------------------------------------------

    def join(self, tab):
        """Show everything to `tab` (`tab.text(dict)`, `tab.frame(bytes)`), from now on too."""
        self._tabs.add(tab)
        tab.text(self._hello)
        tab.text(self._state())
        tab.text(self.phone.read())
        if self._books is not None:
            tab.text(self._books)
        if self._console:
            tab.text({"type": "console", "lines": list(self._console)})
        for event in self._events:
            tab.text(event)
        tab.frame(self._see())
        tab.text({"type": "screen", "lines": self._lines})

    def leave(self, tab):
        self._tabs.discard(tab)
        self.fingers.let_go(tab)

    def event(self, name, info):
        """Take an event of the acquirer's or the link's."""
        self._events.append({"type": "event", "name": name, "at": time.time(), "info": info})
        self._tell(self._events[-1])

    def _hear_link(self, name):
        # The acquirer tells of connections itself; of what never reached it only the link knows.
        if self._desk is None or name in ("cut", "refused"):
            self.event(name, {})

    def _print(self, line):
        self._console.append(line)
        self._tell({"type": "console", "lines": [line]})

    def _tell(self, message):
        for tab in list(self._tabs):
            tab.text(message)

    def _state(self):
        return {
            "type": "state",
            "on": self.terminal.on,
            "connected": self.terminal.wifi.ssid is not None,
            "wifi": self._wifi,
            "link": self._link,
        }

    def _see(self):
        panel = self.terminal.panel
        on = self.terminal.on
        flags = (POWERED if on else 0) | (SHOWING if on and panel.on else 0)
        return bytes((flags, panel.contrast)) + bytes(panel.pixels)

    async def run(self):
        """Keep every tab up to date until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.fingers.run())
            group.create_task(self._watch_panel())
            group.create_task(self._watch_phone())
            if self._desk is not None:
                group.create_task(self._watch_books())

    async def _watch_panel(self):
        state = None
        while True:
            self._dirty.clear()
            if (frame := self._see()) != self._frame:
                self._frame = frame
                for tab in list(self._tabs):
                    tab.frame(frame)
                await self._read()
            if (now := self._state()) != state:
                state = now
                self._tell(state)
            await asyncio.sleep(FRAME_PERIOD_S)
            # Not `wait_for`, in which an end is lost that comes with what was waited for
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._dirty.wait()

    async def _read(self):
        try:
            lines = await asyncio.to_thread(self.terminal.screen) if self.terminal.on else []
        except Exception:  # the picture is there, its text is not: no reason to stop following
            _log.exception("the screen cannot be read")
            lines = []
        if lines != self._lines:
            self._lines = lines
            self._tell({"type": "screen", "lines": lines})

    async def _watch_phone(self):
        while (shown := self.phone.read())["code"]:
            self._tell(shown)
            await asyncio.sleep(shown["left"] + 0.01)

    async def _watch_books(self):
        version = object()
        while True:
            with contextlib.suppress(BooksHeld):  # what they say is shown once they are let go
                if (now := await asyncio.to_thread(self._desk.version)) != version:
                    books = await asyncio.to_thread(self._desk.snapshot)
                    version = now
                    self._books = {"type": "books", **books}
                    self._tell(self._books)
            await asyncio.sleep(0.2)

    # -- what comes in ----------------------------------------------------------------------------

    async def ask(self, tab, message):
        """Do what `message` (a decoded JSON value from a page) asks for; answer only trouble."""
        try:
            await self._do(tab, message)
        except Refused as refused:
            tab.text({"type": "refused", "why": str(refused)})
        except Exception:
            # A page must not be able to stop the bench; the window of `make run` says what it was.
            _log.exception("a request of the page failed")
            tab.text({"type": "refused", "why": "failed"})

    async def _do(self, tab, message):
        match message:
            case {"type": "key", "key": str(key), "down": bool(down)} if key in KEYS:
                self.fingers.move(tab, key, down)
            case {"type": "power", "on": bool(on)}:
                await self.power(on)
            case {"type": "swipe", "card": str(card)} if card in CARDS:
                if not self.terminal.on:
                    raise Refused("off")
                self.terminal.reader.swipe(CARDS[card][2])
            case {"type": "wifi", "mode": str(mode)} if mode in WIFI_MODES:
                self._set_wifi(mode)
            case {"type": "link", "mode": str(mode)} if mode in LINK_MODES:
                self._set_link(mode)
            case {"type": "decide", "application": str(application), "accept": bool(accept),
                  "reason": str(reason)} if self._desk is not None:  # fmt: skip
                self._settle(tab, self._desk.decide, application[:64], accept, reason[:40])
            case {"type": "owner", "application": str(application), "confirms": bool(confirms)
                  } if self._desk is not None:  # fmt: skip
                self._settle(tab, self._desk.answer_as_owner, application[:64], confirms)
            case _:
                raise Refused("bad")

    def _settle(self, tab, deed, *words):
        """Have the desk do something, one thing at a time; the tab's keys do not wait for it."""
        if self._decision is not None and not self._decision.done():
            raise Refused("books")
        self._decision = asyncio.create_task(self._settled(tab, deed, *words))

    async def _settled(self, tab, deed, *words):
        try:
            await asyncio.to_thread(deed, *words)
        except ValueError:
            tab.text({"type": "refused", "why": "decide"})
        except BooksHeld:
            tab.text({"type": "refused", "why": "books"})
        except Exception:
            _log.exception("a decision failed")
            tab.text({"type": "refused", "why": "failed"})

    async def power(self, on):
        """Put the plug in or pull it; without effect when it is so already."""
        async with self._power:
            if on != self.terminal.on:
                await (self.terminal.power_on() if on else self.terminal.power_off())
        self._dirty.set()

    def _set_wifi(self, mode):
        self._wifi = mode
        wifi, shop = self.terminal.wifi, self._shop
        if mode == "on":
            wifi.add(shop)
        elif mode == "open":
            wifi.add(air.Network(shop.ssid, "", air.OPEN))
        elif mode == "wrong":
            wifi.add(air.Network(shop.ssid, shop.password + "?"))
        else:
            wifi.remove(shop.ssid)
        self._dirty.set()

    def _set_link(self, mode):
        link = self.terminal.link
        if mode == "cut":  # a moment, not a state
            link.cut()
        else:
            self._link = mode
            link.swallow = mode == "swallow"
            link.refuse = mode == "refuse"
            if link.refuse:
                link.cut()
        self._dirty.set()
        self._tell(self._state())
