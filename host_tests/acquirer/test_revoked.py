"""What an acquirer takes back: certificates, keys, the owner's secret; and what it remembers."""

import json
import stat
import time

import pyotp
import pytest
from cryptography import x509

from host_tests.acquirer.shops import Clock, Host
from host_tests.interop.client import Client, Closed, account
from tools import acquirer
from tools.acquirer import keys
from tools.acquirer.__main__ import main


def again(shop, folder):
    """The same terminal, enrolled again; its client."""
    acquirer.enroll(shop.home, shop.terminal, shop.merchant, folder)
    return Client(folder, shop.host.port, clock=shop.host.clock)


def refused(client):
    client.close()
    with pytest.raises((Closed, OSError)):
        client.network("301")
    return True


# revoke


def test_a_stolen_terminal_is_refused_at_the_handshake_from_then_on(open_shop):
    shop, other = open_shop(), open_shop()
    assert shop.client.network("301").code == "00"
    heard = []
    acquirer.revoke(shop.home, shop.terminal)
    shop.host.acquirer.on_event = lambda name, info: heard.append(name)
    assert refused(shop.client)
    assert "connected" not in heard and "received" not in heard
    assert other.client.network("301").code == "00"


def test_a_connection_still_open_hears_97_under_every_key_it_ever_had(shop, tmp_path):
    new = again(shop, tmp_path / "again")
    with shop.client, new:
        shop.client.connect()
        new.connect()
        acquirer.revoke(shop.home, shop.terminal)
        assert new.network("301").code == "97"
        assert new.change(account(new)).verdict == "97"
        assert shop.client.network("301").code == "97"
    assert shop.rows("applications") == []


def test_a_restart_of_the_acquirer_lets_nobody_in_again(tmp_path):
    home = tmp_path / "home"
    bundle = acquirer.enroll(home, "T0000001", "898310054110001", tmp_path / "bundle")
    acquirer.revoke(home, "T0000001")
    host = Host(home, Clock())
    try:
        assert refused(Client(bundle, host.port, clock=host.clock))
    finally:
        host.stop()


def test_an_enrolment_lets_in_the_new_certificate_alone(shop, tmp_path):
    acquirer.revoke(shop.home, shop.terminal)
    new = again(shop, tmp_path / "again")
    with new:
        assert new.network("301").code == "00"
    assert refused(shop.client)


def test_the_list_is_signed_by_the_acquirers_ca_and_names_what_was_revoked(shop):
    acquirer.revoke(shop.home, shop.terminal)
    listed = x509.load_pem_x509_crl((shop.home / "revoked.pem").read_bytes())
    authority = x509.load_pem_x509_certificate((shop.home / "ca.pem").read_bytes())
    assert listed.is_signature_valid(authority.public_key())
    assert listed.next_update_utc == authority.not_valid_after_utc  # it never locks everybody out
    own = x509.load_pem_x509_certificate((shop.bundle / "terminal.pem").read_bytes())
    assert listed.get_revoked_certificate_by_serial_number(own.serial_number) is not None


def test_revoking_is_said_and_shown(shop, capsys):
    home = ("--home", str(shop.home))
    assert main(["revoke", *home, "-T", shop.terminal]) == 0
    assert "let in no more" in capsys.readouterr().out
    assert main(["revoke", *home, "-T", shop.terminal]) == 0
    assert "already" in capsys.readouterr().out
    assert shop.state["revoked_at"] == pytest.approx(time.time(), abs=60)
    assert main(["revoke", *home, "-T", "T9"]) == 1
    assert "not enrolled" in capsys.readouterr().err


def test_a_home_from_before_there_was_a_list_serves(tmp_path):
    home = tmp_path / "home"
    bundle = acquirer.enroll(home, "T0000001", "898310054110001", tmp_path / "bundle")
    (home / "revoked.pem").unlink()
    host = Host(home, Clock())
    try:
        with Client(bundle, host.port, clock=host.clock) as client:
            assert client.network("301").code == "00"
    finally:
        host.stop()


# New keys


def test_tokens_are_computed_anew_with_an_enrolment(shop, tmp_path):
    proposal = account(shop.client)
    assert shop.client.change(proposal).tags[0xDF44] == shop.client.token(proposal)
    with again(shop, tmp_path / "again") as new:
        token = new.token(proposal)
        assert token != shop.client.token(proposal)
        assert new.network(bound={1: token}).tags[0xDF45][0] & 1 == 0
        assert new.inquire(slot=1).tags[0xDF44] == token


