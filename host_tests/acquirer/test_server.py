"""The server against bad lines, bad frames and power cuts: it keeps answering the others."""

import asyncio
import contextlib
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.acquirer.shops import Clock, Host
from host_tests.interop import client as wire
from host_tests.interop.client import Client, Closed, account
from tools import acquirer


def test_a_client_without_a_certificate_is_not_served(shop):
    context = ssl.create_default_context(cafile=shop.bundle / "ca.pem")
    with pytest.raises((ssl.SSLError, OSError, Closed)):
        shop.client.connect(context)
        shop.client.network()


def test_a_client_with_a_certificate_of_another_ca_is_not_served(shop, tmp_path):
    acquirer.init(tmp_path / "other")
    other = acquirer.enroll(tmp_path / "other", shop.terminal, shop.merchant, tmp_path / "b")
    context = ssl.create_default_context(cafile=shop.bundle / "ca.pem")
    context.load_cert_chain(other / "terminal.pem", other / "terminal.key.pem")
    with pytest.raises((ssl.SSLError, OSError, Closed)):
        shop.client.connect(context)
        shop.client.network()


def test_the_servers_name_is_checked_by_the_client(shop):
    with pytest.raises(ssl.SSLCertVerificationError):
        shop.client.connect(server_name="elsewhere.test")
    for name in ("localhost", "127.0.0.1", shop.client.known["server_name"]):
        shop.client.connect(server_name=name).close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_tls_versions_are_accepted(shop, version):
    context = shop.client.context()
    context.minimum_version = context.maximum_version = version
    line = shop.client.connect(context)
    assert line.version() == version.name.replace("_", ".")
    assert shop.client.network().code == "00"


def test_the_bundle_serves_from_its_der_twins_too(shop):
    for name in ("ca", "terminal"):
        pem = (shop.bundle / f"{name}.pem").read_text()
        assert (shop.bundle / f"{name}.der").read_bytes() == ssl.PEM_cert_to_DER_cert(pem)


@pytest.mark.parametrize("size", [0, 1, 14, 1023, 0xFFFF])
def test_a_length_out_of_bounds_closes_the_connection(shop, size):
    shop.client.send_raw(size.to_bytes(2, "big") + b"\x60" + bytes(20))
    with pytest.raises(Closed):
        shop.client.read_frame()
    assert shop.client.network().code == "00"


def test_a_tpdu_not_starting_60_closes_the_connection(shop):
    body = shop.client.signed("0800", shop.client.header(shop.client.next_ksn()))
    shop.client.send_raw((len(body) + 5).to_bytes(2, "big") + b"\x61\x00\x03\x00\x00" + body)
    with pytest.raises(Closed):
        shop.client.read_frame()


@pytest.mark.parametrize("size", [15, 1022])
def test_frames_at_the_bounds_are_read(shop, size):
    # Nothing in them can be answered, but they are frames: their connection ends, no other does.
    shop.client.send_raw(size.to_bytes(2, "big") + wire.TPDU + bytes(size - 5))
    with pytest.raises(Closed):
        shop.client.read_frame()


def test_a_reply_arrives_in_one_piece_when_the_request_comes_in_drops(shop):
    fields = shop.client.header(shop.client.next_ksn()) | {70: "301", 60: "00000001301"}
    body = shop.client.signed("0800", fields)
    for byte in (len(body) + 5).to_bytes(2, "big") + wire.TPDU + body:
        shop.client.send_raw(bytes([byte]))
    assert shop.client.receive("0800", fields).code == "00"


@settings(max_examples=60)
@given(noise=st.binary(max_size=1100))
def test_random_bytes_end_at_worst_their_own_connection(shop, noise):
    with shop.again() as client, contextlib.suppress(Closed):
        client.send_raw(noise)
        client.line.unwrap()
    assert shop.client.network("301").code == "00"


@settings(max_examples=80)
@given(data=st.data())
def test_bent_messages_are_answered_or_their_connection_closed(shop, data):
    client = shop.client
    fields = client.header(client.next_ksn()) | {91: "2", 101: "SETTLEBIND", 103: "*1234"}
    fields[120] = account(client).block(client.key(fields[62], 0x3000), "S1")
    body = bytearray(client.signed("0300", fields))
    places = st.lists(st.integers(0, len(body) - 1), min_size=1, max_size=4, unique=True)
    for at in data.draw(places):
        body[at] ^= data.draw(st.integers(1, 255))
    with shop.again() as bent, contextlib.suppress(Closed):
        bent.send_raw((len(body) + 5).to_bytes(2, "big") + wire.TPDU + bytes(body))
        _, reply = bent.read_frame()
        mti, answered = wire.unpack(reply)
        assert answered[39] in ("30", "40", "A0", "97")
    assert client.network("301").code == "00"


