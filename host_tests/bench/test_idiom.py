"""What the firmware is measured against does the same work: the same bytes, the same verdicts."""

import pytest

from tools.bench import reference
from tools.bench.inside import idiom, samples


def test_the_usual_codec_and_pyiso8583_make_the_same_message():
    assert idiom.encode(samples.TEXTS) == reference.MESSAGE
    assert idiom.decode(reference.MESSAGE) == samples.TEXTS
    assert len(samples.FIELDS) == 18
    assert len(reference.MESSAGE) == 208


def test_the_usual_codec_refuses_what_does_not_fit():
    for broken in (reference.MESSAGE[:-1], reference.MESSAGE + b"\0"):
        with pytest.raises(ValueError):
            idiom.decode(broken)
    with pytest.raises(ValueError):
        idiom.encode(samples.TEXTS | {3: "1900000"})


def test_the_usual_track_reader_knows_good_tracks():
    found = idiom.track_2(samples.TRACK)
    assert found == {"pan": "4761739001010119", "expiry": "2212", "service": "201"}
    for at in range(len(samples.TRACK)):
        changed = bytearray(samples.TRACK)
        changed[at] ^= 1
        assert idiom.track_2(bytes(changed)) is None


def test_the_usual_luhn_knows_a_number():
    assert idiom.luhn(samples.PAN.decode())
    assert not idiom.luhn("6222021234567890123")
    assert not idiom.luhn("62220212345678901x8")
