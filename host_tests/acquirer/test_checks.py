"""The order of checks at the acquirer, and what it does with messages that are not well formed."""

import pytest

from host_tests.interop import client as wire
from host_tests.interop.client import Closed, account, tlv
from tools import acquirer


def closes(deed):
    with pytest.raises(Closed):
        deed()
    return True


# Counter and MAC: A0


def test_a_counter_is_used_once(shop):
    shop.client.network()
    shop.client.counter -= 1
    assert shop.client.network().code == "A0"


def test_a_counter_below_the_last_one_seen_is_refused_and_a_gap_is_fine(shop):
    shop.client.counter = 99
    assert shop.client.network().code == "00"
    shop.client.counter = 49
    assert shop.client.network().code == "A0"
    shop.client.counter = 100
    assert shop.client.network().code == "00"
    assert shop.state["counter"] == 101


@pytest.mark.parametrize("counter", [0x1FFFF, 0xFFFFFFFF, 0])
def test_a_counter_that_no_terminal_may_use_is_refused(shop, counter):
    ksn = shop.client.ikid + counter.to_bytes(4, "big")
    assert shop.client.network(de62=ksn).code == "A0"
    assert shop.client.network().code == "00"


def test_a_wrong_mac_is_refused_and_its_counter_not_seen(shop):
    assert shop.client.network(de128=bytes(8)).code == "A0"
    shop.client.counter -= 1
    assert shop.client.network().code == "00"


def test_error_answers_to_a_change_settle_nothing(shop):
    proposal = account(shop.client)
    reply = shop.client.change(proposal, de128=bytes(8))
    assert reply.verdict == "A0"
    assert set(reply.tags) == {0xDF10, 0xDF41}
    assert reply.tags[0xDF10] == proposal.uuid
    assert 37 not in reply.fields
    assert shop.client.inquire(proposal.uuid).verdict == "00/04"


def test_the_counter_moves_with_a_right_mac_whatever_is_answered(shop):
    shop.client.merchant = "NOBODY"
    assert shop.client.network().code == "03"
    shop.client.merchant = shop.merchant
    shop.client.counter -= 1
    assert shop.client.network().code == "A0"


def test_failed_attempts_that_have_locked_a_keypad_are_marked(shop):
    def signs_on(told):
        return shop.client.network(de120=tlv(0xDF19, bytes(told))).code

    assert signs_on([1, 4]) == signs_on([]) == "00"
    assert shop.rows("marks") == []
    for failures in (5, 6):
        assert signs_on([0, failures, 100, 5, 1, 2]) == "00"
    first, second = shop.rows("marks")
    assert first["kind"] == second["kind"] == "failed attempts"
    assert (first["subject"], first["detail"]) == ("operator 00", "6 wrong ones in a row")
    assert (second["subject"], second["count"]) == ("responses to a challenge", 2)
    assert signs_on([1]) == signs_on([101, 1]) == "30"


def test_a_right_mac_under_an_old_counter_is_noted_in_the_books(shop):
    shop.client.counter = 99
    shop.client.network()
    assert shop.rows("marks") == []
    for counter in (99, 49):
        shop.client.counter = counter
        shop.host.clock.now += 60
        assert shop.client.network().code == "A0"
    (mark,) = shop.rows("marks")
    assert (mark["kind"], mark["count"]) == ("old counter", 2)
    assert mark["subject"] == shop.client.ikid.hex()
    assert mark["detail"] == "counter 50 came with a right MAC after 100"
    assert mark["last_at"] - mark["first_at"] == 60
    assert shop.state["counter"] == 100


def test_a_wrong_mac_under_an_old_counter_is_only_noise(shop):
    shop.client.network()
    shop.client.counter -= 1
    assert shop.client.network(de128=bytes(8)).code == "A0"
    assert shop.rows("marks") == []


# Whose word it is: else nobody gets an answer


def test_nobody_gets_a_word_under_another_terminals_number(open_shop):
    shop, other = open_shop(), open_shop()
    for number in ("UNKNOWN1", other.terminal):
        shop.client.terminal = number
        assert closes(shop.client.network)
    assert other.rows("marks") == []