def test_the_race_of_two_connections_gives_one_of_them_a0(shop):
    early, late = shop.client, shop.again()
    late.counter = 1
    with late:
        assert late.network("301").code == "00"
        assert early.network("301").code == "A0"
        assert early.counter == 1
        early.counter = 2
        assert early.network("301").code == "00"


def test_parallel_connections_of_many_shops(open_shop):
    shops = [open_shop() for _ in range(4)]
    codes = []

    def errand(shop):
        for _ in range(5):
            codes.append(shop.client.network("301").code)

    threads = [threading.Thread(target=errand, args=(shop,)) for shop in shops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert codes == ["00"] * 20


def test_parallel_copies_of_one_change_make_one_application(shop):
    shop.client.counter = 1000
    proposal = account(shop.client)
    answers = []

    def send(counter):
        with shop.again() as client:
            client.counter = counter
            answers.append(client.change(proposal, repeat=True).verdict)

    threads = [threading.Thread(target=send, args=(100 * n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert set(answers) <= {"00/01", "A0"}
    assert "00/01" in answers
    assert len(shop.rows("applications")) == 1


# Limits of time


@pytest.fixture
def impatient(tmp_path):
    """A host of one's own whose limits are short."""
    home = tmp_path / "impatient"
    acquirer.init(home)
    limits = acquirer.Limits(handshake_s=0.3, frame_s=0.3, idle_s=0.6, closing_s=0.2)
    host = Host(home, Clock(), limits)
    bundle = acquirer.enroll(
        home, "T0000001", "898310054110001", tmp_path / "bundle", owner_confirms=False
    )
    yield host, Client(bundle, host.port, clock=host.clock)
    host.stop()


def test_the_default_limits_are_the_profiles():
    limits = acquirer.Limits()
    assert (limits.handshake_s, limits.frame_s, limits.idle_s) == (10, 30, 120)


def test_a_handshake_that_does_not_come_is_given_up(impatient):
    host, _ = impatient
    with socket.create_connection(("127.0.0.1", host.port), 10) as raw:
        assert raw.recv(1) == b""


def test_a_frame_must_follow_its_first_byte(impatient):
    _, client = impatient
    client.connect()
    began = time.monotonic()
    client.send_raw(b"\x00")
    with pytest.raises(Closed):
        client.read_frame()
    assert time.monotonic() - began < 0.55


def test_an_idle_connection_is_closed_and_a_used_one_is_not(impatient):
    _, client = impatient
    assert client.network("301").code == "00"
    began = time.monotonic()
    with pytest.raises(Closed):
        client.read_frame()
    assert time.monotonic() - began > 0.5


# Events


def test_events_are_told_in_their_order(shop):
    told = []
    done = threading.Event()

    async def listen(name, info):
        await asyncio.sleep(0)
        told.append((name, info.get("code")))
        if name == "closed":
            done.set()

    shop.host.acquirer.on_event = listen
    shop.client.network("301")
    shop.client.close()
    assert done.wait(10)
    assert told == [
        ("connected", None),
        ("received", None),
        ("processed", "00"),
        ("replied", "00"),
        ("closed", None),
    ]


@pytest.mark.parametrize(("moment", "known"), [("received", "00/04"), ("processed", "00/01")])
def test_a_listener_may_drop_the_connection(shop, moment, known):
    proposal = account(shop.client)
    shop.host.acquirer.on_event = lambda name, info: acquirer.DROP if name == moment else None
    with pytest.raises(Closed):
        shop.client.change(proposal)
    shop.host.acquirer.on_event = None
    assert shop.client.inquire(proposal.uuid).verdict == known
    assert shop.client.change(proposal, repeat=True).verdict == "00/01"
    assert len(shop.rows("applications")) == 1


def test_a_listener_may_answer_for_a_bank_that_is_out(shop):
    proposal = account(shop.client)
    shop.host.acquirer.on_event = lambda name, info: "91" if name == "received" else None
    assert shop.client.change(proposal).verdict == "91"
    shop.host.acquirer.on_event = None
    assert shop.client.change(proposal, repeat=True).verdict == "00/01"


def test_a_listener_may_have_the_answer_say_something_else_under_a_right_mac(shop):
    proposal = account(shop.client)

    def alter(answer, secrets):
        answer.fields[39] = "09"

    shop.host.acquirer.on_event = lambda name, info: alter if name == "received" else None
    shop.client.strict = False
    assert shop.client.change(proposal).verdict == "09/01"
    shop.host.acquirer.on_event = None
    assert shop.client.change(proposal, repeat=True).verdict == "00/01"


def test_a_listener_that_fails_does_not_stop_the_server(shop):
    def fail(name, info):
        raise RuntimeError("listener")

    shop.host.acquirer.on_event = fail
    with pytest.raises(Closed):
        shop.client.network()
    shop.host.acquirer.on_event = None
    assert shop.client.network().code == "00"


def test_a_fault_of_the_books_is_96_and_changes_nothing(shop, monkeypatch):
    def fail(*_):
        raise MemoryError

    proposal = account(shop.client)
    monkeypatch.setattr(shop.host.acquirer._books, "file", fail)
    assert shop.client.change(proposal).verdict == "96"
    monkeypatch.undo()
    assert shop.client.change(proposal, repeat=True).verdict == "00/01"


# Books that somebody else holds


_HOLDER = """
import sqlite3, sys
books = sqlite3.connect(sys.argv[1], isolation_level=None)
books.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
books.execute("ROLLBACK")
"""


@contextlib.contextmanager
def held(home):
    """Another process holds the books, until this is left."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(home / "books.sqlite3")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout.readline() == b"held\n"
            yield
        finally:
            process.communicate()


@pytest.fixture
def two_shops(tmp_path):
    """A function that opens two terminals' clients at a host with such limits."""
    hosts = []

    def open_them(**limits):
        home = tmp_path / "home"
        hosts.append(Host(home, Clock(), acquirer.Limits(**limits)))
        return hosts[0], [
            Client(tmp_path / name, hosts[0].port, clock=hosts[0].clock) for name in names
        ]

    names = ("T0000001", "T0000002")
    for name in names:
        acquirer.enroll(
            tmp_path / "home", name, "898310054110001", tmp_path / name, owner_confirms=False
        )
    yield open_them
    for host in hosts:
        host.stop()


def test_a_terminal_that_waits_for_the_books_keeps_no_other_waiting(two_shops):
    host, (one, other) = two_shops(books_s=30)
    waiting, codes = threading.Event(), []

    def listen(name, info):
        if name == "received":
            waiting.set()
            return "91" if info["common_name"] == "T0000002" else None  # needs no books

    host.acquirer.on_event = listen
    asking = threading.Thread(target=lambda: codes.append(one.network().code))
    with held(host.home):
        asking.start()
        assert waiting.wait(10)
        assert other.network().code == "91"
        assert codes == []
    asking.join(10)
    assert codes == ["00"]


def test_books_that_stay_held_are_96_to_each_and_nothing_is_changed(two_shops):
    host, clients = two_shops(books_s=0.3)
    proposals = [account(client) for client in clients]
    answers = {}

    def ask(client, proposal):
        answers[client] = client.change(proposal).verdict

    with held(host.home):
        threads = [
            threading.Thread(target=ask, args=both)
            for both in zip(clients, proposals, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert set(answers.values()) == {"96"}
    for client, proposal in zip(clients, proposals, strict=True):
        assert client.change(proposal, repeat=True).verdict == "00/01"


# Power cuts: the server as a process, killed


def start_server(home):
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.acquirer", "serve", "--home", str(home), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline()
    assert line.startswith("acquirer ready on 127.0.0.1:"), line
    return process, int(line.rpartition(":")[2])


def test_what_was_answered_survives_a_kill(tmp_path):
    home = tmp_path / "home"
    acquirer.init(home)
    bundle = acquirer.enroll(
        home, "T0000001", "898310054110001", tmp_path / "bundle", owner_confirms=False
    )
    process, port = start_server(home)
    client = Client(bundle, port)
    proposal = account(client)
    first = client.change(proposal)
    process.kill()
    process.wait()
    process.stdout.close()
    client.close()
    process, client.address = (started := start_server(home))[0], ("127.0.0.1", started[1])
    try:
        assert first.verdict == "00/01"
        assert client.change(proposal, repeat=True).tags == first.tags
        client.counter -= 1
        assert client.network().code == "A0"
        code = account(client, "0000888800001234", code=proposal.inner[0xDF3A].decode())
        assert client.change(code, replaced=first.tags[0xDF44]).verdict == "55/03"
        process.terminate()
        assert process.wait(10) == 0
        assert process.stdout.read() == "acquirer stopped\n"
    finally:
        process.kill()
        process.stdout.close()
        client.close()
