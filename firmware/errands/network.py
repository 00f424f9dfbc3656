"""The way to the acquirer: Wi-Fi, its encryption, and what became of the last attempt."""

from firmware import rooms
from firmware.acquirer import sync
from firmware.binding.change import NoAnswer

_TITLE = "network.title"


async def run(desk):
    """Show the state of the network; D tries the acquirer now."""
    while await desk.pages.message(_TITLE, _describe(desk)):
        desk.pages.busy(_TITLE, desk.text("prepare.reachable"))
        try:
            await desk.sync.sign_on()
        except NoAnswer:
            pass  # the page says why


def _describe(desk):
    text, wifi = desk.text, desk.board.wifi
    lines = [text("network.up") if wifi.connected else text("link.1")]
    if wifi.connected:
        lines.append(text("network.encrypted" if wifi.encrypted else "prepare.open_network"))
    if desk.sync.reached == sync.REACHED:
        lines.append(text("network.reached"))
    elif desk.sync.reached == sync.DECLINED:
        lines.append(rooms.run("firmware.errands.reasons", text, desk.sync.code))
    elif desk.sync.reached == sync.UNREACHED:
        lines.append(text("link.%d" % desk.sync.trouble))
    return "\n".join(lines)
