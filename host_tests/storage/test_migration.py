"""A state that older firmware has left is taken over whole, and stays until today's is proven."""

import struct

import pytest

from firmware.binding import change
from firmware.binding.record import Record
from firmware.binding.request import pending
from firmware.storage import state as keys
from firmware.storage.journal import StorageFault
from firmware.storage.state import State
from host_tests.binding.test_change import NEW, OLD, Clock, Keys

from . import schema1
from .journals import CHAIN, MAC, SEAL, items, mounted
from .nor import Nor, PowerCut

HEAD = struct.pack(">16sIIBBB2sB8s", b"u" * 16, 7, 9, 1, 1, 4, b"01", 3, b"oldtoken")
RECORD = struct.pack(">IBBB2s2sB12s", 9, 1, 1, 4, b"01", b"00", 1, b"R" * 12) + b"622202*3445\nA\n"

BEFORE = {
    keys.LANGUAGE: b"en",
    keys.CURRENT + 1: b"\0",
    keys.PLACE_A + 1: OLD,
    keys.PENDING: HEAD + NEW,
    keys.PENDING_STATE: bytes((change.SENT,)),
    keys.RECORD: RECORD,
    keys.RECORD_COUNT: b"\0\0\0\1",
}


def old_flash(of=4, copied=()):
    first = [(1, [(keys.LANGUAGE, b"en"), (keys.STAN, b"gone")])]
    second = [
        (2, [(keys.LANGUAGE, b"en")]),
        (3, [(key, value) for key, value in BEFORE.items() if key != keys.LANGUAGE]),
        (4, [(keys.STAN, None)]),
    ]
    sectors = [schema1.sector(0, 1, True, first), schema1.sector(1, 2, True, second)]
    if copied:
        sectors.append(schema1.sector(2, 3, False, copied))
    return schema1.flash(*sectors, of=of)


def old_keys():
    store = Keys()
    store.update(seal_key=SEAL, mac_key=MAC, token_key=CHAIN, journal=b"\1")
    return store


AFTER = {**BEFORE, keys.PENDING: HEAD, keys.PENDING_TLVS: NEW}


@pytest.mark.parametrize("of", [3, 4, 16])
def test_a_request_under_way_goes_on_after_the_update(of):
    flash = old_flash(of)
    before = bytes(flash.data)
    state = State(flash, old_keys(), bytes)
    assert state.journal.items == AFTER
    assert flash.data == before
    under_way = change.Change(state, Clock())
    assert (under_way.phase, pending(state).tlvs) == (change.SENT, NEW)
    assert pending(state).uuid == b"u" * 16
    assert Record(state.records()[0]).number == "622202*3445"
    state.put(((keys.LANGUAGE, b"zh"),))
    assert items(flash) == {**AFTER, keys.LANGUAGE: b"zh"}
    assert flash.data[:8192] == before[:8192]  # still there, no longer needed


def test_copies_that_were_never_completed_are_no_truth():
    flash = old_flash(copied=[(5, [(keys.LANGUAGE, b"xx")])])
    state = State(flash, old_keys(), bytes)
    assert state.journal.items == AFTER
    state.put(((keys.LANGUAGE, b"zh"),))
    assert items(flash) == {**AFTER, keys.LANGUAGE: b"zh"}


def test_a_cut_at_every_step_of_the_first_writing_leaves_the_old_sectors_or_the_new():
    image = bytes(old_flash().data)
    flash = Nor(4, image)
    mounted(flash).put([(keys.LANGUAGE, b"zh")])
    for cut in range(flash.steps):
        flash = Nor(4, image)
        flash.cut = cut
        with pytest.raises(PowerCut):
            mounted(flash).put([(keys.LANGUAGE, b"zh")])
        flash.cut = None
        assert items(flash) == AFTER
        mounted(flash).put([(keys.STAN, b"\0\0\0\1")])
        assert items(flash) == {**AFTER, keys.STAN: b"\0\0\0\1"}


def test_old_sectors_are_not_given_up_for_a_bad_one():
    flash = old_flash(of=3)
    flash.dead.add(2)
    with pytest.raises(StorageFault):
        mounted(flash).put([(keys.LANGUAGE, b"zh")])
    assert items(flash) == AFTER


def test_records_that_no_longer_fit_give_way_oldest_first():
    long = [(keys.RECORD + i, RECORD + bytes((65 + i,)) * 240) for i in range(2)]
    fill = [(keys.PLACE_A + i, bytes(250)) for i in range(1, 11)]
    count = [(keys.RECORD_COUNT, b"\0\0\0\4")]
    short = [(keys.RECORD + i, RECORD + bytes(100)) for i in (2, 3)]
    records = [
        long[:1],
        long[1:],
        fill[:2],
        fill[2:4],
        fill[4:6],
        fill[6:8],
        fill[8:],
        count,
        short,
    ]
    flash = schema1.flash(schema1.sector(0, 1, True, list(enumerate(records, 1))))
    found = mounted(flash).items
    assert [key for key in found if key & 0xF0 == keys.RECORD] == [keys.RECORD + 3]


def test_a_damaged_old_record_is_skipped_and_nothing_else_is_believed():
    flash = old_flash()
    flash.flip(0, 40, 1)
    assert items(flash) == AFTER
    flash = old_flash()
    flash.flip(1, 12, 1)  # the newest header
    assert items(flash) == {keys.LANGUAGE: b"en", keys.STAN: b"gone"}
    flash.flip(0, 12, 1)
    with pytest.raises(StorageFault):
        mounted(flash)