def test_a_certificate_of_another_terminal_gets_no_answer(open_shop):
    shop, other = open_shop(), open_shop()
    shop.client.connect(other.client.context())
    assert closes(lambda: shop.client.change(account(shop.client)))
    assert shop.rows("applications") == []
    assert shop.state["counter"] == 0


@pytest.mark.parametrize("change", [{}, {"de60": None}, {"de128": bytes(8)}])
def test_a_key_of_another_terminal_gets_no_answer_whatever_else_is_wrong(open_shop, change):
    shop, other = open_shop(), open_shop()
    ksn = other.client.ikid + b"\x00\x00\x00\x01"
    assert closes(lambda: shop.client.network(de62=ksn, **change))
    assert other.state["counter"] == 0


# 97, 03, 40: and which comes first


def test_a_key_replaced_by_a_new_enrolment_is_97(shop, tmp_path):
    acquirer.enroll(shop.home, shop.terminal, shop.merchant, tmp_path / "again")
    assert shop.client.network().code == "97"
    shop.client.counter -= 1  # the old key's counter still moves with a right MAC
    assert shop.client.network().code == "A0"
    assert len(shop.rows("marks")) == 1


def test_a_merchant_number_that_is_not_the_terminals_is_03(open_shop):
    shop, other = open_shop(), open_shop()
    for number in ("NOBODY", other.merchant):
        shop.client.merchant = number
        assert shop.client.change(account(shop.client)).verdict == "03"


def test_the_order_of_the_checks(open_shop, tmp_path):
    shop, other = open_shop(), open_shop()
    shop.client.network()
    acquirer.enroll(shop.home, shop.terminal, shop.merchant, tmp_path / "again")
    proposal = account(shop.client).bent(df11=b"\x09")
    bent = {"de101": "OTHERFILE", "de42": "NOBODY", "de128": bytes(8), "de60": "01000001000"}
    shop.client.connect(other.client.context())
    assert closes(lambda: shop.client.change(proposal, **bent))
    shop.client.connect()
    shop.client.counter = 0
    assert shop.client.change(proposal, **bent).verdict == "30"
    del bent["de60"]
    shop.client.counter = 0
    assert shop.client.change(proposal, **bent).verdict == "A0"
    assert shop.rows("marks") == []  # the MAC comes before the counter
    del bent["de128"]
    shop.client.counter = 0
    assert shop.client.change(proposal, **bent).verdict == "A0"
    assert len(shop.rows("marks")) == 1
    assert shop.client.change(proposal, **bent).verdict == "97"
    again = type(shop.client)(tmp_path / "again", shop.host.port, clock=shop.host.clock)
    shop.client.close()
    shop.client = again
    assert shop.client.change(proposal, **bent).verdict == "03"
    del bent["de42"]
    assert shop.client.change(proposal, **bent).verdict == "40"
    del bent["de101"]
    assert shop.client.change(proposal, **bent).verdict == "30"


def declined(shop, code):
    """What to bend so that a message of this shop is answered with the code."""
    if code == "97":
        acquirer.enroll(shop.home, shop.terminal, shop.merchant, shop.bundle.parent / "newer")
    return {
        "30": {"de60": "01000001000"},
        "A0": {"de128": bytes(8)},
        "97": {},
        "03": {"de42": "NOBODY"},
    }[code]


@pytest.mark.parametrize("code", ["30", "A0", "97", "03"])
def test_what_is_declined_before_it_is_looked_up_says_no_more_than_why(shop, code):
    proposal = account(shop.client)
    shop.client.change(proposal)
    bent = declined(shop, code)
    records = [shop.client.record(1, bytes(8))[0]]
    changed = [
        shop.client.change(proposal, repeat=True, **bent),
        shop.client.inquire(proposal.uuid, **bent),
        shop.client.withdraw(proposal.uuid, **bent),
    ]
    for reply in changed:
        assert reply.verdict == code  # no DF40, although the request is known
        assert set(reply.tags) == {0xDF10, 0xDF41}
        assert reply.reason[4] == " "
        assert int(reply.reason[:4], 16) == 0
        assert not {37, 63} & set(reply.fields)
    bent = {"de60": "01000001301"} if code == "30" else bent
    for reply in (shop.client.network("301", **bent), shop.client.upload(records, **bent)):
        assert reply.code == code
        assert not {37, 63, 120} & set(reply.fields)
    assert shop.rows("records") == []


