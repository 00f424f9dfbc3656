"""What the page about security has people type and count is what there is."""

import re
import shlex
import subprocess
import sys

from host_tests.acquirer import test_bad_clients as clients
from host_tests.conftest import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def run(folder, *words):
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_fuses_commands_are_taken_by_the_tools_own_virtual_chip(tmp_path):
    typed = re.findall(r"^\.venv/bin/python -m (esp\w+) (.*)$", PAGE, re.MULTILINE)
    virtual = "--chip esp32 --virt --path-efuse-file fuses --do-not-confirm"
    for tool, words in typed:
        if tool == "espsecure":
            run(tmp_path, tool, *shlex.split(words))
        else:
            assert words.startswith("--port PORT ")
            run(tmp_path, tool, *virtual.split(), *shlex.split(words)[2:])
    assert len(typed) > 6


def test_the_page_counts_the_bad_servers_and_clients_that_are_tried():
    said = re.search(r"(\d+) bad servers against\s+the device's TLS and (\d+) bad clients", PAGE)
    servers = (ROOT / "host_tests/drivers/test_bad_servers.py").read_text(encoding="utf-8")
    listed = re.findall(r'^    "[\w.]+": (?:lambda|\(|stranger|itself)', servers, re.MULTILINE)
    apart = re.findall(r'note\("servers", "', servers)
    assert int(said[1]) == len(listed) + len(apart)
    assert int(said[2]) == len(clients.KINDS) + 1  # and who speaks no TLS at all
