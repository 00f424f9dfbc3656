"""Changes of a binding as the acquirer judges them: each rule about contents, over real TLS."""

import json
import re
import subprocess

import pytest

from host_tests.interop import client as wire
from host_tests.interop.client import account, card
from tools import acquirer


def test_a_right_change_is_accepted_at_once(shop):
    proposal = account(shop.client)
    reply = shop.client.change(proposal)
    assert reply.verdict == "00/01"
    assert reply.mti == "0310"
    assert reply.tags[0xDF44] == shop.client.token(proposal)
    assert int.from_bytes(reply.tags[0xDF42], "big") == shop.host.clock.now
    assert len(reply.fields[37].strip()) == 12
    (binding,) = shop.rows("bindings")
    assert binding["token"] == shop.client.token(proposal).hex().upper()
    assert binding["number"] == "622202*********0128"
    (application,) = shop.rows("applications")
    assert application["status"] == "active"
    assert application["application"] == reply.tags[0xDF43].decode()


def test_the_old_binding_goes_into_history(open_shop):
    shop = open_shop(account="6222021234567890128")
    old = bytes.fromhex(shop.rows("bindings")[0]["token"])
    proposal = account(shop.client, "0000888800001234")
    assert shop.client.change(proposal, replaced=old).verdict == "00/01"
    assert [row["number"] for row in shop.rows("bindings")] == ["000088******1234"]
    assert [row["number"] for row in shop.rows("history")] == ["622202*********0128"]


def test_a_card_is_accepted_in_another_slot(shop):
    reply = shop.client.change(card(shop.client, slot=2))
    assert reply.verdict == "00/01"
    assert shop.rows("bindings")[0]["kind"] == "card"


def test_a_restore_is_judged_as_what_it_restores(shop):
    clock = shop.host.clock
    first, second = account(shop.client), card(shop.client, code=shop.client.code(clock.now + 30))
    token = shop.client.change(first).tags[0xDF44]
    second_reply = shop.client.change(second, replaced=token)
    assert second_reply.verdict == "00/01"
    clock.now += 60
    again = account(shop.client).bent(df11=b"\x03")
    reply = shop.client.change(again, replaced=second_reply.tags[0xDF44])
    assert reply.verdict == "00/01"
    assert reply.tags[0xDF44] == token


@pytest.mark.parametrize("operator", ["01", "98"])
@pytest.mark.parametrize(("supervisor", "verdict"), [("00", "00/01"), ("01", "58/03")])
def test_one_enters_a_change_and_the_supervisor_approves_it(shop, operator, supervisor, verdict):
    proposal = account(shop.client, operator=operator, supervisor=supervisor)
    reply = shop.client.change(proposal)
    assert reply.verdict == verdict
    assert verdict == "00/01" or reply.reason.startswith("DF15 ")


@pytest.mark.parametrize(
    ("bend", "verdict", "tag"),
    [
        ({"df30": "李四".encode()}, "63/03", "DF30"),
        ({"df35": b"91110000802100433B"}, "63/03", "DF35"),
        ({"df31": b"62220212345A7890128"}, "14/03", "DF31"),
        ({"df3a": b"000000"}, "55/03", "DF3A"),
    ],
)
def test_what_is_refused_about_an_account(shop, bend, verdict, tag):
    reply = shop.client.change(account(shop.client).bent(**bend))
    assert reply.verdict == verdict
    assert reply.reason.startswith(tag + " ")
    assert reply.fields[37]
    assert shop.rows("bindings") == []
    assert shop.rows("applications")[0]["response_code"] == verdict[:2]


@pytest.mark.parametrize(
    ("bend", "verdict", "tag"),
    [
        ({"df36": b"6222021234567890123"}, "14/03", "DF36"),
        ({"df36": b"622202123456789012A"}, "14/03", "DF36"),
        ({"df37": b"2610"}, "54/03", "DF37"),
    ],
)
def test_what_is_refused_about_a_card(shop, bend, verdict, tag):
    reply = shop.client.change(card(shop.client).bent(**bend))
    assert reply.verdict == verdict
    assert reply.reason.startswith(tag + " ")


