"""A clone works whatever git, the shell or the machine was told about lines, languages, rights."""

import os
import shutil
import subprocess
import sys

from host_tests.conftest import ROOT


def test_a_clone_that_turns_line_ends_is_as_it_was_committed(tmp_path):
    clone = tmp_path / "clone"
    turning = ["git", "-c", "core.autocrlf=true", "-c", "core.eol=crlf"]
    subprocess.run([*turning, "clone", "--quiet", ROOT, clone], check=True)
    listed = subprocess.run(
        ["git", "-C", clone, "ls-files", "--eol"], capture_output=True, text=True, check=True
    )
    turned = [line for line in listed.stdout.splitlines() if "w/crlf" in line or "w/mixed" in line]
    assert turned == []
    subprocess.run(["sh", "-n", clone / ".ci/run"], check=True)
    subprocess.run(["make", "-C", clone, "help"], check=True, stdout=subprocess.DEVNULL)


_POOR = {"TZ": "Pacific/Kiritimati", "LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"}
_STORY = "host_tests/scenarios/open_network.txt"


# A network of one's own, where there is no IPv6; then what follows is run in it.
_ALONE = ["unshare", "--net", "--map-root-user", "sh", "-ec"]
_ALONE += ['echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; ip link set lo up; exec "$0" "$@"']


def test_a_story_is_played_on_a_poor_machine(tmp_path):
    command = [sys.executable, "-m", "tools.simulator", "scenario", _STORY]
    if (
        shutil.which("unshare")
        and not subprocess.run([*_ALONE, "true"], stderr=subprocess.DEVNULL).returncode
    ):
        command = [*_ALONE, *command]
    environment = {**os.environ, **_POOR, "HOME": "/nowhere", "TMPDIR": str(tmp_path)}
    umask = os.umask(0o077)
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    finally:
        os.umask(umask)
    assert done.returncode == 0, done.stdout + done.stderr
