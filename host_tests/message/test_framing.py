"""Frames cut and joined in every way, and everything that is no frame."""

from hypothesis import given
from hypothesis import strategies as st

from firmware.message import framing


@st.composite
def frames(draw):
    size = draw(st.one_of(st.integers(15, 60), st.sampled_from([1021, 1022])))
    body = draw(st.binary(min_size=4, max_size=4)) * 256
    return size.to_bytes(2, "big") + b"\x60" + body[: size - 1]


def verdict(data):
    """Judge `data` as the profile says, frame by frame not needed."""
    if data and data[0] > 3:
        return framing.BAD
    if len(data) < 2:
        return framing.MORE
    size = int.from_bytes(data[:2], "big")
    if not 15 <= size <= 1022 or data[2:3] not in (b"", b"\x60"):
        return framing.BAD
    return size + 2 if len(data) >= size + 2 else framing.MORE


@given(st.lists(frames(), max_size=4), st.lists(st.integers(1, 700), min_size=1))
def test_a_stream_in_any_pieces_gives_its_frames(sent, pieces):
    stream = b"".join(sent)
    framer = framing.Framer(bytearray(1024))
    got = []
    at = turn = 0
    while at < len(stream):
        n = min(pieces[turn % len(pieces)], framer.room(), len(stream) - at)
        turn += 1
        framer.buf[framer.fill : framer.fill + n] = stream[at : at + n]
        at += n
        size = framer.accept(n)
        while size > 0:
            got.append(bytes(framer.buf[:size]))
            size = framer.next()
        assert size == framing.MORE
    assert got == sent
    assert framer.fill == 0


@given(frames(), frames())
def test_reading_exactly_what_is_wanted_never_reads_too_far(first, second):
    framer = framing.Framer(bytearray(1024))
    for frame in (first, second):
        at = 0
        size = framing.MORE
        while size == framing.MORE:
            n = framer.wanted()
            framer.buf[framer.fill : framer.fill + n] = frame[at : at + n]
            at += n
            size = framer.accept(n)
        assert at == size == len(frame)
        assert framer.wanted() == 0
        assert framer.next() == framing.MORE


@given(st.binary(max_size=40), st.integers(0, 3))
def test_anything_is_judged(data, margin):
    buf = b"\x60" * margin + data
    assert framing.verdict(buf, margin, len(data)) == verdict(data)


@given(frames(), st.integers(0, 2), st.integers(0, 255))
def test_bad_is_final_until_reset(frame, at, byte):
    changed = bytearray(frame)
    changed[at] = byte
    framer = framing.Framer(bytearray(1024))
    framer.buf[:3] = changed[:3]
    if framer.accept(3) == framing.BAD:
        framer.buf[: len(frame)] = frame
        assert framer.accept(0) == framing.BAD
        assert framer.next() == framing.BAD
        assert framer.wanted() == 0
    framer.reset()
    framer.buf[: len(frame)] = frame
    assert framer.accept(len(frame)) == len(frame)
