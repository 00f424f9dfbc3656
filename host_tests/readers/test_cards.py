"""Cards on the contactless reader: each scheme, and each way in which a card is none of ours."""

import pytest

from firmware.card import emv
from tools.simulator.models import cards
from tools.simulator.models.cards import Application, Payment, afl, packed, tlv, track

_PAN = cards.number("623", 19)
_AID = "A000000333010101"
_AFL = tlv(0x94, afl((1, 1, 1)))
_NUMBERS = {
    "UnionPay debit": cards.number("623", 19),
    "UnionPay credit": cards.number("628", 16),
    "UnionPay quasi-credit": cards.number("625", 16),
    "Visa": cards.number("4761", 16),
    "Mastercard": cards.number("5413", 16),
    "Mastercard, stripe": cards.number("5413", 16),
    "JCB": cards.number("3528", 16),
    "American Express": cards.number("3742", 15),
    "Discover": cards.number("6011", 16),
}


def with_record(record, options=None, **rest):
    """Return a card whose only record is `record`."""
    options = tlv(0x77, tlv(0x82, b"\x20\0"), _AFL) if options is None else options
    return Payment(Application(_AID, "TEST", options, {(1, 1): record}, **rest))


def is_none(read):
    """Tell whether nothing of a card was given."""
    return not (read.number or read.expiry or read.label)


@pytest.mark.parametrize("agrees", [True, False], ids=["230400", "115200"])
@pytest.mark.parametrize("scheme", cards.SCHEMES)
def test_a_card_of_each_scheme_is_known_within_half_a_second(counter, scheme, agrees):
    counter.reader.agrees = agrees
    card = Payment(cards.SCHEMES[scheme]())
    counter.at(500, counter.reader.forget)
    counter.at(500, lambda: counter.reader.put(card))
    read = counter.read_one()
    assert (read.verdict, read.expiry, read.number) == (emv.OK, "3012", _NUMBERS[scheme])
    assert read.label == card.applications[0].label
    line_ms, card_ms = 1000 * counter.reader.line_s, 1000 * counter.reader.card_s
    print(
        f"{scheme}: {line_ms:.0f} ms of line, {card_ms:.0f} ms of card, "
        f"{len(card.seen)} APDUs, {counter.reader.line_bytes} bytes, "
        f"{counter.now_ms - counter.found_ms:.0f} ms since it was found"
    )
    assert line_ms + card_ms <= 500
    assert counter.port.lost == 0


def test_of_several_applications_the_one_that_the_card_prefers_is_read(counter):
    debit, credit = cards.unionpay(priority=2), cards.unionpay_credit()
    assert counter.read_one(Payment(debit, credit)).label == "UnionPay Credit"


def test_a_priority_of_none_comes_last(counter):
    debit, credit = cards.unionpay(priority=0x80), cards.unionpay_credit()
    credit.priority = 15
    assert counter.read_one(Payment(debit, credit)).label == "UnionPay Credit"


def test_an_application_that_we_do_not_know_is_passed_over(counter):
    foreign = Application("A0000006581010", "MIR", b"", priority=1)
    visa = cards.visa()
    visa.priority = 2
    assert counter.read_one(Payment(foreign, visa)).number == _NUMBERS["Visa"]
    assert counter.read_one(Payment(foreign)).verdict == emv.OTHER


@pytest.mark.parametrize("scheme", cards.SCHEMES)
def test_a_card_without_a_list_is_asked_by_names(counter, scheme):
    read = counter.read_one(Payment(cards.SCHEMES[scheme](), listed=False))
    assert (read.verdict, read.number) == (emv.OK, _NUMBERS[scheme])


@pytest.mark.parametrize("le", ["exact", "none", "fetch"])
@pytest.mark.parametrize("scheme", cards.SCHEMES)
def test_whatever_length_a_card_wants_asked_for_it_gets(counter, scheme, le):
    read = counter.read_one(Payment(cards.SCHEMES[scheme](), le=le))
    assert (read.verdict, read.expiry, read.number) == (emv.OK, "3012", _NUMBERS[scheme])


def test_records_are_read_only_until_all_is_known(counter):
    card = Payment(cards.unionpay())
    counter.read_one(card)
    assert [apdu[2] for apdu in card.seen if apdu[1] == 0xB2] == [1, 2, 1, 2]


def test_no_purse_is_touched_and_nothing_is_paid(counter):
    card = Payment(cards.unionpay())
    counter.read_one(card)
    (options,) = [apdu for apdu in card.seen if apdu[1] == 0xA8]
    assert options[7:11] == bytes.fromhex("36804000")  # an online cryptogram is wanted
    assert options[11:23] == bytes(12)  # of no amount
    assert {apdu[1] for apdu in card.seen} == {0xA4, 0xA8, 0xB2}