def test_a_licence_in_small_letters_is_the_same_one(shop):
    # A terminal sends what its binding has, which the office may have entered long ago.
    proposal = account(shop.client)
    small = proposal.inner[0xDF35].lower()
    assert small != proposal.inner[0xDF35]
    assert shop.client.change(proposal.bent(df35=small)).verdict == "00/01"


def test_a_card_is_good_until_its_month_ends(shop):
    assert shop.client.change(card(shop.client, expiry="2611")).verdict == "00/01"


def test_luhn_is_never_asked_of_an_account(shop):
    assert shop.client.change(account(shop.client, "6222021234567890123")).verdict == "00/01"


@pytest.mark.parametrize(
    "bend",
    [
        {"df10": b"short"},
        {"df11": None},
        {"df11": b"\x05"},
        {"df12": b"\x00"},
        {"df12": b"\x05"},
        {"df12": b"\x01\x01"},
        {"df13": None},
        {"df13": b"\x06"},
        {"df14": b"0A"},
        {"df14": None},
        {"df14": b"99"},
        {"df14": b"00"},
        {"df14": b"001"},
        {"df15": None},
        {"df15": b"0"},
        {"df16": None},
        {"df16": b"S" * 21},
        {"df16": b"\xff"},
        {"df17": b"1" * 33},
        {"df20": bytes(31)},
        {"df20": bytes(48)},
        {"df30": None},
        {"df30": b""},
        {"df30": b"n" * 121},
        {"df30": "示例\n商贸".encode()},
        {"df30": "示例\u0085商贸".encode()},
        {"df30": b"\xff\xfe"},
        {"df31": None},
        {"df31": b"1234567"},
        {"df31": b"1" * 33},
        {"df32": None},
        {"df32": b"30858400001"},
        {"df32": b"30858400001X"},
        {"df33": b"b" * 91},
        {"df33": b"bank\x7f"},
        {"df34": None},
        {"df34": b"\x03"},
        {"df35": None},
        {"df35": b"9135"},
        {"df36": b"6205500000000000004"},
        {"df3a": None},
        {"df3a": b"12345"},
        {"df3a": b"12345A"},
        {"df37": b"3012"},
        {"df38": b"123"},
        {"df39": b"6205500000000000004=3012"},
        {"df3b": b"\x9f\x02\x06"},
    ],
)
def test_what_is_a_format_error_in_an_account(shop, bend):
    reply = shop.client.change(account(shop.client).bent(**bend))
    assert reply.verdict == "30"
    assert set(reply.tags) <= {0xDF10, 0xDF41}
    assert 37 not in reply.fields
    assert re.match(r"[0-9A-F]{4} ", reply.reason)
    if "df20" not in bend:
        assert reply.reason.startswith(next(iter(bend)).upper())
    assert shop.rows("applications") == []


@pytest.mark.parametrize(
    "bend",
    [
        {"df30": None},
        {"df35": None},
        {"df36": None},
        {"df36": b"620550000000"},
        {"df36": b"62055000000000000041"},
        {"df37": None},
        {"df37": b"3013"},
        {"df37": b"301"},
        {"df31": b"6222021234567890128"},
        {"df32": b"308584000013"},
        {"df33": b"bank"},
        {"df34": b"\x01"},
        {"df39": b"6205500000000000004=3012"},
        {"df38": b"12345"},
    ],
)
def test_what_is_a_format_error_in_a_card(shop, bend):
    reply = shop.client.change(card(shop.client).bent(**bend))
    assert reply.verdict == "30"
    assert reply.reason.startswith(next(iter(bend)).upper() + " ")
    assert shop.rows("applications") == []


def test_names_may_be_as_long_as_the_table_says(open_shop):
    shop = open_shop(names=["名" * 40])
    proposal = account(shop.client).bent(df33=("行" * 30).encode())
    assert shop.client.change(proposal).verdict == "00/01"
    assert dict(shop.client.inquire(slot=1).sealed)[0xDF30] == ("名" * 40).encode()


def test_unknown_tags_are_ignored_wherever_they_are(shop):
    proposal = account(shop.client).bent(df5a=b"later").bent(df3e=b"later")
    reply = shop.client.change(proposal)
    assert reply.verdict == "00/01"
    del proposal.inner[0xDF3E]
    assert reply.tags[0xDF44] == shop.client.token(proposal)


