"""One scenario, played for what it leaves: the secrets in it are learnt as they are typed, and all
places are searched for them when it is over.

What always holds: passwords and CVV2 are drawn anew for each story, so that nothing is found by
chance, and what is found is of this story; a finding never says the secret itself. The terminal's
memory is searched where the story says so (`phase "memory, …"`) and, when it is over, after a
log-out by hand. May import forms, memory, places, allowed, tools.
"""

import asyncio
import contextlib
import dataclasses
import json
import logging
import random
import re
from collections import Counter, namedtuple
from pathlib import Path
from unittest import mock

import pyotp
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_pem_private_key,
)

from host_tests.secrets import allowed, forms, memory, places
from host_tests.secrets.forms import Secret
from tools.acquirer import keys, office
from tools.device.bundle import FIRST_PASSWORDS
from tools.simulator import bench, provision, scenario, server, workplace
from tools.simulator.interpreter import REPOSITORY
from tools.toolchain import clock

UNBOUND = ("first_account",)  # what begins with nothing bound

_TEN_MINUTES = "ten minutes later"
_LATER_S = 610
_OFTEN = 24  # keys on the way to the idle page
_LEAVE_S = 120  # until somebody who presses nothing is logged out
_DIGITS = "3456789"  # without 0, 1 and 2 there is no date
_CVV2_LEN = 4

# The page on which something is typed: what it is
_TYPED_AT = {
    "@password.of": allowed.PASSWORD,
    "@password.new": allowed.PASSWORD,
    "@password.again": allowed.PASSWORD,
    "@approve.cvv2": allowed.CVV2,
    "@field.card": allowed.CARD,
}
_PUBLIC = ("@merchant.number", "@log_in.number", "@reset.response", "@reset.whose")
_PASSWORD = re.compile(r"\d{6,12}")
_NUMBER = re.compile(r"\d{13,}")

Finding = namedtuple("Finding", "kind place form count")
Result = namedtuple("Result", "story secrets bytes found allowed planted not_searched")


