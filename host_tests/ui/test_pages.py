"""Pages as a merchant at the till meets them."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.ui.keys import BACK, SUBMIT
from firmware.ui.pages import Idle
from host_tests.ui.stage import CLEAR, WAITING, Stage, settle
from tools.build import font, texts

_COMPANY = "杭州市西湖区甲乙丙丁戊己庚辛有限公司"


def test_a_message_is_confirmed_or_declined(stage):
    assert stage.play(stage.pages.message("change.title", "甲乙丙"), "D") == (
        True,
        [["变更绑定账户", "甲乙丙", "C返回 D确定"]] * 2,
    )
    assert stage.play(stage.pages.message("change.title", "甲"), "C")[0] is False
    assert stage.play(stage.pages.message("change.title", "甲"), "5#A*")[0] is WAITING


def test_words_that_change_are_shown_as_they_are_now(stage, monkeypatch):
    monkeypatch.setattr("firmware.ui.words._LOOK_MS", 1)
    body = ["一\n二\n三\n四\n五"]

    async def run():
        task = asyncio.create_task(stage.pages.message("change.title", lambda: body[0]))
        await settle()
        await stage.press("BB")
        assert stage.lines[1:4] == ["三", "四", "五"]
        body[0] = "甲"
        await asyncio.sleep(0.05)
        assert stage.lines[1] == "甲" and len(stage.lines) == 3
        await stage.press("D")
        return await task

    assert asyncio.run(run()) is True


def test_changing_words_keep_nobody_logged_in():
    stage = Stage(idle_ms=20)
    with pytest.raises(Idle):
        asyncio.run(stage.pages.message("change.title", lambda: "甲"))


def test_an_ok_only_message_offers_one_key_and_takes_both(stage):
    result, screens = stage.play(stage.pages.message("change.title", "甲", True), "C")
    assert result is True and screens[0][-1] == "D确定"
    assert stage.play(stage.pages.message("change.title", "甲", True), "D")[0] is True


def test_a_long_message_is_scrolled_line_by_line(stage):
    body = "\n".join(f"第{number}行" for number in range(1, 6))
    _, screens = stage.play(stage.pages.message("change.title", body), "BBBAA")
    seen = [screen[1][1] + screen[-2][1] for screen in screens]
    assert seen == ["13", "24", "35", "35", "24", "13"]
    assert screens[0][-1] == "C返回 A↑B↓ D确定"


def test_a_notice_cannot_be_accepted_unread(stage):
    body = "\n".join(f"第{number}行" for number in range(1, 6))
    result, screens = stage.play(stage.pages.notice("notice.title", body), "D")
    assert result is WAITING and screens[0][-1].endswith("D下页")
    assert screens[1][-1].endswith("D同意") and screens[1][-2] == "第5行"
    assert stage.play(stage.pages.notice("notice.title", body), "DD")[0] is True
    assert stage.play(stage.pages.notice("notice.title", body), "C")[0] is False


def test_a_menu_is_walked_with_arrows_and_goes_round(stage):
    items = ["甲", "乙", "丙", "丁"]
    result, screens = stage.play(stage.pages.menu("menu.title", items), "BBBD")
    assert result == 3
    assert screens[0] == ["主菜单 1/4", "1 甲", "2 乙", "3 丙", "C返回 A↑B↓ D选择"]
    assert screens[3][:4] == ["主菜单 4/4", "2 乙", "3 丙", "4 丁"]
    assert stage.play(stage.pages.menu("menu.title", items), "AD")[0] == 3
    assert stage.play(stage.pages.menu("menu.title", items), "C")[0] == BACK
    assert stage.play(stage.pages.menu("menu.title", items, 2), "D")[0] == 2


def test_a_digit_chooses_at_once_and_a_wrong_one_does_nothing(stage):
    assert stage.play(stage.pages.menu("menu.title", ["甲", "乙"]), "2")[0] == 1
    assert stage.play(stage.pages.menu("menu.title", ["甲", "乙"]), "3")[0] is WAITING


def test_an_empty_menu_says_so(stage):
    result, screens = stage.play(stage.pages.menu("menu.title", []), "D")
    assert result == BACK and screens[0][1] == "没有内容"


def test_a_long_row_passes_by_while_it_is_chosen(stage, monkeypatch):
    monkeypatch.setattr("firmware.ui.menu._PASS_MS", 1)

    async def run():
        task = asyncio.create_task(stage.pages.menu("field.name", [_COMPANY, "甲"]))
        seen = set()
        for _ in range(200):
            await asyncio.sleep(0.001)
            seen.add(stage.lines[1])
            if any(line.endswith("有限公司") for line in seen):
                break
        await stage.press("D")
        return await task, seen

    result, seen = asyncio.run(run())
    assert result == 0
    assert any(line.endswith("有限公司") for line in seen)


def test_the_review_shows_everything_and_leads_to_each_field(stage):
    rows = [
        ("field.name", _COMPANY),
        ("field.account", b"6222021234567890128"),
        ("field.cnaps", b"102100099996"),
    ]
    result, screens = stage.play(stage.pages.review("change.title", rows), "BBBD")
    assert result == SUBMIT
    shown = "".join(line for screen in screens for line in screen)
    for part in ("杭州市西湖区甲乙丙丁", "戊己庚辛有限公司", "6222 0212 3456 7890", "128"):
        assert part in shown
    assert screens[0][0] == "变更绑定账户 1/4" and screens[0][-1].endswith("D修改")
    assert screens[3][-2] == "提交申请" and screens[3][-1].endswith("D提交")
    assert stage.play(stage.pages.review("change.title", rows), "BD")[0] == 1
    assert stage.play(stage.pages.review("change.title", rows, 2), "D")[0] == 2
    assert stage.play(stage.pages.review("change.title", rows), "C")[0] == BACK
    assert stage.play(stage.pages.review("change.title", rows), "AD")[0] == SUBMIT


def test_a_value_longer_than_the_panel_is_scrolled_before_the_next_row(stage):
    value = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz012345"
    rows = [("field.name", value), ("field.account", "12345678")]
    result, screens = stage.play(stage.pages.review("change.title", rows), "BBBAAAD")
    assert result == 0
    lines = screens[0][1:4] + [screen[3] for screen in screens[1:2]]
    assert "".join(lines) == "户名" + value
    assert [screen[0][-3:] for screen in screens[:4]] == ["1/3", "1/3", "2/3", "3/3"]
    assert screens[-1] == screens[0]


_BLANKS = " \u3000\xa0\u200b\u2003\t\n"
_STANDARD = sorted(font.standard())
names = st.text(
    st.one_of(st.sampled_from(_STANDARD), st.sampled_from(_BLANKS + "|丨AB…."), st.characters()),
    max_size=6,
)


def _painted(stage, page):
    stage.play(page)
    return bytes(stage.panel.buffer)


@given(names, names)
def test_two_names_never_look_the_same(one, other):
    stage = Stage()
    if one != other:
        both = [_painted(stage, stage.pages.menu("field.name", [name])) for name in (one, other)]
        assert both[0] != both[1]
        _, screens = stage.play(stage.pages.review("change.title", [("field.name", one)]), "BB")
        of_one = [bytes(stage.panel.buffer), screens]
        _, screens = stage.play(stage.pages.review("change.title", [("field.name", other)]), "BB")
        assert of_one != [bytes(stage.panel.buffer), screens]


@pytest.mark.parametrize(
    "one, other",
    [
        ("陈喆", "陈珺"),
        ("陈㐱", "陈㑇"),
        ("陈\U00020000", "陈\U00020001"),
        ("陈", "陈 "),
        ("陈", " 陈"),
        ("陈  明", "陈 明"),
        ("陈 明", "陈\u3000明"),
        ("陈 明", "陈\xa0明"),
        ("陈明", "陈\u200b明"),
        ("陈明", "陈\n明"),
        ("A |", "A丨"),
        ("‘A", "｀A"),
        ("\0", ""),
    ],
)
def test_names_that_looked_the_same_are_told_apart(stage, one, other):
    for page in (
        lambda name: stage.pages.menu("field.name", [name]),
        lambda name: stage.pages.review("change.title", [("field.name", name)]),
    ):
        assert _painted(stage, page(one)) != _painted(stage, page(other))


def test_a_blank_is_marked_where_it_would_not_be_seen(stage):
    _, screens = stage.play(stage.pages.menu("field.name", ["陈 明", "陈 ", "  陈"]))
    assert screens[0][1:4] == ["1 陈 明", "2 陈⟨U+0020⟩", "3 ⟨U+0020⟩⟨U+0020⟩陈"]


def test_a_name_of_forty_characters_passes_by_whole(stage, monkeypatch):
    monkeypatch.setattr("firmware.ui.menu._PASS_MS", 1)
    name = "".join(_STANDARD[1000:1040])
    assert len(name.encode()) == 120

    async def run():
        task = asyncio.create_task(stage.pages.menu("field.name", ["甲", name, "乙"], 1))
        seen = set()
        for _ in range(2000):
            await asyncio.sleep(0.001)
            seen.add(stage.lines[2].rstrip("…"))
            if any(line.endswith(name[-8:]) for line in seen):
                break
        await stage.press("D")
        return await task, "".join(seen)

    result, seen = asyncio.run(run())
    assert result == 1 and set(name) <= set(seen)


def test_leaving_the_terminal_alone_raises_idle():
    stage = Stage(idle_ms=20)
    for page in (
        stage.pages.message("change.title", "甲"),
        stage.pages.menu("menu.title", [_COMPANY]),
        stage.pages.review("change.title", [("field.name", "甲")]),
    ):
        with pytest.raises(Idle):
            asyncio.run(page)


def test_every_key_starts_the_idle_time_afresh():
    stage = Stage(idle_ms=150)

    async def run():
        task = asyncio.create_task(stage.pages.menu("menu.title", [_COMPANY, "乙"]))
        for _ in range(5):
            await asyncio.sleep(0.06)
            stage.keys.press("B")
        await asyncio.sleep(0.02)
        assert not task.done()
        with pytest.raises(Idle):
            await task

    asyncio.run(run())


def test_before_it_logs_out_it_warns_with_a_beep_and_any_key_goes_on_as_if_not_pressed():
    beeps = []

    async def beep(ms):
        beeps.append(stage.lines[-1])

    stage = Stage(idle_ms=1600)
    stage.pages.beep = beep

    async def run():
        task = asyncio.create_task(stage.pages.menu("menu.title", [_COMPANY, "乙"]))
        await settle()
        page = bytes(stage.panel.buffer)
        await asyncio.wait_for(_until(lambda: beeps), 5)
        assert beeps == [stage.text("ui.leaving")]
        await stage.press("C")
        assert bytes(stage.panel.buffer) == page and not task.done()
        await stage.press("2")
        return await task

    assert asyncio.run(run()) == 1
    with pytest.raises(Idle):
        asyncio.run(stage.pages.message("change.title", "甲"))
    assert len(beeps) == 2


async def _until(true):
    while not true():
        await asyncio.sleep(0.005)


def test_a_page_that_looks_up_now_and_then_warns_too():
    stage = Stage(idle_ms=200)
    seen = []

    async def run():
        stage.pages.begin()
        while True:
            seen.append(await stage.pages.key(20))

    with pytest.raises(Idle):
        asyncio.run(run())
    assert len(seen) == 7 and stage.lines[-1] == stage.text("ui.leaving")


def test_work_moves_something_and_ignores_the_keys(stage, monkeypatch):
    monkeypatch.setattr("firmware.ui.pages._BEAT_S", 0.005)

    async def work():
        stage.keys.press("DDD")
        await asyncio.sleep(0.03)
        stage.pages.busy("change.title", "再次询问", 1, 4)
        stage.keys.press("D")
        await asyncio.sleep(0.03)
        return 5

    async def run():
        before = stage.panel.flushed
        assert await stage.pages.working(work(), "change.title", "正在提交申请") == 5
        assert stage.panel.flushed - before > 5
        page = asyncio.create_task(stage.pages.message("change.title", "甲"))
        await settle()
        assert not page.done()
        await stage.press("D")
        return await page

    assert asyncio.run(run()) is True


def test_an_error_of_the_work_reaches_the_errand(stage):
    async def work():
        raise OSError(5)

    with pytest.raises(OSError):
        asyncio.run(stage.pages.working(work(), "change.title", "正在提交申请"))


def test_keys_pressed_while_busy_answer_nothing(stage):
    stage.pages.busy("change.title", "正在提交申请")
    stage.keys.press("D")
    assert stage.play(stage.pages.message("change.title", "甲"))[0] is WAITING


def test_keys_typed_ahead_are_kept_between_pages_of_choices(stage):
    stage.keys.press("2D")
    assert stage.play(stage.pages.menu("menu.title", ["甲", "乙"]))[0] == 1
    assert stage.play(stage.pages.menu("menu.title", ["甲", "乙"]))[0] == 0


@pytest.mark.parametrize("page", ["message", "notice"])
def test_what_must_be_read_is_not_answered_by_a_key_pressed_before_it_was_shown(stage, page):
    stage.keys.press("2DD")
    assert stage.play(stage.pages.menu("menu.title", ["甲", "乙"]))[0] == 1
    shown = stage.play(getattr(stage.pages, page)("change.title", "甲"))
    assert shown[0] is WAITING and shown[1][0][1] == "甲"


def test_long_presses_count_as_their_key(stage):
    assert stage.play(stage.pages.message("change.title", "甲"), bytes((ord("D") | 0x80,)))[0]


@pytest.mark.parametrize("data", ["answer.55", "shop.1234567890", "a.b", "ui.wait", "%d"])
def test_data_that_look_like_a_text_key_are_shown_as_they_are(stage, data):
    pages = stage.pages

    async def work():
        pages.busy("change.title", data, 1, 4)
        assert stage.lines[1] == data

    pages.show("change.title", data, "ui.back", "ui.ok")
    assert stage.lines == ["变更绑定账户", data, "C返回 D确定"]
    asyncio.run(pages.working(work(), "change.title", data))
    assert stage.play(pages.message("change.title", data))[1][0][1] == data
    assert stage.play(pages.notice("change.title", data))[1][0][1] == data
    assert stage.play(pages.menu("change.title", [data]))[1][0][1] == "1 " + data
    rows = [("field.name", data)]
    assert stage.play(pages.review("change.title", rows))[1][0][1] == "户名 " + data
    field = pages.digits("change.title", "password.of", 4, 16, whose=data[:9])
    assert stage.play(field)[1][0][1] == data[:9] + " 的密码"


def test_a_missing_text_is_seen_on_the_page_and_stops_nothing(stage):
    shown = stage.play(stage.pages.message("shop.title", "甲"), "D")
    assert shown == (True, [["?shop.title", "甲", "C返回 D确定"]] * 2)
    stage.pages.busy("shop.title", "甲", 1, 4)
    assert stage.lines[0] == "?shop.title 1/4"
    assert stage.play(stage.pages.menu("shop.title", ["甲"]), "D")[0] == 0
    assert stage.play(stage.pages.review("shop.title", [("shop.name", "甲")]), "BD")[0] == SUBMIT
    field = stage.pages.digits("shop.title", "shop.number", 1, 8, check=lambda buf: "shop.wrong")
    _, screens = stage.play(field, "1D")
    assert screens[-1][:4] == ["?shop.title 1/8", "?shop.number", "1", "?shop.wrong"]


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_text_can_be_read_to_its_end(language):
    stage = Stage(language)
    for words in texts.read(language).values():
        words = words.replace("%d", "32").replace("%s", "01")
        ends = []
        presses = max(0, len(stage.canvas.wrap(words, ends)) and len(ends) - 3)
        result, screens = stage.play(stage.pages.message("change.title", words), "B" * presses)
        shown = [line for screen in screens for line in screen[1:-1]]
        squeezed = "".join("".join(dict.fromkeys(shown)).split())
        for line in words.split("\n"):
            assert set("".join(line.split())) <= set(squeezed)


def test_clearing_is_a_long_star(stage):
    assert ord("*") | 0x80 == CLEAR
