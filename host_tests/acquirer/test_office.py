"""The back office and its command line: what people do, or are told when they cannot."""

import io
import json
import os
import re
import socket
import sqlite3
import stat
import subprocess
import sys
import time

import pyotp
import pytest
from rich.cells import cell_len

from host_tests.acquirer.shops import Clock, Host
from host_tests.conftest import ROOT
from host_tests.interop.client import Client, account
from tools import acquirer
from tools.acquirer import keys, office
from tools.acquirer.__main__ import main

M1, M2, M9 = "898310054110001", "898310054110002", "898310054110009"
FILES = {
    "ca.pem",
    "terminal.pem",
    "terminal.key.pem",
    "ca.der",
    "terminal.der",
    "terminal.key.der",
    "keys.json",
}


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """Run a command on a home of one's own; returns (status, output, errors).

    What stands behind --account is typed: no command line holds it.
    """

    def command(name, *arguments):
        words = [name, "--home", str(tmp_path / "home"), *map(str, arguments)]
        if "--account" in words:
            at = words.index("--account") + 1
            monkeypatch.setattr("sys.stdin", io.StringIO(f"{words[at]}\n"))
            words[at] = "-"
        return main(words), *capsys.readouterr()

    return command


@pytest.fixture
def bundle(run, tmp_path):
    run("init")
    run("enroll", "--terminal", "T0000001", "--merchant", M1, "--out", tmp_path / "bundle")
    return tmp_path / "bundle"


def known(bundle):
    return json.loads((bundle / "keys.json").read_text(encoding="utf-8"))


def test_init_twice_changes_nothing(run, tmp_path):
    assert run("init")[0] == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "home").glob("*.pem")}
    status, said, _ = run("init")
    assert status == 0
    assert said.startswith("kept")
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "home").glob("*.pem")}
    status, _, error = run("init", "--server-name", "other.test")
    assert status == 1
    assert "another --home" in error


def test_an_init_that_was_cut_is_finished(run, tmp_path):
    run("init")
    authority = (tmp_path / "home" / "ca.pem").read_bytes()
    (tmp_path / "home" / "acquirer.json").unlink()
    (tmp_path / "home" / "server.pem").unlink()
    assert run("books")[0] == 1
    assert run("init")[0] == 0
    assert (tmp_path / "home" / "ca.pem").read_bytes() == authority


def test_the_bundle_is_what_a_stranger_needs(bundle, tmp_path):
    assert {path.name for path in bundle.iterdir()} == FILES
    keys_json = known(bundle)
    assert {name: len(bytes.fromhex(keys_json[name])) for name in (
        "ikid", "ik", "token_key", "service_key")} == {
        "ikid": 8, "ik": 16, "token_key": 16, "service_key": 16}  # fmt: skip
    assert pyotp.TOTP(keys_json["totp_secret"]).now().isdigit()
    assert keys_json["terminal"] == "T0000001"
    assert keys_json["merchant"] == M1
    assert keys_json["serial"]
    assert keys_json["server_name"]


