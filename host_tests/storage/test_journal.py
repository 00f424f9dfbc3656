"""The journal keeps the last true state, whatever is cut, damaged or worn, and whenever."""

import contextlib
import random

import pytest

from firmware import rooms
from firmware.storage import audit, pen, recovery, replay
from firmware.storage import frame as frames
from firmware.storage import journal as layout
from firmware.storage.journal import RETIRED, Journal, StorageFault
from firmware.storage.state import State
from host_tests.binding.test_change import Keys

from .journals import CHAIN, MAC, SEAL, fill, fresh, held, items, journal, mounted, records, used
from .nor import Nor, PowerCut

BLOCK, SECTOR = layout.BLOCK, layout.SIZE
FLASHED = 0x20  # keys from here on are not in memory


def stored(flash):
    """Return the state a start finds, without the journal's own list of bad sectors."""
    return {key: value for key, value in items(flash).items() if key != RETIRED}


def test_what_was_put_is_there_after_a_restart():
    flash, log = fresh()
    log.put([(1, b"binding"), (2, b"operator")])
    log.put([(2, None), (3, b"")])
    assert items(flash) == {1: b"binding", 3: b""}


def test_a_value_moves_to_another_key_without_being_written_again():
    flash, log = fresh()
    log.put([(FLASHED, b"long" * 60)])
    before = used(flash)
    log.put([(FLASHED + 1, FLASHED), (3, b"flag")])
    assert used(flash) - before == 32
    assert items(flash) == {FLASHED + 1: b"long" * 60, 3: b"flag"}


def test_what_is_not_there_cannot_move():
    flash, log = fresh()
    with pytest.raises(ValueError):
        log.put([(2, 1)])
    assert items(flash) == {}


def test_values_on_flash_are_read_back_whole_wherever_they_have_been_copied():
    flash, log = fresh(3)
    values = {FLASHED + i: bytes((i,)) * n for i, n in enumerate((1, 255, 256, 257, 400, 511))}
    for key, value in values.items():
        log.put([(key, value)])
    for i in range(300):
        log.put([(1, b"%060d" % i)])
        if i % 60 == 0:
            assert {key: log.get(key) for key in values} == values
            log = mounted(flash)
    assert sum(flash.erases)
    assert items(flash) == {**values, 1: b"%060d" % 299}
    assert log.items == {1: b"%060d" % 299}  # of the others only the place is in memory


def test_what_is_there_is_known_without_reading_it():
    flash, log = fresh()
    log.put([(1, b"x"), (FLASHED, b"y")])
    flash.reads = 0
    assert log.has(1) and log.has(FLASHED)
    assert not log.has(2) and not log.has(FLASHED + 1)
    assert log.size() == 6
    assert flash.reads == 0


def test_values_of_both_kinds_do_not_change_places():
    flash, log = fresh()
    log.put([(1, b"x"), (FLASHED, b"y")])
    for changes in ([(FLASHED, 1)], [(1, FLASHED)], [(FLASHED, None), (FLASHED + 1, FLASHED)]):
        with pytest.raises(ValueError):
            log.put(changes)
    assert items(flash) == held(log) == {1: b"x", FLASHED: b"y"}


def test_thousands_of_updates_go_round_the_ring_and_wear_it_evenly():
    flash, log = fresh(6)
    log.put([(9, b"never touched again")])
    for i in range(3000):
        log.put([(1, b"%040d" % i), (2 + i % 5, b"x" * 60)])
    found = items(flash)
    assert found[1] == b"%040d" % 2999
    assert found[9] == b"never touched again"
    assert max(flash.erases) - min(flash.erases) <= 1


# -- power cuts -----------------------------------------------------------------------------------


KEYS = (1, 2, FLASHED, FLASHED + 1, FLASHED + 2)


def at_the_end_of_a_sector(rng, laps=1):
    """Return a flash whose head is nearly full and whose next sector holds an old state."""
    flash, log = fresh(3)
    log.put([(key, rng.randbytes(rng.randrange(1, 90))) for key in KEYS])
    while sum(flash.erases) < 2 * laps or used(flash, log.head) + 150 < SECTOR:
        log.put([(rng.choice(KEYS), rng.randbytes(rng.randrange(40, 90)))])
    return flash


