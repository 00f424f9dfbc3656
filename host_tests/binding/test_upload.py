"""The audit log reaches the acquirer's archive when it wants the records, whole and in order."""

import asyncio

import pytest

from firmware.acquirer import upload
from firmware.storage import audit
from firmware.storage import state as store
from host_tests.crash.archive import Shop
from tools.acquirer import keys as host_keys


@pytest.fixture
def shop(monkeypatch):
    return Shop(monkeypatch.setattr)


def test_nothing_is_sent_unasked(shop):
    shop.tell(3)
    shop.sync()
    assert shop.stored()[0] == 0
    assert shop.state.number(store.UPLOADED) == 0


def test_all_records_arrive_in_as_many_messages_as_it_takes(shop):
    shop.tell(30, b"1 622202*3445 REF000000001")
    shop.tell(20, b"x" * 64)
    shop.want()
    shop.sync()
    assert shop.stored() == shop.whole()
    assert shop.state.number(store.UPLOADED) == shop.state.journal.number >= 51
    assert not shop.world.terminal()["records_wanted"]
    # The next time only what is new goes.
    shop.tell(2)
    shop.want()
    shop.sync()
    assert shop.stored() == shop.whole()


def test_what_arrived_although_the_terminal_never_learned_it_is_sent_again_and_skipped(shop):
    shop.tell(5)
    shop.want()
    shop.sync()
    shop.state.put(((store.UPLOADED, None),))
    shop.boot()
    shop.tell(1)
    shop.want()
    shop.sync()
    assert shop.stored() == shop.whole()


def test_an_acquirer_that_has_lost_records_gets_them_from_where_it_stands(shop):
    shop.tell(5)
    shop.want()
    shop.sync()
    before = shop.books.image()
    shop.tell(30)
    shop.want()
    shop.sync()
    shop.books.put_back(before)
    shop.tell(1)
    shop.want()
    shop.sync()
    assert shop.stored() == shop.whole()


def test_a_gap_is_where_the_archive_ends(shop):
    shop.tell(2)
    shop.want()
    shop.sync()
    had = shop.stored()
    while shop.state.number(store.UPLOADED) < 4:
        for i in range(400):
            entry = audit.entry(audit.RIGHT, i, b"01", detail=b"x" * 64)
            shop.state.put(((store.CHANGE_RECORD, bytes(100)),), entry)
        shop.boot()
    shop.want()
    shop.sync()
    assert shop.stored() == had


def test_the_chain_is_the_profiles(shop):
    shop.tell(1)
    shop.want()
    shop.sync()
    chain = shop.books.chain_behind(shop.world.terminal(), 1)
    entry = audit.entry(audit.FORMATTED, 0)
    body = (1).to_bytes(4, "big") + entry
    token_key = shop.board.keystore.get_bytes("token_key")
    assert chain == host_keys.audit_chain(token_key, bytes(8), body)


# -- an archive that knows of gaps, from the wire profile alone


class Archive:
    """What the acquirer does with an 0320: verifies, stores, says how far it has come."""

    def __init__(self, shop, stored=0, chain=bytes(8)):
        self.token_key = shop.board.keystore.get_bytes("token_key")
        self.stored, self.chain = stored, chain
        self.records, self.gaps = [], []
        self.messages = 0
        self.says = None
        shop.till.sync.line.talk = self._talk
        self.run = lambda: asyncio.run(upload.run(shop.till.sync))

    async def _talk(self, wanted, fields):
        assert (wanted, fields[0]) == ((39, 0xDF51), 0x0320)
        tlvs = fields[120]
        assert tlvs and sum(3 + len(value) for _, value in tlvs) <= 547
        self.messages += 1
        if self.says is not None:
            return dict(zip(wanted, self.says(self), strict=True))
        good = all([self._take(tag, value) for tag, value in tlvs])
        return {39: b"00" if good else b"30", 0xDF51: self.stored.to_bytes(4, "big")}

    def _take(self, tag, value):
        first = int.from_bytes(value[:4], "big")
        if tag == 0xDF52:
            last, chain = int.from_bytes(value[4:8], "big"), value[8:]
            if len(value) != 16 or first != self.stored + 1 or last < first:
                return False
            self.gaps.append((first, last))
            self.stored, self.chain = last, chain
            return True
        body, chain = value[:13] + value[21:], value[13:21]
        if first != self.stored + 1:
            return False
        if host_keys.audit_chain(self.token_key, self.chain, body) != chain:
            return False
        body[13:].decode()
        self.records.append(first)
        self.stored, self.chain = first, chain
        return True


def _full(shop, sectors):
    """Write entries until so many sectors have been begun; return the number of the last."""
    journal = shop.state.journal
    order = journal.order
    while journal.order < order + sectors:
        shop.tell(1, b"x" * 60)
    shop.tell(5)
    return journal.number


def test_a_log_without_damage_has_no_gap(shop):
    last = _full(shop, 2)
    archive = Archive(shop)
    archive.run()
    assert archive.records == list(range(1, last + 1))
    assert archive.gaps == []
    assert shop.state.number(store.UPLOADED) == last


@pytest.mark.parametrize("boot", [False, True])
@pytest.mark.parametrize("wanted", [2, 7, 20])
def test_a_damaged_entry_does_not_end_the_archive(shop, wanted, boot):
    last = _full(shop, 3)
    shop.damage(wanted)
    if boot:
        shop.boot()
    archive = Archive(shop)
    archive.run()
    assert archive.stored == last
    ((first, end),) = archive.gaps
    assert first == wanted
    assert archive.records == [*range(1, first), *range(end + 1, last + 1)]
    # In the sector of the damage nothing behind it can be proven; the next one begins anew.
    assert end < last - 20


