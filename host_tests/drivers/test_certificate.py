"""When a certificate was issued: the terminal's first idea of the time."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import certificate


def _with_date(date):
    return b"\x30\x1e\x17\x0d" + date.strftime("%y%m%d%H%M%SZ").encode() + b"\x17\x0d491231235959Z"


@given(st.datetimes(datetime.datetime(2000, 1, 1), datetime.datetime(2049, 12, 31)))
def test_the_date_agrees_with_the_standard_library(date):
    there = date.replace(microsecond=0, tzinfo=datetime.UTC)
    assert certificate.issued(_with_date(there)) == int(there.timestamp())


def test_a_certificate_tells_when_it_was_issued(certificates):
    folder = certificates.folder("plain")
    issued = certificate.issued((folder / "cert.der").read_bytes())
    assert issued == int(certificates.issued.timestamp())


@pytest.mark.parametrize(
    "der", [b"", b"\x17\x0d", b"\x17\x0d26112400000", b"\x17\x0d26112400xx00Z"]
)
def test_what_is_no_certificate_has_no_date(der):
    assert certificate.issued(der) == 0
