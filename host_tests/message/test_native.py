"""Ten thousand random messages: pyiso8583 and the native codec agree in both directions."""

import random
import subprocess

import iso8583

from host_tests.conftest import ROOT
from host_tests.interop.spec import SPEC
from tools.simulator.interpreter import command

COUNT = 10000
DIGITS = "0123456789"
PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
EXACT = {60: 11, 62: 12}
NUMERIC = {2, 3, 4, 7, 11, 12, 13, 14, 22, 25, 60, 70, 90}
BYTES = {55, 62, 63, 64, 120, 128}
KNOWN = [int(field) for field in SPEC if field.isdigit() and field != "1"]


def content(chance, de):
    """Return a random value for `de`, as pyiso8583 has it; `=` stands for its D."""
    layout = SPEC[str(de)]
    size = layout["max_len"]
    if layout["len_type"]:
        least = 1 if de in NUMERIC or de == 35 else 0
        size = EXACT.get(de, chance.randint(least, min(size, 120)))
    if de in BYTES:
        return chance.randbytes(size).hex().upper()
    alphabet = DIGITS if de in NUMERIC else DIGITS + "=" if de == 35 else PRINTABLE
    return "".join(chance.choices(alphabet, k=size))


def messages(seed, count):
    """Yield {field: value} of random messages."""
    chance = random.Random(seed)
    for _ in range(count):
        chosen = sorted(chance.sample(KNOWN, chance.randint(0, len(KNOWN))))
        yield {"t": chance.choice(["0200", "0300", "0301", "0310", "0800", "0810"])} | {
            str(de): content(chance, de) for de in chosen
        }


def test_ten_thousand_messages_without_a_difference(record_property):
    record_property("interpreter", "micropython")
    drawn = list(messages(8583, COUNT))
    sent = [
        bytes(iso8583.encode({**fields, "35": fields["35"].replace("=", "D")}, SPEC)[0])
        if "35" in fields
        else bytes(iso8583.encode(dict(fields), SPEC)[0])
        for fields in drawn
    ]
    done = subprocess.run(
        [*command(), "-X", "heapsize=1M", "host_tests/message/native.py", str(ROOT)],
        cwd=ROOT,
        input="\n".join(message.hex() for message in sent),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = done.stdout.split("\n")[:-1]
    assert len(answers) == COUNT
    for fields, message, answer in zip(drawn, sent, answers, strict=True):
        *found, verdict = answer.split("\t")
        assert verdict == "same" and len(message) <= 1017, (answer, message.hex())
        expected = [f"{key}={value}" for key, value in fields.items() if key != "t"]
        assert found == expected