def test_damage_in_two_sectors_makes_two_gaps(shop):
    last = _full(shop, 3)
    places = shop.places
    sectors = sorted({sector for sector, _ in places.values()})
    wanted = [min(n for n in places if places[n][0] == sector) + 1 for sector in sectors[:2]]
    for number in wanted:
        shop.damage(number)
    archive = Archive(shop)
    archive.run()
    assert archive.stored == last
    assert [first for first, _ in archive.gaps] == wanted


def test_damage_in_the_sector_being_written_is_told_once_it_is_certain(shop):
    shop.tell(10)
    last = shop.state.journal.number
    shop.damage(last - 3)
    archive = Archive(shop)
    archive.run()
    assert archive.stored == last - 4
    shop.boot()  # what can be read decides now
    shop.tell(1)
    archive.run = Archive(shop, archive.stored, archive.chain).run
    archive.run()
    assert shop.state.number(store.UPLOADED) == shop.state.journal.number


def test_the_last_entry_damaged_costs_only_itself(shop):
    shop.tell(10)
    last = shop.state.journal.number
    shop.damage(last)
    archive = Archive(shop)
    archive.run()
    assert archive.stored == last - 1
    shop.boot()
    shop.tell(2)
    archive = Archive(shop, archive.stored, archive.chain)
    archive.run()
    assert archive.stored == shop.state.journal.number
    assert archive.gaps == [(last, last)]


@pytest.mark.parametrize("spoilt", [b"\xff\xfe", "长".encode()[:2]])
def test_an_entry_that_the_wire_cannot_carry_is_a_gap_with_its_chain(shop, spoilt):
    shop.tell(2)
    entry = audit.entry(audit.RIGHT, 1, b"01") + spoilt
    shop.state.put((), entry)
    number = shop.state.journal.number
    shop.tell(2)
    archive = Archive(shop)
    archive.run()
    assert archive.stored == number + 2
    assert archive.gaps == [(number, number)]


def test_no_detail_is_cut_in_a_character():
    for size in range(58, 66):
        entry = audit.entry(audit.RIGHT, 1, b"01", detail=b"x" * size + "长".encode())
        assert len(entry) <= 9 + 64
        entry[9:].decode()


def test_what_gave_way_is_told_as_a_gap(shop):
    while shop.state.number(store.UPLOADED) < 4:
        for i in range(400):
            entry = audit.entry(audit.RIGHT, i, b"01", detail=b"x" * 64)
            shop.state.put(((store.CHANGE_RECORD, bytes(100)),), entry)
        shop.boot()
    archive = Archive(shop)
    archive.run()  # the acquirer has nothing: it says so once
    assert archive.stored == shop.state.journal.number
    ((first, last),) = archive.gaps
    assert first == 1 and last >= 4


def _number(value):
    return value.to_bytes(4, "big")


ANSWERS = {
    "nothing": lambda archive: (b"00", None),
    "too short": lambda archive: (b"00", b"\1"),
    "the same for ever": lambda archive: (b"00", _number(3)),
    "none, for ever": lambda archive: (b"30", _number(0)),
    "more than there is": lambda archive: (b"00", _number(0xFFFFFFFF)),
    "now this, now that": lambda archive: (b"30", _number(archive.messages * 37 % 11)),
    "always less": lambda archive: (b"00", _number(max(0, 40 - archive.messages))),
    "an error": lambda archive: (b"96", None),
}


@pytest.mark.parametrize("answer", sorted(ANSWERS))
def test_whatever_the_archive_answers_a_conversation_ends(shop, answer):
    shop.tell(40)
    last = shop.state.journal.number
    archive = Archive(shop)
    archive.says = ANSWERS[answer]
    archive.run()
    assert archive.messages <= 3
    assert shop.state.number(store.UPLOADED) <= last
    archive.says = None
    archive.run()  # and the next one is none the worse
    assert archive.stored == last


def test_after_a_refusal_the_archive_is_served_once_from_where_it_stands(shop):
    shop.tell(40)
    last = shop.state.journal.number
    whole = Archive(shop)
    whole.run()
    shop.tell(1)
    behind = Archive(shop)  # an archive that has been restored from an old copy
    behind.run()
    assert behind.stored == last + 1
    assert behind.messages > 1


def test_records_that_are_wanted_although_all_have_come_are_no_longer_wanted_then(shop):
    for _ in range(2):
        shop.want()
        shop.sync()
        assert not shop.world.terminal()["records_wanted"]
    assert shop.stored() == shop.whole()


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_what_a_lost_line_has_left_goes_with_the_next_conversation(shop, lost):
    shop.tell(30, b"1 622202*3445 REF000000001")
    shop.want()
    link, sent = shop.board.link, [0]
    write = link.write

    async def broken(data, size):
        if data[7:9] == b"\x03\x20":  # after LEN and TPDU
            sent[0] += 1
            if sent[0] == lost:
                raise shop.board.link_error(7)
        await write(data, size)

    link.write = broken
    assert not asyncio.run(shop.till.sync.once())
    assert (shop.stored()[0] > 0) == (lost > 1)
    shop.sync()
    assert shop.stored() == shop.whole()
    count = sent[0]
    shop.tell(1)
    shop.sync()
    assert sent[0] == count  # and then nothing unasked
