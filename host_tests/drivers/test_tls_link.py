"""The line as it runs on the device: MicroPython's own sockets and TLS, against servers of Python.

Each case is a process of the interpreter with the device's heap that runs link_probe.py.
"""

import errno
import socket
import ssl
import time

import acquirers
import esp32
import pytest

from drivers import cause, tls_link
from firmware.rooms import NoRoom

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def _only(rows):
    (row,) = rows
    return row[:2]


def _same_heap(rows):
    # A table of the interpreter may grow once; a leak would go on. A stale pointer may keep one
    # TLS socket (700 bytes) for a while; a leak would keep all.
    free = [row[2] for row in rows[len(rows) // 2 :]]
    assert max(free) - free[-1] < 1500, free


@pytest.mark.parametrize("version", VERSIONS)
def test_messages_go_there_and_back(line, version):
    code, _ = _only(line("echo", acquirers.echo, version=VERSIONS[version]))
    assert code == 0


def test_a_message_in_crumbs_is_put_together(line):
    code, _ = _only(line("echo", acquirers.echo_in_crumbs))
    assert code == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_many_connections_leave_nothing_behind(line, version):
    rows = line("echo", acquirers.echo, rounds=60, version=VERSIONS[version])
    assert [row[0] for row in rows] == [0] * 60
    _same_heap(rows[9:])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["wrong_ca", "wrong_name", "expired"])
def test_an_acquirer_that_cannot_be_trusted_is_named(line, kind, version):
    rows = line("connect", acquirers.echo, kind, rounds=20, version=VERSIONS[version])
    assert [row[0] for row in rows] == [tls_link.CERTIFICATE] * 20
    _same_heap(rows[4:])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_terminal_the_acquirer_does_not_know_is_refused(line, version):
    code, _ = _only(line("echo", acquirers.echo, "stranger", version=VERSIONS[version]))
    assert code == tls_link.TLS


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("action", "behaviour", "kind", "expected"),
    [
        ("echo", acquirers.echo, "plain", 0),
        ("connect", acquirers.echo, "wrong_ca", tls_link.CERTIFICATE),
        ("connect", acquirers.echo, "wrong_name", tls_link.CERTIFICATE),
        ("echo", acquirers.echo, "stranger", tls_link.TLS),
        ("connect", acquirers.mute, "plain", tls_link.TIMEOUT),
        ("connect", acquirers.break_off, "plain", tls_link.TLS),
    ],
)
def test_where_tls_says_less_its_records_are_watched_and_tell_the_same(
    line, action, behaviour, kind, expected, version
):
    limit = 250 if expected == tls_link.TIMEOUT else 10000
    rows = line(
        action, behaviour, kind, version=VERSIONS[version], watched=True, rounds=3, limit=limit
    )
    assert [row[0] for row in rows] == [expected] * 3


@pytest.fixture
def lost(certificates):
    """Where a clock stands that lost the time: long before the host's certificate begins."""
    return int(certificates.issued.timestamp()) - 300 * 86400


@pytest.mark.parametrize("version", VERSIONS)
def test_a_terminal_that_lost_the_time_connects_and_knows_what_is_past(
    line, version, lost, certificates
):
    rows = line("echo", acquirers.echo, since=lost, rounds=2, version=VERSIONS[version])
    assert [row[0] for row in rows] == [0, 0]
    for row in rows:
        assert 0 <= row[3] - int(certificates.issued.timestamp()) < 60
    assert line.servers[0].connections == 6  # it fails, looks when it begins, is verified


def test_what_begins_last_in_the_hosts_chain_is_what_is_past(line, lost, certificates):
    ((code, _, _, now),) = line("echo", acquirers.echo, "young_issuer", since=lost)
    assert code == 0
    assert 0 <= now - int(certificates.issued.timestamp()) < 60


def test_a_clock_that_the_acquirer_has_set_is_not_put_forward(line, lost):
    ((code, _, _, now),) = line("trusted", acquirers.echo, since=lost)
    assert code == tls_link.CERTIFICATE
    assert now - lost < 60


