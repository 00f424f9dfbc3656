"""A secret, and the forms in which it could stand somewhere.

What always holds: a secret is not shown, by no repr and in no finding; a form that noise may well
be is none. Of a number of twelve digits or more any eight digits in a row are as good as the
whole: what is shown masked has six and four.
"""

import base64
from collections import namedtuple
from dataclasses import dataclass, field

SMALL = 1 << 12  # bytes of a place in which also what is three bytes long is found by no chance
_LEAST, _LEAST_IN_SMALL = 8, 6  # half bytes
_LONG = 12
_PART = 8
_TELLING = 4  # different digits in what is searched packed, or as a part: zeros are everywhere
_COUNTING = "012345678901234567890"
_WORD = 12  # half bytes: what is no longer must stand alone where there are other digits

# name. data: bytes. before: the half byte that the byte before ends with, after: that the one
# behind begins with, or None. alone: no digit or letter may stand beside it.
Form = namedtuple("Form", "name data before after alone", defaults=(None, None, False))


@dataclass(frozen=True)
class Secret:
    """kind: as `allowed` names it. value: digits (or other text) as str, a key as bytes."""

    kind: str
    value: str | bytes = field(repr=False)


def forms(secret):
    """Return the Forms of a secret, each once."""
    value = secret.value
    found = _of_bytes(value) if isinstance(value, bytes) else _of_text(value)
    once = {}
    for form in found:
        once.setdefault(form[1:], form)
    return list(once.values())


def found_in(secret, data):
    """Yield (name of the form, how often) of the forms that `data` has."""
    least = _LEAST_IN_SMALL if len(data) < SMALL else _LEAST
    for form in forms(secret):
        weight = 2 * len(form.data) + sum(half is not None for half in form[2:4])
        if weight >= least and (count := _count(form, data)):
            yield form.name, count


def _count(form, data):
    count, at = 0, data.find(form.data)
    while at >= 0:
        before, behind = data[at - 1 : at], data[at + len(form.data) :][:1]
        count += _fits(form, before, behind)
        at = data.find(form.data, at + 1)
    return count


def _fits(form, before, behind):
    if form.before is not None and not (before and before[0] & 15 == form.before):
        return False
    if form.after is not None and not (behind and behind[0] >> 4 == form.after):
        return False
    return not (form.alone and (before.isalnum() or behind.isalnum()))


def _of_text(text):
    yield from _written(text)
    yield Form("reversed", text[::-1].encode(), alone=2 * len(text) <= _WORD)
    yield Form("hex", text.encode().hex().encode())
    if text.isdigit():
        yield from _packed("BCD", text)
        if len(text) >= _LONG:
            parts = (text[at : at + _PART] for at in range(len(text) - _PART + 1))
            for part in filter(_tells, parts):
                yield Form("part, ASCII", part.encode())
                yield Form("part, UTF-16", part.encode("utf-16-le"))
                yield Form("part, in fours", f"{part[:4]} {part[4:]}".encode())


def _of_bytes(key):
    yield Form("bytes", key)
    yield Form("bytes, reversed", key[::-1])
    for text in (key.hex(), key.hex().upper()):
        yield from _written(text)
        yield Form("reversed", text[::-1].encode())
    yield Form("base64", base64.b64encode(key)[: len(key) // 3 * 4])


def _written(text):
    """What people and programs make of a text."""
    yield Form("ASCII", text.encode(), alone=2 * len(text) <= _WORD)
    yield Form("UTF-16", text.encode("utf-16-le"))
    yield Form("UTF-16, big-endian", text.encode("utf-16-be"))
    for between in " -":
        fours = between.join(text[at : at + 4] for at in range(0, len(text), 4))
        yield Form("in fours", fours.encode(), alone=2 * len(text) <= _WORD)
        yield Form("in fours, UTF-16", fours.encode("utf-16-le"))


def _packed(name, digits):
    """Two digits a byte: the first one in a byte's upper half, or in its lower."""
    if _tells(digits):
        even = len(digits) & ~1
        after = int(digits[-1]) if even < len(digits) else None
        yield Form(name, bytes.fromhex(digits[:even]), after=after)
        first, rest = int(digits[0]), digits[1:]
        even = len(rest) & ~1
        after = int(rest[-1]) if even < len(rest) else None
        yield Form(f"{name}, shifted", bytes.fromhex(rest[:even]), first, after)


def _tells(digits):
    """Whether it is none that a table of digits, or an empty field, has too."""
    return len(set(digits)) >= _TELLING and digits not in _COUNTING