def test_format_comes_before_every_other_fault_of_the_contents(open_shop):
    shop = open_shop(account="6222021234567890128")
    wrong = account(shop.client, supervisor="01").bent(df30=b"nobody", df31=b"1234567")
    assert shop.client.change(wrong).verdict == "30"


def test_the_faults_come_in_the_order_of_the_profile(open_shop):
    shop = open_shop(account="6222021234567890128")
    token = bytes.fromhex(shop.rows("bindings")[0]["token"])
    faults = [
        ({"df3a": b"000000"}, "55/03"),
        ({"df37": b"2001"}, "54/03"),
        ({"df36": b"6222021234567890123"}, "14/03"),
        ({"df35": b"91110000802100433B"}, "63/03"),
        ({"df15": b"02"}, "58/03"),
    ]
    bent = {}
    for fault, verdict in faults:
        bent |= fault
        reply = shop.client.change(card(shop.client).bent(**bent), replaced=token)
        assert reply.verdict == verdict
    assert shop.client.change(card(shop.client).bent(**bent)).verdict == "22/03"


@pytest.mark.parametrize("token", [None, bytes(8)])
def test_the_replaced_token_must_be_the_slots(open_shop, token):
    shop = open_shop(account="6222021234567890128")
    assert shop.client.change(account(shop.client), replaced=token).verdict == "22/03"
    assert shop.rows("history") == []


def test_no_token_is_named_where_nothing_is_bound(shop):
    assert shop.client.change(account(shop.client), replaced=bytes(8)).verdict == "22/03"


def test_a_token_in_small_letters_is_not_the_slots(open_shop):
    shop = open_shop(account="6222021234567890128")
    token = shop.rows("bindings")[0]["token"].lower()
    assert shop.client.change(account(shop.client), de102=token).verdict == "22/03"


# Exactly once


def test_a_repeat_of_an_accepted_change_gets_the_same_answer(shop):
    proposal = account(shop.client)
    first = shop.client.change(proposal)
    again = shop.client.change(proposal, repeat=True)
    assert again.verdict == "00/01"
    assert again.fields[37] == first.fields[37]
    assert again.fields[11] == first.fields[11]
    assert again.tags == first.tags
    assert len(shop.rows("applications")) == 1
    assert len(shop.rows("bindings")) == 1


def test_a_late_repeat_is_told_the_token_the_slot_has_by_now(shop):
    proposal = account(shop.client)
    first = shop.client.change(proposal)
    token = acquirer.bind(shop.home, shop.terminal, "0000888800001234")
    late = shop.client.change(proposal, repeat=True)
    assert late.verdict == "00/01"
    assert late.tags.pop(0xDF44).hex().upper() == token
    del first.tags[0xDF44]
    assert late.tags == first.tags
    assert late.fields[37] == first.fields[37]


@pytest.mark.parametrize("repeat", [True, False])
def test_a_known_uuid_gets_its_state_whatever_df20_says(shop, repeat):
    proposal = account(shop.client)
    first = shop.client.change(proposal)
    proposal.bent(df31=b"1", df30=b"nobody", df3a=None, df11=b"\x09", df20=b"no block")
    again = shop.client.change(proposal, replaced=bytes(8), repeat=repeat)
    assert again.tags == first.tags


def test_a_refusal_is_kept_under_its_uuid(shop):
    proposal = account(shop.client, code="000000")
    first = shop.client.change(proposal)
    proposal.bent(df3a=shop.client.code().encode())
    again = shop.client.change(proposal, repeat=True)
    assert again.verdict == first.verdict == "55/03"
    assert again.fields[37] == first.fields[37]
    assert again.tags == first.tags
    assert shop.client.inquire(proposal.uuid).tags == first.tags


def test_an_unknown_repeat_is_a_first_change(shop):
    assert shop.client.change(account(shop.client), repeat=True).verdict == "00/01"


def test_an_unknown_repeat_without_the_code_is_rejected_and_counts(shop):
    for _ in range(5):
        proposal = account(shop.client).bent(df3a=None)
        assert shop.client.change(proposal, repeat=True).verdict == "55/03"
    assert shop.client.change(account(shop.client)).verdict == "61/03"


