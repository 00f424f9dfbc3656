"""`python -m host_tests.fuzz`: a million inputs, most of them inside MicroPython; as many for each
thing that a contactless reader sends, and a tenth of that made piece by piece; then lives whose
acquirer says anything, under both interpreters.
"""

import argparse
import random
import subprocess
import sys
import time

from host_tests.conftest import ROOT
from host_tests.crash.bodies import CPython, MicroPython
from tools.simulator.interpreter import command

_INSIDE = 0.9  # the share that MicroPython takes: there it is native code that is tried
_PIECE = 50000
_LIFE = 10000  # inputs for which one life in each scenario is lived
_READERS = {"pn532": "frames", "emv": "answers", "seek": "tlvs"}  # spoilt: piece by piece
_MADE = 0.1  # inputs made piece by piece for one that is spoilt
_SCENARIOS = ("change accepted", "reviewed", "changed elsewhere", "records wanted")


def inside(seed, count, *name):
    """Judge `count` inputs inside MicroPython, all of one `name` if that is given. Raises
    AssertionError with its output.
    """
    script = ROOT / "host_tests" / "fuzz" / "inside.py"
    full = [*command(), "-X", "heapsize=4M", str(script), str(ROOT), str(seed), str(count), *name]
    done = subprocess.run(full, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == str(count), f"seed {seed}\n{done.stdout}{done.stderr}"


def shown_inside(what, seed, count, *name):
    """Judge inputs as `inside` does, and say how far that is."""
    for done in range(0, count, _PIECE):
        now = min(_PIECE, count - done)
        inside(seed + done, now, *name)
        print(f"\r{done + now:9,} {what}", end="", flush=True)
    print()


def guarded(seed, count):
    """Judge `count` inputs in this process, in buffers that tell on a touch outside."""
    from host_tests.fuzz import targets
    from host_tests.guarded import Guarded

    random.seed(seed)
    for number in range(count):
        name, samples, alphabet, function, seen = targets.TARGETS[number % len(targets.TARGETS)]
        data = targets.spoilt(samples, alphabet)
        start = random.randrange(4)
        end = start + len(data)
        buf = Guarded(bytes(start) + data + b"0", start, end)
        try:
            seen(function(buf, start, end), start, end)
            assert buf.data == bytes(start) + data + b"0"
            if number % 4 == 0:
                targets.program(data, Guarded(bytes(20 + random.randrange(120))))
        except Exception as trouble:
            raise AssertionError(f"{name}: {bytes(data).hex()} (seed {seed})") from trouble


def lives(interpreter, seed, count):
    """Live `count` lives in each scenario among an acquirer's lies. Raises AssertionError.

    interpreter: the class of a body of host_tests.crash.bodies.
    """
    from host_tests.fuzz import acquirer

    body = interpreter()
    try:
        for number in range(seed, seed + count):
            for scenario in _SCENARIOS:
                try:
                    acquirer.play(number, body, scenario)
                except acquirer.Trouble as trouble:
                    told = f"{interpreter.name}, {scenario}, seed {number}: {trouble}"
                    raise AssertionError(told) from trouble
    finally:
        body.close()


def main():
    parser = argparse.ArgumentParser(prog="python -m host_tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1000000)
    parser.add_argument("--seed", type=int, default=time.time_ns() & 0x3FFFFFFF)
    options = parser.parse_args()
    started = time.monotonic()
    within = int(options.inputs * _INSIDE)
    shown_inside("inside MicroPython", options.seed, within)
    for spoilt, made in _READERS.items():
        shown_inside(f"spoilt: {spoilt}", options.seed, options.inputs, spoilt)
        shown_inside(f"made: {made}", options.seed, int(options.inputs * _MADE), made)
    guarded(options.seed, options.inputs - within)
    many = max(1, options.inputs // _LIFE)
    lives(CPython, options.seed, many)
    lives(MicroPython, options.seed, many)
    took = time.monotonic() - started
    print(f"{options.inputs - within:9,} in guarded buffers")
    print(f"{2 * many * len(_SCENARIOS):9,} lives among an acquirer's lies")
    print(f"seed {options.seed}, {took:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
