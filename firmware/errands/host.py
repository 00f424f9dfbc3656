"""The acquirer as this terminal knows it: by which name, where, when it was last reached, and
for how long the certificates are good by which the two know each other.
"""

from firmware.acquirer.profile import EAST_S
from firmware.errands.moment import moment

_TITLE = "host.title"
_CERTIFICATES = (("host.own", "terminal"), ("host.root", "ca"))


async def run(desk):
    """Show the name that the acquirer's certificate must have, address, port, the last contact,
    and from when until when the terminal's own certificate and the root certificate are good.
    """
    text, link, sync = desk.text, desk.board.link, desk.sync
    lines = [
        text("host.name") + link.server_name,
        text("host.address") + "%s:%d" % (link.host, link.port),
        text("network.reached") + moment(desk, sync.reached_at)
        if sync.reached_at
        else text("host.never"),
    ]
    for label, name in _CERTIFICATES:
        since, until = link.dates(name)
        good = text("host.unread")
        if until:
            good = text("host.dates", (_day(desk, since), _day(desk, until)))
        lines.append(text(label) + good)
    await desk.pages.message(_TITLE, "\n".join(lines), True)


def _day(desk, epoch):
    civil = [0] * 6
    desk.clock.civil(epoch + EAST_S, civil)
    return "%d-%02d-%02d" % tuple(civil[:3])