def test_secrets_are_their_owners_alone(bundle, tmp_path):
    secret = [bundle / "keys.json", bundle / "terminal.key.pem", bundle / "terminal.key.der"]
    home = tmp_path / "home"
    secret += [home / name for name in ("ca.key.pem", "base.key", "books.key", "books.sqlite3")]
    for path in secret:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_enrolling_again_makes_a_new_ikid_and_says_so(bundle, run, tmp_path):
    old = known(bundle)
    arguments = ("-T", "T0000001", "-M", M1, "-o", bundle)
    status, said, _ = run("enroll", *arguments)
    assert status == 0
    assert "new IKID" in said
    new = known(bundle)
    for name in ("ikid", "ik", "token_key", "service_key"):
        assert new[name] != old[name]
    for name in ("totp_secret", "serial"):
        assert new[name] == old[name]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-T", "TOOLONG99", "-M", M1), "up to 8"),
        (("-T", "T 1", "-M", M1), "up to 8"),
        (("-T", "T0000002", "-M", "M" * 16), "15 ASCII letters and digits"),
        (("-T", "T0000002", "-M", "M" * 14), "15 ASCII letters and digits"),
        (("-T", "T0000001", "-M", M2), f"belongs to merchant {M1}"),
        (("-T", "T0000002", "-M", M2, "--licence", "9135"), "18 ASCII letters"),
        (("-T", "T0000002", "-M", M2, "--name", "名" * 41), "41 characters, at most 40"),
        (("-T", "T0000002", "-M", M2, "--serial", "S" * 21), "up to 20"),
        (("-T", "T0000002", "-M", M2, "--account", "1234567"), "8 to 32 digits"),
        (("-T", "T0000002", "-M", M2, "--account", "12345678", "--cnaps", "1"), "12 digits"),
        (
            ("-T", "T0000002", "-M", M2, "--account", "12345678", "--cnaps", "102100099997"),
            "check digit",
        ),
        (("-T", "T0000002", "-M", M2, "--cnaps", "102100099996"), "--account"),
    ],
)
def test_what_cannot_be_enrolled_is_said(bundle, run, tmp_path, arguments, words):
    before = acquirer.read_books(tmp_path / "home")
    status, _, error = run("enroll", *arguments, "-o", tmp_path / "other")
    assert status == 1
    assert words in error
    assert acquirer.read_books(tmp_path / "home") == before


def test_a_bundle_that_cannot_be_written_enrols_nobody(bundle, run, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, error = run("enroll", "-T", "T0000002", "-M", M2, "-o", tmp_path / "file")
    assert status == 1
    assert "cannot be written" in error
    assert len(acquirer.read_books(tmp_path / "home")["terminals"]) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("init", "--server-name", "收单.example"), "position 1 is U+6536"),
        (("init", "--server-name", "acquirer.example:8583"), "a port does not belong to it"),
        (("init", "--server-name", "https://acquirer.example"), "position 6"),
        (("init", "--server-name", ""), "empty"),
        (("init", "--server-name", "a" * 32 + "." + "b" * 32), "up to 64"),
        (("init", "--server-name", "a..b"), "a part that is empty"),
        (("init", "--server-name", "256.1.1.1"), "neither"),
        (("init", "--server-name", "fe80::1%eth0"), "position 5"),
        (("enroll", "-T", "TOOLONG99", "-M", M1, "-o", "new"), "up to 8"),
        (("enroll", "-T", "T1", "-M", "M", "-o", "new"), "15 ASCII"),
        (("enroll", "-T", "T1", "-M", M1, "-o", "new", "--account", "1"), "8 to 32"),
        (("enroll", "-T", "T1", "-M", M1, "-o", "new", "--account", "12345678", "--bank", " "),
         "a bank name"),
        (("enroll", "-T", "T1", "-M", M1, "-o", __file__), "cannot be written"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_line_before_anything_is_made(
    run, tmp_path, monkeypatch, arguments, words
):
    monkeypatch.chdir(tmp_path)
    status, said, error = run(*arguments)
    assert (status, said, error.count("\n")) == (1, "", 1)
    assert words in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["a" * 61 + ".cn", "xn--55qw42g.example", "192.168.1.20", "2001:db8::1", "a"]
)
def test_a_name_that_a_host_can_have_is_taken(run, name):
    assert run("init", "--server-name", name)[0] == 0


def test_another_terminals_bundle_is_not_written_over(bundle, run):
    before = known(bundle)
    status, _, error = run("enroll", "-T", "T0000002", "-M", M1, "-o", bundle)
    assert status == 1
    assert "bundle of terminal T0000001" in error
    assert known(bundle) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("unbind",),
        ("unbind", "-T", "T0000001", "--slot", "7"),
        ("bind", "-T", "T0000001"),
        ("decide", "accept"),
        ("confirm",),
        ("confirm", "-T", "T0000001", "--application", "SB1"),
        ("policy", "-M", M1, "--owner-confirms", "perhaps"),
        ("policy", "-M", M1, "--hold", "long"),
        ("decide", "--pending", "perhaps"),
        ("notify",),
        ("enroll", "-T", "T0000002", "-M", M1, "--out", ""),
        ("enroll", "-T", "T0000002", "-M", M1, "--home", "", "--out", "bundle"),
        ("policy", "-M", M1, "--review", "--auto"),
        ("serve", "--port", "65536"),
        ("nonsense",),
    ],
)
def test_what_is_typed_wrong_is_said_in_one_line(run, capsys, monkeypatch, tmp_path, arguments):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["acquirer.json", "books.key", "base.key", "ca.pem"])
def test_a_damaged_home_is_said_in_one_line(bundle, run, tmp_path, name):
    (tmp_path / "home" / name).write_text("damaged")
    status, _, error = run("enroll", "-T", "T0000001", "-M", M1, "-o", bundle)
    assert (status, error.count("\n")) == (1, 1)
    assert name in error


