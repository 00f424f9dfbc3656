"""Whatever a secret was written down as, it is found; what only looks like it is not."""

import pytest

from host_tests.secrets import allowed, forms
from host_tests.secrets.forms import Secret

NUMBER = "6230580000123456789"
PASSWORD = "73958463"
CODE = "749513"
CVV2 = "7395"
KEY = bytes.fromhex("8f3c0a5577d1e29b4460aa0391fe7c18")

LEAKS = [
    (PASSWORD, b"73958463"),
    (PASSWORD, "73958463".encode("utf-16-le")),
    (PASSWORD, "73958463".encode("utf-16-be")),
    (PASSWORD, bytes.fromhex("73958463")),
    (PASSWORD, bytes.fromhex("0739584630")),
    (PASSWORD, b"3733393538343633"),
    (PASSWORD, b"36485937"),
    (PASSWORD, b"7395 8463"),
    (PASSWORD, "7395-8463".encode("utf-16-le")),
    (NUMBER, bytes.fromhex("6230580000123456789f")),
    (NUMBER, bytes.fromhex("36230580000123456789")),
    (NUMBER, b"6230 5800 0012 3456 789"),
    (NUMBER, b"58000012"),
    (NUMBER, b"5800 0012"),
    (NUMBER, NUMBER[::-1].encode()),
    (CODE, b"[749513]"),
    (CVV2, b"7395="),
    (CVV2, "7395".encode("utf-16-le")),
    (KEY, KEY),
    (KEY, KEY[::-1]),
    (KEY, KEY.hex().encode()),
    (KEY, KEY.hex().upper().encode()),
    (KEY, KEY.hex().encode("utf-16-le")),
    (KEY, b"8f3c 0a55 77d1 e29b 4460 aa03 91fe 7c18"),
    (KEY, b"jzwKVXfR4ptEYKoDkf58GA=="),
]


@pytest.mark.parametrize(("value", "leak"), LEAKS)
def test_a_secret_is_found_in_whatever_form_it_leaks(value, leak):
    around = bytes(forms.SMALL)
    secret = Secret("a kind", value)
    assert not list(forms.found_in(secret, around))
    found = list(forms.found_in(secret, around + b"\n" + leak + b"\n" + around))
    assert found
    assert all(count == 1 for _, count in found)


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (NUMBER, b"623058*6789"),  # masked
        (PASSWORD, bytes.fromhex("1739584642")),  # ends otherwise
        (CODE, b"1795749513"),  # a time
        (CVV2, b"port 57395"),
        ("6200000000000005", bytes(64)),
        ("6222021234567890", b"0123456789"),
    ],
)
def test_what_only_looks_like_it_is_not_found(value, other):
    assert not list(forms.found_in(Secret("a kind", value), other + bytes(forms.SMALL)))


def test_a_secret_does_not_show_itself():
    assert PASSWORD not in repr(Secret("password", PASSWORD))


def test_every_allowance_is_of_a_kind_and_places_that_there_are():
    assert set(allowed.ALLOWED) <= set(allowed.KINDS)
    for permitted in allowed.ALLOWED.values():
        for places, why in permitted:
            assert set(places) <= set(allowed.PLACES)
            assert why


def test_what_is_never_stored_may_be_nowhere_but_on_the_owner_s_own_phone():
    for kind in (allowed.PASSWORD, allowed.CVV2, allowed.TRACK, allowed.INITIAL_KEY):
        assert not any(allowed.why(kind, place) for place in allowed.PLACES)
    assert [place for place in allowed.PLACES if allowed.why(allowed.CODE, place)] == [
        allowed.PAGE
    ]
