"""When a certificate was issued: the terminal's first idea of the time."""

import contextlib
import datetime
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from drivers import certificate, chain, named, tls_link
from host_tests import tls_table

KEY = ec.generate_private_key(ec.SECP256R1())
# What a date looks like, in a name: the serial number and the subject's too come before the dates.
LURE = "\x17\x0d250101000000Z\x17\x0d260101000000Z"
YEAR = datetime.timedelta(days=365)


def issued(since, until, name="CA", serial=1):
    """Return a certificate in DER, as a library writes it."""
    own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder(own, own, KEY.public_key(), serial, since, until)
        .sign(KEY, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


def seconds(*dates):
    return tuple(int(date.replace(tzinfo=datetime.UTC).timestamp()) for date in dates)


@given(st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(9000, 12, 31)))
def test_the_dates_agree_with_the_standard_library(date):
    since = date.replace(microsecond=0)
    der = issued(since, since + 20 * YEAR)  # short and long form, and one of each
    assert certificate.validity(der) == seconds(since, since + 20 * YEAR)


def test_a_date_in_a_name_is_not_when_it_begins():
    since = datetime.datetime(2026, 3, 1)
    der = issued(since, since + YEAR, LURE, int.from_bytes(LURE[:15].encode()))
    assert certificate.validity(der) == seconds(since, since + YEAR)


def test_of_a_chain_the_first_one_counts():
    since = datetime.datetime(2026, 3, 1)
    der = issued(since, since + YEAR) + issued(since - YEAR, since + 9 * YEAR)
    assert certificate.validity(der) == seconds(since, since + YEAR)


def test_a_certificate_tells_when_it_was_issued(certificates):
    folder = certificates.folder("plain")
    since, until = certificate.validity((folder / "terminal.der").read_bytes())
    assert since == int(certificates.issued.timestamp()) < until


def test_the_link_tells_how_long_its_certificates_are_good(certificates):
    folder = certificates.folder("plain")
    line = tls_link.TlsLink(None, "192.0.2.7", 8583, "acquirer.test", str(folder), None, None)
    for name in ("terminal", "ca"):
        der = (folder / f"{name}.der").read_bytes()
        known = x509.load_der_x509_certificate(der)
        dates = known.not_valid_before_utc, known.not_valid_after_utc
        assert line.dates(name) == tuple(int(date.timestamp()) for date in dates)
    assert line.dates("none_such") == (0, 0)


WHOLE = issued(datetime.datetime(2026, 3, 1), datetime.datetime(2056, 3, 1))


@given(st.integers(0, 160), st.integers(0, 255), st.integers(0, 300))
def test_what_is_damaged_is_read_as_it_is_or_not_at_all(at, value, length):
    der = bytearray(WHOLE)
    der[at] = value
    since, until = certificate.validity(bytes(der[:length]))
    assert isinstance(since, int) and isinstance(until, int)


@pytest.mark.parametrize(
    "der", [b"", b"\x30", b"\x17\x0d", b"\x30\x80", b"\x30\x85\xff\xff\xff\xff\xff", b"PEM"]
)
def test_what_is_no_certificate_has_no_date(der):
    assert certificate.validity(der) == (0, 0)


def test_a_chain_becomes_the_pem_of_each_in_its_order():
    since = datetime.datetime(2026, 3, 1)
    ders = [issued(since, since + years * YEAR) for years in (1, 2, 3)]
    read = x509.load_pem_x509_certificates(chain.pem(b"".join(ders)))
    assert [one.public_bytes(serialization.Encoding.DER) for one in read] == ders


@pytest.mark.parametrize("lost", [1, 100])
def test_a_chain_that_is_cut_short_is_none(lost):
    since = datetime.datetime(2026, 3, 1)
    der = issued(since, since + YEAR) * 2
    with pytest.raises(ValueError):
        chain.pem(der[:-lost])


def with_names(*names):
    """A certificate in DER with these in its SAN; without one when there are none."""
    key = tls_table.new_key()
    made = tls_table.certificate("acquirer.test", key, names=names, purpose=tls_table.SERVER)
    return made.public_bytes(serialization.Encoding.DER)


def test_a_name_stands_in_the_san_and_without_a_star():
    star = ipaddress.ip_address("42.42.42.42")  # whose bytes are four of them
    named.check(with_names(x509.DNSName("acquirer.test")))
    named.check(with_names(x509.IPAddress(star), x509.DNSName("acquirer.test")))
    for names in ((), (x509.DNSName("*.test"),), (x509.IPAddress(star), x509.DNSName("*.test"))):
        with pytest.raises(ValueError):
            named.check(with_names(*names))


def test_a_certificate_that_cannot_be_read_is_refused():
    whole = with_names(x509.DNSName("acquirer.test"))
    for size in range(len(whole) - 100):
        with pytest.raises(ValueError):
            named.check(whole[:size])
    for at in range(len(whole)):
        bent = bytearray(whole)
        bent[at] ^= 0xFF
        with contextlib.suppress(ValueError):
            named.check(bytes(bent))