def test_an_inquiry_tells_the_state_and_an_unknown_one_is_04(shop):
    proposal = account(shop.client)
    unknown = shop.client.inquire(proposal.uuid)
    assert unknown.verdict == "00/04"
    assert set(unknown.tags) == {0xDF10, 0xDF40}
    assert 37 not in unknown.fields
    first = shop.client.change(proposal)
    known = shop.client.inquire(proposal.uuid)
    assert known.tags == first.tags
    assert known.fields[37] == first.fields[37]
    assert known.fields[11] != first.fields[11]


def test_an_inquiry_with_uuid_and_slot_is_about_the_request(shop):
    proposal = account(shop.client)
    first = shop.client.change(proposal)
    both = wire.tlv(0xDF10, proposal.uuid) + wire.tlv(0xDF12, b"\x02")
    assert shop.client.inquire(slot=2, de120=both).tags == first.tags
    unknown = wire.tlv(0xDF10, bytes(16)) + wire.tlv(0xDF12, b"\x01")
    assert shop.client.inquire(slot=1, de120=unknown).verdict == "00/04"


def test_the_truncated_number_is_for_people_only(shop):
    assert shop.client.change(account(shop.client), de103="*0000").verdict == "00/01"


def test_another_terminals_request_is_unknown_here(open_shop):
    one, other = open_shop(), open_shop()
    proposal = account(one.client)
    one.client.change(proposal)
    assert other.client.inquire(proposal.uuid).verdict == "00/04"


def test_a_slots_inquiry_brings_the_binding_without_secrets(shop):
    assert shop.client.inquire(slot=1).verdict == "00/04"
    acquirer.set_policy(shop.home, shop.merchant, cvv2=True)
    proposal = card(shop.client, cvv2="123")
    shop.client.change(proposal)
    reply = shop.client.inquire(slot=1)
    assert reply.code == "00"
    assert reply.status is None
    assert 37 not in reply.fields
    assert reply.tags[0xDF44] == shop.client.token(proposal)
    assert dict(reply.sealed) == {
        tag: value for tag, value in proposal.inner.items() if tag < 0xDF38
    }
    assert shop.client.inquire(slot=2).verdict == "00/04"


@pytest.mark.parametrize("slot", [0, 5])
def test_there_are_four_slots(shop, slot):
    assert shop.client.inquire(slot=slot).verdict == "30"


def test_an_inquiry_without_uuid_and_slot_is_a_format_error(shop):
    assert shop.client.inquire(slot=1, de120=b"").verdict == "30"
    assert shop.client.inquire(slot=1, de120=b"\xdf\x10\x01\x00").verdict == "30"


# What the slot has, and what it had


def test_a_change_to_exactly_what_is_bound_is_refused_with_the_account(shop):
    proposal = account(shop.client)
    token = shop.client.change(proposal).tags[0xDF44]
    shop.host.clock.next_code()
    reply = shop.client.change(account(shop.client), replaced=token)
    assert reply.verdict == "14/03"
    assert reply.reason.startswith("DF31 ")
    reply = shop.client.change(account(shop.client).bent(df11=b"\x03"), replaced=token)
    assert reply.verdict == "14/03"  # a restore of it too
    assert shop.client.change(account(shop.client), replaced=token).verdict == "14/03"
    other = account(shop.client).bent(df33="示例银行".encode())
    assert shop.client.change(other, replaced=token).verdict == "00/01"  # none of them was a try
    assert len(shop.rows("history")) == 1


def test_the_same_card_again_is_refused_with_the_card(shop):
    token = shop.client.change(card(shop.client)).tags[0xDF44]
    reply = shop.client.change(card(shop.client), replaced=token)
    assert reply.verdict == "14/03"
    assert reply.reason.startswith("DF36 ")


def test_the_same_account_may_stand_in_two_slots(shop):
    shop.client.change(account(shop.client))
    shop.host.clock.next_code()
    assert shop.client.change(account(shop.client, slot=2)).verdict == "00/01"


def test_only_what_the_slot_once_had_can_be_restored(open_shop):
    shop = open_shop(account="6222021234567890128")
    token = bytes.fromhex(shop.rows("bindings")[0]["token"])
    strange = account(shop.client, "0000888800001234").bent(df11=b"\x03")
    reply = shop.client.change(strange, replaced=token)
    assert reply.verdict == "63/03"
    assert reply.reason.startswith("0000 ")
    elsewhere = account(shop.client).bent(df11=b"\x03", df12=b"\x02")
    assert shop.client.change(elsewhere).verdict == "63/03"  # slot 1 had it, slot 2 never


