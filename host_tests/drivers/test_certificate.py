"""When a certificate was issued: the terminal's first idea of the time."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import certificate

END = datetime.datetime(2049, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)


def _with_date(date):
    return b"\x30\x1e\x17\x0d" + date.strftime("%y%m%d%H%M%SZ").encode() + b"\x17\x0d491231235959Z"


@given(st.datetimes(datetime.datetime(2000, 1, 1), datetime.datetime(2049, 12, 31)))
def test_the_date_agrees_with_the_standard_library(date):
    there = date.replace(microsecond=0, tzinfo=datetime.UTC)
    assert certificate.validity(_with_date(there)) == (there.timestamp(), END.timestamp())


def test_a_certificate_tells_when_it_was_issued(certificates):
    folder = certificates.folder("plain")
    since, until = certificate.validity((folder / "terminal.der").read_bytes())
    assert since == int(certificates.issued.timestamp()) < until


@pytest.mark.parametrize(
    "der", [b"", b"\x17\x0d", b"\x17\x0d26112400000", b"\x17\x0d26112400xx00Z"]
)
def test_what_is_no_certificate_has_no_date(der):
    assert certificate.validity(der) == (0, 0)
