"""What the system administrator sees of the host, and of the terminal's own parts."""

import asyncio
from types import SimpleNamespace

import pytest

from drivers.clock import Clock
from firmware.errands import host, selftest
from firmware.storage.journal import StorageFault
from host_tests.ui.stage import Stage

DATES = {"terminal": (1767196800, 2398334400), "ca": (0, 0)}
_NOW = 1767240843  # 2026-01-01, a quarter past noon at the till


class State:
    """A state that is read; `fault`: what is met there."""

    fault = None

    def binding(self, slot):
        if self.fault:
            raise self.fault

    def backup(self, slot):
        pass

    def change_records(self):
        return []


@pytest.fixture
def desk():
    stage, beeps = Stage("en"), []

    async def beep(ms):
        beeps.append(ms)

    return SimpleNamespace(
        stage=stage,
        text=stage.text,
        pages=stage.pages,
        beeps=beeps,
        state=State(),
        board=SimpleNamespace(
            beep=beep,
            faults=[],
            keypad=SimpleNamespace(stuck=-1),
            wifi=SimpleNamespace(connected=True),
            link=SimpleNamespace(
                server_name="acquirer.example",
                host="192.0.2.7",
                port=8583,
                dates=lambda name: DATES[name],
            ),
        ),
        clock=SimpleNamespace(
            civil=lambda epoch, out: Clock.civil(None, epoch, out), now=lambda: _NOW, trusted=True
        ),
        sync=SimpleNamespace(reached_at=0),
    )


def lines(desk, errand, keys="BBBBD"):
    """What is shown, read to its end."""
    _, screens = desk.stage.play(errand.run(desk), keys)
    return "".join("".join("".join(screen).split()) for screen in screens)


def test_the_host_is_shown_by_name_and_place_and_when_it_was_reached(desk):
    shown = lines(desk, host)
    assert "acquirer.example" in shown and "192.0.2.7:8583" in shown
    assert "Notreachedyet" in shown
    desk.sync.reached_at = _NOW
    assert "reached01-0112:14" in lines(desk, host)


def test_the_host_page_says_how_long_the_certificates_are_good(desk):
    shown = lines(desk, host, "BBBBBBBBD")
    assert "Owncertificate:2026-01-01to2045-12-31" in shown
    assert "Rootcertificate:can'tberead" in shown


def test_the_self_test_says_of_every_part_whether_it_answers(desk):
    desk.board.faults = ["magstripe"]
    desk.board.wifi.connected = False
    shown = lines(desk, selftest, "BBBBBBC")
    assert "Storageok" in shown and "Keypadok" in shown and "Displayok" in shown
    assert "CardreaderNOTok" in shown and "Wi-FiNOTok" in shown
    assert "Clock01-0112:14" in shown and "notconfirmed" not in shown
    assert desk.beeps == [80]


def test_the_self_test_is_done_again_and_sees_what_has_changed(desk):
    desk.clock.trusted = False
    desk.board.keypad.stuck = 5
    shown = lines(desk, selftest, "BBBBBBDC")
    assert "KeypadNOTok" in shown and "notconfirmed" in shown
    assert len(desk.beeps) == 2


def test_flash_that_cannot_be_read_is_no_page_of_the_self_test(desk):
    desk.state.fault = StorageFault()
    with pytest.raises(StorageFault):
        asyncio.run(selftest.run(desk))