@pytest.mark.parametrize("kind", ["wrong_ca", "wrong_name"])
def test_nobody_else_puts_the_clock_forward(line, kind, lost):
    ((code, _, _, now),) = line("connect", acquirers.echo, kind, since=lost)
    assert code == tls_link.CERTIFICATE
    assert now - lost < 60


def test_whoever_steps_in_for_the_look_does_not_put_the_clock_forward(line, lost, certificates):
    stranger = acquirers.Acquirer(certificates.folder("wrong_ca"), acquirers.echo)

    def genuine_once(context, connection):
        if line.servers[0].connections > 1:
            context = stranger.context
        acquirers.echo(context, connection)

    ((code, _, _, now),) = line("connect", genuine_once, since=lost)
    stranger.close()
    assert code == tls_link.CERTIFICATE
    assert line.servers[0].connections > 1
    assert now - lost < 60


def test_a_look_that_finds_no_memory_says_so_and_the_line_works_afterwards(line, lost):
    rows = line("full", acquirers.echo, since=lost, rounds=136, limit=4000)
    codes = [row[0] for row in rows]
    assert set(codes) == {0, NO_ROOM}
    assert codes[0] == 0 and codes[-1] == NO_ROOM
    _same_heap(rows[4:])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_terminal_below_an_issuing_ca_sends_its_whole_chain(line, version):
    code, _ = _only(line("echo", acquirers.echo, "issued", version=VERSIONS[version]))
    assert code == 0


@pytest.mark.parametrize("kind", ["rsa", "p384"])
def test_an_acquirer_with_another_key_is_taken(line, kind):
    code, _ = _only(line("echo", acquirers.echo, kind))
    assert code == 0


def test_an_acquirer_is_known_by_its_address(line):
    code, _ = _only(line("echo", acquirers.echo, "address", name="127.0.0.1"))
    assert code == 0
    code, _ = _only(line("connect", acquirers.echo, "plain", name="127.0.0.1"))
    assert code == tls_link.CERTIFICATE


def test_a_dead_port_is_no_connection(line):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    rows = line("connect", None, port=port, rounds=20)
    assert [row[0] for row in rows] == [tls_link.REFUSED] * 20
    assert max(row[1] for row in rows) < 1000
    _same_heap(rows[4:])


def test_a_name_that_does_not_resolve(line):
    code, _ = _only(line("connect", None, host="acquirer.invalid", port=1))
    assert code == tls_link.DNS


@pytest.mark.parametrize(
    ("action", "behaviour", "expected"),
    [
        ("connect", acquirers.mute, tls_link.TIMEOUT),
        ("echo", acquirers.mute_after_the_handshake, tls_link.TIMEOUT),
        ("connect", acquirers.break_off, tls_link.TLS),
        ("connect", acquirers.babble, tls_link.TLS),
        ("echo", acquirers.hang_up, tls_link.CLOSED),
    ],
)
def test_an_acquirer_that_fails_half_way(line, action, behaviour, expected):
    rows = line(action, behaviour, rounds=16, limit=250)
    assert [row[0] for row in rows] == [expected] * 16
    _same_heap(rows[4:])
    if expected == tls_link.TIMEOUT:
        assert all(250 <= row[1] < 1500 for row in rows)


def test_a_cancelled_opening_leaves_nothing_behind(line):
    rows = line("cancel", acquirers.mute, rounds=20)
    assert [row[0] for row in rows] == [-1] * 20
    _same_heap(rows[4:])
    for _ in range(100):
        if line.servers[0].ended == 20:
            break
        time.sleep(0.02)
    assert line.servers[0].ended == 20


NO_ROOM = -2


@pytest.mark.memory
def test_a_handshake_that_runs_out_of_memory_says_so_and_never_blames_line_or_certificate(line):
    # The heap is filled a little more each time, so it ends at another point of the way each time.
    rows = line("full", acquirers.echo, rounds=136, limit=4000)
    codes = [row[0] for row in rows]
    assert set(codes) == {0, NO_ROOM}
    assert codes[0] == 0 and codes[-1] == NO_ROOM
    _same_heap(rows[4:])


def test_a_certificate_without_room_on_the_chip_is_not_called_untrusted(line):
    assert _only(line("connect", acquirers.echo, "wrong_ca", largest=5000))[0] == NO_ROOM


