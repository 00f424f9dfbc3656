"""The menu after log-in: Settings → Account or card management → the errands of the binding.
Everybody sees what the own role may do: operators enter changes, the supervisor approves and looks
after operators, the system administrator has no bindings.

It says what was chosen and ends, so that it is not in memory while the errand runs.
"""

from micropython import const

from firmware import rooms
from firmware.access.roles import ADMINISTRATOR, SUPERVISOR
from firmware.storage import state as store
from firmware.ui.keys import BACK

_ACTION = const(8)  # where a draft tells
_CHANGE_CARD = const(2)
_OPERATOR = const(1)
_SUPERVISOR = const(2)
_ADMINISTRATOR = const(4)
_ALL = const(7)
_BINDINGS = const(3)  # the administrator has nothing to do with them

_MENUS = {  # text key, errand or menu, whose it is
    "menu": ("menu.title", (("menu.settings", "settings", _ALL), ("menu.log_out", None, _ALL))),
    "settings": (
        "menu.settings",
        (
            ("menu.accounts", "accounts", _BINDINGS),
            ("menu.cards", "cards", _BINDINGS),
            ("operators.title", "operators", _SUPERVISOR),
            ("password.title", "own_password", _ALL),
            ("network.title", "network", _ALL),
            ("host.title", "host", _ADMINISTRATOR),
            ("selftest.title", "selftest", _ADMINISTRATOR),
            ("language.title", "language", _ALL),
            ("about.title", "about", _ALL),
        ),
    ),
    "accounts": (
        "menu.accounts",
        (
            ("change.title", "change_account", _OPERATOR),
            ("bindings.title", "bindings", _BINDINGS),
            ("restore.title", "restore", _OPERATOR),
            ("pending.title", "pending", _BINDINGS),
            ("change_records.title", "change_records", _BINDINGS),
            ("take_over.title", "take_over", _BINDINGS),
        ),
    ),
    "cards": (
        "menu.cards",
        (
            ("card.title", "change_card", _OPERATOR),
            ("reserves.title", "reserves", _OPERATOR),
            ("bindings.title", "bindings", _BINDINGS),
            ("pending.title", "pending", _BINDINGS),
            ("change_records.title", "change_records", _BINDINGS),
        ),
    ),
}


async def run(desk, trail):
    """Let an errand be chosen; return its name and what it is given, as (name, ()); None for its
    name to log out: a draft is thrown away then.

    trail: the menus opened one from another, each as [name, row]; it is kept for the next time,
    so that a person comes back to where the errand was chosen.
    """
    role = _role(desk.operator)
    if not trail:
        trail.append(["menu", 0])
        if role == _SUPERVISOR and desk.state.get(store.MERCHANT_NEW) is not None:
            return "merchant_changed", ()
        if desk.draft is not None and desk.draft[:2] == desk.operator:
            of_card = desk.draft[_ACTION] == _CHANGE_CARD
            trail += [["settings", of_card], ["cards" if of_card else "accounts", 0]]
            # It offers to go on with what was typed.
            return "change_card" if of_card else "change_account", ()
    while trail:
        name, row = trail[-1]
        title, rows = _MENUS[name]
        rows = [each for each in rows if each[2] & role]
        row = await desk.pages.menu(title, [desk.text(each[0]) for each in rows], row)
        if row == BACK:
            trail.pop()
            continue
        trail[-1][1] = row
        errand = rows[row][1]
        if errand is None:
            break
        if errand not in _MENUS:
            return errand, ()
        trail.append([errand, 0])
    if desk.draft is not None and desk.draft[:2] == desk.operator:
        rooms.ask("firmware.errands.draft", "forget", desk)
    return None, ()


def _role(number):
    if number == SUPERVISOR:
        return _SUPERVISOR
    return _ADMINISTRATOR if number == ADMINISTRATOR else _OPERATOR
