"""A clock for the simulated board: libfaketime, preloaded into the packaged interpreter.

Without it the simulated chip's RTC says one time and the C library, by which mbedTLS judges
certificates, another. Only an interpreter that came as Debian's package is given one: it brings a
loader that takes a library to preload, for the same processor.
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from tools.toolchain import HOME
from tools.toolchain.archive import Archive
from tools.toolchain.place import Unavailable, install, say, scratch, write

FILE = "FAKETIME_TIMESTAMP_FILE"
"""The environment variable that names the file of `set_ahead`."""

_NAME = "micropython-clock"
_LIBRARY = "libfaketime.so.1"
_LOADERS = {
    "ld-linux.so.2": "i386",
    "ld-linux-x86-64.so.2": "amd64",
    "ld-linux-armhf.so.3": "armhf",
    "ld-linux-aarch64.so.1": "arm64",
}
_PROBE = "import time; print(int(time.time()) + (0 if time.gmtime(0)[0] == 1970 else 946684800))"
_PROBE_LIMIT_S = 20
_YEARS_S = 300_000_000
_LEEWAY_S = 60

# The loader takes a list to preload, in which no path may have a space: so it is a name. Shared
# memory would be left behind by each terminal whose power is cut.
_WRAPPER = """\
#!/bin/sh
# As `micropython` beside it, at the time that the file ${{{file}}} says.
here=${{0%/*}}
root=$here/../micropython
export FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_DISABLE_SHM=1 NO_FAKE_STAT=1
exec "$root/{loader}" --preload {library} \\
    --library-path "$here/../clock:$root/{libraries}" "$root/usr/bin/micropython" "$@"
"""


def command(home: Path = HOME) -> list[str] | None:
    """Return the command of the interpreter that takes its time from a file; None without one."""
    wrapper = home / "bin" / _NAME
    return [str(wrapper)] if wrapper.is_file() else None


def set_ahead(path: Path, seconds: int) -> None:
    """Have the time in `path` be `seconds` ahead of this machine's; below 0: behind."""
    write(path, f"{seconds:+d}")


def present(home: Path) -> bool:
    """Tell whether there is nothing to get: a clock is there, or the interpreter takes none."""
    return _loader(home) is None or _keeps_time(home / "bin" / _NAME)


def get(home: Path, archive: Archive) -> None:
    """Put a clock into `home`; where that can't be had, say so: all else works without."""
    loader = _loader(home)
    if loader is None:
        return
    reason = "no libfaketime could be downloaded"
    try:
        for suite in archive.suites(_LOADERS[loader.name]):
            try:
                return _from_debian(home, suite, loader)
            except Unavailable as error:
                reason = str(error)
    except Unavailable as error:
        reason = str(error)
    say(f"no clock for the simulated board, tests of certificates' dates are skipped: {reason}")


def _loader(home: Path) -> Path | None:
    """Return the packaged interpreter's loader, None when the interpreter is none of Debian's."""
    found = (path for path in (home / "micropython").rglob("ld-linux*") if path.is_file())
    return next((path for path in found if path.name in _LOADERS), None)


def _from_debian(home: Path, suite, loader: Path) -> None:
    root = home / "micropython"
    libc = next(root.glob("usr/lib/*/libc.so.6"))
    with scratch(home) as work:
        suite.unpack(["libfaketime"], work)
        library = next(work.rglob(_LIBRARY), None)
        if library is None:
            raise Unavailable("the package libfaketime is not laid out as expected")
        (work / "clock").mkdir()
        library.rename(work / "clock" / _LIBRARY)
        install(work / "clock", home / "clock")
    wrapper = _WRAPPER.format(
        file=FILE,
        loader=loader.relative_to(root),
        library=_LIBRARY,
        libraries=libc.parent.relative_to(root),
    )
    fresh = home / "bin" / f".{_NAME}"
    write(fresh, wrapper, mode=0o755)
    if not _keeps_time(fresh):
        fresh.unlink()
        raise Unavailable("the interpreter does not take libfaketime")
    fresh.replace(home / "bin" / _NAME)
    say("libfaketime, the simulated board's clock")


def _keeps_time(wrapper: Path) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        ahead = Path(folder) / "ahead"
        set_ahead(ahead, _YEARS_S)
        try:
            done = subprocess.run(
                [wrapper, "-c", _PROBE],
                env={**os.environ, FILE: str(ahead)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_PROBE_LIMIT_S,
            )
            return abs(int(done.stdout) - time.time() - _YEARS_S) < _LEEWAY_S
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return False
