"""Debian packages from the machine's own mirror, without installing anything or being root.

A `Suite` is a private apt: its lists and cache are in a directory of ours, its mirror is the one
that this machine's sources name, its index and packages are verified against Debian's archive
keyring. Settings for reaching the mirror (proxy, certificates) are the machine's own; its hooks
are not run.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from tools.toolchain.place import Unavailable, say

SUITES = ("trixie", "forky", "sid")
"""Releases with MicroPython 1.25 or newer, oldest first. A mirror's indexes are sometimes out of
step with each other for a while; then the next one serves."""

_KEYRINGS = (
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
)
_DEBIAN = re.compile(
    r"(bullseye|bookworm|trixie|forky|duke|sid|(old)*stable|testing|unstable)(-updates|-backports)?"
)
# Needed by C++, POSIX threads' cancellation and iconv only: MicroPython uses none of these.
_UNUSED = ("gcc-", "libgcc", "libc-gconv")
_UPDATE_LIMIT_S = 300
_DOWNLOAD_LIMIT_S = 300
_QUERY_LIMIT_S = 60


def mirrors() -> list[str]:
    """Return the addresses of Debian mirrors in the machine's apt sources, in their order."""
    where = dict(
        line.split("=", 1)
        for line in _run(
            ["apt-config", "shell", "FILE", "Dir::Etc::sourcelist/f"]
            + ["PARTS", "Dir::Etc::sourceparts/d"]
        ).splitlines()
    )
    one_file, parts = (Path(shlex.split(where[name])[0]) for name in ("FILE", "PARTS"))
    files = [one_file, *sorted(parts.glob("*"))]
    found = []
    for file in files:
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # absent, or not for us to read: another source may name the mirror
        if file.suffix == ".sources":
            found += _deb822_mirrors(text)
        elif file.suffix == ".list":
            found += _list_mirrors(text)
    return list(dict.fromkeys(found))


def _list_mirrors(text: str) -> Iterator[str]:
    """Yield the Debian mirrors of a one-line-per-source `.list` file."""
    for line in text.splitlines():
        source = re.match(r"\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)\s+([^#]*)", line)
        if source and _is_debian(source[2].split(), source[3].split()):
            yield source[1].rstrip("/")


def _deb822_mirrors(text: str) -> Iterator[str]:
    """Yield the Debian mirrors of a `.sources` file."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", lines):
        unfolded = re.sub(r"\n[ \t]+", " ", stanza)
        fields = {
            name.strip().lower(): value.split()
            for name, _, value in (line.partition(":") for line in unfolded.splitlines())
        }
        if (
            "deb" in fields.get("types", ())
            and fields.get("enabled", ["yes"])[:1] != ["no"]
            and _is_debian(fields.get("suites", ()), fields.get("components", ()))
        ):
            for uri in fields.get("uris", ()):
                yield uri.rstrip("/")


def _is_debian(suites, components) -> bool:
    """Tell the distribution's own archive from others (and from its security archive)."""
    return "main" in components and any(_DEBIAN.fullmatch(suite) for suite in suites)


class Suite:
    """One release for one architecture, in a directory of its own."""

    def __init__(self, directory: Path, mirror: str, suite: str, arch: str):
        """Set up apt in the existing, empty `directory` and fetch the index of `suite`.

        Raises `Unavailable` when the index cannot be fetched or does not verify.
        """
        self.name = f"{suite}/{arch}"
        self._directory = directory
        for path in ("lists/partial", "archives/partial"):
            (directory / path).mkdir(parents=True)
        (directory / "status").touch()
        keyring = next(filter(os.path.exists, _KEYRINGS), None)
        # Without the keyring package, apt's own trusted keys decide; never no key at all.
        signed_by = f" signed-by={keyring}" if keyring else ""
        (directory / "sources.list").write_text(
            f"deb [arch={arch}{signed_by}] {mirror} {suite} main\n", encoding="utf-8"
        )
        (directory / "apt.conf").write_text(_apt_conf(directory, arch), encoding="utf-8")
        self._environment = {**os.environ, "APT_CONFIG": str(directory / "apt.conf")}
        self._apt("apt-get", "update", limit_s=_UPDATE_LIMIT_S)

    def depends(self, package: str) -> list[str]:
        """Return the names of the libraries that `package` needs, and they in turn.

        Names carry a library's version (libmbedtls21), so they are looked up, not listed here.
        """
        names = [package]
        for name in names:  # grows while it is walked
            shown = self._apt("apt-cache", "--no-all-versions", "show", name)
            field = re.search(r"^Depends: (.*)$", shown, re.MULTILINE)
            for alternatives in field[1].split(",") if field else ():
                wanted = re.match(r"\s*([a-z0-9.+-]+)", alternatives)
                if wanted and wanted[1] not in names and not wanted[1].startswith(_UNUSED):
                    names.append(wanted[1])
        return names[1:]

    def unpack(self, packages: list[str], target: Path) -> None:
        """Download `packages` and unpack them below `target`. Raises `Unavailable`."""
        downloads = self._directory / "downloads"
        shutil.rmtree(downloads, ignore_errors=True)
        downloads.mkdir()
        self._apt("apt-get", "download", *packages, limit_s=_DOWNLOAD_LIMIT_S, cwd=downloads)
        archives = sorted(downloads.glob("*.deb"))
        if len(archives) != len(packages):
            raise Unavailable(f"{len(archives)} of {len(packages)} packages came")
        for archive in archives:
            _run(["dpkg-deb", "-x", str(archive), str(target)])

    def _apt(self, *command: str, limit_s: int = _QUERY_LIMIT_S, cwd: Path | None = None) -> str:
        return _run(command, limit_s=limit_s, cwd=cwd, environment=self._environment)


