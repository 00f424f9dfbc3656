"""What people do, one scenario each, and the world it begins in.

What always holds: every scenario but the first start begins in a world that was lived in:
installed by the firmware itself, and with a flash so full that the errand turns over a sector in
its middle. May import world, bodies.
"""

import contextlib
import functools
from dataclasses import dataclass, field, replace

from firmware.storage import recovery
from firmware.storage import state as store
from firmware.storage.journal import Journal
from host_tests.crash import world
from host_tests.crash.bodies import CPython
from host_tests.crash.world import MemoryBooks, Policy, World
from host_tests.storage import schema2
from host_tests.storage.journals import held
from host_tests.storage.nor import Nor, PowerCut

OLD = world.binding("11112222333344445")
NEW = world.binding("6222020200112233445")
CARD = world.card("6205500000000000004")
STRANGER = world.binding("6222020200112233445", holder="李四")
PASSWORDS = {"01": "52947013", "00": "8351047264"}
CHOSEN = "71940382"
CVV2 = "6071"
_CHANGE_ACCOUNT, _CHANGE_CARD, _RESTORE, _REMOVE = 1, 2, 3, 4
_RESERVE = 2  # the slot of one that waits
_BASE = {"patience_s": 4 * 3600, "passwords": PASSWORDS, "probe": [], "linger_s": 0}


@dataclass(frozen=True)
class Scenario:
    """One errand and what may come of it.

    errand: what the people do (life.Till.do_*), `plan` its details, in `slot`. ends: the bindings
    that this may end with, None for none, first the one it ends with where nothing fails. start:
    the bindings that slot 1 has had, the last of them current; reserve: the one of slot 2.
    updated: whether the flash is as firmware of schema 2 left it, so that the errand's first
    writing begins today's first sector. off_s: how long power is away after a cut, with `nights`
    also once at the end. fill: whether the flash is worn and nearly full. elsewhere, renumbered:
    what the acquirer has changed meanwhile. records: whether it wants the audit log.
    """

    name: str
    errand: str
    plan: dict = field(default_factory=dict)
    policy: Policy = Policy()
    ends: tuple = (OLD,)
    start: tuple = (OLD,)
    slot: int = 1
    reserve: bytes | None = None
    off_s: int = 30
    nights: bool = False
    fill: bool = True
    elsewhere: bytes | None = None
    renumbered: str | None = None
    records: bool = False
    updated: bool = False

    def full_plan(self, resumed):
        """What a life is told."""
        told = {"errand": self.errand, "slot": self.slot, "resumed": resumed}
        return {**_BASE, **self.plan, **told}

    def had(self, slot):
        """The bindings that a slot had before, the last of them current."""
        if slot == 1:
            return self.start
        return (self.reserve,) if slot == _RESERVE and self.reserve else ()


def _change(tlvs, action=_CHANGE_ACCOUNT, **more):
    return {"action": action, "reason": 4, "tlvs": tlvs.hex(), **more}


_DAYS = 3 * 86400
_NEXT_CODE_S = 120

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("change accepted", "change", _change(NEW), ends=(NEW, OLD)),
        Scenario("reviewed", "change", _change(NEW), Policy(review=True), ends=(NEW, OLD)),
        Scenario(
            "reviewed, power away",
            "change",
            {**_change(NEW), "patience_s": 60},
            Policy(review=True, decide_s=_DAYS),
            ends=(NEW, OLD),
            off_s=_DAYS + 3600,
            nights=True,
        ),
        Scenario("reviewed, rejected", "change", _change(NEW), Policy(review=True, accept=False)),
        Scenario("owner confirms", "change", _change(NEW), Policy(owner=True), ends=(NEW, OLD)),
        Scenario(
            "owner awaited",
            "change",
            {**_change(NEW), "watched": True},
            Policy(owner=True, decide_s=12),
            ends=(NEW, OLD),
        ),
        Scenario(
            "owner awaited, refuses",
            "change",
            {**_change(NEW), "watched": True},
            Policy(owner=True, decide_s=12, accept=False),
        ),
        Scenario("refused", "change", _change(STRANGER)),
        Scenario(
            "bank out",
            "change",
            _change(NEW),
            Policy(outage=(12, "91")),
            ends=(NEW, OLD),
        ),
        Scenario(
            "declined for a while",
            "change",
            _change(NEW),
            Policy(outage=(600, "58")),
            ends=(OLD, NEW),
        ),
        Scenario(
            "restore",
            "change",
            _change(OLD, _RESTORE),
            start=(OLD, NEW),
            ends=(OLD, NEW),
        ),
        Scenario(
            "change of card",
            "change",
            _change(CARD, _CHANGE_CARD, cvv2=CVV2),
            Policy(cvv2=True),
            ends=(CARD, OLD),
        ),
        Scenario(
            "bind another",
            "change",
            _change(CARD, _CHANGE_CARD),
            ends=(CARD, None),
            slot=_RESERVE,
        ),
        Scenario(
            "reserve removed",
            "change",
            _change(b"", _REMOVE),
            ends=(None, CARD),
            slot=_RESERVE,
            reserve=CARD,
        ),
        Scenario(
            "password change",
            "password",
            {"old": PASSWORDS["01"], "new": CHOSEN, "probe": [PASSWORDS["01"], CHOSEN]},
        ),
        Scenario("password reset", "reset", {"new": CHOSEN, "probe": [PASSWORDS["01"], CHOSEN]}),
        Scenario("operator added and deleted", "staff", {"probe": [PASSWORDS["01"]]}),
        Scenario("lock-out", "guess", {"probe": [PASSWORDS["01"]]}),
        Scenario("changed elsewhere", "nothing", ends=(NEW,), elsewhere=NEW),
        Scenario("merchant renumbered", "nothing", renumbered="898310054110099"),
        Scenario("records wanted", "nothing", {"linger_s": 1000}, records=True),
        Scenario("first start", "install", {"probe": [world.FIRST_PASSWORD]}, fill=False),
        Scenario("updated", "change", _change(NEW), ends=(NEW, OLD), updated=True),
        Scenario(
            "updated, password change",
            "password",
            {"old": PASSWORDS["01"], "new": CHOSEN, "probe": [PASSWORDS["01"], CHOSEN]},
            updated=True,
        ),
    )
}
MAIN = "change accepted"


