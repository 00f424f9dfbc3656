"""Where packages come from: the machine's own mirror, whatever form its sources have."""

import subprocess

import pytest

from tools.toolchain import archive
from tools.toolchain.place import Unavailable

DEB822 = """\
# an older address: http://old.example/debian
Types: deb deb-src
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://disabled.example/debian
Suites: sid
Components: main

Types: deb
URIs:
  http://first.example/debian
  http://second.example/debian
Suites: trixie
Components:
  main
"""

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] https://plain.example/debian/ bookworm main # ours
deb https://packages.vendor.example/apt vendor-bookworm main
deb https://packages.vendor.example/apt bookworm extras
deb http://archive.example/ubuntu noble main
"""


def test_mirrors_of_a_deb822_file_are_those_of_debian_itself():
    assert list(archive._deb822_mirrors(DEB822)) == [
        "http://mirror.example/debian",
        "http://first.example/debian",
        "http://second.example/debian",
    ]


def test_mirrors_of_a_one_line_file_are_those_of_debian_itself():
    assert list(archive._list_mirrors(ONE_LINE)) == ["https://plain.example/debian"]


def test_the_complaint_of_apt_is_its_first_error_line():
    stderr = "note\nE: Failed to fetch x  File has unexpected size\nE: Some index files failed\n"
    assert archive._complaint(stderr) == "Failed to fetch x  File has unexpected size"


def test_a_program_that_fails_is_unavailable_with_its_last_words():
    with pytest.raises(Unavailable, match="^broken$"):
        archive._run(["sh", "-c", "echo first >&2; echo broken >&2; exit 3"])


def test_a_program_that_hangs_is_given_up():
    with pytest.raises(Unavailable, match="did not finish"):
        archive._run(["sleep", "10"], limit_s=0.1)


def test_a_suite_out_of_step_is_skipped_with_the_reason(tmp_path, monkeypatch, capsys):
    def suite(directory, mirror, name, arch):
        if name == "trixie":
            raise Unavailable("File has unexpected size")
        return name

    monkeypatch.setattr(archive.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(archive, "mirrors", lambda: ["http://mirror.example/debian"])
    monkeypatch.setattr(archive, "Suite", suite)
    packages = archive.Archive(tmp_path)
    assert list(packages.suites("i386")) == ["forky", "sid"]
    assert "trixie for i386 skipped: File has unexpected size" in capsys.readouterr().out
    assert next(packages.suites("i386")) == "forky"
    assert "reading" not in capsys.readouterr().out  # each index is fetched once a run


def test_a_machine_without_apt_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(archive.shutil, "which", lambda name: None)
    with pytest.raises(Unavailable, match="no apt"):
        next(archive.Archive(tmp_path).suites("i386"))


def test_libraries_are_resolved_through_the_packages_dependencies(monkeypatch):
    shown = {
        "micropython": "libc6 (>= 2.34), libffi8 (>= 3.4) | libffi9, libmbedtls99",
        "libc6": "libgcc-s1, libc-gconv-modules-extra (= 2.43)",
        "libffi8": "libc6",
        "libmbedtls99": "libmbedcrypto77 (>= 3), libc6",
    }
    suite = archive.Suite.__new__(archive.Suite)
    monkeypatch.setattr(
        suite,
        "_apt",
        lambda *command: (
            f"Package: x\nPre-Depends: no\nDepends: {shown[command[-1]]}\nSize: 1\n"
            if command[-1] in shown
            else "Package: x\n"
        ),
        raising=False,
    )
    assert suite.depends("micropython") == ["libc6", "libffi8", "libmbedtls99", "libmbedcrypto77"]


@pytest.mark.skipif(not archive.shutil.which("apt-config"), reason="this machine has no apt")
@pytest.mark.parametrize("name", ["plain", "a b/中 文 (1)", "$x '%41", 'q"uo;te\\'])
def test_the_private_configuration_is_read_by_apt_as_meant(tmp_path, name):
    folder = tmp_path / name
    (tmp_path / "apt.conf").write_text(archive._apt_conf(folder, "i386"), encoding="utf-8")
    environment = {"PATH": "/usr/bin:/bin", "APT_CONFIG": str(tmp_path / "apt.conf")}
    dump = subprocess.run(
        ["apt-config", "dump"], env=environment, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert 'APT::Architecture "i386";' in dump
    assert 'Acquire::AllowInsecureRepositories "false";' in dump
    assert f'Dir::State::lists "{folder}/lists";' in dump
    assert not [line for line in dump if "Post-Invoke" in line]  # no hook of the machine
