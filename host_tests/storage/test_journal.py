"""The journal keeps the last true state, whatever is cut and whenever."""

import random

import pytest

from firmware.storage.journal import Journal, StorageFault

from .nor import Nor, PowerCut

SEAL, MAC = bytes(range(16)), bytes(range(16, 32))


def journal(flash):
    return Journal(flash, SEAL, MAC)


def fresh(sectors=4):
    flash = Nor(sectors)
    log = journal(flash)
    log.format()
    return flash, log


def mounted(flash):
    log = journal(flash)
    log.mount()
    return log


def test_what_was_put_is_there_after_a_restart():
    flash, log = fresh()
    log.put([(1, b"binding"), (2, b"operator")])
    log.put([(2, None), (3, b"")])
    again = mounted(flash)
    assert (again.get(1), again.get(2), again.get(3)) == (b"binding", None, b"")


def test_thousands_of_updates_go_round_the_ring_and_wear_it_evenly():
    flash, log = fresh(6)
    log.put([(9, b"never touched again")])
    for i in range(3000):
        log.put([(1, b"%040d" % i), (2 + i % 5, b"x" * 60)])
    again = mounted(flash)
    assert again.get(1) == b"%040d" % 2999
    assert again.get(9) == b"never touched again"
    assert max(flash.erases) - min(flash.erases) <= 1


@pytest.mark.parametrize("seed", range(2))
def test_a_cut_at_every_step_leaves_the_old_or_the_new_state(seed):
    rng = random.Random(seed)
    flash, log = fresh(4)
    for i in range(40):
        log.put([(k, bytes([i]) * rng.randrange(1, 120)) for k in range(rng.randrange(1, 5))])
    image = bytes(flash.data)
    changes = [(k, b"new" * rng.randrange(1, 60)) for k in range(1, 4)]
    before = dict(mounted(flash)._items)
    after = {**before, **dict(changes)}
    # Count the steps of filling what is left of a sector and turning to the next one.
    for puts in (1, 8):
        flash.data[:] = image
        log = mounted(flash)
        flash.steps = 0
        for _ in range(puts):
            log.put(changes)
        total = flash.steps
        for cut in range(seed, total, 2):
            flash.data[:] = image
            log = mounted(flash)
            flash.cut = cut
            with pytest.raises(PowerCut):
                for _ in range(puts):
                    log.put(changes)
            # The recovery is cut too, at every tenth of its steps, then left alone.
            for second in range(0, 40, 10):
                flash.cut = second
                try:
                    mounted(flash)
                except PowerCut:
                    continue
                break
            flash.cut = None
            found = mounted(flash)._items
            assert found in (before, after)
            log = mounted(flash)
            log.put([(1, b"goes on")])
            assert mounted(flash).get(1) == b"goes on"


def test_a_sector_that_does_not_hold_what_is_written_is_left_out():
    flash, log = fresh(5)
    log.put([(1, b"kept")])
    flash.dead.add(2)
    for i in range(400):
        log.put([(2, b"%060d" % i)])
    again = mounted(flash)
    assert again.get(1) == b"kept"
    assert again.get(2) == b"%060d" % 399


def test_a_flipped_bit_in_an_old_record_brings_back_the_value_before_it():
    flash, log = fresh()
    log.put([(1, b"first")])
    start = len(bytes(flash.data).rstrip(b"\xff"))
    log.put([(1, b"second")])
    flash.data[start + 12] ^= 0x10
    assert mounted(flash).get(1) == b"first"


def test_a_record_copied_to_another_place_is_not_believed():
    flash, log = fresh()
    used = 20
    log.put([(1, b"paid to A")])
    log.put([(1, b"paid to B")])
    end = len(bytes(flash.data[:4096]).rstrip(b"\xff"))
    size = (end - used) // 2
    flash.data[end : end + size] = flash.data[used : used + size]
    assert mounted(flash).get(1) == b"paid to B"


def test_a_foreign_flash_means_service_and_is_left_as_it_is():
    flash, log = fresh()
    log.put([(1, b"x")])
    before = bytes(flash.data)
    with pytest.raises(StorageFault):
        Journal(flash, MAC, SEAL).mount()
    assert bytes(flash.data) == before


def test_a_value_that_is_too_long_is_refused_and_changes_nothing():
    flash, log = fresh()
    log.put([(1, b"x")])
    with pytest.raises(ValueError):
        log.put([(1, bytes(2000))])
    log.put([(2, b"y")])
    assert mounted(flash).get(1) == b"x"