def test_books_that_another_program_holds_are_said(bundle, run, tmp_path, monkeypatch):
    monkeypatch.setattr(office.Home.open_books, "__defaults__", (0.1,))
    other = sqlite3.connect(tmp_path / "home" / "books.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    status, _, error = run("unlock", "-T", "T0000001")
    other.close()
    assert status == 1
    assert "another program holds" in error
    assert run("unlock", "-T", "T0000001")[0] == 0


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_books_are_whole_in_80_columns_and_any_encoding(bundle, run, tmp_path, encoding):
    run("enroll", "-T", "T0000002", "-M", M1, "-o", tmp_path / "2", "--account", "62220212345678",
        "--holder", "M端\u00e9", "--name", "端é")  # fmt: skip

    def said(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "tools.acquirer", "books", "--home", tmp_path / "home",
             *arguments],
            env={**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "80"},
            cwd=ROOT, capture_output=True,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode(encoding)

    shown = said()
    assert max(map(cell_len, shown.splitlines())) <= 80
    books = json.loads(said("--json"))
    assert books == acquirer.read_books(tmp_path / "home")
    for row in (*books["terminals"], *books["bindings"]):
        for cell in ("terminal", "merchant", "serial", "ikid", "token", "number"):
            assert row.get(cell, "") in shown


def test_books_as_json_hold_everything_and_nothing_in_clear(bundle, run):
    run("enroll", "-T", "T0000002", "-M", M2, "-o", bundle.parent / "2",
        "--account", "6222021234567890128", "--review")  # fmt: skip
    status, said, _ = run("books", "--json")
    assert status == 0
    books = json.loads(said)
    assert set(books) == {
        "merchants", "terminals", "bindings", "history", "applications", "messages", "records",
        "gaps", "marks", "resets",
    }  # fmt: skip
    assert [row["policy"] for row in books["merchants"]] == ["auto", "review"]
    assert books["bindings"][0]["number"] == "622202*********0128"
    assert "6222021234567890128" not in said
    assert run("books")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("books",),
        ("decide", "--pending", "accept"),
        ("confirm", "-T", "T0000001"),
        (
            "reset-code",
            "-T",
            "T0000001",
            "--operator",
            "00",
            "--challenge",
            "12345678",
            "--verified-by",
            "王五",
        ),
        ("policy", "-M", M1),
        ("serve",),
    ],
)
def test_without_a_home_every_command_says_how_to_make_one(run, arguments):
    status, _, error = run(*arguments)
    assert status == 1
    assert "init" in error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("decide", "--pending", "accept"), "no application waits for a decision"),
        (("decide", "--application", "SB1", "accept"), "no application SB1"),
        (("decide", "--pending", "reject", "--code", "00"), "one of the codes"),
        (("policy", "-M", "NOBODY"), "no merchant NOBODY"),
        (("notify", "--records", "T9"), "not enrolled"),
        (("notify", "--new-number", M1, M1), "is taken"),
        (("bind", "-T", "T9", "--account", "12345678"), "not enrolled"),
        (("reset-code", "-T", "T0000001", "--operator", "1", "--challenge", "0" * 8,
          "--verified-by", "王五"), "2 digits"),
        (("reset-code", "-T", "T0000001", "--operator", "01", "--challenge", "1",
          "--verified-by", "王五"), "8 digits"),
        (("reset-code", "-T", "T0000001", "--operator", "01", "--challenge", "0" * 8,
          "--verified-by", " "), "can't be seen"),
        (("reset-code", "-T", "T9", "--operator", "01", "--challenge", "0" * 8,
          "--verified-by", "王五"), "not enrolled"),
        (("owner-code", "-T", "T9"), "not enrolled"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(bundle, run, arguments, words):
    status, _, error = run(*arguments)
    assert status == 1
    assert words in error


def test_the_reset_code_is_the_profiles(bundle, run):
    status, said, _ = run(
        "reset-code", "-T", "T0000001", "--operator", "07", "--challenge", "00000042",
        "--verified-by", "王五",
    )  # fmt: skip
    assert status == 0
    service_key = bytes.fromhex(known(bundle)["service_key"])
    tag = keys.cmac(service_key, b"T00000010700000042")
    assert said.strip() == f"{int.from_bytes(tag[:4], 'big') % 100_000_000:08d}"


def test_a_reset_is_kept_with_who_verified_it_and_answered_once(bundle, run, tmp_path):
    def ask(*rest):
        return run("reset-code", "-T", "T0000001", "--operator", "00", *rest)

    before = int(time.time())
    first = ask("--challenge", "12345678", "--verified-by", "王五", "--reason", "换了店长")
    assert first[0] == 0
    status, said, error = ask("--challenge", "12345678", "--verified-by", "赵六")
    assert (status, said) == (1, "")
    assert "王五" in error
    assert "make a new challenge" in error
    assert ask("--challenge", "12345679", "--verified-by", "赵六")[0] == 0
    kept = json.loads(run("books", "--json")[1])["resets"]
    assert [(row["operator"], row["verified_by"], row["reason"]) for row in kept] == [
        ("00", "王五", "换了店长"),
        ("00", "赵六", "forgotten password"),
    ]
    assert all(before <= row["at"] <= time.time() for row in kept)
    assert "12345678" not in json.dumps(kept)
    assert first[1].strip() not in json.dumps(kept)


def test_the_owner_code_is_the_bundles(bundle, run):
    totp = pyotp.TOTP(known(bundle)["totp_secret"])
    before = totp.now()
    _, said, _ = run("owner-code", "-T", "T0000001")
    assert said[:6] in (before, totp.now())


def test_policy_and_notices_take_effect(bundle, run, tmp_path):
    _, said, _ = run("policy", "-M", M1, "--review", "--cvv2", "--name", "李四")
    assert "review" in said
    assert "李四" in said
    assert "wanted" in said
    assert run("notify", "--records", "T0000001")[0] == 0
    assert run("notify", "--new-number", M1, M9)[0] == 0
    assert run("bind", "-T", "T0000001", "--slot", 3, "--account", "12345678")[0] == 0
    books = acquirer.read_books(tmp_path / "home")
    assert books["merchants"][0]["merchant"] == M9
    assert books["terminals"][0]["former_merchant"] == M1
    assert books["terminals"][0]["records_wanted"]
    assert books["bindings"][0]["slot"] == 3
    assert books["bindings"][0]["number"] == "****5678"


def test_a_port_that_is_taken_is_said(bundle, run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        status, _, error = run("serve", "--port", taken.getsockname()[1])
    assert status == 1
    assert "--port" in error


def test_books_whose_key_is_lost_are_not_made_anew(bundle, run, tmp_path):
    (tmp_path / "home" / "books.key").unlink()
    (tmp_path / "home" / "acquirer.json").unlink()
    status, _, error = run("init")
    assert status == 1
    assert "restore the key" in error


# What is entered passes the wire's own table


HOLDER_41 = "名" * 41


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--bank", "行" * 31), "31 characters, at most 30 of these fit (90 bytes"),
        (("--bank", "abc" + "行" * 30), "33 characters, at most 32 of these"),
        (("--bank", "示例\t银行"), "U+0009 (which has no name) at position 3"),
        (("--holder", HOLDER_41), "41 characters, at most 40 of these fit (120 bytes"),
        (("--holder", "上海\u3000商贸"), "U+3000 (IDEOGRAPHIC SPACE) at position 3"),
        (("--holder", "张三\u200b"), "U+200B (ZERO WIDTH SPACE) at position 3"),
        (("--holder", "\u3164"), "U+3164 (HANGUL FILLER) at position 1"),
        (("--holder", "张三\ufe0f"), "U+FE0F (VARIATION SELECTOR-16) at position 3"),
        (("--holder", " 张三"), "U+0020 (SPACE) at position 1"),
        (("--holder", "张三 "), "U+0020 (SPACE) at position 3"),
        (("--holder", "张\udc80"), "U+DC80 (which has no name) at position 2"),
        (("--account", "6222021234\uff15678"), "at position 11 is U+FF15 (FULLWIDTH DIGIT FIVE)"),
        (("--account", "6222 0212 3456"), "at position 5 is U+0020 (SPACE)"),
        (("--account", "1" * 33), "8 to 32 digits, not 33"),
        (("--cnaps", "10210009999\u0666"), "at position 12 is U+0666"),
    ],
)
def test_a_binding_that_no_terminal_could_send_is_not_taken(bundle, run, tmp_path, options, words):
    before = acquirer.read_books(tmp_path / "home")
    given = {"--account": "6222021234567890128"} | dict([options])
    for command in (("bind", "-T", "T0000001"), ("enroll", "-T", "T2", "-M", M2, "-o", tmp_path)):
        status, _, error = run(*command, *(part for pair in given.items() for part in pair))
        assert status == 1
        assert words in error
    assert acquirer.read_books(tmp_path / "home") == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("policy", "-M", M1, "--name", HOLDER_41), "41 characters, at most 40"),
        (("policy", "-M", M1, "--name", ""), "is empty"),
        (("policy", "-M", M1, "--name", "张\u00a0三"), "U+00A0 (NO-BREAK SPACE) at position 2"),
        (("policy", "-M", M1, "--licence", "91350100M000100Y4\uff13"), "at position 18 is U+FF13"),
        (("notify", "--new-number", M1, "1" * 14), "15 ASCII letters and digits"),
        (("notify", "--new-number", M1, " " * 15), "at position 1 is U+0020 (SPACE)"),
        (("notify", "--new-number", M1, "shop.1234567890"), "at position 5 is U+002E"),
        (("enroll", "-T", "T2", "-M", M2, "-o", "x", "--serial", "RB\n1"), "printable ASCII"),
        (("enroll", "-T", "T2", "-M", M2, "-o", "x", "--serial", "RB\udc80"), "printable ASCII"),
        (("unbind", "-T", "T0000001"), "nothing is bound in slot 1"),
        (("unbind", "-T", "T9"), "not enrolled"),
        (("unlock", "-T", "T9"), "not enrolled"),
        (("decide", "--pending", "reject", "--reason", "不" * 39), "39 characters, at most 38"),
        (("decide", "--pending", "reject", "--reason", "a\nb"), "U+000A"),
    ],
)
def test_what_no_terminal_could_be_told_is_not_taken(bundle, run, tmp_path, arguments, words):
    before = acquirer.read_books(tmp_path / "home")
    status, _, error = run(*arguments)
    assert status == 1
    assert words in error
    assert acquirer.read_books(tmp_path / "home") == before


