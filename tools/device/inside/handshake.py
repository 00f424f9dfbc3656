"""The memory of a terminal and what a handshake with the acquirer leaves of it, as JSON.

Sent over the serial line before anything else, gone with the next reset. What always holds: it is
short, since to compile a long one has Python's heap take what the chip needs for TLS; nothing is
done but what the terminal does by itself at every start.
"""

import asyncio
import gc
import json

import esp32

from drivers import board

ENOUGH = 12288  # of the chip's heap, in one piece, at the worst moment of a handshake
JOIN_MS = 15000
LOOK_MS = 2
OUT_OF_REACH = (1, 2, 3, 6, 10, 11)  # the acquirer, by the codes of tls_link and of cause


def chip():
    """Return (total, free, largest free piece, least ever free) of each region of its heap."""
    return esp32.idf_heap_info(esp32.HEAP_DATA)


def largest():
    return max([region[2] for region in chip()])


def memory(parts):
    """Python's heap with every part built, and the chip's own, where TLS has its buffers."""
    gc.collect()
    found = {
        # This port counts what the heap could still grow by as free.
        "free": gc.mem_free() - largest(),
        "used": gc.mem_alloc(),
        "grown": parts.grown is not None,
        "chip_free": sum([region[1] for region in chip()]),
        "chip_largest": largest(),
    }
    return "ok", found


async def connection(parts):
    """Make the line and let it go; the least of the chip's heap meanwhile decides.

    It is what was seen while others could look, every two milliseconds; or, where the chip noted a
    new one of its own in the region of the largest piece, that if it is less.
    """
    before = chip()
    place = max(range(len(before)), key=lambda index: before[index][2])
    least = [before[place][2]]

    async def watch():
        while True:
            least[0] = min(least[0], largest())
            await asyncio.sleep_ms(LOOK_MS)

    watching = asyncio.create_task(watch())
    found = {"chip_before": before[place][2]}
    trouble = 0
    try:
        if not parts.wifi.connected:
            found["wifi"] = await parts.wifi.connect(JOIN_MS)
        await parts.link.open()
        least[0] = min(least[0], largest())
    except MemoryError:
        trouble = -1
        found["note"] = "too little memory for a connection"
    except parts.link_error as fault:
        trouble = fault.code
        found["trouble"] = trouble
    finally:
        watching.cancel()
        await parts.link.close()
    noted = chip()[place][3]
    if noted < before[place][3]:
        least[0] = min(least[0], noted)
    found["chip_least"] = least[0]
    if trouble in OUT_OF_REACH:
        found["note"] = "the acquirer is not in reach from here"
        return "absent", found
    return "failed" if trouble or least[0] < ENOUGH else "ok", found


def settings():
    """Return config.json, None when the board is not provisioned."""
    try:
        with open("config.json") as file:
            return json.load(file)
    except OSError:
        return None


def run():
    """Reply what was found of both."""
    config = settings()
    if config is None:
        absent = "absent", {"note": "not provisioned"}
        found = {"memory": absent, "connection": absent}
    else:
        try:
            parts = board.build(config)
            found = {"memory": memory(parts), "connection": asyncio.run(connection(parts))}
        except Exception as fault:  # the other checks say more
            failed = "failed", {"fault": repr(fault)}
            found = {"memory": failed, "connection": failed}
    reply(found)


run()
