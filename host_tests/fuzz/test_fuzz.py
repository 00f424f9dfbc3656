"""A short run of the fuzzing, the same each time; `make fuzz` runs a million inputs."""

import pytest

from host_tests.fuzz import targets
from host_tests.fuzz.__main__ import guarded, inside


def test_nothing_read_inside_micropython_leads_out_of_bounds(record_property):
    record_property("interpreter", "micropython")
    inside(8583, 60000)


@pytest.mark.parametrize("kind", ["frames", "answers", "tlvs"])
def test_what_a_reader_sends_is_taken_for_what_it_is(kind, record_property):
    record_property("interpreter", "micropython")
    inside(8583, 3000, kind)


def test_nothing_read_in_guarded_buffers_leads_out_of_bounds():
    guarded(8583, 20000)


def test_the_samples_are_good_before_they_are_spoilt():
    first = {
        name: function(samples[0], 0, len(samples[0]))
        for name, samples, _, function, _ in targets.TARGETS
    }
    assert first == {
        "luhn": 1,
        "track": targets.track.OK,
        "tlv walk": 1,
        "tlv find": 0,
        "seek": 1,
        "frame": 87,
        "message": 0,
        "emv": 0,
        "pn532": targets.pn532.DATA,
    }
