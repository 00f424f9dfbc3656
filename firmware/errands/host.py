"""The acquirer as this terminal knows it: by which name, where, and when it was last reached."""

from firmware.errands.moment import moment

_TITLE = "host.title"


async def run(desk):
    """Show the name that the acquirer's certificate must have, address, port, the last contact."""
    text, link, sync = desk.text, desk.board.link, desk.sync
    lines = [
        text("host.name") + link.server_name,
        text("host.address") + "%s:%d" % (link.host, link.port),
        text("network.reached") + moment(desk, sync.reached_at)
        if sync.reached_at
        else text("host.never"),
    ]
    await desk.pages.message(_TITLE, "\n".join(lines), True)
