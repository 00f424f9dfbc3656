"""TLVs against a plain reading of BER with slices and big ints."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from firmware.card import tlv
from firmware.card.seek import SEEK_LEN, seek
from host_tests.guarded import Guarded

TAGS = st.one_of(
    st.integers(0xDF10, 0xDF7F), st.integers(0x9F01, 0x9F7F), st.sampled_from([0x57, 0x5A, 0x70])
)
ELEMENTS = st.lists(st.tuples(TAGS, st.binary(max_size=300)), max_size=6)


def reference(data):
    """Return [(tag, value)], or None when `data` is no sequence of minimal elements."""
    elements = []
    while data:
        size = 1
        if data[0] & 0x1F == 0x1F:
            while True:
                size += 1
                if size > 3 or size > len(data):
                    return None
                if data[size - 1] < 0x80:
                    break
            if data[1] in (0x00, 0x80):
                return None
        tag, data = int.from_bytes(data[:size], "big"), data[size:]
        if tag == 0 or not data:
            return None
        length, data = data[0], data[1:]
        if length >= 0x80:
            width = length - 0x80
            if width not in (1, 2) or len(data) < width:
                return None
            length, data = int.from_bytes(data[:width], "big"), data[width:]
            if length < (0x80 if width == 1 else 0x100):
                return None
        if len(data) < length:
            return None
        elements.append((tag, data[:length]))
        data = data[length:]
    return elements


def walk(data, margin=0):
    buf = Guarded(b"\xdf" * margin + data + b"\x00" * margin, margin, margin + len(data))
    out = array("i", [0] * tlv.OUT_LEN)
    elements = []
    pos = margin
    while pos < buf.end:
        pos = tlv.step(buf, pos, buf.end, out)
        if pos < 0:
            return None
        tag, value, length = out
        elements.append((tag, bytes(buf.data[value : value + length])))
    assert pos == buf.end
    return elements


def write(elements, off=0):
    buf = Guarded(bytes(2048), off)
    pos = off
    for tag, value in elements:
        pos = tlv.put(buf, pos, len(buf), tag, value, 0, len(value))
        assert pos > 0
    return bytes(buf.data[off:pos])


@given(ELEMENTS, st.integers(0, 3))
def test_what_is_written_is_read_back(elements, margin):
    data = write(elements, margin)
    assert walk(data, margin) == elements == reference(data)


@given(
    st.one_of(
        st.binary(max_size=60),
        st.lists(
            st.sampled_from(b"\xdf\x10\x9f\x80\x81\x82\x01\x02\x00\x7f\xff"), max_size=30
        ).map(bytes),
    ),
    st.integers(0, 2),
)
def test_anything_is_judged_as_the_reference_does(data, margin):
    assert walk(data, margin) == reference(data)


@given(ELEMENTS, st.integers(0, 2000), st.integers(0, 255))
def test_damage_is_judged_as_the_reference_does(elements, at, byte):
    data = bytearray(write(elements))
    if data:
        data[at % len(data)] = byte
    assert walk(bytes(data)) == reference(bytes(data))
    cut = bytes(data[: at % (len(data) + 1)])
    assert walk(cut) == reference(cut)


@given(ELEMENTS, TAGS, st.binary(max_size=3))
def test_find_wants_the_tag_once_and_the_whole_well_formed(elements, tag, tail):
    data = write(elements) + tail
    out = array("i", [0] * tlv.OUT_LEN)
    found = tlv.find(Guarded(data), 0, len(data), tag, out)
    expected = reference(data)
    values = None if expected is None else [value for at, value in expected if at == tag]
    if values is None or len(values) > 1:
        assert found == -1
    else:
        assert found == len(values)
        if values:
            assert (out[tlv.TAG], data[out[1] : out[1] + out[2]]) == (tag, values[0])


@given(st.tuples(TAGS, st.binary(max_size=300)), st.integers(0, 310))
def test_put_keeps_within_its_limit(element, limit):
    tag, value = element
    whole = write([element])
    buf = Guarded(b"\xee" * 320, 0, limit)
    pos = tlv.put(buf, 0, limit, tag, value, 0, len(value))
    if len(whole) > limit:
        assert pos == -1
        assert buf.data == b"\xee" * 320
    else:
        assert bytes(buf.data[:pos]) == whole


def length_of(value, shape):
    """Return the length bytes of a value: as short as they can be, or one or two too long."""
    if shape == 2 or len(value) > 255:
        return b"\x82" + len(value).to_bytes(2, "big")
    return b"\x81" * (shape or len(value) > 127) + bytes([len(value)])


PADDING = st.lists(st.sampled_from(b"\0\xff"), max_size=2).map(bytes)
LEAF = st.tuples(st.sampled_from([0x57, 0x5A, 0x9F38]), st.binary(max_size=140))
TREES = st.recursive(
    st.lists(LEAF, max_size=3),
    lambda inner: st.lists(
        st.one_of(LEAF, st.tuples(st.sampled_from([0x61, 0x70, 0xA5, 0xBF0C]), inner)), max_size=3
    ),
    max_leaves=8,
)


def sent(tree, draw):
    """Return a tree as a card may send it, padded and with lengths of any shape."""
    data = draw(PADDING)
    for tag, value in tree:
        inner = sent(value, draw) if isinstance(value, list) else value
        whole = tag.to_bytes((tag.bit_length() + 7) // 8, "big")
        data += whole + length_of(inner, draw(st.integers(0, 2))) + inner + draw(PADDING)
    return data


def first(tree, tag, depth=0):
    """Return the first value of `tag`, None without one; raises RecursionError when too deep."""
    for at, value in tree:
        if at == tag and not isinstance(value, list):
            return value
        if isinstance(value, list):
            if depth == 5:
                raise RecursionError
            found = first(value, tag, depth + 1)
            if found is not None:
                return found
    return None


@given(TREES, st.sampled_from([0x57, 0x5A, 0x9F38, 0x5F24]), st.data(), st.integers(0, 3))
def test_seek_finds_the_first_however_deep_it_lies(tree, tag, draw, margin):
    data = sent(tree, draw.draw)
    buf = Guarded(b"\x5a" * margin + data + b"\x5a", margin, margin + len(data))
    out = array("i", [0] * SEEK_LEN)
    verdict = seek(buf, margin, buf.end, tag, out)
    try:
        value = first(tree, tag)
    except RecursionError:
        assert verdict == -1
        return
    assert verdict == (value is not None)
    if value is not None:
        assert out[tlv.TAG] == tag
        assert bytes(buf.data[out[tlv.VALUE] :][: out[tlv.LENGTH]]) == value


def test_a_template_may_not_reach_beyond_the_one_around_it():
    out = array("i", [0] * SEEK_LEN)
    for data, verdict in (
        ("70057003 5A0141", 1),
        ("70047003 5A0141", -1),
        ("70057004 5A0141", -1),
        ("70055A0541", -1),
        ("7000 5A0141", 1),
    ):
        raw = bytes.fromhex(data)
        assert seek(Guarded(raw), 0, len(raw), 0x5A, out) == verdict, data
