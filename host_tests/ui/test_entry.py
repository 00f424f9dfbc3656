"""Fields: what was typed stays, what is wrong is said at the field, secrets do not linger."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.rooms import NoRoom
from firmware.ui import entry
from firmware.ui.pages import Idle
from host_tests.ui.stage import CLEAR, WAITING, Stage, settle


def test_digits_are_typed_corrected_and_confirmed(stage):
    page = stage.pages.digits("change.title", "field.account", 8, 32)
    result, screens = stage.play(page, "12345678*9D")
    assert result == bytearray(b"12345679") and isinstance(result, bytearray)
    assert screens[0] == ["变更绑定账户 0/32", stage.text("field.account"), "_", screens[0][3]]
    assert screens[8][0] == "变更绑定账户 8/32"
    assert screens[8][2].startswith("1234 5678")
    assert screens[8][-1] == "C返回 *删除 D确定"


def test_what_was_typed_stays_when_it_is_wrong(stage):
    page = stage.pages.digits(
        "change.title",
        "field.cnaps",
        1,
        12,
        b"102100099995",
        check=lambda buf: "rule.8",
    )
    result, screens = stage.play(page, "D")
    assert result is WAITING
    assert screens[1][2:4] == ["1021 0009 9995", stage.text("rule.8")]
    assert screens[1][-1] == "C返回 *删除 D确定"


def test_too_few_and_too_many_digits_are_named_at_the_field(stage):
    page = stage.pages.digits("log_in.title", "log_in.number", 2, 2)
    _, screens = stage.play(page, "1D234")
    assert screens[2][-2] == "应为2位"
    assert screens[3][2] == "12"
    assert screens[4][-2] == "最多2位" and screens[4][2] == "12"


def test_a_long_number_takes_two_lines_and_its_error_the_hints_place(stage):
    page = stage.pages.digits(
        "log_in.title", "log_in.number", 1, 32, b"1" * 31, check=lambda buf: "rule.4"
    )
    _, screens = stage.play(page, "2D3")
    assert screens[1][2:4] == ["1111 1111 1111 1111", "1111 1111 1111 1112"]
    assert screens[2][4] == stage.text("rule.4")
    assert screens[3][4] == "最多32位"


def test_c_goes_back_and_a_held_star_clears(stage):
    assert stage.play(stage.pages.digits("log_in.title", "log_in.number", 1, 8), "12C")[0] is None
    result, _ = stage.play(
        stage.pages.digits("log_in.title", "log_in.number", 1, 8), b"12" + bytes([CLEAR]) + b"3D"
    )
    assert result == b"3"


def test_a_secret_is_shown_as_stars_and_never_as_digits(stage):
    page = stage.pages.digits("log_in.title", "log_in.number", 4, 16, secret=True)
    result, screens = stage.play(page, "135790246D")
    assert result == b"135790246"
    for count, screen in enumerate(screens[1:10], 1):
        assert screen[2].rstrip("_ ") == "*" * count
        assert screen[0] == f"登录 {count}/16"


def _buffers_made(monkeypatch):
    made = []

    class Recorded(bytearray):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr(entry, "bytearray", Recorded, raising=False)
    return made


@pytest.mark.parametrize("keys, kept", [("1234D", 1), ("1234C", 0), ("1234", 0), ("12D34", 0)])
def test_only_the_result_holds_the_secret_afterwards(stage, monkeypatch, keys, kept):
    made = _buffers_made(monkeypatch)
    result, _ = stage.play(
        stage.pages.digits("log_in.title", "log_in.number", 4, 8, secret=True), keys
    )
    assert [any(buf) for buf in made].count(True) == kept
    assert (result in (None, WAITING)) == (not kept)


def test_a_refused_secret_is_wiped_too(stage, monkeypatch):
    made = _buffers_made(monkeypatch)
    page = stage.pages.digits(
        "log_in.title", "log_in.number", 4, 8, secret=True, check=lambda buf: "rule.16"
    )
    assert stage.play(page, "1234DD")[0] is WAITING
    assert len(made) == 3 and not any(any(buf) for buf in made)


def test_a_card_fills_the_field_in(stage):
    swipes = asyncio.Queue()
    card = bytearray(b"6222021234567890128")

    async def run():
        page = stage.pages.digits("log_in.title", "field.account", 8, 32, card=swipes.get)
        task = asyncio.create_task(page)
        await settle()
        assert stage.lines[-1] == "C返回 刷卡 D确定"
        for swipe, shown in (
            ("entry.card_unread", stage.text("entry.card_unread")),
            (card, "6222 0212 3456 7890"),
        ):
            swipes.put_nowait(swipe)
            await asyncio.sleep(0.25)
            assert any(line.startswith(shown) for line in stage.lines)
        await stage.press("D")
        return await task

    assert asyncio.run(run()) == b"6222021234567890128"
    assert not any(card)  # the field's is the only copy


def test_a_reader_that_finds_no_room_is_told_and_what_was_typed_stays(stage):
    kept = bytearray(8)
    begun = []

    async def card():
        begun.append(stage)
        await asyncio.sleep(0.2)
        raise NoRoom

    async def run():
        page = stage.pages.digits(
            "log_in.title", "field.account", 1, 8, memoryview(kept), card=card
        )
        task = asyncio.create_task(page)
        await settle()
        await stage.press("123")
        async with asyncio.timeout(2):
            return await task

    with pytest.raises(NoRoom):  # what people see of it: the page that says "busy"
        asyncio.run(run())
    assert begun and kept[:3] == b"123"


def test_a_card_too_long_for_the_field_changes_nothing(stage):
    async def card():
        if stage.text.language == "zh":
            stage.text.language = "seen"
            return bytearray(b"1" * 33)
        await asyncio.Event().wait()

    async def run():
        task = asyncio.create_task(
            stage.pages.digits("log_in.title", "log_in.number", 1, 32, b"12", card=card)
        )
        await asyncio.sleep(0.25)
        assert stage.lines[2].startswith("12")
        await stage.press("D")
        return await task

    assert asyncio.run(run()) == b"12"


def test_an_untouched_field_goes_idle():
    stage = Stage(idle_ms=20)
    with pytest.raises(Idle):
        asyncio.run(stage.pages.digits("log_in.title", "log_in.number", 4, 8, secret=True))


def test_letters_are_reached_with_the_switch_key(stage):
    page = stage.pages.code("log_in.title", "field.licence", 18, b"91350100M000100Y")
    result, screens = stage.play(page, "4D2##*3D")
    assert result == b"91350100M000100Y43"
    assert "应为18位" in screens[2]
    assert screens[4][3].startswith("Y4") or "Y4A" in "".join(screens[4]).replace(" ", "")


@pytest.mark.parametrize(
    "digit, letters", [("2", "ABC2"), ("7", "PQRS7"), ("9", "WXYZ9"), ("1", "11")]
)
def test_the_switch_key_goes_round(stage, digit, letters):
    for presses, letter in enumerate(letters, 1):
        result, _ = stage.play(
            stage.pages.code("log_in.title", "log_in.number", 1), digit + "#" * presses + "D"
        )
        assert result == letter.encode()


@given(st.text(st.sampled_from("0123456789*D#AB"), max_size=40))
def test_a_field_holds_what_its_keys_say(keys):
    stage = Stage()
    typed = ""
    done = None
    for key in keys:
        if key == "D" and len(typed) >= 4:
            done = typed
            break
        if key.isdigit() and len(typed) < 12:
            typed += key
        elif key == "*":
            typed = typed[:-1]
    result, screens = stage.play(stage.pages.digits("log_in.title", "log_in.number", 4, 12), keys)
    if done is not None:
        assert result == done.encode()
    else:
        assert result is WAITING
        assert screens[-1][0] == f"登录 {len(typed)}/12"
