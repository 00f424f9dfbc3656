"""The page in a browser, on a terminal that is surface only."""

import asyncio
import re
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from playwright.async_api import async_playwright, expect

from host_tests.web.fake import IDENTITY, SLIP, FakeDesk, FakeTerminal
from tools.simulator import server
from tools.simulator.bench import CARDS, Bench, Refused


@asynccontextmanager
async def opened(chromium_path, query="?lang=en", asked=False, **context):
    """A page in Chromium on a fake bench; its errors and requests to other hosts fail the test.

    asked: whether the owner is asked to confirm the application.
    """
    terminal, desk, trouble = FakeTerminal(), FakeDesk(), []
    if asked:
        desk.ask_owner()
    bench = Bench(terminal, IDENTITY, SLIP, "127.0.0.1:1", desk)
    async with server.serving(bench) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox"]
        )
        page = await (await browser.new_context(**context)).new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda said: said.type == "error" and trouble.append(said.text))
        page.on(
            "request",
            lambda asked: asked.url.startswith(url) or trouble.append(f"asked {asked.url}"),
        )
        await page.goto(url + query)
        await page.wait_for_selector("body[data-connection=connected][data-on]")
        yield SimpleNamespace(page=page, terminal=terminal, desk=desk, bench=bench)
        await browser.close()
    assert trouble == []


@pytest.fixture
def in_browser(chromium_path):
    """Run an async story with a page that shows a fake bench."""

    def run(story, **options):
        async def body():
            async with opened(chromium_path, **options) as desk:
                await story(desk)

        asyncio.run(body())

    return run


async def deeds(terminal, expected):
    async with asyncio.timeout(5):
        while len(terminal.deeds) < len(expected):
            await asyncio.sleep(0.01)
    assert terminal.deeds == expected


def strokes(keys):
    return [(how, key) for key in keys for how in ("down", "up")]


def test_every_key_by_mouse(in_browser):
    async def story(on):
        for key in "123A456B789C*0#D":
            await on.page.locator(f'[data-key="{key}"]').click()
        await deeds(on.terminal, strokes("123A456B789C*0#D"))

    in_browser(story)


def test_every_key_by_the_computer_keyboard(in_browser):
    async def story(on):
        for typed in ("5", "d", "Enter", "Escape", "Backspace", "ArrowUp", "ArrowDown", "#", "*"):
            await on.page.keyboard.press(typed)
        await deeds(on.terminal, strokes("5DDC*AB#*"))

    in_browser(story)


LEAVING = (
    "dispatchEvent(new Event('blur'))",
    "dispatchEvent(new Event('pagehide'))",
    "dispatchEvent(new PointerEvent('pointercancel', {pointerId: 1}))",
    "Object.defineProperty(document, 'hidden', {value: true});"
    " document.dispatchEvent(new Event('visibilitychange'))",
)


def test_a_page_that_nobody_looks_at_holds_no_key(in_browser):
    async def story(on):
        for times, leaving in enumerate(LEAVING):
            await on.page.locator('[data-key="7"]').hover()
            await on.page.mouse.down()
            await deeds(on.terminal, strokes("7" * times) + [("down", "7")])
            await on.page.evaluate(leaving)
            await deeds(on.terminal, strokes("7" * (times + 1)))
            await on.page.mouse.up()

    in_browser(story)


@pytest.mark.parametrize(("button", "confirms"), [("Confirm", True), ("Refuse", False)])
def test_the_owner_answers_on_the_phone_what_the_acquirer_asks(in_browser, button, confirms):
    async def story(on):
        phone = on.page.locator("#inbox")
        for shown in ("622848****4321", "622202****7890", "福州市鼓楼区示例商行", "示例银行"):
            await expect(phone).to_contain_text(shown)
        await expect(phone).to_contain_text("13800138000")
        await expect(on.page.get_by_role("button", name="Accept")).to_have_count(0)
        await phone.get_by_role("button", name=button).click()
        await expect(phone.get_by_role("button")).to_have_count(0)
        assert on.desk.decided == [(confirms, "机主")]

    in_browser(story, asked=True)


def test_a_key_that_did_not_fit_is_told(in_browser):
    async def story(on):
        on.bench.fingers.move = _refuse
        await on.page.locator('[data-key="7"]').click()
        await expect(on.page.locator("#toast")).to_contain_text("was not pressed")

    in_browser(story)


def _refuse(holder, key, down):
    if down:
        raise Refused("busy")


