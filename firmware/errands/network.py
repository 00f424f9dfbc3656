"""The way to the acquirer: Wi-Fi and its encryption as they are now, the acquirer as it was, and
when.
"""

from micropython import const

from firmware.acquirer import sync
from firmware.binding.change import NoAnswer

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
        lines.append(text("network.last") + text("answer." + desk.answer(last.code)))
    elif last.reached == sync.UNREACHED and last.trouble != _NO_WIFI:
        lines.append(text("network.last") + text("link.%d" % last.trouble))
    if last.reached_at:
        lines.append(text("network.reached") + _moment(desk, last.reached_at))
    return "\n".join(lines)


def _moment(desk, epoch):
    # Local date and time (UTC+8), MM-DD HH:MM.
    civil = [0] * 6
    desk.clock.civil(epoch + 8 * 3600, civil)
    return "%02d-%02d %02d:%02d" % tuple(civil[1:5])