@pytest.mark.parametrize("seed", range(3))
def test_a_cut_at_every_byte_leaves_the_old_state_or_the_new(seed):
    rng = random.Random(seed)
    flash = at_the_end_of_a_sector(rng)
    image = bytes(flash.data)
    before = items(flash)
    changes = [(key, rng.randbytes(70)) for key in KEYS[1:3]]
    after = {**before, **dict(changes)}
    last = {**after, **{key: b"last" for key, _ in changes}}

    def work(log):
        log.put(changes)
        log.put([(key, b"last") for key, _ in changes])

    flash = Nor(6, image)
    work(mounted(flash))
    assert sum(flash.erases) == 2  # the sweep below goes over a whole change of sectors
    seen = set()
    for cut in range(flash.steps):
        flash = Nor(6, image)
        log = mounted(flash)
        flash.cut = cut
        with pytest.raises(PowerCut):
            work(log)
        flash.cut = None
        left = bytes(flash.data)
        found = items(flash)
        assert found in (before, after, last)
        seen.add([before, after, last].index(found))
        assert flash.data == left  # mounting has written nothing
        # The next start's first writing is cut as well, then all goes on.
        flash.cut = cut * 7 % 400
        with contextlib.suppress(PowerCut):
            mounted(flash).put([(8, b"goes on")])
        flash.cut = None
        assert {**items(flash), 8: b"goes on"} == {**found, 8: b"goes on"}
        mounted(flash).put([(8, b"goes on")])
        assert items(flash) == {**found, 8: b"goes on"}
    assert seen == {0, 1}


def test_however_often_the_next_sector_is_cut_the_last_whole_one_stays():
    rng = random.Random(5)
    flash = at_the_end_of_a_sector(rng, 3)
    before = items(flash)
    for cut in range(150):
        flash.cut = cut * 3
        with pytest.raises(PowerCut):
            mounted(flash).put([(1, bytes(240)), (FLASHED, bytes(240))])
        flash.cut = None
        assert items(flash) == before
    mounted(flash).put([(1, b"at last")])
    assert items(flash) == {**before, 1: b"at last"}


@pytest.mark.parametrize("block", [0, 1])
def test_a_sector_of_which_one_block_has_been_erased_is_no_sector(block):
    # The erase of the other was cut, or never begun, in whatever order.
    flash = at_the_end_of_a_sector(random.Random(7), 3)
    log = mounted(flash)
    before = items(flash)
    victim = (log.head + 2) % 6 + block
    flash.data[victim * BLOCK : (victim + 1) * BLOCK] = b"\xff" * BLOCK
    assert items(flash) == before
    for i in range(3):
        mounted(flash).put([(FLASHED, bytes((i,)) * 200)])
        assert items(flash) == {**before, FLASHED: bytes((i,)) * 200}


def test_two_sectors_are_enough():
    flash, log = fresh(2)
    log.put([(FLASHED, b"kept")])
    for i in range(400):
        log.put([(FLASHED + 1, b"%060d" % i)])
    assert items(flash) == {FLASHED: b"kept", FLASHED + 1: b"%060d" % 399}
    assert min(flash.erases) > 0


def test_an_unfinished_write_is_known_until_the_next_one_is_whole():
    flash, log = fresh()
    log.put([(1, b"true")])
    assert not mounted(flash).torn
    image = bytes(flash.data)
    for room in (5000, 30):  # within the sector, and while the next one is begun
        flash, log = Nor(8, image), mounted(Nor(8, image))
        log.flash = flash
        while SECTOR - log.pos > room + 100:
            log.put([(2, bytes(50))])
        flash.cut = 60
        with pytest.raises(PowerCut):
            log.put([(3, bytes(120))])
        flash.cut = None
        assert mounted(flash).torn
        assert mounted(flash).torn  # a start does not settle it
        mounted(flash).put([(3, b"again")])
        assert not mounted(flash).torn


def test_a_cut_first_start_starts_again():
    steps = fresh(3)[0].steps
    for cut in range(steps):
        flash = Nor(6, bytes(6 * BLOCK))
        flash.cut = cut
        with pytest.raises(PowerCut):
            recovery.format(journal(flash))
        flash.cut = None
        recovery.format(journal(flash))
        assert items(flash) == {}


def test_nothing_is_written_behind_a_torn_record():
    flash, log = fresh()
    log.put([(1, b"true")])
    flash.cut = 20
    with pytest.raises(PowerCut):
        log.put([(1, b"never true")])
    flash.cut = None
    torn = bytes(flash.data[:SECTOR])
    mounted(flash).put([(1, b"true again")])
    assert flash.data[:SECTOR] == torn
    assert items(flash) == {1: b"true again"}


