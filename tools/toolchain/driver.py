"""The SSD1306 driver of micropython-lib, from the source archive on the Python package index."""

import tarfile
from pathlib import Path

from tools.toolchain.place import Unavailable, install, scratch
from tools.toolchain.registry import from_pypi

_PROJECT = "micropython-ssd1306"
_FILE = "micropython-ssd1306-0.3.tar.gz"
_SHA256 = "d00cae1ff680e6ae504e258e700f002874b0d924b1a604253b6ea63144b58289"
_MEMBER = "micropython-ssd1306-0.3/ssd1306.py"


def present(home: Path) -> bool:
    """Tell whether the driver is there."""
    return (home / "lib/ssd1306.py").is_file()


def get(home: Path) -> None:
    """Put the driver into `home`. Raises `Unavailable`."""
    with scratch(home) as work:
        from_pypi(_PROJECT, _FILE, _SHA256, work / _FILE)
        # One named member is read: no path of the archive reaches the file system.
        with tarfile.open(work / _FILE) as members:
            try:
                source = members.extractfile(_MEMBER)
            except KeyError:
                source = None
            if source is None:
                raise Unavailable(f"{_FILE} holds no {_MEMBER}")
            (work / "ssd1306.py").write_bytes(source.read())
        install(work / "ssd1306.py", home / "lib/ssd1306.py")
