"""What is on the device: every file of its file-system root and what it is made from."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from tools.build import mpy, reach
from tools.build.link import Exposed, House
from tools.build.portable import portable
from tools.build.tree import BuildError, Item
from tools.toolchain import HOME, fonts

ROOT = Path(__file__).resolve().parents[2]

_STARTED_FROM_SOURCE = ("boot.py", "main.py", "start.py")
_PACKAGES = ("drivers", "firmware")
_ON_THE_BOARD = "tools/device/inside"  # what desk tools run on the board
_NAMED = 12  # of what is wrong: it may all hang on one
_CHIP = "tools/simulator/shims"  # the chip's own modules, as far as ours speak of them
UNITS = {
    "firmware.rooms": (
        "drivers.clock",
        "drivers.flash",
        "drivers.keypad",
        "drivers.keystore",
        "drivers.magstripe",
        "drivers.oled",
        "drivers.parts",
        "drivers.tls_link",
        "drivers.wifi",
    ),
    "firmware.message.codec": (
        "firmware.message.fields",
        "firmware.message.framing",
        "firmware.card.luhn",
        "firmware.card.tlv",
        "firmware.card.track",
        "firmware.crypto.cmac",
        "firmware.crypto.compare",
        "firmware.crypto.dukpt",
        "firmware.crypto.seal",
        "firmware.crypto.wipe",
    ),
    "firmware.storage.state": (
        "firmware.storage.audit",
        "firmware.storage.journal",
        "firmware.binding.change",
        "firmware.binding.model",
        "firmware.acquirer.identity",
        "firmware.acquirer.line",
        "firmware.acquirer.sync",
    ),
    "firmware.terminal": (
        "firmware.desk",
        "firmware.ui.canvas",
        "firmware.ui.font",
        "firmware.ui.keys",
        "firmware.ui.pages",
        "firmware.ui.text",
    ),
}
"""What stays in memory for good, and what it becomes: {unit: the others in it}. Every other module
comes and goes.
"""

FOLDERS = {"firmware.errands.": "e_", "firmware.ui.": ""}
"""What is asked for by a name that is put together, and what is before the name on the device."""

TO_COME = (
    # The contactless reader.
    "drivers.contactless",
    "drivers.pn532",
    "firmware.card.emv",
    "firmware.card.seek",
    # Networks that a person chooses.
    "firmware.storage.state.NETWORK",
    "firmware.storage.state.NETWORKS",
)
"""What is ready before anything of the terminal uses it: it is not on the device."""

_DRIVER = HOME / "lib/ssd1306.py"
_TEXT = ROOT / "firmware/text"
_LANGUAGES = ("zh", "en")
# The tools that make assets are inputs of what they make.
_FONT_MAKERS = tuple(Path(__file__).with_name(n) for n in ("font.py", "standard_characters.txt"))
_TEXT_MAKERS = (Path(__file__).with_name("texts.py"), ROOT / "firmware/ui/text.py")


def items(arch: str) -> tuple[list[Item], House]:
    """Return all files of the device for the native code `arch`, and its modules as they were
    linked for that. Raises `BuildError`.
    """
    try:
        linked = house(arch)
        return [*_sources(), *_modules(linked, arch), *_assets()], linked
    except FileNotFoundError as error:
        raise BuildError(f"{error.filename} is missing; `make setup` downloads tools") from None


def _sources() -> Iterator[Item]:
    for name in _STARTED_FROM_SOURCE:
        source = (ROOT / name).read_bytes()
        yield Item(name, (source,), lambda target, source=source: target.write_bytes(source))


def house(arch: str = "", guests: Iterable[str] = (), units: Mapping = UNITS) -> House:
    """Return all modules of our own, linked, as bytecode alone for `none`. Raises `BuildError`.

    guests: sources that speak of them, beside those of the device: then all keep their places.
    """
    as_written = portable if arch == "none" else str
    sources = {
        mpy.dotted(path): as_written(source.read_text(encoding="utf-8"))
        for source, path in _own_modules()
    }
    speakers = [ROOT / name for name in _STARTED_FROM_SOURCE]
    visitors = sorted((ROOT / _ON_THE_BOARD).glob("*.py"))
    foreign = (_DRIVER, *sorted((ROOT / _CHIP).glob("*.py")))
    own = [path.read_text("utf-8") for path in speakers]
    visits = [path.read_text("utf-8") for path in visitors]
    try:
        return House(
            sources,
            guests=(*own, *guests),
            visitors=visits,
            foreign=[path.read_text("utf-8") for path in foreign],
            units=units,
            folders=None if guests else FOLDERS,
            unused=() if guests else _unused(sources, (*own, *visits)),
        )
    except SyntaxError as error:
        raise BuildError(f"{error.filename} does not compile: {error}") from None
    except Exposed as error:
        raise BuildError(f"the modules can't be linked: {error}") from None


def _unused(sources: Mapping[str, str], beginning: Iterable[str]) -> Iterable[str]:
    """Return TO_COME. Raises `BuildError` when that is not all that is never used, and no more."""
    found = {*reach.unreached(sources, beginning, FOLDERS)}
    if dead := sorted(found - {*TO_COME}):
        raise BuildError(f"nothing that main.py begins ever uses {_some(dead)}: remove it")
    if come := sorted({*TO_COME} - found):
        raise BuildError(f"{_some(come)} is used, or gone: take it out of device.TO_COME")
    return TO_COME


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _own_modules() -> Iterator[tuple[Path, str]]:
    for package in _PACKAGES:
        for source in sorted((ROOT / package).rglob("*.py")):
            if source.name == "__init__.py" and _says_nothing(source):
                continue  # the folder alone is a package
            yield source, source.relative_to(ROOT).as_posix()


def _says_nothing(source: Path) -> bool:
    body = ast.parse(source.read_text(encoding="utf-8"), source.name).body
    return all(isinstance(part, ast.Expr) for part in body)


def _modules(linked: House, arch: str) -> Iterator[Item]:
    for path, text in linked_sources(linked):
        yield mpy.module(text, path, arch)


def linked_sources(linked: House) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of every module of the `linked` house as it is compiled."""
    yield "lib/ssd1306.py", _library().text("ssd1306")
    for name, text in linked.modules().items():
        yield mpy.path(name), text


