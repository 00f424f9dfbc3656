"""A cut that the journal survives, twice: `picture.py`, inside MicroPython, a line for each stage.

What always holds: what is said of the flash is what the firmware's own reader finds on it. Each
stage: the parts of every sector as (start, end, kind), what was read and erased since the stage
before, and the binding that a start finds, masked.
"""

import json

from drivers.flash import Flash
from firmware.binding import model
from firmware.storage import frame as frames
from firmware.storage import replay
from firmware.storage import state as store
from firmware.storage.journal import CHANGE, SIZE, START, Journal
from firmware.storage.state import State
from tools.bench.inside.chip import SECTOR, Chip
from tools.bench.inside.shop import SLOT, Keystore, binding, furniture, random, told, update

_SECTORS = 4  # of the journal: two erase blocks each
_NEW = 50  # number of the binding whose storing is cut
_KEPT = 80  # bytes of its record that are still written
_STATE_KEPT = 160  # and of the state in the next sector


class PowerCut(Exception):
    """Power is gone."""


class Supplied(Chip):
    """A chip whose power fails in the `programs_left`-th program from now, after `kept` bytes."""

    programs_left = 0
    kept = 0

    def forget(self):
        super().forget()
        self.reads_of = [0] * (self.sectors * SECTOR // SIZE)

    def readblocks(self, sector, buf, off=0):
        super().readblocks(sector, buf, off)
        self.reads_of[(sector * SECTOR + off) // SIZE] += 1

    def writeblocks(self, sector, buf, off=0):
        self.programs_left -= 1
        if self.programs_left == 0:
            super().writeblocks(sector, buf[: self.kept], off)
            raise PowerCut
        super().writeblocks(sector, buf, off)


class Shop:
    """The state as a store for `update`, from a start of the terminal to the next."""

    def __init__(self, chip, keystore):
        self.state = State(Flash(chip), keystore, random)
        self.next_stan = self.state.next_stan

    def record(self, entry):
        self.state.put((), entry)

    def bind(self, tlvs, entry):
        self.state.put(self.state.binding_changes(SLOT, tlvs), entry)


def parts(chip, keystore, sector):
    """Return the (start, end, kind) of what a sector (by its first block) holds; what is left out
    is blank.
    """
    names = "seal_key", "mac_key", "token_key"
    journal = Journal(Flash(chip), *[keystore.get_bytes(name) for name in names])
    frame = frames.Frame(journal)
    header = replay.header(frame, sector)
    last = replay.end(frame, sector)
    found = []
    at = 0
    if header:
        found.append((0, START, "header"))
        at = START
        for start, end, _, flags, _, items in replay.records(frame, sector, header[0], last):
            if start > at:
                found.append((at, start, "torn"))
            kind = "state"
            if flags & 3 == CHANGE:
                changed = [item[0] for item in items]
                kind = "binding" if store.CURRENT + SLOT in changed else "other"
            found.append((start, end, kind))
            at = end
    if last > at:
        found.append((at, last, "torn"))
    return found


def say(stage, chip, keystore):
    """Print what is on the flash now, and what was done since the last time."""
    facts = {
        "stage": stage,
        "reads": list(chip.reads_of),
        "erases": [sum(chip.erases[at : at + 2]) for at in range(0, chip.sectors, 2)],
        "programmed_bytes": chip.programmed_bytes,
        "sectors": [parts(chip, keystore, sector) for sector in range(0, chip.sectors, 2)],
    }
    image = chip.image
    chip.image = bytearray(image)
    facts["binding"] = masked(Shop(chip, keystore).state.binding(SLOT))
    chip.image = image
    chip.forget()
    print(json.dumps(facts))


def masked(tlvs):
    """Return the number of a binding as people see it."""
    return model.masked(tlvs)


def main():
    """Fill a ring, then cut the storing of a binding, and the beginning of the next sector."""
    chip, keystore = Supplied(2 * _SECTORS), Keystore()
    shop = Shop(chip, keystore)
    shop.state.put(furniture())
    i = 0
    while chip.erased < 4:
        update(shop, i)
        i += 1
    known = shop.state.journal.number.to_bytes(4, "big")
    shop.state.put(((store.UPLOADED, known),))  # the acquirer has the records: none are lost
    for i in range(i, i + 6):
        update(shop, i)
    chip.forget()
    say("before", chip, keystore)
    before = "".join("%02x" % byte for byte in chip.image)

    new = binding(_NEW)
    chip.programs_left, chip.kept = 1, _KEPT
    try:
        shop.bind(new, told(_NEW, new))
        raise AssertionError("power was to fail")
    except PowerCut:
        say("cut", chip, keystore)

    image = bytes(chip.image)
    shop = Shop(chip, keystore)
    assert chip.image == image and shop.state.binding(SLOT) != new
    say("mount", chip, keystore)

    chip.programs_left, chip.kept = 2, _STATE_KEPT  # the first is the sector's header
    try:
        shop.bind(new, told(_NEW, new))
        raise AssertionError("power was to fail")
    except PowerCut:
        say("cut again", chip, keystore)

    shop = Shop(chip, keystore)
    shop.bind(new, told(_NEW, new))
    assert Shop(chip, keystore).state.binding(SLOT) == new
    say("after", chip, keystore)
    print(json.dumps({"image": before, "new": masked(new)}))


main()
