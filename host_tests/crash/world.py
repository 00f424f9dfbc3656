"""Everything outside the terminal's firmware, and what a power cut leaves of it at each point.

What always holds: a snapshot holds all that is durable and nothing else; the acquirer is the real
one (tools.acquirer: rules, exchange, books), reached by the frames that the firmware made; time
only passes when the terminal waits. A program is cut after each byte that changes a cell; an
erase leaves its sector as it was, half erased in several ways, or blank. May import
tools.acquirer.
"""

import json
import random
from dataclasses import dataclass, field, replace
from hashlib import sha256

from tools.acquirer import keys, message, rules, tlv
from tools.acquirer.banks import Directory
from tools.acquirer.books import Books
from tools.acquirer.exchange import Exchange

SECTOR = 4096
TERMINAL = "10000001"
MERCHANT = "898310054110001"
HOLDER = "上海示例商贸有限公司"
LICENCE = "91350100M000100Y43"
NOON = 1795492800  # 2026-11-24 12:00 in China

# A link's error codes, as drivers.tls_link has them
DNS, CONNECT, TLS, TIMEOUT, CLOSED = 2, 3, 4, 6, 7

_IKID = bytes.fromhex("5265626900000001")
_BASE_KEY = bytes.fromhex("fedcba9876543210f1f1f1f1f1f1f1f1")
_NO_BANKS = Directory(":memory:")
_TOKEN_KEY = bytes(range(16))
_SERVICE_KEY = bytes(range(16, 32))
FIRST_OF_00 = "48159263"
FIRST_PASSWORD = "70425816"  # operator 01's
_CODE_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_VAULT = keys.Vault(bytes(32))
_IDLE_S = 120
_UPDATE, _INQUIRY = "2", "5"
# How far a cut erase got: how much of the sector is blank, and how many bits of the rest are set.
_GARBAGE = ((0, 1), (0, 8), (0, 512), (0.01, 0), (0.5, 256), (0.5, 1 << 14), (0.99, 0), (1, 0))

CONFIG = {
    "terminal": TERMINAL,
    "merchant": MERCHANT,
    "serial": f"RB{TERMINAL}",
    "licence": LICENCE,
}


class MemoryBooks(Books):
    """The acquirer's books in memory, which can be copied and put back as a whole."""

    def __init__(self):
        super().__init__(":memory:", _VAULT)
        self._image = None
        self._changes = -1

    def image(self):
        """All of them as bytes."""
        if self._changes != self._db.total_changes:
            self._changes = self._db.total_changes
            self._image = self._db.serialize()
        return self._image

    def put_back(self, image):
        """Make `image` the books."""
        if image is not self._image or self._changes != self._db.total_changes:
            self._db.deserialize(image)
            self._image, self._changes = image, self._db.total_changes


@dataclass(frozen=True)
class Snapshot:
    """What is left without power: flash, key storage, the acquirer's books, the time, and what was
    seen so far (`log`). `drawn`: how many random numbers were taken, so that none comes twice.
    begun_ms: when the scenario began. late: a frame that is still on its way to the acquirer.
    """

    flash: bytes
    nvs: dict
    books: bytes
    now_ms: int
    drawn: int = 0
    log: tuple = ()
    begun_ms: int = 0
    late: bytes = b""

    def later(self, seconds):
        """The same after a time without power."""
        return replace(self, now_ms=self.now_ms + int(seconds * 1000))


