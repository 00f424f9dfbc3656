"""The menu after log-in: Settings → Account or card management → the errands of the binding.

It says what was chosen and ends, so that it is not in memory while the errand runs.
"""

from micropython import const

from firmware import rooms
from firmware.ui.keys import BACK

_ACTION = const(8)  # where a draft tells
_CHANGE_CARD = const(2)

_MENUS = {
    "menu": ("menu.title", (("menu.settings", "settings"), ("menu.log_out", None))),
    "settings": (
        "menu.settings",
        (
            ("menu.accounts", "accounts"),
            ("menu.cards", "cards"),
            ("password.title", "own_password"),
            ("network.title", "network"),
            ("language.title", "language"),
            ("about.title", "about"),
        ),
    ),
    "accounts": (
        "menu.accounts",
        (
            ("change.title", "change_account"),
            ("bindings.title", "bindings"),
            ("restore.title", "restore"),
            ("pending.title", "pending"),
            ("records.title", "records"),
            ("accept.title", "accept_binding"),
        ),
    ),
    "cards": (
        "menu.cards",
        (
            ("card.title", "change_card"),
            ("reserves.title", "reserves"),
            ("bindings.title", "bindings"),
            ("pending.title", "pending"),
            ("records.title", "records"),
        ),
    ),
}


async def run(desk, trail):
    """Let an errand be chosen; return its name, None to log out: a draft is thrown away then.

    trail: the menus opened one from another, each as [name, row]; it is kept for the next time,
    so that a person comes back to where the errand was chosen.
    """
    if not trail:
        trail.append(["menu", 0])
        if desk.draft is not None and desk.draft[:2] == desk.operator:
            of_card = desk.draft[_ACTION] == _CHANGE_CARD
            trail += [["settings", of_card], ["cards" if of_card else "accounts", 0]]
            # It offers to go on with what was typed.
            return "change_card" if of_card else "change_account"
    while trail:
        name, row = trail[-1]
        title, rows = _MENUS[name]
        row = await desk.pages.menu(title, [desk.text(key) for key, _ in rows], row)
        if row == BACK:
            trail.pop()
            continue
        trail[-1][1] = row
        errand = rows[row][1]
        if errand is None:
            break
        if errand not in _MENUS:
            return errand
        trail.append([errand, 0])
    if desk.draft is not None and desk.draft[:2] == desk.operator:
        rooms.ask("firmware.errands.draft", "run", desk)
    return None
