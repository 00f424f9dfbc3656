"""What a simulated terminal is given: first passwords as long as it has not started."""

import json

import pytest

from tools.acquirer import office
from tools.device.bundle import FIRST_PASSWORDS, NAMESPACE
from tools.simulator.models.nvs import NOT_FOUND, Nvs
from tools.simulator.provision import provision

PAPERS = {"00": "58203914", "01": "73914826"}


@pytest.fixture
def lab(tmp_path):
    """Give `lab(**papers)`: a home provisioned from a bundle with these in its keys.json."""
    office.init(tmp_path / "acquirer")
    office.enroll(tmp_path / "acquirer", "10000001", "898310054110001", tmp_path / "bundle")
    keys = tmp_path / "bundle" / "keys.json"
    (tmp_path / "device").mkdir()
    (tmp_path / "device" / "main.py").write_text("")

    def made(**papers):
        known = json.loads(keys.read_text())
        known.pop("first_passwords", None)
        keys.write_text(json.dumps({**known, **papers}))
        provision(tmp_path / "home", tmp_path / "bundle", tmp_path / "device", ("127.0.0.1", 0))
        return Nvs(tmp_path / "home" / "nvs.json"), json.loads(keys.read_text())

    return made


def first(nvs):
    found = {number: nvs.get(NAMESPACE, name, "B", 16) for number, name in FIRST_PASSWORDS.items()}
    return {number: value.decode() for number, value in found.items() if value != NOT_FOUND}


def test_a_terminal_begins_with_the_first_passwords_of_its_bundle(lab):
    nvs, _ = lab(first_passwords=PAPERS)
    assert first(nvs) == PAPERS


def test_a_bundle_without_first_passwords_is_given_some_that_stay(lab):
    nvs, known = lab()
    assert len(set(first(nvs).values())) == 2
    assert first(nvs) == known["first_passwords"]
    again, _ = lab(first_passwords=known["first_passwords"])
    assert first(again) == first(nvs)


def test_a_terminal_that_has_started_is_given_none(lab):
    nvs, _ = lab(first_passwords=PAPERS)
    for name in FIRST_PASSWORDS.values():
        nvs.erase(NAMESPACE, name)
    nvs.set(NAMESPACE, "journal", "B", b"\x01")
    nvs.commit()
    again, known = lab()  # made by an earlier version, its operators chosen long ago
    assert first(again) == {}
    assert "first_passwords" not in known
