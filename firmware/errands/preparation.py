"""Before a change: what to have at hand, what the terminal can check itself, what it means in
law.
"""

from micropython import const

from firmware import rooms
from firmware.acquirer import sync
from firmware.binding.change import NoAnswer
from firmware.binding.model import number

_CAPABLE = const(0)
_BACKUP_READABLE = const(1)
_NETWORK_UP = const(2)
_NETWORK_ENCRYPTED = const(3)
_REACHABLE = const(4)
_CHECKS = (  # in this order
    "prepare.capable",
    "prepare.backup_readable",
    "prepare.network_up",
    "prepare.network_encrypted",
    "prepare.reachable",
    "prepare.clock_set",
)


async def run(desk, title, slot, checks_only=False, ready=True):
    """Return `ready` when the merchant is prepared, every check has passed, what changed elsewhere
    in `slot` (0: it has yet to be chosen) has been accepted, and so have the notices, else False.
    checks_only: of a request that was prepared before. ready: the errand that is next and what it
    is given, where this is led to.
    """
    if not checks_only:
        body = desk.text("prepare.body") + " " + desk.hotline
        if not await desk.pages.message(title, body):
            return False
    if not await _checks(desk, title):
        return False
    if slot and desk.sync.differing and not await desk.open("agreed", slot):
        return False
    if checks_only or await desk.pages.notice("notice.title", desk.text("notice.body")):
        return ready
    return False


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
    for step in range(len(_CHECKS)):
        name = _CHECKS[step]
        desk.pages.busy(title, text(name), step, len(_CHECKS))
        trouble = _trouble(desk, step)
        words = await _reach(desk) if step == _REACHABLE else trouble and text(trouble)
        if words:
            return text(name) + "\n" + words
    return None if desk.sync.names else text("prepare.no_names")


def _trouble(desk, step):
    # The text key of what is wrong, or None.
    if step == _CAPABLE:  # everything can be typed: a change needs no card reader
        missing = [part for part in desk.board.faults if part != "magstripe"]
        return "prepare.parts_missing" if missing else None
    if step == _BACKUP_READABLE:
        current = desk.state.binding(1)
        return None if current is None or number(current) else "service.body"
    safe = desk.board.wifi.encrypted
    if step == _NETWORK_UP:
        if desk.board.wifi.connected:
            return None
        return "prepare.open_network" if safe is False else "link.1"
    if step == _NETWORK_ENCRYPTED:
        return None if safe else "prepare.unknown" if safe is None else "prepare.open_network"
    return None if step == _REACHABLE or desk.clock.trusted else "prepare.clock"


async def _reach(desk):
    # What is in the way to the acquirer, in words, or None.
    try:
        await desk.sync.sign_on()
    except NoAnswer as error:
        return desk.text("link.%d" % error.code)
    if desk.sync.reached == sync.DECLINED:
        return rooms.ask("firmware.errands.reasons", "words", desk.text, desk.sync.code)
    return None
