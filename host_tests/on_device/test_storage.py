"""The journal inside the interpreter of the product: the same promises, on a model flash."""

from firmware.storage import audit
from firmware.storage.journal import RETIRED, StorageFault
from host_tests.storage.journals import fill, fresh, items, mounted, records
from host_tests.storage.log import exported, verified
from host_tests.storage.nor import Nor, PowerCut


def test_what_was_put_moved_and_deleted_is_there_after_a_restart():
    flash, log = fresh()
    log.put([(1, b"binding"), (2, b"operator")])
    log.put([(0x20, b"long" * 100), (5, b"current")])
    log.put([(3, 1), (2, None), (4, b""), (0x21, 0x20)])
    assert items(flash) == {3: b"binding", 4: b"", 5: b"current", 0x21: b"long" * 100}


def test_a_cut_leaves_the_old_state_or_the_new_and_mounting_writes_nothing():
    flash, log = fresh(3)
    fill(flash, log, 4)
    while sum(flash.erases) == 0:
        log.put([(9, bytes(60))])
    log.put([(0x20, b"before")])
    image = bytes(flash.data)
    before = items(flash)
    after = dict(before)
    after[0x20] = b"after" * 40
    for cut in range(0, 300, 7):
        flash = Nor(6, image)
        log = mounted(flash)
        flash.cut = cut
        try:
            log.put([(0x20, after[0x20])])
        except PowerCut:
            pass
        flash.cut = None
        left = bytes(flash.data)
        assert items(flash) in (before, after)
        assert flash.data == left
        mounted(flash).put([(2, b"goes on")])
        assert items(flash)[2] == b"goes on"


def test_a_bad_sector_is_retired():
    flash, log = fresh(4)
    flash.dead.add(3)
    fill(flash, log, 4)
    assert items(flash)[9] == b"the last"
    assert items(flash)[RETIRED] == b"\x02"


def test_a_damaged_record_costs_only_itself():
    flash, log = fresh()
    log.put([(1, b"first")])
    log.put([(1, b"second")])
    log.put([(2, b"third")])
    flash.flip(0, records(flash)[2][0] + 9, 4)
    assert items(flash) == {1: b"first", 2: b"third"}


def test_without_a_good_sector_nothing_is_lost():
    flash, log = fresh(3)
    log.put([(1, b"kept")])
    flash.dead = set(range(6))
    try:
        log.put([(1, b"never")])
        raise AssertionError
    except StorageFault:
        pass
    assert items(flash)[1] == b"kept"


def test_the_audit_log_is_exported_with_its_chain():
    flash, log = fresh(3)
    for i in range(450):
        log.put([(1, b"%060d" % i)], audit.entry(audit.RIGHT, 1000 + i, b"01"))
    again = mounted(flash)
    assert (again.number, again.chain) == (log.number, log.chain)
    told = list(exported(again))
    assert told[-1][:4] == b"\x00\x00\x01\xc2"
    first, last, broken = verified(again)
    assert (last, broken) == (450, [])
    assert len(told) == last - first + 1 < 450
