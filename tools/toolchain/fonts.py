"""WenQuanYi's 12 px Chinese bitmap font, from Debian's xfonts-wqy or from this machine."""

import shutil
from pathlib import Path

from tools.toolchain.archive import Archive
from tools.toolchain.place import Unavailable, install, say, scratch

_PACKAGE = "xfonts-wqy"
_FONT = "wenquanyi_9pt.pcf"
_SYSTEM = (
    "/usr/share/fonts/X11/misc",
    "/usr/share/fonts/wenquanyi-bitmap",
    "/usr/share/fonts/wenquanyi-bitmap-fonts",
    "/usr/share/fonts/misc",
)
_ANY_ARCH = "i386"  # the package is the same file for all


def present(home: Path) -> bool:
    """Tell whether the font is there."""
    return (home / "fonts" / _FONT).is_file()


def get(home: Path, archive: Archive) -> None:
    """Put the font into `home`. Raises `Unavailable`."""
    with scratch(home) as work:
        try:
            _unpack(archive, work)
        except Unavailable as error:
            found = next((p for d in _SYSTEM if (p := Path(d) / _FONT).is_file()), None)
            if found is None:
                raise Unavailable(
                    f"no Chinese font: {error}, and {_FONT} is not installed here. "
                    f"Put that file into {home / 'fonts'} (package {_PACKAGE})."
                ) from None
            shutil.copyfile(found, work / _FONT)
        install(work / _FONT, home / "fonts" / _FONT)


def _unpack(archive: Archive, work: Path) -> None:
    for suite in archive.suites(_ANY_ARCH):
        say(f"downloading from {suite.name}: {_PACKAGE}")
        try:
            suite.unpack([_PACKAGE], work / "package")
            found = next((work / "package").rglob(_FONT), None)
            if found is None:
                raise Unavailable(f"{_PACKAGE} holds no {_FONT}")
            install(found, work / _FONT)
            return
        except Unavailable as error:
            say(f"{_PACKAGE} of {suite.name} skipped: {error}")
    raise Unavailable(f"{_PACKAGE} could not be downloaded")
