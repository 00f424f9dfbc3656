"""Flash wear: few erases for an update, and the same number in every sector."""

import contextlib
import struct

from firmware import rooms
from firmware.binding import model
from firmware.storage import audit
from firmware.storage import state as store
from firmware.storage.state import State
from host_tests.binding.test_change import Keys

from .nor import Nor

UPDATES = 6000
BINDING = model.compose(
    {
        model.NAME: "上海示例商贸".encode(),
        model.ACCOUNT: b"6222020200112233445",
        model.CNAPS: b"102100099996",
        model.KIND: b"\x01",
        model.LICENCE: b"91350100M000100Y43",
    }
)


def test_an_update_costs_a_twentieth_of_an_erase_and_all_sectors_wear_alike(capsys):
    # An update: a binding with its audit entry in one record, a log-in's entry, two STANs.
    # Sixteen blocks go round often enough for the spread to show.
    flash, keystore = Nor(16), Keys()
    state = State(flash, keystore, bytes)
    for index in range(2):
        state.put(((store.OPERATOR + index, bytes(29)),))
    for i in range(UPDATES):
        state.put((), audit.entry(audit.RIGHT, i, b"01"))
        entry = audit.entry(audit.TAKEN, i, b"00", detail=b"1 622202*3445")
        state.put(state.binding_changes(1, BINDING), entry)
        state.next_stan()
        state.next_stan()
    per_update = sum(flash.erases) / UPDATES
    spread = max(flash.erases) / (sum(flash.erases) / flash.sectors)
    with capsys.disabled():
        print(f"\nwear: {per_update:.4f} erases per update, max/mean {spread:.3f}")
    assert per_update <= 0.05
    assert spread <= 1.2
    assert State(flash, keystore, bytes).binding(1) == BINDING


def test_a_number_range_is_reserved_by_one_record():
    flash, keystore = Nor(4), Keys()
    state = State(flash, keystore, bytes)
    flash.steps = 0
    stans = [state.next_stan() for _ in range(64)]
    assert flash.steps == 32
    assert stans == list(range(1, 65))
    # Power loss leaves a gap in the numbers, never a repetition.
    assert State(flash, keystore, bytes).next_stan() == 65
    state = State(flash, keystore, bytes)
    state.put(((store.STAN, struct.pack(">I", 999998)),))
    again = State(flash, keystore, bytes)
    assert [again.next_stan() for _ in range(3)] == [999999, 1, 2]


def test_a_number_is_used_only_once_its_range_has_been_reserved():
    flash, keystore = Nor(4), Keys()
    state = State(flash, keystore, bytes)
    put, used = state.put, []

    def full(changes, entry=None):
        raise rooms.NoRoom

    for _ in range(2 * 64):
        state.put = full
        for _ in range(2):
            with contextlib.suppress(rooms.NoRoom):
                used.append(state.next_stan())
        state.put = put
        if len(used) % 64 == 0:
            used.append(state.next_stan())
    assert used == list(range(1, len(used) + 1))
    # Power is lost where the next number would have been the first of a range.
    state = State(flash, keystore, bytes)
    state.put = full
    for _ in range(2):
        with contextlib.suppress(rooms.NoRoom):
            used.append(state.next_stan())
    used.append(State(flash, keystore, bytes).next_stan())
    assert len(set(used)) == len(used)
