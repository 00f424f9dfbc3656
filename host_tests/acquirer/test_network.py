"""Sign-on, echo, sign-off, and the audit records: what a sync brings and takes."""

import pytest

from host_tests.interop.client import account, gap, tlv
from tools import acquirer


def test_sign_on_brings_names_time_and_policy(shop):
    reply = shop.client.network("001")
    assert reply.mti == "0810"
    assert reply.code == "00"
    assert set(reply.tags) == {0xDF20, 0xDF45, 0xDF46, 0xDF48}
    assert [(tag, value.decode()) for tag, value in reply.sealed] == [
        (0xDF30, name) for name in shop.client.known["names"]
    ]
    assert int.from_bytes(reply.tags[0xDF46], "big") == shop.host.clock.now
    assert reply.tags[0xDF45] == b"\x00"


@pytest.mark.parametrize("code", ["301", "002"])
def test_echo_and_sign_off_bring_no_names(shop, code):
    reply = shop.client.network(code)
    assert reply.code == "00"
    assert set(reply.tags) == {0xDF45, 0xDF46, 0xDF48}


def test_several_exchanges_share_a_connection(shop):
    line = shop.client.connect()
    for code in ("001", "301", "002"):
        assert shop.client.network(code).code == "00"
    assert shop.client.line is line


def test_the_list_of_bindings_is_compared(open_shop):
    shop = open_shop(account="6222021234567890128")
    token = bytes.fromhex(shop.rows("bindings")[0]["token"])
    for bound, notices in [
        ({1: token}, 0),
        ({}, 1),
        ({2: token}, 1),
        ({1: bytes(8)}, 1),
        ({1: token, 2: token}, 1),
    ]:
        assert shop.client.network("301", bound).tags[0xDF45] == bytes([notices])


@pytest.mark.parametrize(
    "block",
    [
        tlv(0xDF12, b"\x01"),
        tlv(0xDF44, bytes(8)),
        tlv(0xDF12, b"\x01") + tlv(0xDF44, bytes(7)),
        tlv(0xDF12, b"\x05") + tlv(0xDF44, bytes(8)),
        tlv(0xDF12, b"\x01") + tlv(0xDF12, b"\x02") + tlv(0xDF44, bytes(8)) * 2,
        (tlv(0xDF12, b"\x01") + tlv(0xDF44, bytes(8))) * 2,
        tlv(0xDF60, b"") * 2,
        b"\xdf",
        b"\xdf\x12",
        b"\xdf\x12\x81\x01\x01",
        b"\xdf\x12\x80\x00\x00",
        b"\xdf\x12\x02\x01",
        b"\x00\x00",
    ],
)
def test_a_list_out_of_shape_is_a_format_error(shop, block):
    reply = shop.client.network("301", de120=block)
    assert reply.code == "30"
    assert 63 not in reply.fields


def test_an_unknown_tag_in_the_list_is_ignored(shop):
    assert shop.client.network("301", de120=tlv(0xDF60, b"x")).code == "00"


def test_a_binding_changed_elsewhere_is_noticed_and_fetched(open_shop):
    shop = open_shop(account="6222021234567890128")
    old = bytes.fromhex(shop.rows("bindings")[0]["token"])
    token = acquirer.bind(shop.home, shop.terminal, "0000888800001234")
    assert shop.client.network(bound={1: old}).tags[0xDF45] == b"\x01"
    reply = shop.client.inquire(slot=1)
    assert reply.tags[0xDF44].hex().upper() == token
    assert dict(reply.sealed)[0xDF31] == b"0000888800001234"


def test_a_new_merchant_number_is_announced_until_it_is_used(shop):
    new = "N" + shop.merchant[1:]
    acquirer.renumber(shop.home, shop.merchant, new)
    for _ in range(2):
        reply = shop.client.network()
        assert reply.tags[0xDF45] == b"\x02"
        assert reply.tags[0xDF47] == new.encode()
        assert reply.fields[42] == shop.merchant
    old, shop.client.merchant = shop.client.merchant, new
    reply = shop.client.network()
    assert reply.tags[0xDF45] == b"\x00"
    assert 0xDF47 not in reply.tags
    shop.client.merchant = old
    assert shop.client.network().code == "03"
    shop.client.merchant = new
    assert shop.client.change(account(shop.client)).verdict == "00/01"