def test_what_is_not_served_is_40(shop):
    assert shop.client.network("003").code == "40"
    assert shop.client.change(account(shop.client), de91="4").verdict == "40"
    assert shop.client.inquire(slot=1, de101="BRANCHES").verdict == "40"
    assert shop.client.change(account(shop.client), de101="SETTLE").verdict == "40"
    assert shop.client.inquire(slot=1, de101="SETTLE").verdict == "40"
    proposal = account(shop.client)
    for update in ("3", "5"):
        assert shop.client.change(proposal, repeat=True, de91=update).verdict == "40"


@pytest.mark.parametrize("mti", ["0200", "0220", "0400", "0401", "0500", "0501", "0100", "0820"])
def test_an_mti_that_is_not_served_is_40(shop, mti):
    fields = shop.client.header(shop.client.next_ksn())
    fields |= {3: "000000", 4: "000000000100", 22: "021", 25: "00", 35: "4761739001010119=2212"}
    fields |= {49: "156"}
    reply = shop.client.exchange(mti, fields)
    assert reply.code == "40"
    assert reply.mti == f"{mti[:2]}{int(mti[2]) + 1}0"
    assert set(reply.fields) == {3, 4, 7, 11, 12, 13, 39, 41, 42, 49, 60, 62, 64}


def test_a_sale_for_another_merchant_is_03_before_it_is_40(shop):
    shop.client.merchant = "NOBODY"
    fields = shop.client.header(shop.client.next_ksn())
    assert shop.client.exchange("0200", fields | {3: "000000"}).code == "03"


# Format: 30 where an answer can be addressed, else the connection is closed


@pytest.mark.parametrize("de", [7, 12, 13, 42, 60, 70])
def test_a_missing_field_is_a_format_error(shop, de):
    reply = shop.client.network(**{f"de{de}": None})
    assert reply.code == "30"
    assert 63 not in reply.fields


@pytest.mark.parametrize("de", [91, 101, 103, 120])
def test_a_field_missing_from_a_change_is_a_format_error(shop, de):
    reply = shop.client.change(account(shop.client), **{f"de{de}": None})
    assert reply.verdict == "30"
    assert shop.client.network().code == "00"


def test_a_message_without_mac_is_a_format_error(shop):
    def without_mac(body):
        bare = bytearray(body[:-8])
        bare[17] &= 0xFE
        return bytes(bare)

    assert shop.client.network(bend=without_mac).code == "30"


@pytest.mark.parametrize(
    "change",
    [
        {"de2": "6222021234567890128"},
        {"de37": "REFERENCE000"},
        {"de39": "00"},
        {"de49": "156"},
        {"de63": b""},
        {"de64": bytes(8)},
        {"de90": "0" * 42},
        {"de91": "2"},
        {"de102": "0" * 16},
    ],
)
def test_a_known_field_outside_the_messages_row_is_a_format_error(shop, change):
    assert shop.client.network(**change).code == "30"


def test_an_inquiry_has_no_token_and_no_number(shop):
    assert shop.client.inquire(slot=1, de102="0" * 16).verdict == "30"
    assert shop.client.inquire(slot=1, de103="*1234").verdict == "30"


@pytest.mark.parametrize(
    "change",
    [
        {"de11": "000000"},
        {"de60": "01000001001"},
        {"de60": "00000001301"},
        {"de60": "00000001000"},
        {"de70": b"\x10\x01"},
        {"de70": b"\x00\x0a"},
        {"de7": b"\x11\x24\x04\x00\xaa"},
        {"de12": b"\x0f\x00\x00"},
        {"de42": "M\x0000"},
        {"de120": b"\xff" * 990},
    ],
)
def test_a_field_out_of_shape_is_a_format_error(shop, change):
    if "de120" in change:
        change["de120"] = change["de120"][:900]
    assert shop.client.network(**change).code == "30"


