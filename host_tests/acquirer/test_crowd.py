"""A crowd of strangers at the acquirer's door: what each costs, and that terminals are served."""

import contextlib
import socket
import ssl
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host_tests.interop.client import Client, Closed
from tools import acquirer

EACH = 200
MAX_KB = 40
PATIENCE_S = 1  # of a terminal, at most


@pytest.fixture
def door(tmp_path):
    """A host as a process of its own: (process, port, a terminal's client)."""
    home = tmp_path / "home"
    bundle = acquirer.enroll(home, "T0000001", "898310054110001", tmp_path / "bundle")
    command = [sys.executable, "-m", "tools.acquirer", "serve", "--home", home, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline().rpartition(":")[2])
        client = Client(bundle, port)
        yield process, port, client
        client.close()
        process.terminate()


def memory_kb(process):
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def hello():
    """A TLS client's first message."""
    context = ssl.create_default_context()
    sent = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="acquirer.rebind").do_handshake()
    return sent.read()


def waited(client):
    """How long a terminal waits for connection and answer, in seconds."""
    client.close()
    began = time.monotonic()
    assert client.network("301").code == "00"
    return time.monotonic() - began


@pytest.mark.parametrize("kind", ["silent", "half a hello", "a whole hello"])
def test_a_stranger_costs_less_than_40_kb_and_keeps_no_terminal_waiting(door, kind):
    process, port, client = door
    for _ in range(8):
        waited(client)  # what the first ones cost stays
    begins = {"silent": b"", "half a hello": hello()[:100], "a whole hello": hello()}[kind]
    before = memory_kb(process)
    with contextlib.ExitStack() as crowd:
        for _ in range(EACH):
            stranger = crowd.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            stranger.sendall(begins)
        waits = [waited(client) for _ in range(20)]
        each = (memory_kb(process) - before) / EACH
    print(f"{kind}: {each:.1f} KB each, a terminal waits {max(waits):.2f} s")
    assert each < MAX_KB
    assert max(waits) < PATIENCE_S


def test_of_600_strangers_the_oldest_have_to_go_and_terminals_are_served(door):
    _, port, client = door
    with contextlib.ExitStack() as crowd:
        strangers = [
            crowd.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            for _ in range(600)
        ]
        assert waited(client) < PATIENCE_S
        assert waited(client) < PATIENCE_S  # all of them have been taken in by now
        for stranger in strangers:
            stranger.setblocking(False)
        left = [stranger for stranger in strangers if is_open(stranger)]
        assert left == strangers[-len(left) :]
        assert 500 <= len(left) <= 512


def is_open(stranger):
    try:
        return stranger.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def test_of_one_certificate_the_oldest_connection_has_to_go(shop):
    lines = [shop.again() for _ in range(5)]
    for number, client in enumerate(lines):
        client.counter = 10 * number
        assert client.network("301").code == "00"
    with pytest.raises(Closed):
        lines[0].network("301")
    for number, client in enumerate(lines[1:]):
        client.counter = 100 + 10 * number
        assert client.network("301").code == "00"
        client.close()


@pytest.mark.parametrize(
    "begin",
    [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x40\x00\x01\x02\x00\x00", bytes(9)],
)
def test_what_is_no_hello_is_closed_at_once(shop, begin):
    with socket.create_connection(shop.client.address, 5) as raw:
        raw.sendall(begin)
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            assert raw.recv(1) == b""
        assert time.monotonic() - began < 2


def test_a_handshake_without_end_is_ended(shop):
    """Records that never make a whole message: they are not collected for ever."""
    with socket.create_connection(shop.client.address, 5) as raw:
        raw.sendall(hello())
        assert raw.recv(1) != b""
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 200_000:
                raw.sendall(b"\x17\x03\x03\x04\x00" + bytes(0x400))
                sent += 0x405
                time.sleep(0.002)
        assert sent < 200_000


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_comes_before_a_handshake_ends_its_own_connection(shop, data):
    bent = bytearray(hello())
    for at in data.draw(st.lists(st.integers(0, len(bent) - 1), max_size=4)):
        bent[at] ^= data.draw(st.integers(1, 255))
    sent = data.draw(st.sampled_from([bytes(bent), data.draw(st.binary(max_size=300))]))
    with socket.create_connection(shop.client.address, 5) as raw:
        raw.sendall(sent + data.draw(st.binary(max_size=40)))
        raw.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while raw.recv(4096):
                pass
    assert shop.client.network("301").code == "00"
