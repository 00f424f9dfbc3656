"""Sources and a manifest.py for those who freeze the firmware into a MicroPython of their own.

What always holds: the sources are the lighter ones that the device's modules are made of, so that
a frozen terminal and one on files are the same; fonts, texts, boot.py, main.py and start.py stay
files.
"""

from collections.abc import Iterator

from tools.build import device
from tools.build.tree import Item

_MANIFEST = b"""\
# The terminal's modules, to be frozen: in a board's definition,
#   set(MICROPY_FROZEN_MANIFEST /path/to/this/manifest.py)
# assets/, boot.py, main.py and start.py stay files: `make flash` and `make image` bring them.
include("$(PORT_DIR)/boards/manifest.py")
package("drivers", opt=3)
package("firmware", opt=3)
"""


def items() -> Iterator[Item]:
    """Yield all files of the folder to freeze. Raises `BuildError`."""
    manifest = _MANIFEST
    for path, source in device.linked_sources(device.house()):
        path = path.removeprefix("lib/")
        yield _item(path, source.encode())
        if "/" not in path:
            manifest += f'module("{path}", opt=3)\n'.encode()
    yield _item("manifest.py", manifest)


def _item(path: str, content: bytes) -> Item:
    return Item(path, (content,), lambda target: target.write_bytes(content))