@pytest.mark.parametrize(
    "change",
    [
        {"de11": None},
        {"de41": None},
        {"de62": None},
        {"de11": b"\x00\x00\x0a"},
        {"de41": "T\xe9".encode()[:2] + b"      "},
        {"de62": bytes(11)},
        {"de62": bytes(13)},
        {"de60": b"\x00\x11\x00\x00\x00\x01\x00\x1f"},
        {"de3": b"\x00"},
        {"de5": bytes(6)},
    ],
)
def test_what_cannot_be_addressed_closes_the_connection(shop, change):
    fields = shop.client.header(bytes(12))
    fields[62] = shop.client.next_ksn()
    good = fields | {70: "301", 60: "00000001301"}
    for name, value in change.items():
        good[int(name[2:])] = value
    good = {de: value for de, value in good.items() if value is not None}
    body = wire.pack("0800", good | {128: bytes(8)})
    shop.client.send_raw((len(body) + 5).to_bytes(2, "big") + wire.TPDU + body)
    assert closes(shop.client.read_frame)
    assert shop.client.network().code == "00"


def test_an_unknown_ikid_closes_the_connection(shop):
    ksn = bytes(8) + bytes.fromhex("00000001")
    assert closes(lambda: shop.client.network(de62=ksn))
    assert shop.client.network().code == "00"


@pytest.mark.parametrize("mti", ["0310", "0810", "0330", "0210"])
def test_a_message_that_is_no_request_closes_the_connection(shop, mti):
    fields = shop.client.header(shop.client.next_ksn())
    body = shop.client.signed(mti, fields)
    shop.client.send_raw((len(body) + 5).to_bytes(2, "big") + wire.TPDU + body)
    assert closes(shop.client.read_frame)


def test_an_mti_that_is_unreadable_closes_the_connection(shop):
    assert closes(lambda: shop.client.network(bend=lambda body: b"\x0a\x00" + body[2:]))


@pytest.mark.parametrize("de", [65, 71, 100, 104, 127])
def test_an_unknown_field_behind_de_62_is_a_format_error(shop, de):
    assert shop.client.network(bend=with_unknown(de)).code == "30"


def with_unknown(de):
    """Set a bitmap bit that no field of the profile has; its bytes would be the MAC's."""

    def bend(body):
        bent = bytearray(body)
        bent[2 + (de - 1) // 8] |= 0x80 >> (de - 1) % 8
        return bytes(bent)

    return bend


@pytest.mark.parametrize("extra", [b"\x00", bytes(8)])
def test_trailing_bytes_are_a_format_error(shop, extra):
    assert shop.client.network(bend=lambda body: body + extra).code == "30"


def test_a_message_cut_short_is_a_format_error(shop):
    assert shop.client.network(bend=lambda body: body[:-1]).code == "30"


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\xdf",
        tlv(0xDF10, bytes(16)) * 2,
        tlv(0xDF60, b"") * 2,
        b"\x9f\x10\x01\x00",
        b"\xdf\x81\x10\x01\x00",
        b"\xdf\x10\x81\x10" + bytes(16),
        b"\xdf\x10\x82\x00\x10" + bytes(16),
        b"\xdf\x10\x80" + bytes(16) + b"\x00\x00",
        b"\xdf\x10\x11" + bytes(16),
        tlv(0xDF10, bytes(16)) + b"\x00",
    ],
)
def test_a_block_out_of_shape_is_a_format_error_without_status(shop, block):
    reply = shop.client.change(account(shop.client), de120=block)
    assert reply.verdict == "30"
    assert set(reply.tags) <= {0xDF10, 0xDF41}
    assert 37 not in reply.fields
    assert shop.rows("applications") == []


def test_a_repeated_tag_in_the_sealed_block_is_a_format_error(shop):
    proposal = account(shop.client)
    ksn = shop.client.ikid + (shop.client.counter + 1).to_bytes(4, "big")
    block = wire.tlvs(proposal.inner) + tlv(0xDF34, b"\x01")
    proposal.bent(df20=wire.seal(shop.client.key(ksn, 0x3000), block))
    reply = shop.client.change(proposal)
    assert reply.verdict == "30"
    assert reply.reason.startswith("DF34 ")


def test_a_block_sealed_under_another_counter_is_a_format_error(shop):
    proposal = account(shop.client)
    old = proposal.block(shop.client.key(shop.client.next_ksn(), 0x3000), "S")
    reply = shop.client.change(proposal, de120=old)
    assert reply.verdict == "30"
    assert shop.rows("applications") == []
