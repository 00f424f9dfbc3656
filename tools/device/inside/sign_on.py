"""A sign-on with the terminal's own services, over its Wi-Fi: the reply is what became of it.

Sent over the serial line, gone with the next reset. What always holds: nothing is done but what
the terminal does by itself at every start; of a new one that has its operators and has signed on
the console closes with the next.
"""

import asyncio
import json

from drivers import board
from firmware.binding.change import NoAnswer
from firmware.storage import state as store
from firmware.storage.journal import StorageFault
from firmware.terminal import Terminal


async def prove(parts, config):
    """Return {"faults", "notes"} and, as far as it got, "operators" (whether there are any),
    "wifi", "link" and "code".
    """
    said = {"faults": parts.faults, "notes": parts.notes}
    desk = Terminal(parts, config).desk
    if desk.sync is None:
        return said
    said["operators"] = desk.state.get(store.OPERATOR) is not None
    said["wifi"] = await parts.wifi.connect(20000)
    if said["wifi"]:
        return said
    try:
        await desk.sync.sign_on()
        said["link"] = None
        said["code"] = desk.sync.code.decode()
        whole = said["operators"] and said["code"] == "00"
        if whole and parts.keystore.get_bytes("console") == b"\2":
            parts.keystore.put("console", b"\1")
    except NoAnswer as trouble:
        said["link"] = trouble.code
    except StorageFault:
        del said["wifi"]  # it got no further than its own keys or its state
    await parts.link.close()
    return said


with open("config.json") as _file:
    _config = json.load(_file)
reply(asyncio.run(prove(board.build(_config), _config)))