def test_a_number_that_was_told_stays_good_until_a_newer_one_is_used(open_shop):
    shop = open_shop()
    first, second, third = shop.merchant, "898310054110002", "898310054110003"
    acquirer.renumber(shop.home, first, second)
    assert shop.client.network().tags[0xDF47] == second.encode()
    acquirer.renumber(shop.home, second, third)
    shop.client.merchant = second  # told before, and used only now
    assert shop.client.network().tags[0xDF47] == third.encode()
    shop.client.merchant = third
    assert shop.client.network().code == "00"
    for old in (first, second):
        shop.client.merchant = old
        assert shop.client.network().code == "03"


def test_as_many_names_as_fit_are_delivered_with_all_that_an_answer_can_hold(open_shop):
    names = [f"{n:03d}" + "名" * 39 for n in range(6)] + ["名" * 19 + "ab"]
    assert sum(len(name.encode()) + 3 for name in names) == 800
    shop = open_shop(names=names)
    acquirer.renumber(shop.home, shop.merchant, "N" + shop.merchant[1:])
    reply = shop.client.network()
    assert [value.decode() for _, value in reply.sealed] == names
    assert 0xDF47 in reply.tags


# Audit records


def chain_of(client, count, start=1, previous=bytes(8)):
    records = []
    for sequence in range(start, start + count):
        record, previous = client.record(sequence, previous)
        records.append(record)
    return records, previous


def stored(reply):
    return int.from_bytes(reply.tags[0xDF51], "big")


