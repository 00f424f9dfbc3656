"""What the idle page says first: what is missing on the board, and a key that is stuck."""

import asyncio
from types import SimpleNamespace

import pytest

from drivers import clock
from firmware.acquirer import sync
from firmware.binding import change
from firmware.errands import idle, preparation
from firmware.storage import state as store
from firmware.storage.journal import FILES_DIFFER, StorageFault
from firmware.ui.pages import NONE
from firmware.ui.text import Text
from host_tests.ui.stage import assets
from tools.build import report


class Pages:
    """A person who presses a key as soon as the page is there."""

    def __init__(self):
        self.shown = ""

    def show(self, title, body, *hints):
        self.shown = body

    def busy(self, *words):
        pass

    def begin(self):
        pass

    async def key(self, tick_ms):
        return ord("1")

    async def working(self, work):
        return await work

    async def message(self, title, body):
        self.shown = body
        return False


class Clock:
    """The time is known."""

    trusted = True
    civil = clock.Clock.civil


@pytest.fixture
def desk():
    """A terminal in step with its acquirer, in English."""

    async def sign_on():
        pass

    return SimpleNamespace(
        text=Text(assets() / "en.bin"),
        pages=Pages(),
        hotline="95516",
        operator=None,
        draft=None,
        board=SimpleNamespace(
            faults=[],
            keypad=SimpleNamespace(stuck=-1),
            wifi=SimpleNamespace(connected=True, encrypted=True),
        ),
        sync=SimpleNamespace(
            differing=[],
            faulty=False,
            reached=sync.REACHED,
            reached_at=1_800_000_000,
            trouble=0,
            code=b"00",
            line=SimpleNamespace(leaps=0),
            names=[b"N"],
            talking=True,
            sign_on=sign_on,
        ),
        state=SimpleNamespace(get=lambda key: None, binding=lambda slot: None),
        change=SimpleNamespace(phase=change.IDLE),
        clock=Clock(),
        identity=SimpleNamespace(merchant=b"898310054110001"),
    )


def shown(desk):
    asyncio.run(idle.run(desk))
    return desk.pages.shown.split("\n")


def test_another_merchant_number_is_announced_until_the_supervisor_has_seen_it(desk):
    desk.state.get = {store.MERCHANT_NEW: b"\1"}.get
    assert shown(desk)[0] == "New merchant no.: 00"


def test_keys_that_are_not_taken_for_a_minute_need_service(desk):
    desk.sync.reached, desk.sync.code = sync.DECLINED, b"A0"
    for desk.sync.line.leaps in range(12):
        assert shown(desk)[0] == "MAC or counter wrong"
    desk.sync.line.leaps = 12  # a minute's, see acquirer.pause
    assert shown(desk)[0] == "Needs service: keys"
    desk.sync.reached, desk.sync.trouble = sync.UNREACHED, 7
    assert shown(desk)[0] != "Needs service: keys"  # nobody knows at present
    desk.sync.reached = sync.DECLINED
    desk.sync.line.leaps, desk.sync.code = 0, b"97"
    assert shown(desk)[0] == "Terminal not registered"


def test_nothing_is_said_of_a_board_that_is_whole(desk):
    assert shown(desk) == ["Acquirer reached 16:00", "898310054110001"]


def test_missing_parts_and_a_stuck_key_come_first(desk):
    desk.board.faults = ["oled", "magstripe"]
    desk.board.keypad.stuck = ord("7")
    assert shown(desk)[:2] == ["Missing parts: oled magstripe", "Key stuck: 7"]
    desk.board.keypad.stuck = 0  # several: which ones cannot be told
    assert shown(desk)[1] == "Key stuck: ..."


def test_without_a_card_reader_an_account_can_still_be_changed(desk):
    desk.board.faults = ["magstripe"]
    assert asyncio.run(preparation.run(desk, "t", 1, checks_only=True))
    desk.board.faults = ["magstripe", "keypad"]
    assert not asyncio.run(preparation.run(desk, "t", 1, checks_only=True))
    assert "Parts are missing" in desk.pages.shown


def test_whom_to_call_is_on_the_first_page_of_a_change(desk):
    assert not asyncio.run(preparation.run(desk, "t", 1))
    assert desk.pages.shown.endswith("95516")


def test_what_is_said_of_the_radio_is_its_state_now(desk):
    # The last attempt failed because there was no network; now there is one.
    desk.sync.reached, desk.sync.trouble = sync.UNREACHED, 1
    assert shown(desk)[0] == "Connecting to acquirer"
    desk.board.wifi.connected = False
    assert shown(desk)[0] == "Wi-Fi not connected"


