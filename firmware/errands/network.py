"""The way to the acquirer: Wi-Fi and its encryption as they are now, the acquirer as it was, and
when.
"""

from micropython import const

from firmware import rooms
from firmware.acquirer import sync
from firmware.binding.change import NoAnswer
from firmware.errands.moment import moment

_TITLE = "network.title"
_NO_WIFI = const(1)  # drivers.tls_link: what is so now is said above
_SAFE = ("network.open", "network.encrypted", "network.unknown")


async def run(desk):
    """Show the state of the network as it changes; D tries the acquirer now."""

    def words():
        return _describe(desk)

    while await desk.pages.message(_TITLE, words):
        desk.pages.busy(_TITLE, desk.text("prepare.reachable"))
        try:
            await desk.sync.sign_on()
        except NoAnswer:
            pass  # the page says why


def _describe(desk):
    text, wifi, last = desk.text, desk.board.wifi, desk.sync
    lines = [wifi.ssid]
    if wifi.connected:
        lines.append(text("network.up"))
        safe = wifi.encrypted
        lines.append(text(_SAFE[2 if safe is None else safe]))
    else:
        lines.append(text("network.down.%d" % wifi.status))
    if last.reached == sync.DECLINED:
        declined = rooms.ask("firmware.errands.reasons", "words", text, last.code)
        lines.append(text("network.last") + declined)
    elif last.reached == sync.UNREACHED and last.trouble != _NO_WIFI:
        lines.append(text("network.last") + text("link.%d" % last.trouble))
    if last.reached_at:
        lines.append(text("network.reached") + moment(desk, last.reached_at))
    return "\n".join(lines)