def test_typing_in_a_field_does_not_reach_the_terminal(in_browser):
    async def story(on):
        reason = on.page.get_by_label("Reason for rejecting")
        await reason.fill("")
        await reason.press_sequentially("A1")
        await on.page.get_by_role("button", name="Reject").click()
        async with asyncio.timeout(5):
            while not on.desk.decided:
                await asyncio.sleep(0.01)
        assert on.desk.decided == [(False, "A1")]
        await expect(on.page.locator(".application .badge")).to_have_text("Rejected")
        assert on.terminal.deeds == []

    in_browser(story)


def test_the_keypad_works_with_focus_alone(in_browser):
    async def story(on):
        await on.page.locator('[data-key="8"]').focus()
        await on.page.keyboard.press("Enter")
        await on.page.keyboard.press("Space")
        await deeds(on.terminal, strokes("88"))

    in_browser(story)


def test_the_panel_is_painted_and_read_out(in_browser):
    async def story(on):
        await on.page.locator("#power").click()
        await expect(on.page.locator("#power")).to_have_attribute("aria-pressed", "true")
        picture = bytearray(1024)
        picture[0] = 0x01  # the dot at the top left
        picture[1023] = 0x80  # and at the bottom right
        on.terminal.show(["变更结算账户"], bytes(picture))
        await expect(on.page.locator("#screen-text")).to_have_text("变更结算账户")
        lit = await on.page.evaluate(
            """() => {
                const { data } = document.getElementById("oled").getContext("2d")
                    .getImageData(0, 0, 128, 64);
                const lit = [];
                for (let at = 0; at < data.length; at += 4) if (data[at] > 100) lit.push(at / 4);
                return lit;
            }"""
        )
        assert lit == [0, 64 * 128 - 1]

    in_browser(story)


def test_dots_are_a_whole_number_of_screen_dots(in_browser):
    async def story(on):
        width = await on.page.evaluate(
            "document.getElementById('oled').getBoundingClientRect().width * devicePixelRatio"
        )
        assert width / 128 == pytest.approx(round(width / 128), abs=0.01)

    in_browser(story, viewport={"width": 390, "height": 800}, device_scale_factor=1.5)


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_a_card_is_swiped_by_a_click(in_browser, motion):
    async def story(on):
        on.terminal.on = True
        await on.page.get_by_role("button", name="Swipe: Damaged stripe").click()
        await deeds(on.terminal, [("swipe", CARDS["damaged"][2])])

    in_browser(story, reduced_motion=motion)


def test_a_card_is_swiped_by_dragging_it_to_the_slot(in_browser):
    async def story(on):
        on.terminal.on = True
        await on.page.locator('[data-card="debit"]').drag_to(on.page.locator("#keypad"))
        await on.page.locator('[data-card="credit"]').drag_to(on.page.locator("#slot"))
        await deeds(on.terminal, [("swipe", CARDS["credit"][2])])

    in_browser(story, reduced_motion="reduce", viewport={"width": 1440, "height": 900})


def test_the_page_speaks_two_languages(in_browser):
    async def story(on):
        await expect(on.page.locator("#books-title")).to_have_text("收单机构的账簿")
        await on.page.locator("#language").click()
        await expect(on.page.locator("#books-title")).to_have_text("The acquirer’s books")
        await expect(on.page.locator("html")).to_have_attribute("lang", "en")

    in_browser(story, query="?lang=zh")


def test_text_from_elsewhere_is_never_markup(in_browser):
    async def story(on):
        bad = "<img src=x onerror=alert(1)>"
        on.desk.application["number"] = bad
        on.desk.decided.append(None)
        await expect(on.page.locator(".application .number")).to_have_text(bad)
        on.terminal.console.say(bad)
        await expect(on.page.locator("#console")).to_have_text(re.compile("onerror"))
        on.bench.event("received", {"connection": 1, "mti": bad})
        await expect(on.page.locator(".exchange .sent")).to_have_text(re.compile("onerror"))

    in_browser(story)


def test_nothing_needs_sideways_scrolling_on_a_phone(in_browser):
    async def story(on):
        assert await on.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )

    in_browser(story, viewport={"width": 360, "height": 740})


def test_the_page_comes_back_after_the_simulator_did(chromium_path):
    async def body():
        terminal = FakeTerminal()
        bench = Bench(terminal, IDENTITY, SLIP, "127.0.0.1:1", FakeDesk())
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium_path, args=["--no-sandbox"]
            )
            page = await browser.new_page()
            async with server.serving(bench) as url:
                await page.goto(url + "?lang=en")
                await page.wait_for_selector("body[data-connection=connected]")
            await page.wait_for_selector("body[data-connection=lost]")
            _, port, token, _ = re.split("[:/]+", url.removeprefix("http://"))
            async with server.serving(bench, server.listening(int(port)), token):
                await page.wait_for_selector("body[data-connection=connected]")
                await page.locator("#power").click()
                await deeds(terminal, [("power", True)])
            await browser.close()

    asyncio.run(body())