def test_what_was_is_said_as_past_with_its_time(desk):
    desk.sync.reached, desk.sync.trouble = sync.UNREACHED, 6
    assert shown(desk)[:2] == ["Acquirer: time-out", "Last reached 01-15 16:00"]
    desk.sync.reached_at = 0
    assert shown(desk) == ["Acquirer: time-out", "898310054110001"]


@pytest.mark.parametrize(
    "code, words", [(b"97", "Terminal not registered"), (b"1Q", "Answer code 1Q")]
)
def test_a_declined_sign_on_is_named_by_a_code_of_the_list_or_by_itself(desk, code, words):
    desk.sync.reached, desk.sync.code = sync.DECLINED, code
    assert shown(desk)[0] == words


def test_faulty_data_of_the_acquirers_is_told(desk):
    desk.sync.faulty = True
    assert shown(desk)[0] == "Acquirer's data is faulty: call them"


@pytest.mark.parametrize(
    "noted, words",
    [
        (change.ACTIVE, "Changed: see records"),
        (change.REJECTED, "Refused: see records"),
        (change.SUPERSEDED, "Replaced: see records"),
        (change.WITHDRAWN, "Withdrawn: see records"),
        (0, "Refused: see records"),  # as older firmware noted it
        (1, "Changed: see records"),
    ],
)
def test_how_a_request_ended_unseen_is_told_by_its_event(desk, noted, words):
    desk.state.get = {store.NOTICE: bytes((noted,))}.get
    assert shown(desk)[0] == words


def test_who_was_logged_out_for_pressing_no_key_is_told_and_what_is_kept(desk):
    desk.operator = b"01"
    desk.clock.now = lambda: 1_800_000_000
    assert shown(desk)[0] == "Logged out: 60 s no key"
    desk.draft = bytearray(b"01 what was typed")
    assert shown(desk)[:2] == ["Logged out: 60 s no key", "Form kept: 10 minutes"]


def test_another_operator_s_form_is_neither_told_nor_kept_longer(desk):
    desk.clock.now = lambda: 1_800_000_000
    desk.draft = bytearray(b"01" + (1_800_000_300).to_bytes(4, "big") + b"what was typed")
    desk.operator = b"02"
    assert "Form kept: 10 minutes" not in shown(desk)
    assert desk.draft[2:6] == (1_800_000_300).to_bytes(4, "big")


def test_a_clock_that_is_set_back_keeps_no_form_longer(desk):
    desk.clock.now = lambda: 1_800_000_000 - 2 * 86400
    draft = desk.draft = bytearray(b"01" + (1_800_000_300).to_bytes(4, "big") + b"what was typed")
    shown(desk)
    assert desk.draft is None and not any(draft)


def test_a_form_that_was_left_is_overwritten_after_ten_minutes(desk):
    time = [1_800_000_000]
    draft = desk.draft = bytearray(b"01      what was typed")
    desk.operator = b"01"
    desk.clock.now = lambda: time[0]

    async def key(tick_ms):
        time[0] += 1
        return NONE if desk.draft is not None else ord("1")

    desk.pages.key = key
    assert shown(desk)[0] == "Logged out: 60 s no key"
    assert time[0] == 1_800_000_602 and not any(draft)


class Left:
    """Nobody presses a key for `looks` looks."""

    def __init__(self, looks):
        self.looks = looks

    async def __call__(self, tick_ms):
        self.looks -= 1
        return NONE if self.looks >= 0 else ord("1")


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A build of three files in the current folder."""
    for name in ("main.py", "a.mpy", "z.mpy"):
        (tmp_path / name).write_text(name)
    report.manifest(tmp_path, "none")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left_alone(desk, looks):
    desk.pages.key = Left(looks)
    desk.board.keypad.last_ms = 0
    desk.sync.talking = False
    asyncio.run(idle.run(desk))


def test_a_file_that_is_changed_while_it_runs_is_found_a_minute_after_the_last_key(desk, files):
    left_alone(desk, 100)
    (files / "z.mpy").write_text("z.mpi")
    left_alone(desk, 60)  # whoever comes within a minute is not kept
    with pytest.raises(StorageFault) as fault:
        left_alone(desk, 65)
    assert fault.value.code == FILES_DIFFER


def test_files_are_gone_through_once_a_day_and_not_while_the_line_is_in_use(desk, files):
    looked = []

    async def step(at, keypad):
        looked.append(at)
        return (at + 1) % 4

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("firmware.storage.files.step", step)
        patch.setattr(idle, "_DAY", 500)
        left_alone(desk, 500 + 60)
        assert looked == [0, 1, 2, 3]
        left_alone(desk, 500 + 70)
        assert looked[4:] == [0, 1, 2, 3] * 2
        desk.sync.talking = True
        desk.pages.key = Left(200)
        asyncio.run(idle.run(desk))
        assert len(looked) == 12
