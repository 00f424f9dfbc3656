"""The archive is not wedged by damage on flash; `make crash` tries 200 ways."""

from host_tests.crash import archive


def test_damage_on_flash_does_not_wedge_the_archive():
    assert archive.wedged(20) == {}