def test_names_of_a_merchant_fit_one_answer_together(bundle, run):
    names = [part for n in range(6) for part in ("--name", f"{n:03d}" + "名" * 39)]
    assert run("policy", "-M", M1, *names, "--name", "名" * 19)[0] == 0
    status, _, error = run("policy", "-M", M1, *names, "--name", "名" * 20)
    assert status == 1
    assert "at most 800" in error


def test_a_licence_is_kept_in_the_capitals_that_a_keypad_has(bundle, run, tmp_path):
    run("policy", "-M", M1, "--licence", "91350100m000100y43")
    merchant, *_ = acquirer.read_books(tmp_path / "home")["merchants"]
    assert merchant["licence"] == "91350100M000100Y43"


@pytest.mark.parametrize(
    "entry",
    [
        lambda home, out: acquirer.enroll(home, "T0000001", M1, out / "again"),
        lambda home, out: acquirer.set_policy(home, M1, review=True),
        lambda home, out: acquirer.bind(home, "T0000001", "6222021234567890128", slot=2),
    ],
)
def test_a_licence_from_before_is_put_into_capitals_by_whatever_is_entered(
    bundle, tmp_path, entry
):
    home = tmp_path / "home"
    with office.Home(home).writing() as books:
        books._put("UPDATE merchants SET licence = lower(licence)")
    entry(home, tmp_path)
    books = acquirer.read_books(home)
    if any(row["slot"] == 2 for row in books["bindings"]):
        (bound,) = [row for row in books["bindings"] if row["slot"] == 2]
        assert bound["licence"] == "91350100M000100Y43"
    else:
        assert books["merchants"][0]["licence"] == "91350100M000100Y43"