@dataclass(frozen=True)
class Point:
    """One place where power or line can be cut.

    kind: program, erase, nvs, power (at a network event) or link. `link`: the number of the
    network event at which the line is cut instead of the power. `part` of `parts`: where in an
    operation.
    """

    kind: str
    label: str
    base: Snapshot = field(repr=False)
    overlay: tuple = (0, b"")
    part: int = 0
    parts: int = 1
    link: int | None = None

    @property
    def is_edge(self):
        """Whether it is among the few that stand for all of its operation."""
        return self.part in (0, 1, self.parts // 2, self.parts - 1)

    def snapshot(self):
        """What a power cut leaves here."""
        at, cells = self.overlay
        if not cells:
            return self.base
        flash = self.base.flash
        return replace(self.base, flash=flash[:at] + cells + flash[at + len(cells) :])


@dataclass(frozen=True)
class Policy:
    """How the acquirer behaves.

    review: changes wait for a decision. owner: for the owner's confirmation. decide_s: seconds
    until either is taken. accept: which. cvv2: it is wanted with a card.
    outage: (seconds from the scenario's begin, response code): until then changes get that code
    without any processing.
    """

    review: bool = False
    owner: bool = False
    decide_s: int = 600
    accept: bool = True
    cvv2: bool = False
    outage: tuple | None = None


class World:
    """The world of one life, begun from a snapshot. `link_cuts`: the network events to cut
    at. With `watch`, points are taken down; without, the life is only lived.
    """

    def __init__(self, books, snapshot, policy, link_cuts=(), watch=True):
        self.books = books
        books.put_back(snapshot.books)
        self._exchange = Exchange(books, _BASE_KEY, lambda: self._now_ms // 1000, _NO_BANKS)
        self._policy = policy
        self._flash = bytearray(snapshot.flash)
        self._nvs = dict(snapshot.nvs)
        self._now_ms = snapshot.now_ms
        self._begun_ms = snapshot.begun_ms
        self._late = snapshot.late
        self._drawn = snapshot.drawn
        self._log = list(snapshot.log)
        self._link_cuts = link_cuts
        self._watch = watch
        self._events = 0
        self._connected = False
        self._used_ms = 0
        self._lost = False
        self._inbox = b""
        self._step = 0
        self.points = []
        self.cut_at = 0
        self.erases = 0
        self.programmed = 0
        self.facts = {}
        self.decide()

    def snapshot(self):
        """What a power cut leaves now."""
        return Snapshot(
            bytes(self._flash),
            dict(self._nvs),
            self.books.image(),
            self._now_ms,
            self._drawn,
            tuple(self._log),
            self._begun_ms,
            self._late,
        )

    @property
    def log(self):
        return tuple(self._log)

    # -- flash and key storage -------------------------------------------------------------------

    def program(self, sector, off, data):
        """The terminal clears bits."""
        at = sector * SECTOR + off
        assert at + len(data) <= len(self._flash)
        before = self._flash[at : at + len(data)]
        after = bytes(a & b for a, b in zip(before, data, strict=True))
        if self._watch:
            base = self.snapshot()
            n = len(data)
            for k in range(n):
                if not k or after[k - 1] != before[k - 1]:
                    label = f"sector {sector} at {off}: {k} of {n} bytes programmed"
                    self.points.append(Point("program", label, base, (at, after[:k]), k, n))
        self._flash[at : at + len(data)] = after
        self.programmed += len(data)

    def erase(self, sector):
        """The terminal erases a sector."""
        start = sector * SECTOR
        if self._watch:
            base = self.snapshot()
            parts = len(_GARBAGE) + 1
            for k in range(parts):
                cells = self._half_erased(sector, k) if k else b""
                label = f"sector {sector}: erase cut at stage {k} of {parts - 1}"
                self.points.append(Point("erase", label, base, (start, cells), k, parts))
        self._flash[start : start + SECTOR] = b"\xff" * SECTOR
        self.erases += 1

    def _half_erased(self, sector, stage):
        blank, bits = _GARBAGE[stage - 1]
        done = int(SECTOR * blank)
        cells = self._flash[sector * SECTOR : (sector + 1) * SECTOR]
        cells[:done] = b"\xff" * done
        noise = random.Random(f"{sector} {stage} {self.erases}")
        for _ in range(bits):
            bit = noise.randrange(done * 8, SECTOR * 8)
            cells[bit // 8] |= 1 << bit % 8
        return bytes(cells)

    def has_erased(self):
        """Whether a sector was erased in this life."""
        return self.erases > 0

    def commit(self, name, value):
        """The terminal replaces an entry of its key storage, or removes it."""
        if self._watch:
            label = f"before the commit of {name}"
            self.points.append(Point("nvs", label, self.snapshot()))
        if value is None:
            self._nvs.pop(name, None)
        else:
            self._nvs[name] = value

    # -- time, chance, people --------------------------------------------------------------------

    def now_ms(self):
        """The time of day, which the terminal can't see."""
        return self._now_ms

    def passed(self, ms):
        """The terminal waits."""
        self._now_ms += ms
        self.decide()

    def decide(self):
        """Let the acquirer's people, or the owner, decide what has waited long enough."""
        policy, now = self._policy, self._now_ms // 1000
        if not (policy.review or policy.owner):
            return
        stage = rules.PEOPLE if policy.review else rules.OWNER
        for row in self.books.under_review(stage):
            if row["created_at"] + policy.decide_s <= now:
                with self.books.transaction():
                    if policy.accept:
                        self.books.move_on(row, now)
                    elif policy.owner:
                        self.books.refuse(row, rules.Refused("owner"), now)
                    else:
                        reason = rules.reason(0, "审核未通过")
                        self.books.reject(row, "63", reason, rules.CALL, now)

    def random(self, n):
        """Random bytes that never come twice, in no world."""
        self._drawn += 1
        return sha256(b"%d" % self._drawn).digest()[:n]

    def owner_code(self):
        """What the owner's authenticator shows now."""
        step = self._now_ms // 1000 // keys.CODE_PERIOD_S
        code = keys.one_time_code(_CODE_SECRET, step)
        self.typed(code)
        return code.encode()

    def typed(self, secret):
        """What somebody types, digits, and no image may hold from now on."""
        if ("typed", secret) not in self._log:
            self._log.append(("typed", secret))

    def mark(self, kind, text):
        """Something that was seen from outside, and that no power cut takes back."""
        self._log.append((kind, text, self._now_ms // 1000))
        self._network(f"{kind} {text}", None)

    def report(self, stage, text):
        """What the terminal says of itself: `booted`, `settled`, or what keeps it from either."""
        self.facts[stage] = json.loads(text)
        if stage == "settled":
            self._network("at rest", None)
        if stage in ("booted", "settled"):
            self._log.append(("audit", *self.facts[stage]["audit"]))
        if stage == "booted":
            self.facts["tokens at boot"] = self._tokens_ever()

    def _tokens_ever(self):
        shown = self.books.snapshot()
        rows = shown["bindings"] + shown["history"]
        return {(row["slot"], row["token"]) for row in rows}

    # -- the line --------------------------------------------------------------------------------

    def _network(self, label, code):
        """A network event: power may fail here, or the line with `code`. True when it does."""
        event = self._events
        self._events += 1
        if self._watch:
            base = self.snapshot()
            self.points.append(Point("power", label, base))
            if code is not None:
                self.points.append(Point("link", label, base, link=event))
        if code is None or event not in self._link_cuts:
            return False
        self._connected = False
        self.cut_at = len(self.points)
        return True

    def alive(self):
        """Whether the connection still stands: the acquirer closes an idle one."""
        if self._now_ms - self._used_ms > _IDLE_S * 1000:
            self._connected = False
        return self._connected

    def connect(self):
        """Resolve, connect, shake hands. Returns 0 or an error code."""
        steps = (
            ("before the look-up", DNS),
            ("before connect", CONNECT),
            ("nobody answers", TIMEOUT),
            ("connected", TLS),
            ("hello sent", TLS),
            ("server's flight received", TLS),
            ("client's flight sent", TLS),
        )
        for label, code in steps:
            if self._network(label, code):
                return code
        self._connected = True
        self._used_ms = self._now_ms
        self._inbox = b""
        return 0

    def send(self, frame):
        """A frame leaves. Returns 0 or an error code."""
        if not self.alive() or self._network("before send", CLOSED):
            return CLOSED
        self._inbox, self._lost, self._step = b"", False, 0
        name = self._seen(frame)
        if self._network(f"{name} half sent", CLOSED):
            return CLOSED
        self._used_ms = self._now_ms
        if self._network(f"{name} sent and lost", TIMEOUT):
            self._lost = True
            return 0
        overtaken, self._late = self._late, frame
        if self._network(f"{name} sent, to arrive late", TIMEOUT):
            self._lost = True
            return 0
        self._late = overtaken
        self._inbox = self._answered(frame)
        self._lost = self._network(f"{name} processed", TIMEOUT)
        return 0

    def wait(self, n):
        """Wait for `n` bytes. Returns 0 or an error code."""
        if self._lost:
            return TIMEOUT
        if len(self._inbox) < n:
            return CLOSED
        label = "reply begins" if not self._step else "half of the reply received"
        if self._network(label, CLOSED):
            return CLOSED
        return 0

    def receive(self, n):
        """Take `n` bytes that are there."""
        taken, self._inbox = self._inbox[:n], self._inbox[n:]
        self._step += 1
        if not self._inbox:
            self._network("reply received", CLOSED)
        return taken

    def hang_up(self):
        """The terminal closes the connection."""
        self._connected = False

    def _seen(self, frame):
        # Whoever listens has the message's counters from its first bytes on.
        request = message.decode(frame[7:])
        change = request.get(91) == _UPDATE
        uuid = dict(tlv.split(request[120]))[rules.UUID_TAG].hex() if change else None
        self._log.append(("sent", request.mti, request[62].hex(), request[11], uuid))
        return request.mti

    def _instead(self):
        """What the acquirer is to answer instead of what it would, see Exchange.answer."""
        outage = self._policy.outage
        if outage is not None and self._log[-1][4] is not None:
            if self._now_ms < self._begun_ms + outage[0] * 1000:
                return outage[1]
        return None

    def _answered(self, frame):
        try:
            answer = self._exchange.answer(frame[7:], TERMINAL, self._instead())
            if self._late:
                self._exchange.answer(self._late[7:], TERMINAL)  # nobody waits for this one
                self._late = b""
        except message.Unanswerable:
            return b""
        return message.frame(message.reply_tpdu(frame[2:7]), answer.body)

    # -- what the acquirer knows -----------------------------------------------------------------

    def terminal(self):
        """The terminal's row in the books."""
        return self.books.terminal(TERMINAL)


def binding(account, holder=HOLDER):
    """The TLVs of an account binding."""
    pairs = {
        rules.NAME_TAG: holder.encode(),
        rules.ACCOUNT_TAG: account.encode(),
        0xDF32: b"102100099996",
        rules.TYPE_TAG: b"\1",
        rules.LICENCE_TAG: LICENCE.encode(),
    }
    return tlv.join(sorted(pairs.items()))


def card(number, holder=HOLDER):
    """The TLVs of a card binding."""
    pairs = {
        rules.NAME_TAG: holder.encode(),
        rules.PAN_TAG: number.encode(),
        rules.EXPIRY_TAG: b"3012",
        rules.LICENCE_TAG: LICENCE.encode(),
    }
    return tlv.join(sorted(pairs.items()))


def chain(previous, entry):
    """The chain of an audit entry (its DF50 without the chain) after the chain `previous`."""
    return keys.audit_chain(_TOKEN_KEY, previous, entry)


def token(tlvs):
    """The token of a binding, in hex as the books show it; None for none."""
    if tlvs is None:
        return None
    return keys.binding_token(_TOKEN_KEY, tlvs).hex().upper()


def first(books, bound, review=False, sectors=6):
    """The world before the terminal's first start: provisioned, `bound` in slot 1."""
    empty = MemoryBooks()
    books.put_back(empty.image())
    empty.close()
    with books.transaction():
        books.add_merchant(MERCHANT, [HOLDER], LICENCE, review, owner_confirms=False)
        merchant = books.merchant(MERCHANT)
        secrets = (_TOKEN_KEY, _SERVICE_KEY, _CODE_SECRET.encode())
        books.add_terminal(TERMINAL, merchant, CONFIG["serial"], _IKID, secrets, NOON)
        books.bind(books.terminal(TERMINAL), 1, bound, NOON)
    nvs = {
        "ik": keys.initial_key(_BASE_KEY, _IKID),
        "ikid": _IKID,
        "token_key": _TOKEN_KEY,
        "service_key": _SERVICE_KEY,
        "first_00": FIRST_OF_00.encode(),
        "first_01": FIRST_PASSWORD.encode(),
        "count": b"\x03\xe8",
    }
    return Snapshot(b"\xff" * (sectors * SECTOR), nvs, books.image(), NOON * 1000)
