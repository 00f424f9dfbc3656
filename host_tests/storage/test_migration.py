"""A state that older firmware has left is taken over whole, and stays until today's is proven."""

import contextlib
import struct

import pytest

from firmware.binding import change
from firmware.binding.change_record import ChangeRecord
from firmware.binding.request import pending
from firmware.storage import audit
from firmware.storage import state as store
from firmware.storage.journal import FLASH_FULL, STATE_UNREADABLE, StorageFault
from firmware.storage.state import State
from host_tests.binding.test_change import NEW, OLD, Clock, Keys

from . import schema1, schema2
from .journals import CHAIN, MAC, SEAL, held, items, mounted
from .log import verified
from .nor import Nor, PowerCut

HEAD = struct.pack(">16sIIBBB2sB8s", b"u" * 16, 7, 9, 1, 1, 4, b"01", 3, b"oldtoken")
RECORD = struct.pack(">IBBB2s2sB12s", 9, 1, 1, 4, b"01", b"00", 1, b"R" * 12) + b"622202*3445\nA\n"

BEFORE = {
    store.LANGUAGE: b"en",
    store.CURRENT + 1: b"\0",
    store.PLACE_A + 1: OLD,
    store.PENDING: HEAD + NEW,
    store.PENDING_STATE: bytes((change.SENT,)),
    store.CHANGE_RECORD: RECORD,
    store.CHANGE_RECORD_COUNT: b"\0\0\0\1",
}


def old_flash(of=4, copied=()):
    first = [(1, [(store.LANGUAGE, b"en"), (store.STAN, b"gone")])]
    second = [
        (2, [(store.LANGUAGE, b"en")]),
        (3, [(key, value) for key, value in BEFORE.items() if key != store.LANGUAGE]),
        (4, [(store.STAN, None)]),
    ]
    sectors = [schema1.sector(0, 1, True, first), schema1.sector(1, 2, True, second)]
    if copied:
        sectors.append(schema1.sector(2, 3, False, copied))
    return schema1.flash(*sectors, of=of)


def old_keys():
    store = Keys()
    store.update(seal_key=SEAL, mac_key=MAC, token_key=CHAIN, journal=b"\1")
    return store


AFTER = {**BEFORE, store.PENDING: HEAD, store.PENDING_TLVS: NEW}


# -- schema 1: read into memory, and written anew at once -----------------------------------------


@pytest.mark.parametrize("of", [4, 5, 16])
def test_a_request_under_way_goes_on_after_the_update(of):
    flash = old_flash(of)
    before = bytes(flash.data)
    state = State(flash, old_keys(), bytes)
    assert held(state.journal) == AFTER
    assert flash.data[:8192] == before[:8192]
    written = bytes(flash.data)
    assert items(flash) == AFTER
    assert flash.data == written  # and nothing more at the next start
    under_way = change.Change(state, Clock())
    assert (under_way.phase, pending(state).tlvs) == (change.SENT, NEW)
    assert pending(state).uuid == b"u" * 16
    assert ChangeRecord(state.change_records()[0]).number == "622202*3445"
    state.put(((store.LANGUAGE, b"zh"),))
    assert items(flash) == {**AFTER, store.LANGUAGE: b"zh"}
    assert flash.data[:8192] == before[:8192]  # still there, no longer needed


def test_copies_that_were_never_completed_are_no_truth():
    flash = old_flash(of=6, copied=[(5, [(store.LANGUAGE, b"xx")])])
    state = State(flash, old_keys(), bytes)
    assert held(state.journal) == AFTER
    state.put(((store.LANGUAGE, b"zh"),))
    assert items(flash) == {**AFTER, store.LANGUAGE: b"zh"}


def test_a_cut_at_every_step_of_the_first_writing_leaves_the_old_sectors_or_the_new():
    image = bytes(old_flash().data)
    flash = Nor(4, image)
    mounted(flash).put([(store.LANGUAGE, b"zh")])
    for cut in range(flash.steps):
        flash = Nor(4, image)
        flash.cut = cut
        with pytest.raises(PowerCut):
            mounted(flash).put([(store.LANGUAGE, b"zh")])
        flash.cut = None
        assert items(flash) == AFTER
        mounted(flash).put([(store.STAN, b"\0\0\0\1")])
        assert items(flash) == {**AFTER, store.STAN: b"\0\0\0\1"}


def test_old_sectors_are_not_given_up_for_a_bad_one():
    flash = old_flash(of=4)
    flash.dead.add(2)
    for _ in range(2):
        with pytest.raises(StorageFault) as fault:
            mounted(flash)
        assert fault.value.code == FLASH_FULL
    flash.dead.clear()
    assert items(flash) == AFTER


