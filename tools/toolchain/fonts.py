"""The 12 px Chinese bitmap font: WenQuanYi's, from Debian's xfonts-wqy or from this machine, or
else Fusion Pixel (SIL Open Font License) from npm.
"""

import shutil
import tarfile
from pathlib import Path

from tools.toolchain.archive import Archive
from tools.toolchain.place import Unavailable, install, say, scratch
from tools.toolchain.registry import from_npm

_PACKAGE = "xfonts-wqy"
_FONT = "wenquanyi_9pt.pcf"
_SYSTEM = (
    "/usr/share/fonts/X11/misc",
    "/usr/share/fonts/wenquanyi-bitmap",
    "/usr/share/fonts/wenquanyi-bitmap-fonts",
    "/usr/share/fonts/misc",
)
_ANY_ARCH = "i386"  # the package is the same file for all

_OTHER_PACKAGE = "@fontsource/fusion-pixel-12px-proportional-sc"
_OTHER_VERSION = "5.3.0"
_OTHER_INTEGRITY = (
    "sha512-PDgfCunZbVgPM5/HSaP29KjQaxLUsVAng6urpSQX"
    "ww87e9AOfA7j/PDzWYO/Q8yhPyaw6oUGh5s2eGln1HSgPw=="
)
_OTHER_MEMBER = "package/files/fusion-pixel-12px-proportional-sc-latin-400-normal.woff"
_OTHER_FONT = "fusion_pixel_12px.woff"


def path(home: Path) -> Path:
    """Return where the font is, or where it is expected when there is none."""
    other = home / "fonts" / _OTHER_FONT
    font = home / "fonts" / _FONT
    return other if other.is_file() and not font.is_file() else font


def present(home: Path) -> bool:
    """Tell whether the font is there."""
    return path(home).is_file()


def get(home: Path, archive: Archive) -> None:
    """Put a font into `home`. Raises `Unavailable` with all that was tried."""
    reasons = []
    for name, source in (
        (_FONT, lambda work: _from_debian(archive, work)),
        (_FONT, _from_machine),
        (_OTHER_FONT, _from_npm),
    ):
        with scratch(home) as work:
            try:
                source(work / name)
            except Unavailable as error:
                reasons.append(str(error))
                continue
            install(work / name, home / "fonts" / name)
            return
    raise Unavailable(
        f"no Chinese font: {'; '.join(reasons)}. "
        f"Put {_FONT} into {home / 'fonts'} (package {_PACKAGE}) and run this again."
    )


def _from_debian(archive: Archive, target: Path) -> None:
    for suite in archive.suites(_ANY_ARCH):
        say(f"downloading from {suite.name}: {_PACKAGE}")
        try:
            unpacked = target.with_name("package")
            suite.unpack([_PACKAGE], unpacked)
            found = next(unpacked.rglob(_FONT), None)
            if found is None:
                raise Unavailable(f"{_PACKAGE} holds no {_FONT}")
            install(found, target)
            return
        except Unavailable as error:
            say(f"{_PACKAGE} of {suite.name} skipped: {error}")
    raise Unavailable(f"{_PACKAGE} could not be downloaded")


def _from_machine(target: Path) -> None:
    found = next((p for d in _SYSTEM if (p := Path(d) / _FONT).is_file()), None)
    if found is None:
        raise Unavailable(f"{_FONT} is not installed here")
    shutil.copyfile(found, target)


def _from_npm(target: Path) -> None:
    archive = target.with_name("package.tgz")
    from_npm(_OTHER_PACKAGE, _OTHER_VERSION, _OTHER_INTEGRITY, archive)
    with tarfile.open(archive) as members:  # one of them, so no path of the archive is followed
        source = members.extractfile(_OTHER_MEMBER)
        target.write_bytes(source.read())
