"""Frames of the contactless reader: the published ones, and what a bad line makes of them."""

from array import array

from hypothesis import assume, given
from hypothesis import strategies as st

from drivers import pn532
from host_tests.guarded import Guarded

ACK = bytes.fromhex("0000FF00FF00")
NACK = bytes.fromhex("0000FFFF0000")
ERROR = bytes.fromhex("0000FF01FF7F8100")


def framed(data):
    """Frame `data` (TFI first) as the user manual does."""
    length = bytes([len(data), -len(data) & 0xFF])
    if len(data) > 255:
        length = b"\xff\xff" + len(data).to_bytes(2, "big")
        length += bytes([-sum(length[2:]) & 0xFF])
    return b"\0\0\xff" + length + data + bytes([-sum(data) & 0xFF, 0])


def frames(stream, pieces):
    """Return the frames of a stream that comes in `pieces`, and what is kept in the end."""
    out = array("H", [0] * pn532.OUT_LEN)
    kept, found, at, turn = b"", [], 0, 0
    while at < len(stream):
        n = pieces[turn % len(pieces)]
        turn += 1
        kept += stream[at : at + n]
        at += n
        verdict = -1
        while verdict != pn532.MORE:
            margin = b"\0\0\xff"
            buf = Guarded(margin + kept + margin, 3, 3 + len(kept))
            verdict = pn532.frame(buf, 3, buf.end, out)
            if verdict == pn532.DATA:
                start = out[pn532.PLACE]
                found.append(bytes(buf.data[start : start + out[pn532.LENGTH]]))
            elif verdict != pn532.MORE:
                found.append(verdict)
            assert 3 <= out[pn532.NEXT] <= buf.end
            kept = kept[out[pn532.NEXT] - 3 :]
    return found, kept


PIECES = st.lists(st.integers(1, 40), min_size=1, max_size=10)
CONTENT = st.binary(min_size=2, max_size=265)
NOISE = st.binary(max_size=40).map(lambda raw: raw.replace(b"\xff", b"\xfe"))
SENT = st.lists(
    st.one_of(
        CONTENT.map(lambda data: (framed(data), data)),
        st.sampled_from([(ACK, pn532.ACK), (NACK, pn532.NACK), (ERROR, pn532.ERROR)]),
    ),
    max_size=4,
)


def test_the_published_commands_are_frames():
    for sent, data in (
        ("0000FF02FED4022A00", "D402"),
        ("0000FF05FBD4140100001700", "D414010000"),
        ("0000FF04FCD44A0100E100", "D44A0100"),
    ):
        assert framed(bytes.fromhex(data)) == bytes.fromhex(sent)
        assert frames(bytes.fromhex(sent), [100])[0] == [bytes.fromhex(data)]
    assert frames(ACK + NACK + ERROR, [100])[0] == [pn532.ACK, pn532.NACK, pn532.ERROR]


@given(SENT, st.lists(NOISE, min_size=5, max_size=5), PIECES)
def test_frames_in_any_pieces_and_noise_are_found(sent, noise, pieces):
    stream = b"".join(gap + frame for gap, (frame, _) in zip(noise, sent, strict=False))
    assert frames(stream, pieces)[0] == [content for _, content in sent]


@given(st.binary(min_size=2, max_size=255), CONTENT, st.data(), PIECES)
def test_after_a_damaged_frame_the_next_whole_one_is_found(first, second, draw, pieces):
    damaged = bytearray(framed(first))
    damaged[draw.draw(st.integers(5, len(damaged) - 2))] ^= draw.draw(st.integers(1, 255))
    assume(damaged.count(b"\0\xff") == 1)  # nothing in it looks like another start
    assert frames(bytes(damaged) + framed(second), pieces)[0] == [second]


@given(st.binary(max_size=600), PIECES)
def test_anything_is_read_within_its_bounds_and_little_is_kept(stream, pieces):
    found, kept = frames(stream, pieces)
    assert len(kept) <= 265 + 8
    assert all(isinstance(item, bytes) or item in (2, 3, 4) for item in found)