def test_records_that_no_longer_fit_give_way_oldest_first():
    # One is longer than an item may be; of the others as many stay as there is room for.
    kept = [(store.CHANGE_RECORD + i, RECORD + bytes((65 + i,)) * 450) for i in range(8)]
    kept[7] = (store.CHANGE_RECORD + 7, RECORD + bytes(500))
    fill = [(store.PLACE_A + i, bytes(250)) for i in range(1, 11)]
    count = (store.CHANGE_RECORD_COUNT, b"\0\0\0\x0a")  # numbers 8 and 9 are the newest
    first = [[record] for record in kept[:6]]
    second = [*([record] for record in kept[6:]), *(fill[i : i + 2] for i in range(0, 10, 2))]
    second[0].append(count)
    sectors = (
        schema1.sector(0, 1, True, list(enumerate(first, 1))),
        schema1.sector(1, 2, True, list(enumerate(second, 7))),
    )
    found = items(schema1.flash(*sectors))
    assert found[store.CHANGE_RECORD] == kept[0][1]
    records = sorted(
        key - store.CHANGE_RECORD for key in found if key & 0xF0 == store.CHANGE_RECORD
    )
    assert records == [0, 1, 5, 6]
    assert sum(2 + len(value) for value in found.values()) <= store.ROOM


def test_a_damaged_old_record_is_skipped_and_nothing_else_is_believed():
    flash = old_flash()
    flash.flip(0, 40, 1)
    assert items(flash) == AFTER
    flash = old_flash()
    flash.flip(1, 12, 1)  # the newest header
    assert items(flash) == {store.LANGUAGE: b"en", store.STAN: b"gone"}
    flash = old_flash()
    flash.flip(1, 12, 1)
    flash.flip(0, 12, 1)
    with pytest.raises(StorageFault):
        mounted(flash)


# -- schema 2: sectors of one block, which take part in the ring until they are erased ------------

VERIFIER = bytes(range(29))
HELD = {
    store.LANGUAGE: b"en",
    store.STAN: b"\0\0\1\0",
    store.CURRENT + 1: b"\1",
    store.PLACE_A + 1: OLD,
    store.PLACE_B + 1: NEW,
    store.PENDING: HEAD,
    store.PENDING_TLVS: OLD + bytes(250 - len(OLD)),
    store.PENDING_STATE: bytes((change.SENT,)),
    store.CHANGE_RECORD: RECORD,
    store.CHANGE_RECORD_COUNT: b"\0\0\0\1",
    schema2.OPERATOR + 1: b"01" + VERIFIER,
    schema2.OPERATOR + 7: b"07" + VERIFIER,
    schema2.ATTEMPTS + 7: b"\3\0\0\0\0",
}
NUMBERED = {
    schema2.OPERATOR + 1: store.OPERATOR + 1,
    schema2.OPERATOR + 7: store.OPERATOR + 7,
    schema2.ATTEMPTS + 7: store.FORMER_ATTEMPTS + 7,
}
TAKEN = {NUMBERED.get(key, key): value for key, value in HELD.items()}


def left_by_schema_2(blocks=8, sectors=1, more=0):
    """Return a flash whose newest sector of schema 2 is the `sectors`-th that was begun, with
    `more` records behind its state, and the journal that wrote it.
    """
    flash = Nor(blocks)
    log = schema2.Journal(flash, SEAL, MAC, CHAIN)
    log.put((), audit.entry(audit.FORMATTED, 0))
    for key, value in HELD.items():
        log.put([(key, value)])
    told = 0
    while log.order < sectors:
        told += 1
        log.put([(store.LANGUAGE, b"en")], audit.entry(audit.RIGHT, told, b"01"))
    for _ in range(more):
        told += 1
        log.put([(store.LANGUAGE, b"en")], audit.entry(audit.RIGHT, told, b"01"))
    assert log.items == HELD
    return flash, log


@pytest.mark.parametrize("sectors", range(1, 10))
def test_a_state_of_schema_2_is_taken_over_and_its_log_goes_on(sectors):
    flash, old = left_by_schema_2(sectors=sectors, more=sectors % 3)
    image = bytes(flash.data)
    log = mounted(flash)
    assert flash.data == image  # a start writes nothing
    assert held(log) == TAKEN
    assert (log.number, log.chain) == (old.number, old.chain)
    assert verified(log)[1:] == (old.number, [])
    log.put([(store.LANGUAGE, b"zh")], audit.entry(audit.RIGHT, 99, b"01"))
    assert items(flash) == {**TAKEN, store.LANGUAGE: b"zh"}
    newest = slice(old.head * 4096, old.head * 4096 + 4096)
    assert flash.data[newest] == image[newest]  # still there, no longer needed
    assert verified(mounted(flash))[1:] == (old.number + 1, [])
    for i in range(400):
        log.put([(store.PENDING, HEAD), (store.LANGUAGE, b"%060d" % i)])
        if i % 50 == 0:
            log = mounted(flash)
    assert items(flash) == {**TAKEN, store.LANGUAGE: b"%060d" % 399}
    assert not any(flash.data[at : at + 4] == b"RBJ\2" for at in range(0, len(flash.data), 4096))