def test_a_cut_that_wrote_nothing_leaves_its_place_free():
    flash, log = fresh()
    flash.cut = 0
    with pytest.raises(PowerCut):
        log.put([(1, b"x")])
    flash.cut = None
    mounted(flash).put([(1, b"y")])
    assert sum(map(bool, flash.erases)) == 0
    assert flash.data[SECTOR] == 0xFF


# -- bad sectors ----------------------------------------------------------------------------------


def test_bad_sectors_are_retired_for_good():
    # Of one sector it is the first block that wears out, of the other the second.
    flash, log = fresh(6)
    log.put([(FLASHED, b"kept")])
    flash.dead |= {2, 5}
    for i in range(600):
        log.put([(FLASHED + 1, b"%060d" % i)])
    assert stored(flash) == {FLASHED: b"kept", FLASHED + 1: b"%060d" % 599}
    assert sorted(held(mounted(flash))[RETIRED]) == [2, 4]
    flash.dead.clear()
    left = bytes(flash.data[2 * BLOCK : 6 * BLOCK])
    log = mounted(flash)
    for i in range(600):
        log.put([(FLASHED + 1, b"%060d" % i)])
    assert flash.data[2 * BLOCK : 6 * BLOCK] == left
    assert stored(flash) == {FLASHED: b"kept", FLASHED + 1: b"%060d" % 599}


def test_a_sector_that_wears_out_in_use_is_left_with_what_it_holds():
    flash, log = fresh(4)
    log.put([(1, b"kept")])
    flash.dead.add(0)
    log.put([(2, b"elsewhere")])
    assert stored(flash) == {1: b"kept", 2: b"elsewhere"}
    assert items(flash)[RETIRED] == b"\0"


def test_without_a_good_sector_nothing_is_lost_and_nothing_is_believed():
    flash, log = fresh(4)
    log.put([(1, b"kept")])
    flash.dead |= set(range(8))
    for _ in range(2):
        with pytest.raises(StorageFault):
            log.put([(1, b"never")])
    assert held(log)[1] == b"kept"
    flash.dead.clear()
    assert stored(flash) == {1: b"kept"}


def test_a_flash_that_takes_no_more_is_a_fault_with_a_code_and_can_be_read_for_ever():
    flash, log = fresh(6)
    log.put([(FLASHED, b"kept"), (1, b"too")])
    flash.dead |= set(range(12))
    for _ in range(20):
        with pytest.raises(StorageFault) as fault:
            log.put([(FLASHED, b"never")])
        assert fault.value.code == layout.FLASH_FULL
        assert (log.get(FLASHED), log.get(1)) == (b"kept", b"too")
        assert len(log.items[RETIRED]) <= 6
    image = bytes(flash.data)
    for _ in range(3):
        log = mounted(flash)
        assert (log.get(FLASHED), log.get(1)) == (b"kept", b"too")
    assert flash.data == image


def test_a_start_that_could_not_say_what_was_lost_is_a_start():
    keystore = Keys()
    flash = Nor(8)
    state = State(flash, keystore, bytes)
    while not sum(flash.erases):
        state.put(((2, b"%060d" % state.journal.number),), audit.entry(audit.RIGHT, 1, b"01"))
    flash.dead |= set(range(8))
    again = State(flash, keystore, bytes)
    assert again.get(2) == state.get(2)
    with pytest.raises(StorageFault) as fault:
        again.put_number(3, 1)
    assert fault.value.code == layout.FLASH_FULL


def test_a_flash_that_never_worked_is_a_fault():
    flash = Nor(6, bytes(6 * BLOCK))
    flash.dead |= set(range(6))
    with pytest.raises(StorageFault):
        recovery.format(journal(flash))


# -- damage ---------------------------------------------------------------------------------------


def test_a_damaged_record_costs_only_itself():
    flash, log = fresh()
    for i in range(8):
        log.put([(FLASHED + i if i % 2 else i + 1, b"%d" % i * 30), (9, b"%d" % i)])
    keys = {*(FLASHED + i if i % 2 else i + 1 for i in range(8)), 9}
    image = bytes(flash.data)
    for number, (start, end) in enumerate(records(flash)[1:]):
        for at in range(start, end, 5):
            flash = Nor(8, image)
            flash.flip(0, at, at % 8)
            found = items(flash)
            assert set(found) == keys - {FLASHED + number if number % 2 else number + 1}
            assert found[9] == (b"6" if number == 7 else b"7")