def test_a_merchant_from_before_numbers_had_one_form_can_still_be_served(bundle, tmp_path):
    home = office.Home(tmp_path / "home")
    with home.writing() as books:
        books.add_merchant("SHORT", ["张三"], "91350100M000100Y43", False)
    acquirer.enroll(home.path, "T0000002", "SHORT", tmp_path / "two")
    assert known(tmp_path / "two")["merchant"] == "SHORT"
    acquirer.renumber(home.path, "SHORT", M2)


# First passwords


def test_first_passwords_are_drawn_for_each_enrolment(bundle, run, tmp_path):
    seen = set()
    for _ in range(4):
        passwords = known(bundle)["first_passwords"]
        assert set(passwords) == {"00", "01"}
        assert all(len(word) == 8 and word.isdigit() for word in passwords.values())
        seen |= set(passwords.values())
        books = b"".join(path.read_bytes() for path in (tmp_path / "home").glob("books.sqlite3*"))
        assert not any(word.encode() in books for word in passwords.values())
        run("enroll", "-T", "T0000001", "-M", M1, "-o", bundle)
    assert len(seen) == 8


@pytest.mark.parametrize(
    "drawn",
    [
        "00000000",
        "12345678",
        "98765432",
        "12121212",
        "12341234",
        "71116052",
        "45602891",
        "71828182",
    ],
)
def test_a_password_that_is_easily_guessed_is_drawn_again(bundle, run, monkeypatch, drawn):
    numbers = iter([int(drawn), 27182845, int(drawn), 27182845, 31415926])
    monkeypatch.setattr(office.secrets, "randbelow", lambda limit: next(numbers))
    run("enroll", "-T", "T0000001", "-M", M1, "-o", bundle)
    assert known(bundle)["first_passwords"] == {"00": "27182845", "01": "31415926"}


