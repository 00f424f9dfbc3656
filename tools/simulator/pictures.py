"""The pictures of README and guide, made by playing the guide's changes on the simulated terminal.

`python -m tools.simulator.pictures [--heap BYTES]` writes docs/pictures: for each language the
screen at every `see "@…"` of guide.txt and guide_card.txt in host_tests/scenarios/parts, named in
order after its text, and the page in a browser once the account's change is accepted. Needs
Chromium and a Chinese font. May import tools.
"""

import argparse
import asyncio
import io
import json
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.async_api import async_playwright

from tools.acquirer import office
from tools.simulator import scenario, server, workplace
from tools.simulator.interpreter import REPOSITORY
from tools.toolchain import chromium

PICTURES = REPOSITORY / "docs" / "pictures"
SCENARIOS = REPOSITORY / "host_tests" / "scenarios"
LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}

_SCALE = 2
_MARGIN = 14
_GLASS = (10, 12, 14)
_DARK = (4, 5, 6)
_LIT = (214, 238, 255)
_PAGE = {"width": 1440, "height": 900}


def panel_picture(pixels):
    """Draw 1024 panel bytes (MONO_VLSB) as an image in a dark frame."""
    panel = Image.new("RGB", (128, 64), _DARK)
    for at, column in enumerate(pixels):
        for bit in range(8):
            if column >> bit & 1:
                panel.putpixel((at % 128, at // 128 * 8 + bit), _LIT)
    panel = panel.resize((128 * _SCALE, 64 * _SCALE), Image.Resampling.NEAREST)
    size = panel.width + 2 * _MARGIN, panel.height + 2 * _MARGIN
    framed = Image.new("RGBA", size)
    ImageDraw.Draw(framed).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), 10, _GLASS)
    framed.paste(panel, (_MARGIN, _MARGIN))
    return framed


async def _draw(language, home, heap, browser):
    screens = PICTURES / language
    screens.mkdir(parents=True, exist_ok=True)
    for former in screens.glob("*.png"):
        former.unlink()
    async with server.working(home, heap) as bench, server.serving(bench) as url:
        context = await browser.new_context(
            viewport=_PAGE, device_scale_factor=1.5, locale=LANGUAGES[language],
            timezone_id="Asia/Shanghai", color_scheme="light",
        )  # fmt: skip
        page = await context.new_page()
        await page.goto(f"{url}?lang={language}")
        identity = json.loads((home / "bundle" / "keys.json").read_text(encoding="utf-8"))
        stage = scenario.Stage(bench.terminal, identity)
        await stage.play(scenario.load(SCENARIOS / "parts" / "start.txt"))
        if language == "en":
            await stage.play(scenario.load(SCENARIOS / "parts" / "to_english.txt"))
        else:
            await stage.play(_statements(home, 'choose "@menu.log_out"'))
        stage = scenario.Stage(bench.terminal, identity, language=language)
        await _play(stage, "guide.txt", screens, "")
        await page.get_by_text("SB20").first.wait_for()
        await page.wait_for_timeout(2600)  # what is new has stopped glowing
        shot = Image.open(io.BytesIO(await page.screenshot()))
        name = "page.png" if language == "en" else f"page.{language}.png"
        shot = shot.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE)
        shot.save(PICTURES / name, optimize=True)
        await context.close()
        office.set_policy(home / "acquirer", identity["merchant"], cvv2=True)
        await _play(stage, "guide_card.txt", screens, "card-")


async def _play(stage, part, screens, prefix):
    """Play a part of the guide; save what its own statements see, not those of what it plays."""
    panel = stage.terminal.panel
    number = 0
    for statement in scenario.load(SCENARIOS / "parts" / part):
        await stage.play([statement])
        seen = statement.verb == "see" and statement.words[0].startswith("@")
        if seen and statement.place.startswith(f"{part}:"):
            await _steady(panel)
            number += 1
            name = f"{prefix}{number:02d}-{statement.words[0][1:]}.png"
            panel_picture(panel.pixels).save(screens / name, optimize=True)


def _statements(home, text):
    path = home / "statements.txt"
    path.write_text(text, encoding="utf-8")
    return scenario.load(path)


async def _steady(panel):
    before = None
    while before != panel.pixels:
        before = panel.pixels
        await asyncio.sleep(0.15)


async def _main(heap):
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.find(), args=["--no-sandbox"]
        )
        for language in LANGUAGES:
            with tempfile.TemporaryDirectory(prefix="rebind-") as home:
                await _draw(language, Path(home), heap, browser)
        await browser.close()


def main():
    parser = argparse.ArgumentParser(description="Make the pictures of README and guide.")
    parser.add_argument("--heap", type=int, default=workplace.HEAP, help="bytes of Python memory")
    options = parser.parse_args()
    if chromium.find() is None:
        print("pictures: no Chromium on this machine", file=sys.stderr)
        return 1
    asyncio.run(_main(options.heap))
    return 0


if __name__ == "__main__":
    sys.exit(main())