def test_what_never_was_is_judged_with_the_holder(open_shop):
    shop = open_shop(account="6222021234567890128")
    token = bytes.fromhex(shop.rows("bindings")[0]["token"])
    strange = account(shop.client, "0000888800001234").bent(df11=b"\x03", df3a=b"000000")
    assert shop.client.change(strange.bent(df31=b"00008888X0001234")).verdict == "22/03"
    strange = account(shop.client, "0000888800001234").bent(df11=b"\x03", df3a=b"000000")
    reply = shop.client.change(strange.bent(df31=b"00008888X0001234"), replaced=token)
    assert reply.verdict == "63/03"  # before the account's digits and the code
    assert shop.state["wrong_codes"] == 0


def test_a_binding_that_the_acquirer_ended_can_be_restored(open_shop):
    shop = open_shop(account="6222021234567890128")
    (binding,) = shop.rows("bindings")
    acquirer.unbind(shop.home, shop.terminal)
    assert shop.rows("bindings") == []
    restore = account(shop.client).bent(df11=b"\x03", df32=b"102100099996")
    reply = shop.client.change(restore)
    assert reply.verdict == "00/01"
    assert reply.tags[0xDF44].hex().upper() == binding["token"]


@pytest.mark.parametrize("bank", ["", "行" * 29, "行" * 30, "b" * 90])
@pytest.mark.parametrize("name", ["名" * 40, "n" * 120, "x"])
def test_whatever_the_office_binds_a_terminal_can_restore(open_shop, bank, name):
    shop = open_shop(names=[name])
    token = acquirer.bind(shop.home, shop.terminal, "6" * 32, bank=bank)
    bound = dict(shop.client.inquire(slot=1).sealed)
    assert list(bound) == sorted(bound)
    assert (0xDF33 in bound) == bool(bank)
    proposal = account(shop.client)
    second = shop.client.change(proposal, replaced=bytes.fromhex(token))
    assert second.verdict == "00/01"
    shop.host.clock.next_code()
    restore = account(shop.client).bent(df11=b"\x03")
    restore.inner = bound | {0xDF3A: restore.inner[0xDF3A]}
    reply = shop.client.change(restore, replaced=second.tags[0xDF44])
    assert reply.verdict == "00/01"
    assert reply.tags[0xDF44].hex().upper() == token


def test_a_slot_that_was_unbound_is_noticed_and_its_token_is_zeros(shop):
    proposal = account(shop.client)
    token = shop.client.change(proposal).tags[0xDF44]
    acquirer.unbind(shop.home, shop.terminal)
    assert shop.client.network(bound={1: token}).tags[0xDF45][0] & 1
    assert shop.client.inquire(slot=1).verdict == "00/04"
    late = shop.client.change(proposal, repeat=True)
    assert late.verdict == "00/01"
    assert late.tags[0xDF44] == bytes(8)
    assert {0xDF42, 0xDF43} <= set(late.tags)
    shop.host.clock.next_code()
    assert shop.client.change(account(shop.client), replaced=token).verdict == "22/03"
    assert shop.client.change(account(shop.client)).verdict == "00/01"


# Withdrawal


def test_a_request_under_review_is_withdrawn_for_good(open_shop):
    shop = open_shop(review=True)
    proposal = account(shop.client)
    waiting = shop.client.change(proposal)
    reply = shop.client.withdraw(proposal.uuid)
    assert reply.mti == "0310"
    assert reply.verdict == "59/03"
    assert reply.reason.startswith("0000 ")
    assert reply.fields[37] == waiting.fields[37]
    assert reply.tags[0xDF43] == waiting.tags[0xDF43]
    for _ in range(2):
        assert shop.client.withdraw(proposal.uuid).tags == reply.tags
        assert shop.client.inquire(proposal.uuid).tags == reply.tags
        assert shop.client.change(proposal, repeat=True).tags == reply.tags
    assert shop.state["pending"] is None
    assert not shop.state["decision_waiting"]
    with pytest.raises(acquirer.OfficeError, match="settled already"):
        acquirer.decide(shop.home, True, shop.rows("applications")[0]["application"])
    shop.host.clock.next_code()
    assert shop.client.change(account(shop.client)).verdict == "09/02"


