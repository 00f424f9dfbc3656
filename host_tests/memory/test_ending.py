"""A sample of the calls of a change at which memory ends, under CPython."""

import random

from host_tests.crash import scenarios
from host_tests.memory.ending import Sweep


def test_terminal_and_acquirer_agree_wherever_memory_ends_in_a_change():
    sweep = Sweep(scenarios.MAIN)
    draw, wrong, ended = random.Random(2), [], set()
    for at in sorted(draw.sample(range(sweep.points), 100)):
        wrong += sweep.disagreements(at)
        ended.add(sweep.where)
    sweep.close()
    assert wrong == []
    assert len(ended) > 10 and "" not in ended  # it did end, each time