def test_damage_to_the_newest_sectors_state_costs_nothing_while_the_one_before_is_there():
    flash, log = fresh(4)
    fill(flash, log, 2)
    log.put([(FLASHED, b"only here")])
    before = items(flash)
    image = bytes(flash.data)
    first = records(flash, 2)[0]
    for at in (*range(layout.START), *range(*first)):
        flash = Nor(8, image)
        flash.flip(2, at, at % 8)
        assert items(flash) == before
        # What is added goes to a third sector; both that are needed stay until it is whole.
        flash.cut = 50
        with pytest.raises(PowerCut):
            mounted(flash).put([(2, b"added")])
        flash.cut = None
        assert items(flash) == before
        mounted(flash).put([(2, b"added")])
        assert items(flash) == {**before, 2: b"added"}


def test_sectors_that_are_needed_together_are_never_erased():
    flash, log = fresh(3)
    fill(flash, log, 2)
    log.put([(FLASHED, b"only in the second sector")])
    before = items(flash)
    flash.flip(2, records(flash, 2)[0][0] + 9, 0)
    flash.dead.add(4)
    with pytest.raises(StorageFault):
        mounted(flash).put([(2, b"no room")])
    assert items(flash) == before


def test_a_transition_that_moves_what_was_lost_is_left_out_as_a_whole():
    flash, log = fresh()
    old, new, to = FLASHED, FLASHED + 1, FLASHED + 2
    log.put([(old, b"old binding")])
    log.put([(new, b"new binding")])
    log.put([(to, new), (old, None), (3, b"current")])
    log.put([(4, b"later")])
    flash.flip(0, records(flash)[2][0] + 10, 3)
    assert items(flash) == {old: b"old binding", 4: b"later"}


def test_a_value_that_is_damaged_after_the_start_is_a_fault_and_never_another_value():
    flash, log = fresh()
    log.put([(FLASHED, b"binding" * 9)])
    log.put([(FLASHED + 1, b"other")])
    (start, end) = records(flash)[1]
    image = bytes(flash.data)
    for at in range(start, end):
        flash.data[:] = image
        flash.flip(0, at, at % 8)
        with pytest.raises(StorageFault) as fault:
            log.get(FLASHED)
        assert fault.value.code == layout.STATE_UNREADABLE
        assert log.get(FLASHED + 1) == b"other"
    # Nor is it given up with the sector that it is in.
    while SECTOR - log.pos > 100:
        log.put([(1, bytes(60))])
    with pytest.raises(StorageFault):
        for _ in range(4):
            log.put([(1, bytes(60))])
    flash.data[start:end] = image[start:end]
    assert held(log)[FLASHED] == items(flash)[FLASHED] == b"binding" * 9


def test_any_flipped_bit_gives_values_that_were_true_once():
    rng = random.Random(3)
    flash, log = fresh(4)
    history = {key: {None} for key in KEYS}
    for _ in range(240):
        key = rng.choice(KEYS)
        value = rng.choice((None, rng.randbytes(rng.randrange(60))))
        if value is not None or log.has(key):
            log.put([(key, value)])
            history[key].add(value)
    image = bytes(flash.data)
    for _ in range(300):
        flash = Nor(8, image)
        flash.flip(rng.randrange(8), rng.randrange(BLOCK), rng.randrange(8))
        found = items(flash)
        assert all(found.get(key) in history[key] for key in history)
        assert set(found) <= set(history)


# -- what is not ours -----------------------------------------------------------------------------


def test_a_record_copied_to_another_place_is_not_believed():
    flash, log = fresh()
    log.put([(1, b"paid to A")])
    log.put([(1, b"paid to B")])
    (start, end), (_, free) = records(flash)[1:]
    flash.data[free : free + end - start] = flash.data[start:end]
    assert items(flash) == {1: b"paid to B"}