def test_a_request_that_never_came_is_unknown_and_can_never_come(shop):
    proposal = account(shop.client)
    ksn = shop.client.next_ksn()  # of a 0300 that is still on its way
    reply = shop.client.withdraw(proposal.uuid)
    assert reply.verdict == "00/04"
    assert set(reply.tags) == {0xDF10, 0xDF40}
    assert 37 not in reply.fields
    proposal.bent(df20=wire.seal(shop.client.key(ksn, 0x3000), wire.tlvs(proposal.inner)))
    assert shop.client.change(proposal, de62=ksn).verdict == "A0"
    assert shop.rows("applications") == []


def test_what_is_settled_is_told_as_it_is(shop):
    accepted = account(shop.client)
    first = shop.client.change(accepted)
    assert shop.client.withdraw(accepted.uuid).tags == first.tags
    refused = account(shop.client, slot=2, code="000000")
    first = shop.client.change(refused)
    assert shop.client.withdraw(refused.uuid).tags == first.tags
    assert len(shop.rows("bindings")) == 1


@pytest.mark.parametrize(
    ("operator", "supervisor", "verdict"),
    [
        (b"01", b"00", "59/03"),
        (b"98", b"00", "59/03"),
        (b"00", b"00", "58"),
        (b"00", None, "58"),
        (b"01", None, "58"),
        (b"01", b"01", "58"),
        (b"00", b"01", "58"),
        (b"99", b"00", "58"),
        (None, b"00", "30"),
        (b"1", b"00", "30"),
        (b"0A", b"00", "30"),
        (b"01", b"0", "30"),
    ],
)
def test_a_withdrawal_is_asked_by_one_and_approved_by_the_other(
    open_shop, operator, supervisor, verdict
):
    shop = open_shop(review=True)
    proposal = account(shop.client)
    shop.client.change(proposal)
    reply = shop.client.withdraw(proposal.uuid, operator, supervisor)
    assert reply.verdict == verdict
    if reply.status is None:
        assert set(reply.tags) == {0xDF10, 0xDF41}
        assert 37 not in reply.fields
        assert shop.client.inquire(proposal.uuid).verdict == "09/02"


def test_a_withdrawal_that_is_not_allowed_says_so_before_it_looks_anything_up(shop):
    proposal = account(shop.client)
    assert shop.client.withdraw(proposal.uuid, b"01", None).verdict == "58"


@pytest.mark.parametrize("change", [{"de102": "0" * 16}, {"de103": "*1234"}, {"de120": b""}])
def test_a_withdrawal_is_shaped_like_an_inquiry(shop, change):
    assert shop.client.withdraw(bytes(16), **change).verdict == "30"


def test_people_may_end_with_59_what_is_under_review(open_shop):
    shop = open_shop(review=True)
    proposal = account(shop.client)
    shop.client.change(proposal)
    acquirer.decide(shop.home, False, code="59")
    assert shop.client.inquire(proposal.uuid).verdict == "59/03"


# Review


def test_under_review_then_accepted(open_shop):
    shop = open_shop(review=True, account="6222021234567890128")
    old = bytes.fromhex(shop.rows("bindings")[0]["token"])
    proposal = account(shop.client, "0000888800001234")
    waiting = shop.client.change(proposal, replaced=old)
    assert waiting.verdict == "09/02"
    assert shop.rows("bindings")[0]["token"] == old.hex().upper()
    assert shop.client.network(bound={1: old}).tags[0xDF45] == b"\x00"
    number = waiting.tags[0xDF43].decode()
    assert acquirer.decide(shop.home, True, number) == [number]
    assert shop.client.network(bound={1: old}).tags[0xDF45] == b"\x0d"  # records are wanted too
    decided = shop.client.inquire(proposal.uuid)
    assert decided.verdict == "00/01"
    assert decided.fields[37] == waiting.fields[37]
    assert decided.tags[0xDF43] == waiting.tags[0xDF43]
    assert decided.tags[0xDF44] == shop.client.token(proposal)
    assert shop.client.network(bound={1: decided.tags[0xDF44]}).tags[0xDF45] == b"\x04"