# What a command line would show to everybody on the machine


def test_an_account_number_is_typed_or_in_a_file_and_on_no_command_line(bundle, tmp_path, capsys):
    words = ["bind", "--home", str(tmp_path / "home"), "-T", "T0000001", "--account"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "6222021234567890128"])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "command line" in error and "6222" not in error
    (tmp_path / "number").write_text("6222021234567890128\n")
    assert main([*words, str(tmp_path / "number")]) == 0
    bound = acquirer.read_books(tmp_path / "home")["bindings"]
    assert [row["number"] for row in bound] == ["622202*********0128"]
    with pytest.raises(SystemExit):
        main([*words, str(tmp_path / "none")])
    assert "cannot be read" in capsys.readouterr().err


# What the office can end


def test_a_binding_is_ended_and_a_lock_is_opened(bundle, run, tmp_path):
    run("bind", "-T", "T0000001", "--slot", 2, "--account", "6222021234567890128")
    status, said, _ = run("unbind", "-T", "T0000001", "--slot", 2)
    assert status == 0
    assert "slot 2" in said
    books = acquirer.read_books(tmp_path / "home")
    assert books["bindings"] == []
    assert [row["slot"] for row in books["history"]] == [2]
    assert "was not locked" in run("unlock", "-T", "T0000001")[1]
    with office.Home(tmp_path / "home").writing() as opened:
        for _ in range(10):
            opened.count_wrong_code(opened.terminal("T0000001"))
    assert "may change bindings again" in run("unlock", "-T", "T0000001")[1]
    assert not acquirer.read_books(tmp_path / "home")["terminals"][0]["locked"]


def test_marks_are_shown_to_people_and_machines(bundle, run, tmp_path):
    assert "marks: none" in run("books")[1]
    with office.Home(tmp_path / "home").writing() as books:
        books.mark(books.terminal("T0000001"), "gap", "log 1, records 3 to 6", "lost", 1)
    assert "marks: none" not in run("books")[1]
    assert json.loads(run("books", "--json")[1])["marks"][0]["kind"] == "gap"


