"""The same updates on the journal and on littlefs: `wear.py UPDATES SECTORS CHANGES`, inside
MicroPython.

What always holds: both stores are filled first, until the journal has gone once round its ring, so
that nothing is counted on blank flash; both are read back after the last update, as after a
restart, and must hold the last two bindings. Prints JSON, a line for each thousand updates and one
for each result.
"""

import asyncio
import json
import os
import sys

from drivers.flash import Flash
from firmware.crypto.cmac import mac
from firmware.storage import audit_log
from firmware.storage import state as store
from firmware.storage.state import State
from tools.bench.inside.chip import Chip
from tools.bench.inside.shop import (
    SECRET,
    SLOT,
    Clock,
    Keystore,
    binding,
    furniture,
    random,
    update,
    whole_change,
)

LITTLEFS_SECTORS = 64

_ROOT = "/flash"
_STEP = 1000  # updates between two lines of progress
_ROTATED_AT = 500  # audit records in a file
_AHEAD = 64  # trace numbers reserved at a time, as the journal's state does


class OnJournal:
    """What the terminal does: one state, a transition is one record."""

    name = "ours"

    def __init__(self, chip):
        self.chip = chip
        self.keystore = Keystore()
        self.state = State(Flash(chip), self.keystore, random)
        self.state.put(furniture())
        self.next_stan = self.state.next_stan

    def record(self, entry):
        self.state.put((), entry)

    def bind(self, tlvs, entry):
        self.state.put(self.state.binding_changes(SLOT, tlvs), entry)

    def read_back(self):
        """Return the current binding and its backup as a new start finds them."""
        state = State(Flash(self.chip), self.keystore, random)
        numbers = [number for number, *_ in audit_log.entries(state.journal)]
        assert numbers == list(range(numbers[0], state.journal.number + 1)), "entries are missing"
        self.audit_kept = len(numbers)
        return state.binding(SLOT), state.backup(SLOT)


class OnLittlefs:
    """The same state in files, as a careful programmer keeps it on the device's own file system.

    The state is one file with a CMAC, written beside the old one and renamed over it. Trace
    numbers are reserved ahead in a file of their own: short enough for littlefs to keep it in the
    directory, and rewritten in place, since littlefs makes a file's new content true only when it
    is closed. Audit records, chained as the journal's are, are appended to a file that makes way
    at 500 records. Each is closed, and so durable, before the next step is taken.
    """

    name = "littlefs"

    def __init__(self, chip):
        self.chip = chip
        os.VfsLfs2.mkfs(chip)
        os.mount(os.VfsLfs2(chip), _ROOT)
        self.erases = {"state": 0, "counter": 0, "audit": 0}
        self._items = dict(furniture())
        self._save()
        self._stan = self._limit = 0
        self._number = 0
        self._chain = bytes(8)

    def next_stan(self):
        before = self.chip.erased
        if self._stan == self._limit:
            self._limit += _AHEAD
            with open(_ROOT + "/counter", "wb") as file:
                file.write(self._limit.to_bytes(4, "big"))
        self._stan += 1
        self.erases["counter"] += self.chip.erased - before
        return self._stan

    def record(self, entry):
        before = self.chip.erased
        if self._number and self._number % _ROTATED_AT == 0:
            os.rename(_ROOT + "/audit", _ROOT + "/audit.old")
        self._number += 1
        number = self._number.to_bytes(4, "big")
        self._chain = _tag(b"\x02" + self._chain + number + entry)[:8]
        with open(_ROOT + "/audit", "ab") as file:
            file.write(bytes((len(entry),)) + number + entry[:9] + self._chain + entry[9:])
        self.erases["audit"] += self.chip.erased - before

    def bind(self, tlvs, entry):
        self.record(entry)
        before = self.chip.erased
        if store.PLACE_A + SLOT in self._items:
            self._items[store.PLACE_B + SLOT] = self._items[store.PLACE_A + SLOT]
        self._items[store.PLACE_A + SLOT] = tlvs
        self._save()
        self.erases["state"] += self.chip.erased - before

    def read_back(self):
        """Return the current binding and its backup as a new mount finds them."""
        os.umount(_ROOT)
        os.mount(os.VfsLfs2(self.chip), _ROOT)
        with open(_ROOT + "/state", "rb") as file:
            stored = file.read()
        os.umount(_ROOT)
        assert _tag(stored[:-8])[:8] == stored[-8:]
        items = {}
        at = 0
        while at < len(stored) - 8:
            end = at + 2 + stored[at + 1]
            items[stored[at]] = stored[at + 2 : end]
            at = end
        return items[store.PLACE_A + SLOT], items[store.PLACE_B + SLOT]

    def _save(self):
        parts = [bytes((key, len(value))) + value for key, value in self._items.items()]
        whole = b"".join(parts)
        with open(_ROOT + "/state.new", "wb") as file:
            file.write(whole + _tag(whole)[:8])
        os.rename(_ROOT + "/state.new", _ROOT + "/state")


def _tag(data):
    tag = bytearray(16)
    mac(SECRET, data, 0, len(data), tag, 0)
    return bytes(tag)


def _say(**facts):
    print(json.dumps(facts))


def _filled(store, updates=None):
    # Update until the ring has been filled, or as often as it took the other store.
    i = 0
    while i != updates if updates else not store.chip.erased:
        update(store, i)
        i += 1
    return i


def measure(store, before, updates):
    """Count what `updates` updates cost after the first `before`; return it."""
    chip = store.chip
    chip.forget()
    parts = getattr(store, "erases", None)
    if parts is not None:
        for part in parts:
            parts[part] = 0
    for i in range(before, before + updates):
        update(store, i)
        if (i - before + 1) % _STEP == 0:
            _say(store=store.name, updates=i - before + 1)
    erases, programmed, programs = list(chip.erases), chip.programmed_bytes, chip.programs
    last = before + updates - 1
    assert store.read_back() == (binding(last), binding(last - 1))
    return {
        "updates": updates,
        "erases": erases,
        "programmed_bytes": programmed,
        "programs": programs,
        "parts": parts,
    }


def whole_changes(sectors, changes):
    """Count what `changes` whole changes cost on the journal, once its ring is full; and then as
    many updates, with the change records that are kept by now in the state.
    """
    store = OnJournal(Chip(sectors))
    chip, state = store.chip, store.state
    clock = Clock()
    i = 0
    while not chip.erased:
        asyncio.run(whole_change(state, clock, i))
        i += 1
    chip.forget()
    for i in range(i, i + changes):
        asyncio.run(whole_change(state, clock, i))
    assert state.binding(SLOT) == binding(i)
    facts = {
        "changes": changes,
        "erases": chip.erases,
        "programmed_bytes": chip.programmed_bytes,
        "state_bytes": state.journal.size(),
    }
    chip.forget()
    for i in range(i, i + changes):
        update(store, i)
    facts["erases_of_updates"] = chip.erased
    return facts


def main(updates, sectors, changes):
    """Print the cost of `updates` updates on `sectors` sectors for both, and of whole changes."""
    store = OnJournal(Chip(sectors))
    before = _filled(store)
    facts = measure(store, before, updates)
    facts["audit_kept"] = store.audit_kept
    facts["state_bytes"] = store.state.journal.size()
    _say(result="ours", facts=facts)
    store = OnLittlefs(Chip(LITTLEFS_SECTORS))
    _filled(store, before)
    _say(result="littlefs", facts=measure(store, before, updates))
    _say(result="whole_change", facts=whole_changes(sectors, changes))


main(*[int(word) for word in sys.argv[1:4]])