def test_operators_and_requests_of_schema_2_are_found_by_todays_names():
    flash, _ = left_by_schema_2()
    state = State(flash, old_keys(), bytes)
    assert state.get(store.OPERATOR + 7) == b"07" + VERIFIER
    assert state.get(store.FORMER_ATTEMPTS + 7) == b"\3\0\0\0\0"
    assert state.get(store.OPERATOR + 2) is None
    assert (state.binding(1), state.backup(1)) == (NEW, OLD)
    assert change.Change(state, Clock()).phase == change.SENT


@pytest.mark.parametrize("sectors", [1, 6, 8, 9])
def test_a_cut_at_every_step_of_taking_over_leaves_the_state(sectors):
    flash, old = left_by_schema_2(6, sectors, 2)
    image = bytes(flash.data)
    changed = [(store.PLACE_A + 1, NEW), (store.CURRENT + 1, b"\0")]
    after = {**TAKEN, **dict(changed)}
    flash = Nor(6, image)
    mounted(flash).put(changed)
    for cut in range(0, flash.steps, 3):
        flash = Nor(6, image)
        flash.cut = cut
        with pytest.raises(PowerCut):
            mounted(flash).put(changed)
        flash.cut = None
        assert items(flash) == TAKEN
        # The next start's first writing is cut as well, then all goes on.
        flash.cut = cut * 7 % 900
        with contextlib.suppress(PowerCut):
            mounted(flash).put(changed)
        flash.cut = None
        assert items(flash) in (TAKEN, after)
        log = mounted(flash)
        log.put(changed, audit.entry(audit.RIGHT, 1, b"01"))
        assert items(flash) == after
        assert verified(log)[1:] == (old.number + 1, [])


def test_damage_to_the_newest_old_sector_costs_only_what_it_hits():
    flash, _ = left_by_schema_2(8, 3, 3)
    image = bytes(flash.data)
    for at in range(32):  # its header: the sector before tells its order
        flash = Nor(8, image)
        flash.flip(2, at, at % 8)
        assert items(flash) == TAKEN
        flash.cut = 300
        with contextlib.suppress(PowerCut):
            mounted(flash).put([(store.NOTICE, b"1")])
        flash.cut = None
        assert {**items(flash), store.NOTICE: b"1"} == {**TAKEN, store.NOTICE: b"1"}
        mounted(flash).put([(store.NOTICE, b"1")])
        assert items(flash) == {**TAKEN, store.NOTICE: b"1"}


@pytest.mark.parametrize("sectors", [3, 4])
def test_a_damaged_header_of_todays_first_sector_costs_nothing(sectors):
    flash, old = left_by_schema_2(8, sectors, 1)
    log = mounted(flash)
    log.put([(store.PLACE_A + 1, NEW)])
    assert log.head > old.head
    before = items(flash)
    image = bytes(flash.data)
    for at in range(32):
        flash = Nor(8, image)
        flash.flip(log.head, at, at % 8)
        assert items(flash) == before
        mounted(flash).put([(store.NOTICE, b"1")])
        assert items(flash) == {**before, store.NOTICE: b"1"}


@pytest.mark.parametrize(("blocks", "damaged"), [(4, True), (2, False), (3, True)])
def test_old_sectors_that_leave_no_pair_of_blocks_free_are_kept(blocks, damaged):
    # Two blocks are needed together when the state at the newest one's beginning is damaged.
    flash, old = left_by_schema_2(blocks, 3 if blocks > 2 else 1, 2)
    if damaged:
        assert old.head == 2
        flash.flip(2, 40, 1)
    assert items(flash) == TAKEN
    image = bytes(flash.data)
    log = mounted(flash)
    with pytest.raises(StorageFault) as fault:
        log.put([(store.NOTICE, b"1")])
    assert fault.value.code == FLASH_FULL
    assert flash.data == image
    assert held(log) == TAKEN == items(flash)


def test_an_old_value_that_is_damaged_later_is_a_fault_and_stays():
    flash, _ = left_by_schema_2()
    log = mounted(flash)
    image = bytes(flash.data)
    flash.data[64:3900] = bytes(3836)
    for work in (lambda: log.get(store.PLACE_A + 1), lambda: log.put([(store.NOTICE, b"1")])):
        with pytest.raises(StorageFault) as fault:
            work()
        assert fault.value.code == STATE_UNREADABLE
    flash.data[:] = image
    assert items(flash) == TAKEN
