"""What card readers send, made piece by piece, with what has to come of it: frames in noise, cards
that follow the rules and cards with one fault, TLVs of any shape.

Each kind gives (data, judge, check): `judge(buf, start, end)` reads the data between neighbours,
`check(verdict, buf, start)` has what must be. Runs under both interpreters; imports targets.
"""

import random
from binascii import hexlify, unhexlify

from drivers import pn532
from firmware.card import emv, luhn, tlv
from firmware.card.seek import seek
from host_tests.fuzz import targets
from host_tests.readers import talks

_DEPTH = 5
_TAGS = ("5A", "57", "5F24", "9F38", "9F36", "50", "87")
_TEMPLATES = ("61", "70", "A5", "BF0C", "77")
_PADS = (b"", b"", b"\0", b"\xff\0")
_SCHEMES = ("A000000333010102", "A0000000031010", "A000000025010801", "A0000001523010")


def _bytes(size):
    return bytes([random.getrandbits(8) for _ in range(size)])


# -- frames ---------------------------------------------------------------------------------------


def _framed(data):
    size = bytes((len(data) >> 8, len(data) & 0xFF))
    head = (b"\xff\xff" + size if size[0] else size[1:]) + bytes((-sum(size) & 0xFF,))
    return b"\0\0\xff" + head + data + bytes((-sum(data) & 0xFF, 0))


_SHORT = (
    (b"\0\0\xff\0\xff\0", pn532.ACK),
    (b"\0\0\xff\xff\0\0", pn532.NACK),
    (b"\0\0\xff\x01\xff\x7f\x81\0", pn532.ERROR),
)


def frames():
    """Frames, most of them whole, with noise around them in which none can begin."""
    data, sent = b"", []
    for _ in range(random.randrange(1, 5)):
        data += _bytes(random.randrange(9)).replace(b"\xff", b"\xfe")
        what = random.randrange(8)
        if what < 3:
            frame, kind = _SHORT[what]
            sent.append(kind)
            data += frame
            continue
        body = _bytes(random.choice((2, 3, 9, 40, 120, 255, 256, 265)))
        if what > 3:
            sent.append(body)
            data += _framed(body)
            continue
        # Damaged: no other frame may begin in it.
        frame = bytearray(_framed(body[:255].replace(b"\xff", b"\xfe")))
        right = frame[-2]
        while frame[-2] == right or frame[-2] == 0xFF:
            frame[-2] = random.getrandbits(8)
        data += bytes(frame)

    def judge(buf, start, end):
        return pn532.frame(buf, start, end, targets.place)

    def check(verdict, buf, start, end):
        seen = []
        while verdict != pn532.MORE:
            if verdict == pn532.DATA:
                at = targets.place[pn532.PLACE]
                seen.append(bytes(buf[at : at + targets.place[pn532.LENGTH]]))
            else:
                seen.append(verdict)
            verdict = judge(buf, targets.place[pn532.NEXT], end)
        assert seen == sent, "frames"

    return data, judge, check


# -- cards ----------------------------------------------------------------------------------------


def _pan():
    digits = "62" + "".join([random.choice("0123456789") for _ in range(random.randrange(10, 16))])
    for last in "0123456789":
        number = (digits + last).encode()
        if luhn.valid(number, 0, len(number)):
            return digits + last


def _padded(*elements):
    return b"".join([element + random.choice(_PADS) for element in elements])


def _fill():
    return talks.tlv(random.choice(("9F36", "5F34", "8C", "90")), _bytes(random.randrange(40)))