def _library() -> House:
    ours = [source.read_text("utf-8") for source, _ in _own_modules()]
    return House({"ssd1306": _DRIVER.read_text(encoding="utf-8")}, ours)


def _assets() -> Iterator[Item]:
    words = [(_TEXT / f"{language}.json").read_bytes() for language in _LANGUAGES]
    text_inputs = (*words, *(path.read_bytes() for path in _TEXT_MAKERS))
    for language in _LANGUAGES:
        yield Item(
            f"assets/{language}.bin",
            text_inputs,  # of all languages: they are checked against each other
            lambda target, language=language: _make_text(language, target),
        )
    font_inputs = (
        *text_inputs,
        *(path.read_bytes() for path in _FONT_MAKERS),
        fonts.path(HOME).read_bytes(),
        version("pillow").encode(),
    )
    yield Item("assets/font.bin", font_inputs, _make_font)


def _make_text(language: str, target: Path) -> None:
    from tools.build import texts  # only when there is something to make: it takes time

    try:
        target.write_bytes(texts.pack(language, texts.read_all()[language]))
    except (texts.TextError, ValueError) as error:
        raise BuildError(f"firmware/text: {error}") from None


def _make_font(target: Path) -> None:
    from tools.build import font, texts

    try:
        words = [text for table in texts.read_all().values() for text in table.values()]
        font.build(words, target)
    except (font.FontError, texts.TextError, ValueError) as error:
        raise BuildError(f"font: {error}") from None
