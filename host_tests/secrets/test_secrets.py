"""What was typed and is of no more use is nowhere, on the built device; a leak would be found."""

import pytest

from host_tests.scenarios.test_scenarios import device  # noqa: F401 (a fixture)
from host_tests.secrets import allowed, memory, story, sweep

RESULT = story.Result(
    *(sweep.PLANTED, {allowed.CVV2: 1}, {allowed.FLASH: 100}, [], []),
    *({"flash": True, "log": True}, None),
)


def test_what_was_given_up_is_nowhere_and_three_leaks_are_found(
    device,  # noqa: F811
    tmp_path,
    record_property,
):
    record_property("interpreter", "micropython")
    result = story.play(sweep.STORIES[sweep.PLANTED], tmp_path, device, plants=True)
    assert result.found == []
    assert result.secrets[allowed.TYPED] == 1
    leaks = [leak for leak in sweep.LEAKS if leak != "memory" or not result.not_searched]
    assert result.planted == dict.fromkeys(leaks, True)


def test_memory_that_may_not_be_read_is_said_to_be_not_searched():
    told = sweep.report([RESULT._replace(not_searched="memory was not searched: why")], {})
    assert told["not searched"] == "memory was not searched: why"
    assert told["planted"] == {"flash": True, "log": True}


def test_what_is_found_and_what_is_missed_is_in_the_report():
    finding = story.Finding(allowed.CVV2, allowed.FLASH, "ASCII", 2)
    missed = {"flash": True, "log": False, "memory": True}
    told = sweep.report([RESULT._replace(found=[finding], planted=missed)], {})
    assert told["found"] == [[sweep.PLANTED, allowed.CVV2, allowed.FLASH, "ASCII", 2]]
    assert told["planted"] == missed


def test_the_memory_of_a_process_that_is_not_there_is_not_searched():
    with pytest.raises(memory.NotSearched, match="not searched"):
        memory.image(0)
