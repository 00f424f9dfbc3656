"""Mounting a full journal: `mount.py SECTORS ...`, inside MicroPython, a line for each ring.

A sector is the journal's: two erase blocks of the chip.

What always holds: each ring is as full as it gets, power having failed at the moment at which the
next sector was to be erased in the second time round: every sector has been written, the newest
to its end. Memory is counted live, garbage being collected at each read of the flash; what is
there after it is what a start brings into memory for good: the state's index and its small values.
"""

import gc
import json
import sys
import time

from drivers.flash import Flash
from firmware.storage import recovery
from firmware.storage import state as store
from firmware.storage.journal import Journal
from firmware.storage.state import State
from tools.bench.inside.chip import Chip
from tools.bench.inside.shop import SLOT, Keystore, crowd, furniture, random, update

_LOOKS = 5  # at the memory: the collector takes what merely looks like an address for one
_MOUNTS = 60  # the quickest one's time is told: the others were disturbed


class PowerCut(Exception):
    """Power is gone."""


class Filling(Chip):
    """A chip whose power fails when a block is erased that isn't in its first sector."""

    def ioctl(self, op, arg):
        if op == 6 and arg > 1:
            raise PowerCut
        return super().ioctl(op, arg)


class Watched(Chip):
    """A chip that looks, at each read, at how much memory is in use."""

    def __init__(self, chip):
        self.sectors = chip.sectors
        self.image = chip.image
        self.forget()
        self.most = 0

    def readblocks(self, sector, buf, off=0):
        super().readblocks(sector, buf, off)
        gc.collect()
        self.most = max(self.most, gc.mem_alloc())


class Shop:
    """The state as a store for `update`."""

    def __init__(self, chip, keystore):
        self.state = State(Flash(chip), keystore, random)
        self.next_stan = self.state.next_stan
        self.state.put(furniture())

    def record(self, entry):
        self.state.put((), entry)

    def bind(self, tlvs, entry):
        self.state.put(self.state.binding_changes(SLOT, tlvs), entry)


def full(sectors, crowded):
    """Return a chip with a full ring, the keys to it, and the last binding stored."""
    chip = Filling(2 * sectors)
    keystore = Keystore()
    shop = Shop(chip, keystore)
    i = 0
    update(shop, i)
    update(shop, i + 1)
    if crowded:
        crowd(shop.state)
    try:
        while True:
            update(shop, i)
            i += 1
    except PowerCut:
        return chip, keystore, shop.state.binding(SLOT)


def journal(chip, keystore):
    """Return the journal on `chip`, not mounted yet."""
    names = "seal_key", "mac_key", "token_key"
    return Journal(Flash(chip), *[keystore.get_bytes(name) for name in names])


def measure(sectors, crowded):
    """Return what mounting a full ring of `sectors` takes."""
    chip, keystore, last = full(sectors, crowded)
    image = bytes(chip.image)
    times = []
    for _ in range(_MOUNTS):
        log = journal(chip, keystore)
        chip.forget()
        gc.collect()
        start = time.ticks_us()
        recovery.mount(log)
        times.append(time.ticks_diff(time.ticks_us(), start))
    reads, read_bytes = chip.reads, chip.read_bytes
    size = log.size()
    assert last in (log.get(store.PLACE_A + SLOT), log.get(store.PLACE_B + SLOT))
    assert chip.image == image, "a mount writes nothing"
    most = after = 1 << 30
    for _ in range(_LOOKS):
        watched = Watched(chip)
        log = None
        log = journal(watched, keystore)
        gc.collect()
        before = gc.mem_alloc()
        recovery.mount(log)
        gc.collect()
        most = min(most, watched.most - before)
        after = min(after, gc.mem_alloc() - before)
    return {
        "sectors": sectors,
        "state_bytes": size,
        "reads": reads,
        "read_bytes": read_bytes,
        "ms": min(times) / 1000,
        "memory_most": most,
        "memory_after": after,
    }


def main(rings):
    """Print what a mount takes for each ring, then for the last one with the largest state."""
    for sectors in rings:
        print(json.dumps(measure(sectors, False)))
    print(json.dumps(measure(rings[-1], True)))


main([int(word) for word in sys.argv[1:]])