def test_records_are_stored_and_not_twice(shop):
    acquirer.want_records(shop.home, shop.terminal)
    assert shop.client.network().tags[0xDF45] == b"\x04"
    records, last = chain_of(shop.client, 4)
    reply = shop.client.upload(records)
    assert reply.mti == "0330"
    assert reply.code == "00"
    assert stored(reply) == 4
    assert shop.client.network().tags[0xDF45] == b"\x00"
    more, _ = chain_of(shop.client, 2, 5, last)
    assert stored(shop.client.upload(records[2:] + more)) == 6
    assert stored(shop.client.upload(records)) == 6
    rows = shop.rows("records")
    assert [row["sequence"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[0]["detail"] == "修改 6222***0128"


def test_the_host_stops_at_the_first_wrong_chain(shop):
    records, _ = chain_of(shop.client, 4)
    records[2] = records[2][:-1] + b"9"
    reply = shop.client.upload(records)
    assert reply.code == "30"
    assert stored(reply) == 2
    assert len(shop.rows("records")) == 2


def test_a_gap_is_a_wrong_chain(shop):
    records, _ = chain_of(shop.client, 3)
    reply = shop.client.upload(records[1:])
    assert (reply.code, stored(reply)) == ("30", 0)


@pytest.mark.parametrize(
    "record", [b"", bytes(20), b"\x00\x00\x00\x01" + bytes(17), bytes(9) + b"0100" + b"x" * 73]
)
def test_a_record_out_of_shape_is_a_format_error(shop, record):
    records, _ = chain_of(shop.client, 1)
    assert shop.client.upload([*records, record]).code == "30"
    assert shop.rows("records") == []


def test_an_upload_without_records_is_a_format_error(shop):
    assert shop.client.upload([]).code == "30"


def test_a_record_already_stored_is_skipped_only_when_it_is_the_same(shop):
    records, _ = chain_of(shop.client, 4)
    shop.client.upload(records)
    other, chain = shop.client.record(3, records[1][13:21], detail="other")
    fourth, _ = shop.client.record(4, chain)
    fifth, _ = shop.client.record(5, records[3][13:21])
    reply = shop.client.upload([*records[:2], other, fourth, fifth])
    assert (reply.code, stored(reply)) == ("30", 4)
    assert [row["detail"] for row in shop.rows("records")] == ["修改 6222***0128"] * 4
    (mark,) = shop.rows("marks")
    assert (mark["kind"], mark["subject"]) == ("other record", "log 1, record 3")
    reply = shop.client.upload([*records, fifth])
    assert (reply.code, stored(reply)) == ("00", 5)


def test_a_wrong_chain_is_marked(shop):
    records, _ = chain_of(shop.client, 2)
    shop.client.upload([records[0], records[1][:-1] + b"9"])
    (mark,) = shop.rows("marks")
    assert (mark["kind"], mark["subject"]) == ("wrong chain", "log 1, record 2")


def test_a_bad_record_does_not_hide_where_the_archive_stands(shop):
    records, _ = chain_of(shop.client, 2)
    shop.client.upload(records)
    reply = shop.client.upload([bytes(20)])
    assert (reply.code, stored(reply)) == ("30", 2)
    assert set(reply.tags) == {0xDF41, 0xDF51}
    assert reply.reason.startswith("DF50 ")


# Gaps in the log


def test_a_gap_counts_as_stored_and_the_log_goes_on_behind_it(shop):
    records, chain = chain_of(shop.client, 9)
    shop.client.upload(records[:2])
    reply = shop.client.upload([gap(3, 6, records[5][13:21]), *records[6:]])
    assert (reply.code, stored(reply)) == ("00", 9)
    assert [row["sequence"] for row in shop.rows("records")] == [1, 2, 7, 8, 9]
    (lost,) = shop.rows("gaps")
    assert (lost["log"], lost["first"], lost["last"]) == (1, 3, 6)
    (mark,) = shop.rows("marks")
    assert (mark["kind"], mark["subject"]) == ("gap", "log 1, records 3 to 6")
    more, _ = shop.client.record(10, chain)
    assert stored(shop.client.upload([more])) == 10


def test_a_gap_may_stand_alone_and_be_the_beginning(shop):
    records, _ = chain_of(shop.client, 4)
    reply = shop.client.upload([gap(1, 3, records[2][13:21])])
    assert (reply.code, stored(reply)) == ("00", 3)
    assert shop.state["records"] == 3
    assert stored(shop.client.upload(records[3:])) == 4


def test_a_gap_whose_answer_was_lost_is_skipped(shop):
    records, _ = chain_of(shop.client, 4)
    sent = [gap(1, 3, records[2][13:21]), records[3]]
    shop.client.upload(sent)
    assert shop.client.upload(sent).code == "00"
    assert shop.rows("marks")[0]["count"] == 1


def test_several_gaps_come_in_one_message(shop):
    records, _ = chain_of(shop.client, 6)
    sent = [gap(1, 1, records[0][13:21]), records[1], gap(3, 5, records[4][13:21]), records[5]]
    reply = shop.client.upload(sent)
    assert (reply.code, stored(reply)) == ("00", 6)
    assert len(shop.rows("gaps")) == 2


def test_a_record_behind_a_gap_follows_the_chain_that_the_gap_names(shop):
    records, _ = chain_of(shop.client, 4)
    reply = shop.client.upload([gap(1, 3, bytes(8)), records[3]])
    assert (reply.code, stored(reply)) == ("30", 3)


@pytest.mark.parametrize(("first", "last"), [(5, 4), (0, 3), (2, 5), (3, 3), (1, 9), (5, 6)])
def test_a_gap_that_does_not_follow_what_is_stored_is_refused(shop, first, last):
    records, _ = chain_of(shop.client, 3)
    shop.client.upload(records)
    reply = shop.client.upload([gap(first, last, bytes(8))])
    assert (reply.code, stored(reply)) == ("30", 3)
    assert shop.rows("gaps") == []


def test_a_gap_out_of_shape_is_a_format_error(shop):
    reply = shop.client.upload([tlv(0xDF52, bytes(15))])
    assert (reply.code, stored(reply)) == ("30", 0)
    assert reply.reason.startswith("DF52 ")


def test_a_record_that_was_declared_lost_contradicts_the_gap(shop):
    records, _ = chain_of(shop.client, 3)
    shop.client.upload([gap(1, 3, records[2][13:21])])
    assert shop.client.upload(records[2:]).code == "00"  # the chain of the last one is known
    reply = shop.client.upload(records[1:])
    assert (reply.code, stored(reply)) == ("30", 3)


# Another log


def renewed(shop, tmp_path):
    """The same terminal, enrolled again."""
    acquirer.enroll(shop.home, shop.terminal, shop.merchant, tmp_path / "again")
    return type(shop.client)(tmp_path / "again", shop.host.port, clock=shop.host.clock)


def test_a_log_that_begins_anew_waits_for_an_enrolment(shop, tmp_path):
    records, _ = chain_of(shop.client, 3)
    shop.client.upload(records)
    first, chain = shop.client.record(1, bytes(8), detail="new")
    second, chain = shop.client.record(2, chain)
    for count in (1, 2):
        reply = shop.client.upload([first, second])
        assert (reply.code, stored(reply)) == ("30", 3)
        (mark,) = shop.rows("marks")
        assert (mark["kind"], mark["count"]) == ("new log", count)
    with renewed(shop, tmp_path) as again:
        third, _ = again.record(3, chain)
        reply = again.upload([third])  # it may believe that the others are stored
        assert (reply.code, stored(reply)) == ("30", 0)
        reply = again.upload([first, second, third])
        assert (reply.code, stored(reply)) == ("00", 3)
    assert [row["log"] for row in shop.rows("records")] == [1, 1, 1, 2, 2, 2]
    assert shop.state["records"] == 3


def test_a_first_record_that_begins_no_log_is_no_new_log(shop, tmp_path):
    records, last = chain_of(shop.client, 2)
    shop.client.upload(records)
    other, _ = shop.client.record(1, bytes(8), event=2)
    assert shop.client.upload([other]).code == "30"
    assert shop.rows("marks")[0]["kind"] == "other record"
    with renewed(shop, tmp_path) as again:
        assert again.upload([other]).code == "30"
        third, _ = again.record(3, last)
        assert stored(again.upload([third])) == 3
    assert {row["log"] for row in shop.rows("records")} == {1}


def test_a_new_log_may_have_lost_its_beginning(shop, tmp_path):
    records, _ = chain_of(shop.client, 3)
    shop.client.upload(records)
    with renewed(shop, tmp_path) as again:
        sixth, _ = again.record(6, bytes(range(8)))
        reply = again.upload([gap(1, 5, bytes(range(8))), sixth])
        assert (reply.code, stored(reply)) == ("00", 6)
    assert shop.rows("gaps")[0]["log"] == 2


def test_a_wiped_terminal_may_begin_its_log_again_once_enrolled_again(shop, tmp_path):
    records, last = chain_of(shop.client, 2)
    shop.client.upload(records)
    again = renewed(shop, tmp_path)
    other, _ = again.record(1, bytes(8), detail="new")
    with again:
        assert stored(again.upload([other])) == 1
        third, _ = again.record(3, last)
        assert again.upload([third]).code == "30"
    assert [row["log"] for row in shop.rows("records")] == [1, 1, 2]


def test_a_terminal_enrolled_again_may_go_on_with_its_log(shop, tmp_path):
    records, last = chain_of(shop.client, 2)
    shop.client.upload(records)
    with renewed(shop, tmp_path) as again:
        third, _ = again.record(3, last)
        assert stored(again.upload([third])) == 3


# When records are wanted


def wanted(client):
    return bool(client.network().tags[0xDF45][0] & 4)


@pytest.mark.parametrize("code", [None, "000000"])
def test_records_are_wanted_after_every_change_that_was_settled(shop, code):
    assert not wanted(shop.client)
    shop.client.change(account(shop.client, code=code))
    assert wanted(shop.client)
    assert wanted(shop.client)
    records, _ = chain_of(shop.client, 2)
    assert shop.client.upload([*records, bytes(20)]).code == "30"
    assert wanted(shop.client)
    shop.client.upload(records)
    assert not wanted(shop.client)


@pytest.mark.parametrize("accepted", [True, False])
def test_records_are_wanted_once_a_review_has_ended(open_shop, accepted):
    shop = open_shop(review=True)
    shop.client.change(account(shop.client))
    assert not wanted(shop.client)
    acquirer.decide(shop.home, accepted)
    assert wanted(shop.client)


def test_records_are_wanted_after_a_withdrawal(open_shop):
    shop = open_shop(review=True)
    proposal = account(shop.client)
    shop.client.change(proposal)
    shop.client.withdraw(proposal.uuid)
    assert wanted(shop.client)
