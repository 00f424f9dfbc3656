"""Answers of an acquirer that lies: other contents than it would give, under a right MAC.

A lie is words: `TAG=HEX` puts that value into the answer, in the place of all that it had under
the tag (said twice, the tag comes twice); `TAG=` an empty one, `TAG=-` none. Tags DF30 to DF3F
are those inside DF20, sealed again; `37=` and `39=` are fields, of text, `63=` and `120=` a whole
field, in hexadecimal. May import tools.acquirer.
"""

from tools.acquirer import tlv

_SEALED = 0xDF20
_INNER = range(0xDF30, 0xDF40)
_TEXTS = (37, 39)
_BLOCKS = (63, 120)


def lie(words):
    """Return what alters an answer as `words` say: f(answer, secrets), see Exchange.answer.

    Raises ValueError for words that say nothing of the kind.
    """
    fields, tags = {}, {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"{word!r} is not TAG=HEX")
        if name.isdigit() and int(name) in _TEXTS:
            fields[int(name)] = None if value == "-" else value
        elif name.isdigit() and int(name) in _BLOCKS:
            fields[int(name)] = None if value == "-" else bytes.fromhex(value)
        elif len(name) == 4 and name.upper().startswith("DF"):
            values = tags.setdefault(int(name, 16), [])
            if value != "-":
                values.append(bytes.fromhex(value))
        else:
            raise ValueError(f"{name!r} is neither a tag nor a field that can be altered")

    def alter(answer, secrets):
        de = 63 if answer.mti == "0810" else 120
        pairs = _all(answer.fields.get(de, b""))
        for tag in (tag for tag in tags if tag not in _INNER):
            pairs = _with(pairs, tag, tags[tag])
        inner = [tag for tag in tags if tag in _INNER]
        if inner:
            sealed = [value for tag, value in pairs if tag == _SEALED]
            plain = _all(secrets.open(sealed[0])) if sealed else []
            for tag in inner:
                plain = _with(plain, tag, tags[tag])
            pairs = _with(pairs, _SEALED, [secrets.seal(tlv.join(plain))])
        if pairs:
            answer.fields[de] = tlv.join(pairs)
        for field, value in fields.items():
            if value is None:
                answer.fields.pop(field, None)
            else:
                answer.fields[field] = value

    return alter


def _all(block):
    return tlv.split(block, repeatable=range(0xDF00, 0xE000))


def _with(pairs, tag, values):
    """Return the pairs with `values` where the first of `tag` was, or at the end."""
    places = [at for at, pair in enumerate(pairs) if pair[0] == tag]
    at = places[0] if places else len(pairs)
    kept = [[pair for pair in part if pair[0] != tag] for part in (pairs[:at], pairs[at:])]
    return [*kept[0], *((tag, value) for value in values), *kept[1]]
