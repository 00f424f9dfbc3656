"""Whatever happens to the flash, in any order, the journal agrees with a plain dictionary.

The machine puts, cuts power at any step, starts again, damages bits and wears sectors out, and
compares the journal with the state that a reader of this page would expect.
"""

import contextlib

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from firmware.storage import audit
from firmware.storage.journal import RETIRED, StorageFault

from .journals import fresh, held, mounted
from .log import exported, verified
from .nor import Nor, PowerCut

MEMORY, FLASH = st.integers(1, 4), st.integers(0x20, 0x24)
KEYS = st.one_of(MEMORY, FLASH)
SECTORS = 5
SHORT = st.binary(max_size=40)
LONG = st.binary(min_size=150, max_size=330)
CHANGES = st.dictionaries(KEYS, st.one_of(SHORT, LONG, st.none()), max_size=2)


class Ring(RuleBasedStateMachine):
    """A journal, its flash, and what must be true: `state`, `told` (audit entries), `bad`."""

    @initialize()
    def begin(self):
        self.flash, self.log = fresh(SECTORS)
        self.state = {}
        self.told = 0
        self.bad = set()

    def boot(self):
        self.log = mounted(self.flash)

    def held(self, log):
        return {key: value for key, value in held(log).items() if key != RETIRED}

    def after(self, changes):
        state = {**self.state, **changes}
        return {key: value for key, value in state.items() if value is not None}

    @rule(changes=CHANGES, tell=st.booleans())
    def put(self, changes, tell):
        entry = audit.entry(audit.RIGHT, self.told, b"01", detail=b"%d" % self.told)
        self.log.put(list(changes.items()), entry if tell else None)
        self.state = self.after(changes)
        self.told += tell

    @rule(count=st.integers(5, 60), value=LONG)
    def go_on(self, count, value):
        for i in range(count):
            self.put({0x20 + i % 3: value, 1: b"%d" % i}, i % 4 == 0)

    @rule(keys=st.one_of(st.tuples(MEMORY, MEMORY), st.tuples(FLASH, FLASH)))
    def move(self, keys):
        source, to = keys
        if source in self.state and source != to:
            self.log.put([(to, source)])
            self.state[to] = self.state.pop(source)

    @rule()
    def restart(self):
        self.boot()

    @rule(changes=CHANGES, tell=st.booleans(), cut=st.integers(0, 1200), again=st.integers(0, 200))
    def lose_power(self, changes, tell, cut, again):
        entry = audit.entry(audit.WRONG, self.told) if tell else None
        after = self.after(changes)
        self.flash.cut = cut
        with contextlib.suppress(PowerCut):
            self.log.put(list(changes.items()), entry)
        self.flash.cut = None
        self.boot()
        assert self.held(self.log) in (self.state, after)
        assert self.log.number in (self.told, self.told + tell)
        # What the start then writes is cut too.
        self.state, self.told = self.held(self.log), self.log.number
        self.flash.cut = again
        with contextlib.suppress(PowerCut):
            self.log.put([(8, b"started")])
        self.flash.cut = None
        self.boot()
        found = self.held(self.log)
        assert found in (self.state, {**self.state, 8: b"started"})
        self.state = found

    @rule(sector=st.integers(0, SECTORS - 1), block=st.integers(0, 1))
    def wear_out(self, sector, block):
        # Two good sectors are left: the one that holds the state and the one to go to.
        if len(self.bad | {sector}) <= SECTORS - 2:
            self.bad.add(sector)
            self.flash.dead.add(2 * sector + block)

    @rule(
        sector=st.integers(0, 2 * SECTORS - 1),
        offset=st.integers(0, Nor.sector_size - 1),
        bit=st.integers(0, 7),
    )
    def flip_and_look(self, sector, offset, bit):
        # One bit costs at most the record that it is in; without it all is as it was.
        self.flash.flip(sector, offset, bit)
        image = bytes(self.flash.data)
        with contextlib.suppress(StorageFault):
            list(exported(mounted(self.flash)))
        assert self.flash.data == image
        self.flash.flip(sector, offset, bit)

    @rule()
    def lose_the_last_record(self):
        before, told = dict(self.state), self.told
        start = self.log.pos
        self.put({7: b"to be lost"}, True)
        if start < self.log.pos:  # it is in the same sector, at `start`
            self.flash.flip(self.log.head, start + 11, 5)
            self.boot()
            self.state, self.told = before, told

    @invariant()
    def agree(self):
        if hasattr(self, "log"):
            assert self.held(self.log) == self.state
            assert self.log.number == self.told
            found = mounted(self.flash)
            assert self.held(found) == self.state
            assert (found.number, found.chain) == (self.told, self.log.chain)
            first, last, broken = verified(found)
            assert not broken
            assert last in (0, self.told)
            assert not last or last - first + 1 == len(list(exported(found)))


TestRing = Ring.TestCase
TestRing.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