@pytest.mark.parametrize(
    ("number", "full"),
    [
        (12, True), (105, True), (-0x7F00, True), (-0x4D80, True), (-0x2880, True),
        (-0x4310, True), (-0x306A, True), (-141, True),
        (-0x7780, False), (-0x2700, False), (-0x7280, False), (110, False), (104, False),
        (0, False), (None, False), (16, False), (-16, False),
    ],
)  # fmt: skip
def test_what_mbedtls_calls_too_little_memory_is_known(number, full):
    assert cause.is_full(number) == full


@pytest.mark.parametrize(
    ("step", "fault", "code"),
    [
        (tls_link.OWN, OSError(2, ""), tls_link.OWN),
        (tls_link.OWN, ValueError("invalid cert"), tls_link.OWN),
        (tls_link.OWN, TypeError(), tls_link.OWN),
        (tls_link.DNS, OSError(-2, ""), tls_link.DNS),
        (tls_link.DNS, OSError("Name or service not known"), tls_link.DNS),
        (tls_link.CONNECT, OSError(errno.ECONNREFUSED, ""), tls_link.REFUSED),
        (tls_link.CONNECT, OSError(errno.ECONNRESET, ""), tls_link.REFUSED),  # as the chip says it
        (tls_link.CONNECT, OSError(errno.EHOSTUNREACH, ""), tls_link.NO_WAY),
        (tls_link.CONNECT, OSError(errno.ETIMEDOUT, ""), tls_link.CONNECT),
        (tls_link.CONNECT, OSError(errno.ECONNABORTED, ""), tls_link.CONNECT),
        (tls_link.CONNECT, OSError(0, ""), tls_link.CONNECT),
        (tls_link.TLS, ValueError("not correctly signed"), tls_link.CERTIFICATE),
        (tls_link.TLS, OSError(-0x3000, ""), tls_link.CERTIFICATE),
        (tls_link.TLS, OSError(-0x7780, ""), tls_link.TLS),
        (tls_link.TLS, OSError(0, ""), tls_link.TLS),
    ],
)
def test_each_cause_has_its_own_code(step, fault, code):
    assert cause.code(step, fault) == code


@pytest.mark.parametrize("step", [tls_link.OWN, tls_link.CONNECT, tls_link.TLS])
@pytest.mark.parametrize(
    ("fault", "largest"),
    [
        (OSError(errno.ENOMEM, ""), 60000),
        (OSError(errno.ENOBUFS, ""), 60000),
        (OSError(-0x7F00, ""), 60000),
        (OSError(-0x3000, ""), 5000),
        (ValueError("invalid cert"), 5000),
    ],
)
def test_too_little_memory_is_no_other_cause(monkeypatch, step, fault, largest):
    regions = [(200000, 90000, largest, 0)]
    monkeypatch.setattr(esp32, "idf_heap_info", lambda capabilities: regions)
    with pytest.raises(NoRoom):
        cause.code(step, fault)


def test_every_limit_is_thirty_seconds():
    assert tls_link.LIMIT_MS == 30000


@pytest.mark.parametrize("file", ["ca.der", "terminal.der", "key.der"])
@pytest.mark.parametrize("fate", ["without", "damaged"])
def test_keys_that_cannot_be_used_are_said_on_opening(line, fate, file):
    rows = line("connect", acquirers.echo, f"{fate} {file}", rounds=12)
    assert [row[0] for row in rows] == [tls_link.OWN] * 12
    assert line.servers[0].connections == 0
    _same_heap(rows[4:])


def test_without_wifi_nothing_is_tried():
    import asyncio

    class Wifi:
        connected = False
        connecting = True

    link = tls_link.TlsLink(Wifi(), "host", 1, "name", "nowhere", None, None)
    with pytest.raises(tls_link.LinkError) as failed:
        asyncio.run(link.open())
    assert failed.value.code == tls_link.WIFI
    with pytest.raises(tls_link.LinkError) as failed:
        asyncio.run(link.write(b"x", 1))
    assert failed.value.code == tls_link.CLOSED
