"""Before a change: what to have at hand, what the terminal can check itself, what it means in
law.
"""

from firmware.acquirer import sync
from firmware.binding import model
from firmware.binding.change import NoAnswer


async def run(desk, title, checks_only=False):
    """Return True when the merchant is prepared, every check has passed, what changed elsewhere
    has been accepted, and so have the notices. checks_only: of a request that was prepared before.
    """
    if not checks_only:
        body = desk.text("prepare.body") + " " + desk.hotline
        if not await desk.pages.message(title, body):
            return False
    if not await _checks(desk, title):
        return False
    if desk.sync.differing:
        await desk.open("accept_binding")
        if desk.sync.differing:
            return False
    return checks_only or await desk.pages.notice("notice.title", desk.text("notice.body"))


async def _checks(desk, title):
    while True:
        failed = await desk.pages.working(_first_failure(desk, title))
        if failed is None:
            return True
        if not await desk.pages.message(title, failed):
            return False  # D tries again


async def _first_failure(desk, title):
    # The words for the first check that fails, or None.
    text = desk.text
    for step, (name, check) in enumerate(_CHECKS):
        desk.pages.busy(title, text(name), step, len(_CHECKS))
        trouble = await check(desk)
        if trouble:
            return text(name) + "\n" + text(trouble)
    return None if desk.sync.names else text("prepare.no_names")


async def _capable(desk):
    # Everything can be typed: a change needs no card reader.
    missing = [part for part in desk.board.faults if part != "magstripe"]
    return "prepare.parts_missing" if missing else None


async def _backup_readable(desk):
    current = desk.state.binding(1)
    return None if current is None or model.number(current) else "service.body"


async def _network_up(desk):
    return None if desk.board.wifi.connected else "link.1"


async def _network_encrypted(desk):
    return None if desk.board.wifi.encrypted else "prepare.open_network"


async def _reachable(desk):
    try:
        await desk.sync.sign_on()
    except NoAnswer as error:
        return "link.%d" % error.code
    if desk.sync.reached == sync.DECLINED:
        return "answer." + desk.answer(desk.sync.code)
    return None


async def _clock_set(desk):
    return None if desk.clock.trusted else "prepare.clock"


_CHECKS = (
    ("prepare.capable", _capable),
    ("prepare.backup_readable", _backup_readable),
    ("prepare.network_up", _network_up),
    ("prepare.network_encrypted", _network_encrypted),
    ("prepare.reachable", _reachable),
    ("prepare.clock_set", _clock_set),
)
