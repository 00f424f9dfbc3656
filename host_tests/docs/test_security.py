"""What the page about security has people type and count is what there is."""

import json
import re
import subprocess
import sys

from host_tests.acquirer import test_bad_clients as clients
from host_tests.conftest import ROOT
from host_tests.secrets import allowed

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


_TAKE = """
import importlib, json, sys
for tool, words in json.loads(sys.argv[1]):
    importlib.import_module(tool).main(words)
"""


def test_the_fuses_commands_are_taken_by_the_tools_own_virtual_chip(tmp_path):
    typed = re.findall(r"^\.venv/bin/python -m (esp\w+) (.*)$", PAGE, re.MULTILINE)
    virtual = ["--chip", "esp32", "--virt", "--path-efuse-file", "fuses", "--do-not-confirm"]
    given = []
    for tool, words in typed:
        on_chip = words.startswith("--port PORT ")
        assert on_chip == (tool == "espefuse")
        given.append((tool, virtual + words.split()[2:] if on_chip else words.split()))
    assert len(given) > 6
    done = subprocess.run(  # all in one: to begin such a tool takes a second
        [sys.executable, "-c", _TAKE, json.dumps(given)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_counts_the_bad_servers_and_clients_that_are_tried():
    said = re.search(r"(\d+) bad servers against\s+the device's TLS and (\d+) bad clients", PAGE)
    servers = (ROOT / "host_tests/drivers/test_bad_servers.py").read_text(encoding="utf-8")
    listed = re.findall(r'^    "[\w.]+": (?:lambda|\(|stranger|itself)', servers, re.MULTILINE)
    apart = re.findall(r'note\("servers", "', servers)
    assert int(said[1]) == len(listed) + len(apart)
    assert int(said[2]) == len(clients.KINDS) + 1  # and who speaks no TLS at all


def test_the_page_s_table_of_what_may_be_where_is_what_the_search_goes_by():
    part = PAGE[PAGE.index("| secret | may be in | why |") :].partition("\n\n")[0]
    assert part.splitlines()[2:] == allowed.table()
