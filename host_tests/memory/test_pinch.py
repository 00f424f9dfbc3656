"""The seams at which memory is taken away are there, also once the linker has renamed them; what
is broken there on purpose is told.
"""

import pytest

from host_tests.memory import pinch

_FAILS_OTHERWISE = """
import asyncio, sys
def _planted(main, run=asyncio.run):
    setattr(sys.modules[{0!r}], {1!r}, lambda fault: ValueError())
    return run(main)
asyncio.run = _planted
"""


@pytest.mark.parametrize("seam", [seam for seam, what in pinch.SEAMS.items() if what])
def test_a_seam_is_found_in_what_is_built(seam):
    unit, cls, function = pinch.target(seam)
    text = pinch.built().modules()[unit]
    assert f"class {cls}" in text and f"def {function}(" in text


def test_a_terminal_that_starts_again_for_want_of_room_is_caught():
    mutant = _FAILS_OTHERWISE.format(*pinch.linked("firmware.rooms.told"))
    assert "restarts" in {found.kind for found in pinch.found("pinched at ask", 64, mutant)}
