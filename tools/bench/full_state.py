"""A terminal that has everything: the fullest state there is, before it is switched on.

Four slots with their backups at their longest, all the operators, networks and change records that
are kept. The firmware's own storage writes it, in MicroPython (inside/full.py); the acquirer's
books have the same bindings.
"""

import json
import time
from pathlib import Path

from tools.acquirer import office
from tools.bench.interpreter import run
from tools.device.bundle import NAMESPACE
from tools.simulator.models.nvs import Nvs


def fill(home):
    """Fill the terminal of the workplace in `home`, which was never on. Raises Failed."""
    home = Path(home)
    nvs = Nvs(home / "terminal" / "nvs.json")
    token_key = nvs.get(NAMESPACE, "token_key", "B", 64)
    (made,) = run("full", home / "terminal" / "flash.bin", token_key.hex())
    for name, value in made["entries"].items():
        nvs.set(NAMESPACE, name, "B", bytes.fromhex(value))
    nvs.commit()
    facts = json.loads((home / "bundle" / "keys.json").read_text(encoding="utf-8"))
    with office.Home(home / "acquirer").writing() as books:
        terminal = books.terminal(facts["terminal"])
        for slot, tlvs in made["bindings"]:
            books.bind(terminal, slot, bytes.fromhex(tlvs), int(time.time()))
