"""The whole story in a browser: a shop changes its account by clicking, and restarts."""

import asyncio
import re
import time

from playwright.async_api import async_playwright, expect

from tools.acquirer import read_books
from tools.simulator import server

NEW = {"account": "1001230009876543", "cnaps": "313651027012"}
OPERATOR_PASSWORD = "73914826"
SUPERVISOR_PASSWORD = "58203914"
WITHIN_MS = 60_000


class Shop:
    """Somebody at the page who presses keys with the mouse and reads the screen."""

    def __init__(self, page):
        self._page = page

    async def read_first_password(self, number):
        """Read it from the papers on the counter."""
        papers = await self._page.locator('[data-slip="passwords"]').text_content()
        return re.search(rf"{number} · (\d+)", papers)[1]

    async def press(self, keys):
        for key in keys:
            await self._page.locator(f'[data-key="{key}"]').click()

    async def see(self, text):
        """Wait until the terminal's screen shows `text`, wherever its lines break."""
        spread = r"\s*".join(re.escape(character) for character in text.replace(" ", ""))
        try:
            await expect(self._page.locator("#screen-text")).to_have_text(
                re.compile(spread), timeout=WITHIN_MS
            )
        except AssertionError as unseen:
            said = await self._page.locator("#console").text_content()
            raise AssertionError(f"{unseen}\nOn the serial line:\n{said}") from None

    async def answer(self, question, keys):
        await self.see(question)
        await self.press(keys)

    async def read_code(self):
        """Read the owner's phone early enough to type what it shows."""
        if (left := 30 - time.time() % 30) < 8:
            await asyncio.sleep(left)
        code = self._page.locator("#code")
        shown = await code.text_content()
        return shown.replace(" ", "")

    async def confirm(self, new):
        """Read the acquirer's message on the owner's phone, and confirm it."""
        phone = self._page.locator("#inbox")
        await expect(phone.locator(".is-before")).to_have_text(re.compile(r"622202\*+7890"))
        shown = re.compile(rf"{new['account'][:6]}\*+{new['account'][-4:]}")
        await expect(phone.locator(".is-after")).to_have_text(shown)
        await expect(phone.locator(".is-bank")).to_contain_text(new["cnaps"])
        await phone.get_by_role("button", name="确认变更").click()

    async def choose_new_password(self, password):
        await self.answer("初始密码必须修改", "D")
        await self.answer("新密码 至少", password + "D")
        await self.answer("再输一次新密码", password + "D")
        await self.answer("密码已修改", "D")


async def change_account(shop):
    await shop.answer("任意键登录", "D")
    await shop.answer("操作员号", "D")
    await shop.answer("01 的密码", await shop.read_first_password("01") + "D")
    await shop.choose_new_password(OPERATOR_PASSWORD)
    await shop.answer("1 设置", "D")
    await shop.answer("1 账户管理", "D")
    await shop.answer("1 变更绑定账户", "D")
    await shop.answer("请备好营业执照", "D")
    await shop.answer("变更须由商户本人", "D")
    await shop.answer("D同意", "D")
    await shop.answer("1 更换银行", "D")
    await shop.answer("户名1/2", "D")
    await shop.answer("1 对公账户", "D")
    await shop.answer("新账号", NEW["account"] + "D")
    await shop.answer("再输一次账号", NEW["account"] + "D")
    await shop.answer("联行号", NEW["cnaps"] + "D")
    await shop.answer("变更原因 更换银行", "BBBBB")
    await shop.answer("提交申请", "D")
    await shop.answer("01 的密码", OPERATOR_PASSWORD + "D")
    await shop.answer("请主管00核准", "DDD")
    await shop.answer("00 的密码", await shop.read_first_password("00") + "D")
    await shop.choose_new_password(SUPERVISOR_PASSWORD)
    await shop.answer("请机主核对", "DDD")
    await shop.see("商户动态码")
    await shop.press(await shop.read_code() + "D")
    await shop.see("请机主在手机上确认")
    await shop.confirm(NEW)
    await shop.see("变更成功")
    await shop.answer("申请号", "D")
    await shop.answer("请重新登录", "D")
    await shop.see("任意键登录")


def test_a_binding_is_changed_by_clicking_and_survives_a_restart(chromium_path, tmp_path):
    async def story():
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium_path, args=["--no-sandbox"]
            )
            page = await browser.new_page()
            async with (
                server.working(tmp_path, owner_confirms=True) as bench,
                server.serving(bench) as url,
            ):
                await page.goto(f"{url}?lang=zh")
                await page.locator("#power").click()
                await change_account(Shop(page))
                await expect(page.locator(".binding:not(.past) .number")).to_have_text(
                    re.compile(r"100123\*+6543")
                )
                await expect(page.locator(".past .number")).to_have_text(
                    re.compile(r"622202\*+7890")
                )
                await expect(page.locator(".application .badge")).to_have_text("已生效")
            async with server.working(tmp_path) as bench, server.serving(bench) as url:
                await page.goto(f"{url}?lang=zh")
                await page.locator("#power").click()
                shop = Shop(page)
                await shop.answer("任意键登录", "D")
                await shop.answer("操作员号", "D")
                await shop.answer("01 的密码", OPERATOR_PASSWORD + "D")
                await shop.answer("1 设置", "D")
                await shop.answer("1 账户管理", "DBD")
                await shop.see("6543")
            await browser.close()

    asyncio.run(story())
    books = read_books(tmp_path / "acquirer")
    assert [row["number"][-4:] for row in books["bindings"]] == ["6543"]
    assert [row["number"][-4:] for row in books["history"]] == ["7890"]
    assert [row["status"] for row in books["applications"]] == ["active"]
