"""pyiso8583 on CPython, on the same message: `python -m tools.bench.reference decode|encode N`.

The profile as pyiso8583 has it, for the fields of `samples`. Imports pyiso8583 and samples only.
"""

import sys
import timeit

import iso8583

from tools.bench.inside import idiom, samples

_KINDS = {
    "n": {"data_enc": "b", "len_enc": "bcd", "len_count": "nibbles"},
    "a": {"data_enc": "ascii", "len_enc": "bcd", "len_count": "bytes"},
    "b": {"data_enc": "b", "len_enc": "bcd", "len_count": "bytes"},
}


def _layout(kind, width, longest):
    pads = {"n": {"right_pad": "0"} if width else {"left_pad": "0"}}
    return {
        **_KINDS["n" if kind == "z" else kind],
        **pads.get("n" if kind == "z" else kind, {}),
        "len_type": (width + 1) // 2,
        "max_len": longest,
        "desc": "",
    }


def spec():
    """Return the profile's specification for pyiso8583."""
    found = {key: _layout("b", 0, size) for key, size in (("h", 0), ("t", 2), ("p", 8), ("1", 8))}
    return found | {str(de): _layout(*row) for de, row in idiom.SPEC.items()}


SPEC = spec()
FIELDS = {"t": "0200"} | {str(de): text.replace("=", "D") for de, text in samples.FIELDS}
MESSAGE = bytes(iso8583.encode(dict(FIELDS), SPEC)[0])


def decode(n):
    """Decode the message `n` times."""
    for _ in range(n):
        iso8583.decode(MESSAGE, SPEC)


def encode(n):
    """Encode the message `n` times."""
    for _ in range(n):
        iso8583.encode(FIELDS, SPEC)


def measure(n=500, tries=5):
    """Return {name: nanoseconds per call}."""
    found = {}
    for name, work in (("pyiso8583_decode", decode), ("pyiso8583_encode", encode)):
        timer = timeit.Timer("work(n)", globals={"work": work, "n": n})
        found[name] = min(timer.repeat(tries, 1)) * 1e9 / n
    return found


if __name__ == "__main__":
    {"decode": decode, "encode": encode}[sys.argv[1]](int(sys.argv[2]))