def test_an_old_sector_put_back_does_not_come_before_the_new_one():
    flash, log = fresh(3)
    fill(flash, log, 2)
    old = bytes(flash.data[SECTOR : 2 * SECTOR])
    for i in range(300):
        log.put([(1, b"%090d" % i)])
    now = items(flash)
    victim = (log.head // 2 + 1) % 3
    flash.data[victim * SECTOR : (victim + 1) * SECTOR] = old
    assert items(flash) == now
    if victim != 1:
        flash.data[SECTOR : 2 * SECTOR] = old
        assert items(flash)[1] in (now[1], *(b"%090d" % i for i in range(300)))


def test_a_record_of_the_same_place_from_an_earlier_lap_is_not_believed():
    flash, log = fresh(2)
    log.put([(1, b"A" * 200)])
    lap = bytes(flash.data[:SECTOR])
    for i in range(120):
        log.put([(1, b"%0200d" % i)])
        if log.head == 0 and i > 40:
            break
    free = used(flash)
    now = items(flash)
    # Behind what is written now stands what was written at the same place a lap ago.
    flash.data[free:SECTOR] = lap[free:SECTOR]
    assert items(flash) == now


@pytest.mark.parametrize("keys", [(MAC, MAC), (SEAL, SEAL)])
def test_a_foreign_flash_means_service_and_is_left_as_it_is(keys):
    flash, log = fresh()
    log.put([(1, b"x")])
    before = bytes(flash.data)
    if keys[1] == MAC:
        flash.data[:16] = bytes(16)
        before = bytes(flash.data)
    with pytest.raises(StorageFault):
        recovery.mount(Journal(flash, *keys, CHAIN))
    assert bytes(flash.data) == before


def test_a_state_of_newer_firmware_means_service(monkeypatch):
    flash, log = fresh()
    monkeypatch.setattr(pen, "SCHEMA", layout.SCHEMA + 1)
    log.put([(1, b"x")])
    with pytest.raises(StorageFault) as fault:
        mounted(flash)
    assert fault.value.code == layout.STATE_NEWER


def test_a_flash_that_does_not_answer_means_service():
    class Dumb(Nor):
        def read(self, sector, off, buf):
            raise OSError(5)

    with pytest.raises(StorageFault):
        mounted(Dumb())


# -- bounds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        [(1, bytes(512))],
        [(FLASHED, bytes(512))],
        [(key, bytes(250)) for key in range(1, 5)],
        [(key, None) for key in range(1, 120)] * 4,
    ],
)
def test_what_is_too_long_is_refused_and_changes_nothing(changes):
    flash, log = fresh()
    log.put([(1, b"x")])
    with pytest.raises(ValueError):
        log.put(changes)
    log.put([(2, b"y")])
    assert items(flash) == {1: b"x", 2: b"y"}


@pytest.mark.parametrize("size", [1, 14, 77, 248, 255, 256, 372, 376, 511])
def test_the_largest_state_still_fits_a_sector_with_the_largest_record(size):
    flash, log = fresh(3)
    with pytest.raises(ValueError):
        for key in range(FLASHED, 0x7F):
            log.put([(key, bytes((key,)) * size)])
        for key in range(0x80, 0xF0):
            log.put([(key, bytes(120))])
    log.put([(key, None) for key in (FLASHED, FLASHED + 1, FLASHED + 2)])
    state = held(log)
    for i in range(60):
        log.put([(FLASHED, bytes((i,)) * size)])
    assert items(flash) == {**state, FLASHED: bytes((59,)) * size}


def test_mounting_a_full_ring_is_bounded_work(capsys):
    flash, log = fresh(32)
    log.put([(key, bytes(100)) for key in (1, FLASHED, FLASHED + 1)])
    i = 0
    while sum(map(bool, flash.erases)) < 64:
        log.put([(5, b"%d" % i)])
        i += 1
    while used(flash, log.head) < SECTOR - 31:
        log.put([(5, b"%d" % i)])  # the smallest record: as many of them as a sector holds
        i += 1
    flash.reads = 0
    again = mounted(flash)
    with capsys.disabled():
        print(f"\nmounting 32 full sectors after {i} records: {flash.reads} reads")
    assert held(again)[5] == b"%d" % (i - 1)
    # A header each, then one sector: 11 to find its end, 2 for each record.
    assert flash.reads <= 32 + 5 + 11 + 2 * (SECTOR // 32)


def test_records_of_a_sector_are_read_one_at_a_time():
    flash, log = fresh()
    log.put([(1, b"x")])
    frame = frames.Frame(log)
    found = list(replay.records(frame, 0, 1, used(flash)))
    assert [[item[:2] for item in items] for *_, items in found] == [[], [(1, b"x")]]
    assert not any(frame.buf)  # nothing of it stays in the buffer


def test_without_room_for_its_code_a_put_has_done_nothing(monkeypatch):
    flash, log = fresh()
    log.put([(1, b"before")])
    before = bytes(flash.data)

    def full(path, function, *args):
        raise rooms.NoRoom

    monkeypatch.setattr(rooms, "ask", full)
    with pytest.raises(MemoryError):
        log.put([(1, b"after")], b"entry")
    monkeypatch.undo()
    assert bytes(flash.data) == before and held(log)[1] == b"before" and log.number == 0
    log.put([(1, b"later")])
    assert held(mounted(flash))[1] == b"later"