def test_what_was_under_review_is_decided_after_an_enrolment_too(open_shop, tmp_path):
    shop = open_shop(account="6222021234567890128", review=True)
    proposal = account(shop.client, "1001230009876543")
    replaced = bytes.fromhex(shop.rows("bindings")[0]["token"])
    assert shop.client.change(proposal, replaced=replaced).verdict == "09/02"
    with again(shop, tmp_path / "again") as new:
        acquirer.decide(shop.home, True, shop.rows("applications")[0]["application"])
        assert new.inquire(proposal.uuid).tags[0xDF44] == new.token(proposal)


def test_records_from_before_an_enrolment_come_under_the_former_key(shop, tmp_path):
    first, chain = shop.client.record(1, bytes(8))
    assert shop.client.upload([first]).code == "00"
    second, chain = shop.client.record(2, chain)
    with again(shop, tmp_path / "again") as new:
        assert new.upload([second]).code == "00"
        told, chain = new.record(3, chain, event=9)
        assert new.upload([told]).code == "00"
        forged, _ = shop.client.record(4, chain)
        assert new.upload([forged]).code == "30"
        fourth, _ = new.record(4, chain)
        assert new.upload([fourth]).code == "00"
    assert [row["sequence"] for row in shop.rows("records")] == [1, 2, 3, 4]
    assert [row["kind"] for row in shop.rows("marks")] == ["wrong chain"]


def test_a_terminal_that_has_yet_to_be_given_its_new_keys_is_answered_under_those_it_has(
    shop, tmp_path, capsys
):
    """Its console has to be opened, or its password reset, before it can be given them."""

    def said(challenge):
        assert main([*words, challenge]) == 0
        return [line.split(",")[0] for line in capsys.readouterr().out.splitlines()]

    def response(folder, challenge):
        service_key = json.loads((folder / "keys.json").read_text())["service_key"]
        return keys.reset_code(bytes.fromhex(service_key), shop.terminal, "UC", challenge)

    words = ["reset-code", "--home", str(shop.home), "-T", shop.terminal, "--console"]
    words += ["--verified-by", "王五", "--challenge"]
    assert said("10000000") == [response(shop.bundle, "10000000")]
    assert shop.client.network("301").code == "00"
    folders = [shop.bundle, tmp_path / "one", tmp_path / "two"]
    again(shop, folders[1]).close()
    last = again(shop, folders[2])
    assert said("20000000") == [response(folder, "20000000") for folder in folders]
    assert last.network("301").code == "00"
    assert said("30000000") == [response(folders[2], "30000000")]


# The owner's secret


def test_a_lost_phone_shows_wrong_codes_from_then_on(shop, tmp_path, capsys):
    file = tmp_path / "secret"
    words = ["owner", "--home", str(shop.home), "-T", shop.terminal, "--new-secret", "-o"]
    assert main([*words, str(file)]) == 0
    said = capsys.readouterr().out
    fresh = pyotp.parse_uri(file.read_text().strip())
    assert fresh.name == shop.terminal
    assert fresh.secret not in said
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert shop.client.change(account(shop.client)).verdict == "55/03"
    code = fresh.at(shop.host.clock.now)
    assert shop.client.change(account(shop.client, code=code)).verdict == "00/01"
    assert main([*words, str(file)]) == 1
    assert "exists" in capsys.readouterr().err
    assert pyotp.parse_uri(file.read_text().strip()).secret == fresh.secret


# What came and should not have


def test_a_copy_of_a_terminal_is_shown_with_what_to_do(open_shop, capsys):
    shop, other = open_shop(), open_shop()
    words = ["marks", "--home", str(shop.home), "-T"]
    with shop.again() as copy:
        assert shop.client.network("301").code == "00"
        assert copy.network("301").code == "A0"
        assert copy.network("301").code == "00"
        assert shop.client.network("301").code == "A0"
    assert main([*words, shop.terminal]) == 0
    said = capsys.readouterr().out
    assert shop.terminal in said and "2 times" in said and "revoke" in said
    assert main([*words, other.terminal]) == 0
    assert "nothing" in capsys.readouterr().out
    assert main([*words, "T9"]) == 1
    capsys.readouterr()
    assert main(["books", "--home", str(shop.home), "--json"]) == 0
    marks = json.loads(capsys.readouterr().out)["marks"]
    assert [row["kind"] for row in marks if row["terminal"] == shop.terminal] == ["old counter"]
