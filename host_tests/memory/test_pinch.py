"""The seams at which memory is taken away are there, also once the linker has renamed them."""

import pytest

from host_tests.memory import pinch


@pytest.mark.parametrize("seam", [seam for seam, what in pinch.SEAMS.items() if what])
def test_a_seam_is_found_in_what_is_built(seam):
    unit, cls, function = pinch.target(seam)
    text = pinch.built().modules()[unit]
    assert f"class {cls}" in text and f"def {function}(" in text