class Archive:
    """The suites that this machine can reach, opened when first asked for and kept for the run."""

    def __init__(self, directory: Path):
        """Keep everything below the existing `directory`, which the caller removes."""
        self._directory = directory
        self._mirrors: list[str] | None = None
        self._opened: dict[tuple[str, str, str], Suite | None] = {}

    def suites(self, arch: str) -> Iterator[Suite]:
        """Yield each suite that can be had for `arch`; say why one cannot.

        Raises `Unavailable` when this is not a machine with apt and a Debian mirror.
        """
        if self._mirrors is None:
            if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
                raise Unavailable("this machine has no apt")
            self._mirrors = mirrors()
            if not self._mirrors:
                raise Unavailable("the apt sources of this machine name no Debian mirror")
        for mirror in self._mirrors:
            for name in SUITES:
                suite = self._open(mirror, name, arch)
                if suite:
                    yield suite

    def _open(self, mirror: str, name: str, arch: str) -> Suite | None:
        key = (mirror, name, arch)
        if key not in self._opened:
            say(f"reading the index of {name} for {arch}")
            directory = self._directory / f"apt-{len(self._opened)}"
            directory.mkdir()
            try:
                self._opened[key] = Suite(directory, mirror, name, arch)
            except Unavailable as error:
                say(f"{name} for {arch} skipped: {error}")
                self._opened[key] = None
        return self._opened[key]


def _apt_conf(directory: Path, arch: str) -> str:
    """Return a whole apt configuration: ours, plus how this machine reaches its mirror."""
    machine = _run(["apt-config", "dump"])
    acquire = "\n".join(line for line in machine.splitlines() if line.startswith("Acquire::"))
    # Running as root, apt would hand downloads to a user that cannot enter our directory.
    sandbox = 'APT::Sandbox::User "root";' if os.geteuid() == 0 else ""
    ours = quote(str(directory))  # a value in quotation marks could not have one in it
    return f"""\
{acquire}
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Retries "1";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
#clear Acquire::IndexTargets;
Acquire::IndexTargets::deb::Packages::MetaKey "$(COMPONENT)/binary-$(ARCHITECTURE)/Packages";
Acquire::IndexTargets::deb::Packages::ShortDescription "Packages";
Acquire::IndexTargets::deb::Packages::Description "$(RELEASE) $(ARCHITECTURE) Packages";
Acquire::Languages "none";
APT::Update::Error-Mode "any";
APT::Architecture "{arch}";
APT::Architectures {{ "{arch}"; }};
{sandbox}
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "/dev/null";
Dir::Etc::SourceList {ours}/sources.list;
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State {ours};
Dir::State::Lists {ours}/lists;
Dir::State::Status {ours}/status;
Dir::Cache {ours};
Dir::Cache::Archives {ours}/archives;
Dir::Log {ours};
"""


def _run(command, *, limit_s=_QUERY_LIMIT_S, cwd=None, environment=None) -> str:
    """Run a program and return what it printed; its last complaint is the `Unavailable` raised."""
    environment = {**(environment or os.environ), "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} did not finish in {limit_s} s") from None
    except OSError as error:
        raise Unavailable(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        raise Unavailable(_complaint(done.stderr) or f"{command[0]} gave {done.returncode}")
    return done.stdout


def _complaint(stderr: str) -> str:
    """Return the first error line of apt (or the last line of another program), one line long."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line[3:] for line in lines if line.startswith(("E: ", "W: "))]
    return (errors or lines[-1:] or [""])[0]
