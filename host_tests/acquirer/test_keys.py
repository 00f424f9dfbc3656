"""The acquirer's cryptography against the published vectors."""

import pytest
from cryptography.exceptions import InvalidTag

from tools.acquirer import keys

RFC4493_KEY = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
RFC4493_TEXT = bytes.fromhex(
    "6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51"
    "30C81C46A35CE411E5FBC1191A0A52EFF69F2445DF4F9B17AD2B417BE66C3710"
)
BDK = bytes.fromhex("FEDCBA9876543210F1F1F1F1F1F1F1F1")
IKID = bytes.fromhex("1234567890123456")
IK = bytes.fromhex("1273671EA26AC29AFA4D1084127652A1")


@pytest.mark.parametrize(
    ("size", "tag"),
    [
        (0, "BB1D6929E95937287FA37D129B756746"),
        (16, "070A16B46B4D4144F79BDD9DD04A287C"),
        (40, "DFA66747DE9AE63030CA32611497C827"),
        (64, "51F0BEBF7E3B9D92FC49741779363CFE"),
    ],
)
def test_cmac_of_rfc_4493(size, tag):
    assert keys.cmac(RFC4493_KEY, RFC4493_TEXT[:size]).hex().upper() == tag


def test_initial_key():
    assert keys.initial_key(BDK, IKID) == IK


@pytest.mark.parametrize(
    ("counter", "key"),
    [
        (1, "4F21B565BAD9835E112B6465635EAE44"),
        (0x1FFFE, "E21E8C8D347F8561A2BE752DAA85A111"),
        (0xFFFF0000, "F6BA59389BD14A9855BE9727E7C52E3C"),
    ],
)
def test_transaction_keys(counter, key):
    assert keys.transaction_key(IK, IKID, counter).hex().upper() == key


@pytest.mark.parametrize(
    ("usage", "key"),
    [
        (keys.MAC_GENERATION, "A2DC23DE6FDE0824A2BC321E08E4B8B7"),
        (keys.DATA_ENCRYPT, "A35C412EFD41FDB98B69797C02DCD08F"),
        (0x1000, "AF8CB133A78F8DC2D1359F18527593FB"),
    ],
)
def test_working_keys(usage, key):
    message = keys.MessageKeys(IK, IKID + bytes.fromhex("00000001"))
    assert message._working(usage).hex().upper() == key


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_one_time_codes_of_rfc_6238(at, code):
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # 12345678901234567890
    assert keys.one_time_code(secret, at // 30) == code


def test_which_counters_may_be_used():
    assert not keys.may_be_used(0)
    assert keys.may_be_used(1)
    assert keys.may_be_used(0xFFFF)
    assert not keys.may_be_used(0x1FFFF)
    assert keys.may_be_used(0xFFFF0000)


def test_a_sealed_value_opens_only_in_its_place():
    vault = keys.Vault(bytes(32))
    sealed = vault.seal(b"account", "binding/1/1")
    assert vault.unseal(sealed, "binding/1/1") == b"account"
    with pytest.raises(InvalidTag):
        vault.unseal(sealed, "binding/1/2")


def test_reset_code_is_the_last_digits_of_the_first_four_bytes():
    tag = keys.cmac(bytes(16), b"T00000010112345678")
    expected = str(int.from_bytes(tag[:4], "big")).zfill(8)[-8:]
    assert keys.reset_code(bytes(16), "T0000001", "01", "12345678") == expected