class Story:
    """A scenario at work. `secrets` is what has been in it so far, `heard` what was said."""

    def __init__(self, path, home, device):
        self.home = home
        self.secrets = {}
        self.heard = places.Ear()
        self.tab = places.Tab()
        self.sealed = []
        self.images = []  # (place, bytes) of what is to be searched
        self.not_searched = None
        self._statements = scenario.load(path)
        self._drawn = {}
        self._at = ""
        self._keys = []
        self._stage = None
        bound = {"account": None} if path.stem in UNBOUND else {}
        self._built = places.joined(sorted(device.rglob("*")))
        self._by_chance = set()  # (secret, form) of what was built already
        first = {
            number: _fresh(allowed.FIRST_PASSWORD, _password, [self._built])
            for number in FIRST_PASSWORDS
        }
        with self._open_seals(), mock.patch.object(office, "first_passwords", lambda: first):
            self._identity = workplace.prepare(home, device, **bound)

    # -- what is secret ---------------------------------------------------------------------------

    def learn(self, kind, value):
        """Search for this, too."""
        self.secrets[kind, value] = Secret(kind, value)

    def _learn_drawn(self, kind, digits):
        """Search for what the terminal or the acquirer has drawn, but for the forms in which so
        few digits stood by chance in what was built before them.
        """
        self.learn(kind, digits)
        secret = self.secrets[kind, digits]
        self._by_chance |= {(secret, form) for form, _ in forms.found_in(secret, self._built)}

    def _learn_given(self):
        """Learn what the terminal, the owner and the acquirer were given."""
        known, acquirer = self._identity, office.Home(self.home / "acquirer")
        self.learn(allowed.INITIAL_KEY, bytes.fromhex(known["ik"]))
        self.learn(allowed.TOKEN_KEY, bytes.fromhex(known["token_key"]))
        self.learn(allowed.SERVICE_KEY, bytes.fromhex(known["service_key"]))
        self.learn(allowed.OWNER_SECRET, known["totp_secret"])
        self.learn(allowed.OWNER_SECRET, pyotp.TOTP(known["totp_secret"]).byte_secret())
        self.learn(allowed.WIFI, provision.NETWORK.password)
        for digits in known["first_passwords"].values():
            self.learn(allowed.FIRST_PASSWORD, digits)
        tls = (self.home / "bundle" / "terminal.key.der").read_bytes()
        self.learn(allowed.TLS_KEY, _scalar(load_der_private_key(tls, None)))
        for path in (acquirer.base_key_path, acquirer.books_key_path):
            self.learn(allowed.ACQUIRER_KEY, bytes.fromhex(path.read_text()))
        for path in (acquirer.ca_key_path, acquirer.server_key_path):
            self.learn(
                allowed.ACQUIRER_KEY, _scalar(load_pem_private_key(path.read_bytes(), None))
            )
        self.learn(allowed.ACCOUNT, workplace.ACCOUNT)

    def _learn_made(self):
        """Learn the keys that the terminal has made itself."""
        made = places.nvs(self.home / "terminal" / "nvs.json")
        for name in ("seal_key", "mac_key"):
            if name in made:
                self.learn(allowed.SEALING_KEY, made[name])

    # -- the scenario -----------------------------------------------------------------------------

    async def play(self, plants):
        """Play it and search everything. Returns Result; plants: find three leaks made for it."""
        self._learn_given()
        with self._open_seals(), self._heard():
            tell = self.heard.tell
            relays = [tell]
            at_work = workplace.at_work(
                self.home,
                self._identity,
                on_event=lambda name, info: [hear(name, info) for hear in relays] and None,
            )
            async with at_work as stage, self._watched(stage, relays):
                self._stage = stage
                self._listen(stage)
                for statement in self._statements:
                    await self._do(statement)
                planted = {}
                if stage.terminal.on:
                    await self._leave()
                    self._keep_memory(allowed.OUT)
                    if plants:
                        planted |= self._plant_in_memory()
                await stage.terminal.power_off()
            self.images += self._left().items()
            self._settle_kinds()
            result = self._result(self._searched())
            if plants:
                planted |= self._plant_on_disk()
        return result._replace(planted=planted)

    def _settle_kinds(self):
        """Tell the numbers that were submitted, or bound, from those that were only typed."""
        opened = dict(self.images)[allowed.OPENED]
        for what, secret in self.secrets.items():
            if secret.kind in (allowed.ACCOUNT, allowed.CARD):
                if not any(forms.found_in(secret, opened)):
                    self.secrets[what] = Secret(allowed.TYPED, secret.value)

    def _searched(self):
        found = Counter()
        for place, data in self.images:
            found.update(self._in(place, data))
        return found

    def _result(self, found):
        wrong = {what: n for what, n in found.items() if not allowed.why(what[0], what[1])}
        sizes = Counter()
        for place, data in self.images:
            sizes[place] += len(data)
        return Result(
            *(None, dict(Counter(secret.kind for secret in self.secrets.values())), dict(sizes)),
            [Finding(*what, n) for what, n in sorted(wrong.items())],
            sorted({(what[0], what[1]) for what in found if what not in wrong}),
            *({}, self.not_searched),
        )

    @contextlib.contextmanager
    def _open_seals(self):
        """Keep what the acquirer seals in its books."""
        seal = keys.Vault.seal

        def sealed(vault, data, place):
            self.sealed.append(bytes(data))
            return seal(vault, data, place)

        with mock.patch.object(keys.Vault, "seal", sealed):
            yield

    @contextlib.contextmanager
    def _heard(self):
        log = logging.getLogger("tools")
        level = log.level
        log.addHandler(self.heard)
        log.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            log.setLevel(level)
            log.removeHandler(self.heard)

    @contextlib.asynccontextmanager
    async def _watched(self, stage, relays):
        """Have the simulator's page, with one tab open, follow all that happens."""
        desk = server.Desk(stage.acquirer.home, self._identity["terminal"])
        page = bench.Bench(
            *(stage.terminal, self._identity, server.slip(self._identity), "127.0.0.1"), desk
        )
        relays.append(page.event)
        page.join(self.tab)
        running = asyncio.create_task(page.run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            desk.close()

    def _listen(self, stage):
        stage.terminal.console.printed.connect(self.heard.serial.append)
        press = stage.terminal.keypad.press

        def noted(key, hold_ms=0):
            self._keys.append(key)
            return press(key, hold_ms)

        stage.terminal.keypad.press = noted

    async def _do(self, statement):
        verb, words = statement.verb, statement.words
        if verb == "phase":
            return await self._phase(words[0])
        if verb == "see":
            self._at = words[0]
        if verb == "type":
            words = (self._typed(words[0]),)
        elif verb == "swipe":
            self._swiped(words[0])
        elif verb == "acquirer" and words[0] == "bind":
            self.learn(allowed.ACCOUNT, words[1])
        self._keys.clear()
        await self._stage.play([dataclasses.replace(statement, words=words)])
        digits = "".join(key for key in self._keys if key.isdigit())
        kind = {
            "code": allowed.CODE,
            "password": allowed.FIRST_PASSWORD,
            "respond": allowed.RESPONSE,
        }.get(verb)
        if kind and words != ("wrong",):
            self._learn_drawn(kind, digits)

    def _typed(self, text):
        """Learn what is about to be typed; return what is typed in its place."""
        kind = _TYPED_AT.get(self._at)
        if kind == allowed.CVV2:
            return self._instead(kind, text, _cvv2)
        if found := _NUMBER.search(text):
            if self._at not in _PUBLIC:
                self.learn(kind or allowed.ACCOUNT, found.group())
        elif found := _PASSWORD.search(text):
            digits = found.group()
            if kind == allowed.PASSWORD or digits in self._drawn:
                return text.replace(digits, self._instead(allowed.PASSWORD, digits, _password))
        return text

    def _swiped(self, card):
        tracks = bench.CARDS[card][2].decode() if card in bench.CARDS else card
        for number, end, rest in re.findall(r"(\d{9,})(=|\?|\^)(\d*)", tracks):
            kind = allowed.OPERATOR_CARD if end == "?" else allowed.CARD
            self.learn(kind, number)
            if len(rest) > 8:
                self.learn(allowed.TRACK, rest)

    def _instead(self, kind, digits, draw):
        """Return what is typed instead of `digits` throughout: drawn, learnt, and nowhere yet, for
        so few digits are somewhere by chance where there is much.
        """
        if digits not in self._drawn:
            everywhere = list(self._left().values())
            with contextlib.suppress(memory.NotSearched):
                everywhere.append(memory.image(self._stage.terminal.pid))
            self._drawn[digits] = _fresh(kind, draw, everywhere)
            self.learn(kind, self._drawn[digits])
        return self._drawn[digits]

    async def _phase(self, name):
        if name == _TEN_MINUTES:
            if clock.command() is None:
                await asyncio.sleep(_LATER_S)
            clock.set_ahead(self._stage.terminal.board.clock, _LATER_S)
        elif name in allowed.PLACES:
            self._keep_memory(name)

    # -- log-out ----------------------------------------------------------------------------------

    async def _leave(self):
        """Go to the idle page as a person does; who can't is logged out for doing nothing."""
        texts = json.loads((REPOSITORY / "firmware/text/zh.json").read_text(encoding="utf-8"))
        idle, menu, sure = (
            _squeezed(texts[key]) for key in ("idle.begin", "menu.title", "change.abandon")
        )
        for _ in range(_OFTEN):
            shown = _squeezed("".join(await self._stage.lines()))
            if idle in shown:
                return
            key = "D" if sure in shown else "C"
            await self._play(f"press {key}")
            if menu in shown:
                with contextlib.suppress(scenario.ScenarioError):
                    await self._play('see "@idle.begin" within 2')
        await self._play(f'see "@idle.begin" within {_LEAVE_S}')

    async def _play(self, *lines):
        path = self.home / "more.txt"
        path.write_text("\n".join(lines), encoding="utf-8")
        await self._stage.play(scenario.load(path))

    # -- searching --------------------------------------------------------------------------------

    def _keep_memory(self, place):
        try:
            self.images.append((place, memory.image(self._stage.terminal.pid)))
        except memory.NotSearched as why:
            self.not_searched = str(why)

    def _left(self):
        """Return {place: bytes} of all but the terminal's memory."""
        self._learn_made()
        return (
            places.of_terminal(self.home / "terminal")
            | places.of_acquirer(self.home / "acquirer", office)
            | {
                allowed.SERIAL: "\n".join(self.heard.serial).encode(),
                allowed.LOG: "\n".join(self.heard.log).encode(),
                allowed.SEALED: b"\n".join(self.sealed),
                allowed.PAGE: "\n".join(self.tab.texts).encode(),
            }
        )

    def _in(self, place, data):
        """Return {(kind, place, form): how often} of what `data` has."""
        found = Counter()
        for secret in self.secrets.values():
            for form, count in forms.found_in(secret, data):
                if (secret, form) in self._by_chance:
                    continue
                found[secret.kind, place, form] += count
        return found

    # -- leaks made on purpose --------------------------------------------------------------------

    def _plant_in_memory(self):
        pid = self._stage.terminal.pid
        try:
            memory.plant(pid, self._one(allowed.PASSWORD).encode("utf-16-le"))
            found = self._in(allowed.OUT, memory.image(pid))
        except memory.NotSearched:
            return {}
        return {"memory": (allowed.PASSWORD, allowed.OUT, "UTF-16") in found}

    def _plant_on_disk(self):
        """Leave a password on flash as shifted BCD, an account in the log in fours."""
        flash = self.home / "terminal" / "flash.bin"
        image, password = flash.read_bytes(), self._one(allowed.PASSWORD)
        packed = bytes.fromhex(f"f{password}f")
        flash.write_bytes(image[: -len(packed)] + packed)
        number = self._one(allowed.ACCOUNT)
        logging.getLogger("tools.acquirer").info(
            "bound %s", " ".join(number[at : at + 4] for at in range(0, len(number), 4))
        )
        left = self._left()
        wanted = {
            "flash": (allowed.PASSWORD, allowed.FLASH, "BCD, shifted"),
            "log": (allowed.ACCOUNT, allowed.LOG, "in fours"),
        }
        return {name: what in self._in(what[1], left[what[1]]) for name, what in wanted.items()}

    def _one(self, kind):
        return next(secret.value for secret in self.secrets.values() if secret.kind == kind)


def play(path, home, device, plants=False):
    """Play the scenario in file `path`, with what it makes in `home`; return its Result."""
    path = Path(path)
    result = asyncio.run(Story(path, Path(home), device).play(plants))
    return result._replace(story=path.stem)


def _scalar(key):
    return key.private_numbers().private_value.to_bytes(32, "big")


def _password():
    """Draw a password that no rule refuses: no date, no run, nothing repeated."""
    while True:
        drawn = random.choices(_DIGITS, k=8)
        steps = [abs(int(a) - int(b)) for a, b in zip(drawn, drawn[1:], strict=False)]
        if len(set(drawn)) > 5 and not {0, 1, 3} & set(steps):
            return "".join(drawn)


def _cvv2():
    return "".join(random.sample(_DIGITS, _CVV2_LEN))


def _fresh(kind, draw, everywhere):
    while True:
        drawn = draw()
        if not any(any(forms.found_in(Secret(kind, drawn), data)) for data in everywhere):
            return drawn


def _squeezed(text):
    return "".join(text.split())