def test_under_review_then_rejected_with_words(open_shop):
    shop = open_shop(review=True)
    proposal = account(shop.client)
    assert shop.client.change(proposal).verdict == "09/02"
    acquirer.decide(shop.home, False, reason="证照已过期")
    decided = shop.client.change(proposal, repeat=True)
    assert decided.verdict == "63/03"
    assert decided.reason == "0000 证照已过期"
    assert shop.rows("bindings") == []
    with pytest.raises(acquirer.OfficeError, match="settled already"):
        acquirer.decide(shop.home, True, shop.rows("applications")[0]["application"])


def test_one_request_is_pending_at_a_time(open_shop):
    shop = open_shop(review=True)
    proposal = account(shop.client)
    assert shop.client.change(proposal).verdict == "09/02"
    shop.host.clock.next_code()
    other = account(shop.client, slot=2)
    assert shop.client.change(other).verdict == "22/03"
    assert shop.client.change(proposal, repeat=True).verdict == "09/02"
    acquirer.decide(shop.home, False)
    assert shop.client.change(other, repeat=True).verdict == "22/03"
    assert shop.client.change(account(shop.client, slot=2)).verdict == "09/02"


def test_a_review_is_not_accepted_over_a_binding_changed_meanwhile(open_shop):
    shop = open_shop(review=True)
    shop.client.change(account(shop.client))
    acquirer.bind(shop.home, shop.terminal, "0000888800001234")
    with pytest.raises(acquirer.OfficeError, match="has changed since"):
        acquirer.decide(shop.home, True)


# One-time codes and the daily limit


def test_a_code_is_spent_once_right(shop):
    token = shop.client.change(account(shop.client)).tags[0xDF44]
    again = account(shop.client, "0000888800001234")
    assert shop.client.change(again, replaced=token).verdict == "55/03"
    shop.host.clock.next_code()
    again = account(shop.client, "0000888800001234")
    assert shop.client.change(again, replaced=token).verdict == "00/01"


def test_a_code_spent_on_a_review_stays_spent(open_shop):
    shop = open_shop(review=True)
    shop.client.change(account(shop.client))
    acquirer.decide(shop.home, False)
    assert shop.client.change(account(shop.client)).verdict == "55/03"


def test_a_code_refused_for_another_reason_is_not_spent(shop):
    assert shop.client.change(account(shop.client).bent(df30=b"nobody")).verdict == "63/03"
    assert shop.client.change(account(shop.client)).verdict == "00/01"


@pytest.mark.parametrize(
    ("steps", "verdict"), [(-2, "55/03"), (-1, "00/01"), (1, "00/01"), (2, "55/03")]
)
def test_the_code_window_is_one_step_either_way(shop, steps, verdict):
    code = shop.client.code(shop.host.clock.now + 30 * steps)
    assert shop.client.change(account(shop.client, code=code)).verdict == verdict


def test_the_sixth_code_check_of_a_day_is_over_the_limit(shop):
    for _ in range(5):
        assert shop.client.change(account(shop.client, code="000000")).verdict == "55/03"
    over = account(shop.client)
    assert shop.client.change(over).verdict == "61/03"
    assert shop.client.change(account(shop.client, supervisor="01")).verdict == "58/03"
    shop.host.clock.now += 12 * 3600 - 1  # the day ends at midnight in China
    assert shop.client.change(account(shop.client)).verdict == "61/03"
    shop.host.clock.now += 1
    assert shop.client.change(account(shop.client)).verdict == "00/01"
    assert shop.client.inquire(over.uuid).verdict == "61/03"


def test_refusals_before_the_code_check_do_not_count(shop):
    for _ in range(8):
        assert shop.client.change(account(shop.client, supervisor="01")).verdict == "58/03"
    assert shop.client.change(account(shop.client)).verdict == "00/01"


def test_a_code_once_right_spends_all_before_it(shop):
    now = shop.host.clock.now
    later = account(shop.client, code=shop.client.code(now + 30))
    token = shop.client.change(later).tags[0xDF44]
    for earlier in (now - 30, now, now + 30):
        other = account(shop.client, "0000888800001234", code=shop.client.code(earlier))
        assert shop.client.change(other, replaced=token).verdict == "55/03"
    shop.host.clock.next_code()
    other = account(shop.client, "0000888800001234", code=shop.client.code(now + 60))
    assert shop.client.change(other, replaced=token).verdict == "00/01"


