"""What an acquirer that lies says: its answer with other contents, in the places they had."""

import pytest

from tools.acquirer import keys, message, tlv
from tools.simulator.lies import lie

SECRETS = keys.MessageKeys(bytes(16), bytes(8) + b"\0\0\0\x01")
NAMES = [(0xDF30, b"one"), (0xDF30, b"two"), (0xDF35, b"18")]


def _answer(mti="0310", *extra):
    answer = message.Message(mti)
    pairs = [(0xDF10, b"u" * 16), (0xDF20, SECRETS.seal(tlv.join(NAMES))), (0xDF40, b"\1"), *extra]
    answer.fields = {39: "00", 63 if mti == "0810" else 120: tlv.join(pairs)}
    return answer


def _told(answer, *words):
    lie(words)(answer, SECRETS)
    return tlv.split(answer.fields.get(63) or answer.fields[120])


def test_a_tag_is_replaced_where_it_stood_left_out_or_added():
    told = _told(_answer(), "DF40=04", "DF10=-", "DF44=", "39=09")
    assert [(tag, value) for tag, value in told if tag != 0xDF20] == [
        (0xDF40, b"\4"),
        (0xDF44, b""),
    ]


def test_a_tag_that_is_said_twice_comes_twice():
    answer = _answer()
    lie(["DF41=61", "DF41=62"])(answer, SECRETS)
    block = answer.fields[120]
    assert block.endswith(bytes.fromhex("DF410161DF410162"))


def test_what_is_sealed_is_altered_and_sealed_again():
    told = dict(_told(_answer("0810"), "DF30=FFFE", "DF36=31"))
    assert tlv.split(SECRETS.open(told[0xDF20])) == [
        (0xDF30, b"\xff\xfe"),
        (0xDF35, b"18"),
        (0xDF36, b"1"),
    ]


def test_a_whole_field_is_replaced():
    answer = _answer()
    lie(["120=DF", "39=1Q"])(answer, SECRETS)
    assert answer.fields[120] == b"\xdf" and answer.fields[39] == "1Q"


@pytest.mark.parametrize("word", ["DF40", "9F10=01", "41=10000001", "DF40=1"])
def test_what_is_no_lie_is_refused(word):
    with pytest.raises(ValueError):
        lie([word])