@functools.cache
def begin(scenario):
    """The snapshot that a scenario (by name) begins from."""
    scenario = SCENARIOS[scenario]
    books = MemoryBooks()
    try:
        snapshot = _begin(books, scenario)
        return replace(snapshot, begun_ms=snapshot.now_ms)
    finally:
        books.close()


def _begin(books, scenario):
    if not scenario.fill:
        return world.first(books, scenario.start[0])
    snapshot = _worn(scenario.start[0])
    for tlvs in scenario.start[1:]:
        snapshot, _ = _live(books, snapshot, errand="change", **_change(tlvs))
        snapshot = snapshot.later(_NEXT_CODE_S)
    if scenario.reserve:
        bound = _change(scenario.reserve, _CHANGE_CARD, slot=_RESERVE)
        snapshot, _ = _live(books, snapshot, errand="change", **bound)
        snapshot = snapshot.later(_NEXT_CODE_S)
    if scenario.records:
        snapshot, _ = _live(books, snapshot, errand="passwords")  # something to tell
    if scenario.updated:
        return _changed(books, scenario, _outdated(snapshot))
    return _nearly_full(books, scenario, snapshot)


def _outdated(snapshot):
    """The same world with a flash as firmware of schema 2 would have left it: the oldest sector is
    the one whose turn comes, and the head's last record is torn.
    """
    nvs = dict(snapshot.nvs)
    secrets = [nvs[name] for name in ("seal_key", "mac_key", "token_key")]
    blocks = len(snapshot.flash) // world.SECTOR
    today = Journal(Nor(blocks, snapshot.flash), *secrets)
    recovery.mount(today)
    flash = Nor(blocks)
    old = schema2.Journal(flash, *secrets)
    old.resume(-1, 1, world.SECTOR, 7, 1000, today.number, today.chain)
    for key, value in held(today).items():
        if store.OPERATOR <= key < store.OPERATOR + store.OPERATORS:
            key += schema2.OPERATOR - store.OPERATOR
        elif store.ATTEMPTS <= key < store.ATTEMPTS + store.OPERATORS:
            key += schema2.ATTEMPTS - store.ATTEMPTS
        old.items[key] = value
    for _ in range(60):  # several sectors of them: the log is in the oldest too
        old.put(((store.TIME, old.items.get(store.TIME, bytes(4))),) * 60)
    flash.cut = 40
    with contextlib.suppress(PowerCut):
        old.put(((store.TIME, bytes(4)),) * 60)
    return replace(snapshot, flash=bytes(flash.data))


def _changed(books, scenario, snapshot):
    """What the acquirer has changed when the errand begins."""
    books.put_back(snapshot.books)
    with books.transaction():
        if scenario.policy.review:
            books.set_merchant(world.MERCHANT, review=True)
        if scenario.policy.owner:
            books.set_merchant(world.MERCHANT, owner_confirms=True)
        if scenario.policy.cvv2:
            books.set_merchant(world.MERCHANT, cvv2=True)
        if scenario.elsewhere:
            row = books.terminal(world.TERMINAL)
            books.bind(row, 1, scenario.elsewhere, snapshot.now_ms // 1000)
        if scenario.records:
            books.want_records(books.terminal(world.TERMINAL), True)
        if scenario.renumbered:
            books.renumber(world.MERCHANT, scenario.renumbered)
    return replace(snapshot, books=books.image())


@functools.cache
def _worn(bound):
    """The world after installation: passwords chosen, records sent, the ring gone round once."""
    books = MemoryBooks()
    snapshot = world.first(books, bound)
    for errand in ("install", "passwords"):
        snapshot, _ = _live(books, snapshot, errand=errand)
    with books.transaction():
        books.want_records(books.terminal(world.TERMINAL), True)
    snapshot, _ = _live(books, replace(snapshot, books=books.image()), errand="nothing")
    snapshot, _ = _live(books, snapshot, errand="fill", times=0, width=100)
    books.close()
    return snapshot


def _nearly_full(books, scenario, snapshot):
    """Fill the flash so far that the scenario's errand erases a sector, half-way through."""
    _, there = _live(books, snapshot, errand="fill", times=0, width=4)
    until_erased = int(next(text for kind, text, *_ in reversed(there.log) if kind == "filled"))
    filling = there.programmed / until_erased
    there = lived(books, scenario, _changed(books, scenario, snapshot))
    room = int(there.programmed / filling / 2) + 1
    for left in range(room, 0, -1):
        full, _ = _live(books, snapshot, errand="fill", times=until_erased - left, width=4)
        start = _changed(books, scenario, full)
        if lived(books, scenario, start).erases:
            return start
    raise AssertionError(f"{scenario.name} turns over no sector")


def lived(books, scenario, snapshot):
    """The world after the scenario's errand, with nothing taken down."""
    there = World(books, snapshot, scenario.policy, watch=False)
    CPython().live(there, scenario.full_plan(False))
    return there


def _live(books, snapshot, **plan):
    there = World(books, snapshot, Policy(), watch=False)
    CPython().live(there, {**_BASE, "slot": 1, "resumed": False, **plan})
    return there.snapshot(), there