# -- what is no payment card ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "card",
    [
        cards.Card(),
        cards.transport(),
        cards.phone(),
        Payment(Application("A0000006581010", "MIR", b"")),
        Payment(),
    ],
    ids=["MIFARE", "transport", "phone", "foreign", "empty"],
)
def test_what_is_no_payment_card_of_ours_is_told_so(counter, card):
    read = counter.read_one(card)
    assert read.verdict == emv.OTHER
    assert is_none(read)


def test_a_card_that_is_locked_is_told_so(counter):
    card = Payment(listed=False)
    card.list_status = 0x6A81
    assert counter.read_one(card).verdict == emv.LOCKED
    card.list_status = 0x6283
    assert counter.read_one(card).verdict == emv.LOCKED


def test_a_locked_application_is_told_unless_there_is_another(counter):
    locked, other = cards.unionpay(), cards.unionpay_credit()
    locked.status = 0x6283
    card = Payment(locked)
    assert counter.read_one(card).verdict == emv.LOCKED
    other.priority = 9
    assert counter.read_one(Payment(locked, other)).number == _NUMBERS["UnionPay credit"]


def test_an_application_that_refuses_its_options_tells_no_number(counter):
    one = cards.unionpay()
    one.options_status = 0x6985
    assert counter.read_one(Payment(one)).verdict == emv.NO_NUMBER


def test_two_cards_at_once_are_one_too_many(counter):
    first, second = Payment(cards.unionpay()), Payment(cards.visa(), uid=b"\4\1\2\3\4\5\6")
    read = counter.read_one(first, second)
    assert read.verdict == emv.SEVERAL
    assert is_none(read)
    assert not first.seen and not second.seen
    assert counter.read_one(first).number == _NUMBERS["UnionPay debit"]


# -- what a card says -----------------------------------------------------------------------------


NUMBER = tlv(0x5A, packed(_PAN))
EXPIRY = tlv(0x5F24, b"\x30\x12\x31")
LONG = b"\x5a\x82\x00\x0a" + packed(_PAN)

WHOLE = {
    "plain": tlv(0x70, NUMBER, EXPIRY),
    "padding": tlv(0x70, b"\0\0", NUMBER, b"\xff\xff", EXPIRY, b"\0"),
    "a long length": tlv(0x70, LONG, EXPIRY),
    "a longer template": b"\x70\x82\0" + bytes([len(NUMBER + EXPIRY)]) + NUMBER + EXPIRY,
    "within templates": tlv(0x70, tlv(0x61, tlv(0xA5, NUMBER)), EXPIRY),
    "both": tlv(0x70, tlv(0x57, track(_PAN[:19], rest="")), NUMBER, EXPIRY),
    "a whole record": tlv(0x70, tlv(0x90, bytes(220)), NUMBER, EXPIRY),
}


@pytest.mark.parametrize("record", WHOLE.values(), ids=WHOLE)
def test_a_record_is_read_however_it_is_written(counter, record):
    read = counter.read_one(with_record(record))
    assert (read.verdict, read.number, read.expiry) == (emv.OK, _PAN, "3012")


def test_a_number_without_an_expiry_is_a_number(counter):
    read = counter.read_one(with_record(tlv(0x70, NUMBER)))
    assert (read.verdict, read.number, read.expiry) == (emv.OK, _PAN, "")
    read = counter.read_one(with_record(tlv(0x70, tlv(0x57, track(_PAN, "0000", rest="")))))
    assert (read.verdict, read.number, read.expiry) == (emv.OK, _PAN, "")


BROKEN = {
    "bytes behind the template": tlv(0x70, NUMBER, EXPIRY) + b"\0",
    "another behind it": tlv(0x70, EXPIRY) + tlv(0x70, NUMBER),
    "another template": tlv(0x77, NUMBER, EXPIRY),
    "no template": NUMBER + EXPIRY,
    "cut short": tlv(0x70, NUMBER, EXPIRY)[:-1],
    "longer than it is": b"\x70\x7f" + NUMBER + EXPIRY,
    "an element beyond its template": b"\x70\x0e" + NUMBER + b"\x5f",
    "malformed behind the number": tlv(0x70, NUMBER, EXPIRY, b"\x9f"),
    "two numbers": tlv(0x70, tlv(0x57, track(cards.number("628", 16))), NUMBER, EXPIRY),
    "a number of twelve": tlv(0x70, tlv(0x5A, packed(cards.number("62", 12))), EXPIRY),
    "a number of twenty": tlv(0x70, tlv(0x5A, packed(cards.number("62", 20))), EXPIRY),
    "letters in it": tlv(0x70, tlv(0x5A, bytes.fromhex("62300A0000000018")), EXPIRY),
    "digits behind its padding": tlv(0x70, tlv(0x5A, packed(_PAN) + b"\x12"), EXPIRY),
    "an empty one": tlv(0x70, tlv(0x5A), EXPIRY),
    "a track without end": tlv(0x70, tlv(0x57, packed(_PAN))),
    "a track with letters": tlv(0x70, tlv(0x57, track(_PAN, rest="1B2"))),
    "a thirteenth month": tlv(0x70, NUMBER, tlv(0x5F24, b"\x30\x13\x01")),
    "a short expiry": tlv(0x70, NUMBER, tlv(0x5F24, b"\x30\x12")),
    "six templates": tlv(0x70, *[tlv(0x70, tlv(0x70, tlv(0x70, tlv(0x70, tlv(0x70, NUMBER)))))]),
}


