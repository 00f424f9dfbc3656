"""The SSD1306 driver of micropython-lib, from the source archive on the Python package index."""

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

from tools.toolchain.place import Unavailable, install, say, scratch

_PROJECT = "micropython-ssd1306"
_FILE = "micropython-ssd1306-0.3.tar.gz"
_SHA256 = "d00cae1ff680e6ae504e258e700f002874b0d924b1a604253b6ea63144b58289"
_MEMBER = "micropython-ssd1306-0.3/ssd1306.py"
_DOWNLOAD_LIMIT_S = 60


def present(home: Path) -> bool:
    """Tell whether the driver is there."""
    return (home / "lib/ssd1306.py").is_file()


def get(home: Path) -> None:
    """Put the driver into `home`. Raises `Unavailable`."""
    with scratch(home) as work:
        say(f"downloading {_FILE}")
        archive = work / _FILE
        _download(archive)
        if hashlib.sha256(archive.read_bytes()).hexdigest() != _SHA256:
            raise Unavailable(f"{_FILE} is not the file that was expected (SHA-256 differs)")
        # One named member is read: no path of the archive reaches the file system.
        with tarfile.open(archive) as members:
            try:
                source = members.extractfile(_MEMBER)
            except KeyError:
                source = None
            if source is None:
                raise Unavailable(f"{_FILE} holds no {_MEMBER}")
            (work / "ssd1306.py").write_bytes(source.read())
        install(work / "ssd1306.py", home / "lib/ssd1306.py")


def _download(target: Path) -> None:
    """Download the archive from the index that pip is configured to use."""
    try:
        # Only here, so that a run with nothing to do does not load a network client.
        import requests
        from pypi_simple import PYPI_SIMPLE_ENDPOINT, PyPISimple
    except ImportError:
        raise Unavailable("pypi-simple is missing: install requirements.txt first") from None
    try:
        with PyPISimple(_pip_setting("index-url") or PYPI_SIMPLE_ENDPOINT) as index:
            packages = index.get_project_page(_PROJECT, timeout=_DOWNLOAD_LIMIT_S).packages
            for package in packages:
                if package.filename == _FILE:
                    return index.download_package(package, target, timeout=_DOWNLOAD_LIMIT_S)
    except (requests.RequestException, OSError, ValueError) as error:
        raise Unavailable(f"{_FILE} could not be downloaded: {error}") from None
    raise Unavailable(f"the package index does not list {_FILE}")


def _pip_setting(name: str) -> str | None:
    """Return the value of a setting of pip (environment first), or None."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True
    )
    settings = dict(line.partition("=")[::2] for line in listed.stdout.splitlines())
    for key in (f":env:.{name}", f"install.{name}", f"global.{name}"):
        if key in settings:
            return settings[key].strip("'\"")
    return None