# The owner's phone, by command


@pytest.fixture
def waiting(run, tmp_path):
    """A function that has a terminal propose a change. Returns (verdict, its application)."""
    home = tmp_path / "home"
    run(
        "enroll", "-T", "T0000001", "-M", M1, "-o", tmp_path / "bundle", "--contact", "13912345678"
    )
    host = Host(home, Clock(time.time()))

    def propose(slot=1):
        client.clock.next_code()
        proposal = account(client, slot=slot)
        verdict = client.change(proposal).verdict
        return verdict, acquirer.read_books(home)["applications"][-1]["application"]

    client = Client(tmp_path / "bundle", host.port, clock=host.clock)
    yield propose
    client.close()
    host.stop()


def test_the_owner_answers_by_command(run, waiting, tmp_path):
    verdict, number = waiting()
    assert verdict == "09/02"
    status, said, _ = run("confirm", "--application", number)
    assert (status, said.count("\n")) == (0, 1)
    assert f"{number}: confirmed and accepted" in said
    for arguments in (("--application", number), ("-T", "T0000001")):
        status, said, error = run("refuse", *arguments)
        assert (status, said, error.count("\n")) == (1, "", 1)
        assert "settled already: accepted" in error or "no change of terminal" in error
    verdict, number = waiting(2)
    assert f"{number}: refused by the owner" in run("refuse", "-T", "T0000001")[1]
    books = acquirer.read_books(tmp_path / "home")
    assert [row["event"] for row in books["messages"]] == ["owner", "active", "owner", "rejected"]
    assert {row["contact"] for row in books["messages"]} == {"13912345678"}
    assert "13912345678" in run("books")[1]


def test_what_the_owner_has_confirmed_may_still_wait(run, waiting):
    run("policy", "-M", M1, "--review", "--hold", "2")
    _, number = waiting()
    assert "waits for a decision" in run("confirm", "-T", "T0000001")[1]
    status, _, error = run("confirm", "-T", "T0000001")
    assert (status, "does not wait for its owner any more" in error) == (1, True)
    assert run("decide", "--pending", "accept")[0] == 0
    status, _, error = run("decide", "--application", number, "accept")
    assert (status, "is held until" in error) == (1, True)
    assert "refused by the owner" in run("refuse", "--application", number)[1]


def test_a_held_change_says_until_when(run, waiting):
    run("policy", "-M", M1, "--hold", "1")
    waiting()
    said = run("confirm", "-T", "T0000001")[1]
    assert re.search(r"confirmed, and true from \d{4}-\d\d-\d\d \d\d:\d\d:\d\d on", said)


def test_the_owner_is_asked_unless_it_is_switched_off(run, waiting, tmp_path):
    assert "confirms, hold 0 days" in run("policy", "-M", M1)[1]
    said = run("policy", "-M", M1, "--owner-confirms", "off", "--contact", "13700000000")[1]
    assert "owner 13700000000 only told" in said
    assert waiting()[0] == "00/01"
    run("enroll", "-T", "T0000001", "-M", M1, "-o", tmp_path / "bundle", "--owner-confirms", "on")
    assert acquirer.read_books(tmp_path / "home")["merchants"][0]["owner_confirms"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("confirm", "-T", "T9"), "T9 is not enrolled"),
        (("confirm", "-T", "T0000001"), "no change of terminal T0000001 waits"),
        (("refuse", "--application", "SB1"), "no application SB1"),
        (("policy", "-M", M1, "--hold", "31"), "0 to 30 days"),
        (("policy", "-M", M1, "--hold", "-1"), "0 to 30 days"),
        (("policy", "-M", M1, "--contact", "phone"), "position 1"),
        (("policy", "-M", M1, "--contact", ""), "5 to 15 digits"),
    ],
)
def test_what_no_owner_can_answer_is_said_in_a_line(bundle, run, arguments, words):
    status, said, error = run(*arguments)
    assert (status, said, error.count("\n")) == (1, "", 1)
    assert words in error