@pytest.mark.parametrize("record", BROKEN.values(), ids=BROKEN)
def test_a_record_that_breaks_a_rule_gives_no_number(counter, record):
    read = counter.read_one(with_record(record))
    assert read.verdict == emv.UNREAD
    assert is_none(read)


def test_a_number_with_a_wrong_check_digit_is_told_so(counter):
    wrong = _PAN[:-1] + str((int(_PAN[-1]) + 1) % 10)
    read = counter.read_one(with_record(tlv(0x70, tlv(0x5A, packed(wrong)), EXPIRY)))
    assert read.verdict == emv.CHECK_DIGIT
    assert is_none(read)


@pytest.mark.parametrize(
    "record", [tlv(0x70), tlv(0x70, EXPIRY), tlv(0x70, tlv(0x5F20, b"CARD/TEST"))]
)
def test_a_card_that_offers_no_number_gives_none(counter, record):
    read = counter.read_one(with_record(record))
    assert read.verdict == emv.NO_NUMBER
    assert is_none(read)


OPTIONS = {
    "no template": b"",
    "half an entry": tlv(0x77, tlv(0x94, b"\x08\1")),
    "an empty AFL": tlv(0x77, tlv(0x94)),
    "file 0": tlv(0x77, tlv(0x94, b"\x00\1\1\0")),
    "file 31": tlv(0x77, tlv(0x94, b"\xf8\1\1\0")),
    "flags in the file": tlv(0x77, tlv(0x94, b"\x0c\1\1\0")),
    "record 0": tlv(0x77, tlv(0x94, b"\x08\0\1\0")),
    "last before first": tlv(0x77, tlv(0x94, b"\x08\2\1\0")),
    "more signed than read": tlv(0x77, tlv(0x94, b"\x08\1\1\2")),
    "too many files": tlv(0x77, tlv(0x94, b"\x08\1\1\0" * 17)),
    "the second entry": tlv(0x77, tlv(0x94, b"\x08\1\1\0\x08\0\1\0")),
    "only AIP": tlv(0x80, b"\x20\0"),
    "not even that": tlv(0x80, b"\x20"),
    "bytes behind": tlv(0x77, _AFL) + b"\0",
    "no record there": tlv(0x77, tlv(0x94, b"\x08\2\2\0")),
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_options_that_break_a_rule_give_no_number(counter, options):
    read = counter.read_one(with_record(tlv(0x70, NUMBER, EXPIRY), options))
    assert read.verdict == emv.UNREAD
    assert is_none(read)


def test_a_file_that_holds_no_emv_data_is_not_asked_for(counter):
    card = with_record(tlv(0x70, NUMBER, EXPIRY), tlv(0x77, tlv(0x94, afl((11, 1, 9), (1, 1, 1)))))
    assert counter.read_one(card).number == _PAN
    assert len(card.seen) == 4


def test_a_card_that_offers_records_without_end_is_left_alone(counter):
    card = with_record(tlv(0x70), tlv(0x77, tlv(0x94, b"\x08\1\xff\0" * 16)))
    card.applications[0].records = dict.fromkeys(((1, n) for n in range(1, 256)), tlv(0x70))
    assert counter.read_one(card).verdict == emv.NO_NUMBER
    assert len(card.seen) == 35


PDOLS = {
    "cut short": b"\x9f\x02",
    "a tag without end": b"\x9f\x81\x81\x81\x01",
    "more than there is room for": b"\x9f\x02\x7f",
}


@pytest.mark.parametrize("pdol", PDOLS.values(), ids=PDOLS)
def test_a_card_that_asks_for_what_nobody_could_give_is_not_read(counter, pdol):
    read = counter.read_one(with_record(tlv(0x70, NUMBER, EXPIRY), pdol=pdol))
    assert read.verdict == emv.UNREAD


def test_a_card_that_asks_for_much_is_given_it(counter):
    card = with_record(
        tlv(0x70, NUMBER, EXPIRY), pdol=b"\x9f\x4e\x14\x9f\x66\x04\x9f\x1a\x03\x9f\x7c\x58"
    )
    assert counter.read_one(card).number == _PAN
    options = card.seen[2]
    assert options[7:31] == bytes(20) + bytes.fromhex("36804000")
    assert options[31:34] == bytes(3)  # three bytes of country: not what we know it as


def test_what_a_card_calls_itself_is_shown_as_far_as_it_is_text(counter):
    card = with_record(tlv(0x70, NUMBER, EXPIRY))
    card.applications[0].label = "Bank\nof nobody"
    assert counter.read_one(card).label == "Bank"