def _card():
    """Return the answers of a card that follows the rules, its number, and the elements that have
    it.
    """
    pan = _pan()
    number = talks.number(pan)
    track = talks.track(pan, "D3012201" + "0" * random.randrange(6))
    known = random.choice(((number, talks.EXPIRY), (track,), (number, track, talks.EXPIRY)))
    answers = [talks.listed((random.choice(_SCHEMES), random.randrange(16)))]
    if random.randrange(4) == 0:
        answers = [b"\x6a\x82"]
    answers.append(talks.selected(random.choice(("", talks.PDOL, "9F3704", "9F6604DF8129059A03"))))
    form = random.randrange(3)
    if form == 0:
        answers.append(talks.tlv("77", _padded(_fill(), *known)) + talks.DONE)
    else:
        files = bytes((8, 1, len(known), 0))
        if form == 1:
            answers.append(talks.options(files, _fill()))
        else:
            answers.append(talks.tlv("80", b"\x20\0", files) + talks.DONE)
        answers += [talks.record(_padded(_fill(), one)) for one in known]
    return b"".join([_in_parts(answer) for answer in answers]), pan, (number, track)


def _in_parts(answer):
    """Return the answer as the card gives it: at once, or after being asked again."""
    how = random.randrange(8)
    whole = bytes((len(answer),)) + answer
    if how == 0 and answer[-2] == 0x90:
        return b"\x02\x6c" + bytes((len(answer) - 2,)) + whole
    if how == 1 and answer[-2] == 0x90:
        return b"\x02\x67\x00" + whole
    if how == 2 and answer[-2] == 0x90:
        return b"\x02\x61" + bytes((len(answer) - 2,)) + whole
    return whole


def answers():
    """A card that follows the rules, or breaks one."""
    data, pan, elements = _card()
    is_whole = random.randrange(2) == 0
    is_another = False
    if not is_whole:
        at = random.randrange(len(data))
        for element in elements:  # a fault in it may make another number of it, and a right one
            start = data.find(element)
            is_another |= 0 <= start <= at < start + len(element)
        data = bytearray(data)
        data[at] ^= 1 << random.randrange(8)

    def check(verdict, buf, start, end):
        found = targets._talk_seen(verdict, start, end)[1]
        number = found[emv.EXPIRY_LEN :].rstrip(b"\0").decode()
        if is_whole:
            assert (verdict, number) == (emv.OK, pan), pan
            return
        assert verdict != emv.OK or number == pan or is_another, pan

    return bytes(data), targets._talk, check


# -- TLVs -----------------------------------------------------------------------------------------


def _length(size):
    shape = random.randrange(3)
    if size > 255 or shape == 2:
        return bytes((0x82, size >> 8, size & 0xFF))
    return bytes((0x81, size)) if size > 127 or shape else bytes((size,))


def _tree(depth):
    """Return (what is sent, the first 5A in it, how deep that goes)."""
    sent, first, deepest = b"", None, depth
    for _ in range(random.randrange(4)):
        sent += random.choice((b"", b"", b"\0", b"\xff", b"\0\0"))
        if depth < _DEPTH + 1 and random.randrange(3) == 0:
            value, inner, deep = _tree(depth + 1)
            deepest = max(deepest, deep) if first is None else deepest
            tag = random.choice(_TEMPLATES)
        else:
            value = _bytes(random.choice((0, 1, 5, 10, 40, 130)))
            tag = random.choice(_TAGS)
            inner = value if tag == "5A" else None
        if first is None:
            first = inner
        sent += unhexlify(tag) + _length(len(value)) + value
    return sent, first, deepest


def tlvs():
    """Templates in templates, padded, with lengths of any shape."""
    data, first, deepest = _tree(0)
    data = data + random.choice((b"", b"\0", b"\xff\xff"))
    # What stands behind it must not be taken for it.

    def judge(buf, start, end):
        return seek(buf, start, end, 0x5A, targets.element)

    def check(verdict, buf, start, end):
        targets._element_seen(verdict, start, end)
        if deepest > _DEPTH:
            assert verdict == -1 or first is not None, "too deep"
            return
        assert verdict == (first is not None), "found"
        if first is not None:
            at = targets.element[tlv.VALUE]
            assert bytes(buf[at : at + targets.element[tlv.LENGTH]]) == first, hexlify(first)

    return data, judge, check


KINDS = {"frames": frames, "answers": answers, "tlvs": tlvs}