def wrong_codes(shop, count):
    """So many wrong, spent and missing codes, five a day. Returns the verdicts."""
    verdicts = []
    for n in range(count):
        if n % 5 == 0:
            shop.host.clock.now += 86400
        proposal = account(shop.client, code="000000", slot=3)
        if n % 3 == 1:
            proposal.bent(df3a=None)
        verdicts.append(shop.client.change(proposal, repeat=n % 3 == 1).verdict)
    shop.host.clock.now += 86400
    return verdicts


def test_ten_wrong_codes_in_a_row_lock_changes_until_the_provider_unlocks(shop):
    assert wrong_codes(shop, 10) == ["55/03"] * 10
    assert shop.state["locked"]
    locked = account(shop.client)
    for _ in range(2):
        reply = shop.client.change(locked)
        assert reply.verdict == "58/03"
        assert reply.reason.startswith("0000 ")
    assert shop.client.change(account(shop.client).bent(df30=b"nobody")).verdict == "58/03"
    assert shop.client.change(account(shop.client), replaced=bytes(8)).verdict == "22/03"
    assert shop.client.network().code == "00"
    assert shop.client.inquire(locked.uuid).verdict == "58/03"
    assert acquirer.unlock(shop.home, shop.terminal)
    assert shop.client.change(locked, repeat=True).verdict == "58/03"  # it was settled
    assert shop.client.change(account(shop.client)).verdict == "00/01"
    assert not acquirer.unlock(shop.home, shop.terminal)


def test_a_right_code_begins_the_row_anew(shop):
    wrong_codes(shop, 9)
    assert shop.state["wrong_codes"] == 9
    token = shop.client.change(account(shop.client)).tags[0xDF44]
    assert shop.state["wrong_codes"] == 0
    again = account(shop.client, "0000888800001234")
    assert shop.client.change(again, replaced=token).verdict == "55/03"  # spent
    assert shop.state["wrong_codes"] == 1
    assert not shop.state["locked"]


def test_a_repeat_of_a_wrong_code_is_no_other_wrong_code(shop):
    proposal = account(shop.client, code="000000")
    for _ in range(12):
        assert shop.client.change(proposal, repeat=True).verdict == "55/03"
    assert shop.state["wrong_codes"] == 1


def test_a_new_enrolment_unlocks_nothing(shop, tmp_path):
    wrong_codes(shop, 10)
    acquirer.enroll(shop.home, shop.terminal, shop.merchant, tmp_path / "again")
    assert shop.state["locked"]


# CVV2


def test_cvv2_is_wanted_where_the_policy_says_so(shop):
    assert shop.client.network().tags[0xDF48] == b"\x00"
    acquirer.set_policy(shop.home, shop.merchant, cvv2=True)
    assert shop.client.network().tags[0xDF48] == b"\x01"
    reply = shop.client.change(card(shop.client))
    assert reply.verdict == "30"
    assert reply.reason.startswith("DF38 ")
    assert shop.client.change(account(shop.client)).verdict == "00/01"
    shop.host.clock.next_code()
    assert shop.client.change(card(shop.client, slot=2, cvv2="123")).verdict == "00/01"


def test_a_repeat_may_come_without_cvv2(shop):
    acquirer.set_policy(shop.home, shop.merchant, cvv2=True)
    assert shop.client.change(card(shop.client), repeat=True).verdict == "00/01"


# What is kept


def test_no_account_number_is_in_clear_in_the_files_or_the_books(open_shop):
    shop = open_shop(review=True, account="6222029999990128")
    token = bytes.fromhex(shop.rows("bindings")[0]["token"])
    shop.client.change(card(shop.client, "6205500000000000004", cvv2="987"), replaced=token)
    acquirer.decide(shop.home, True)
    shown = json.dumps(acquirer.read_books(shop.home))
    # Read by another process: closing the files in this one would take the server's locks away.
    files = list(shop.home.glob("books.sqlite3*"))
    stored = subprocess.run(["cat", *files], capture_output=True, check=True).stdout
    for number in ("6222029999990128", "6205500000000000004"):
        assert number not in shown
        assert number.encode() not in stored
    assert "620550*********0004" in shown
