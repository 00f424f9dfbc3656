"""Tells whether a board, or an image for one, holds what this tree builds, file by file.

What always holds: nothing is changed; a board is restarted. What is one terminal's own (settings,
certificates, a state in files) is not looked at. It finds what was forgotten, mixed up or damaged;
a board that lies about its files is not found out.
"""

from pathlib import Path

from tools.build import image
from tools.build.report import MANIFEST, load, provisioned, read, sha256
from tools.device import checks
from tools.device.flash import listing
from tools.device.link import DeviceError, Link


def verify(port: str | None, made: Path | None, build: Path) -> bool:
    """Compare the board on `port`, or the image in the file `made`, with `build`; return whether
    they are the same. Says each file that is not, and the four words of the build.

    Raises `DeviceError`, `BuildError` when there is nothing to compare.
    """
    _, wanted = load(build)
    if made:
        has = {path: sha256(content) for path, content in _files(made).items()}
    else:
        with Link(port) as link:
            say(str(checks.examine(link)))
            has = listing(link)
            link.restart(0)
    hashes = {path: sha256(content) for path, content in wanted.items()}
    _, _, words = read(wanted[MANIFEST].decode())
    wrong = [f"missing: {path}" for path in hashes if path not in has]
    wrong += [f"differs: {path}" for path in hashes if has.get(path, hashes[path]) != hashes[path]]
    wrong += [f"extra: {path}" for path in has if path not in hashes and not provisioned(path)]
    for line in sorted(wrong):
        say(line)
    if wrong:
        say(f"{len(wrong)} files are not as this tree builds them ({words}): make flash PORT=…")
    else:
        say(f"all {len(hashes)} files are as this tree builds them: {words}")
    return not wrong


def _files(made: Path) -> dict[str, bytes]:
    try:
        return image.files(made.read_bytes())
    except OSError as error:
        raise DeviceError(f"{made} cannot be read: {error.strerror}") from None


def say(text: str) -> None:
    """Print one line."""
    print(f"verify: {text}", flush=True)
