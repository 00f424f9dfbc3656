"""The menu after log-in: Settings → Account management → the errands of the binding.

It says what was chosen and ends, so that it is not in memory while the errand runs.
"""

from firmware import rooms
from firmware.ui.keys import BACK

_MENUS = {
    "menu": ("menu.title", (("menu.settings", "settings"), ("menu.log_out", None))),
    "settings": (
        "menu.settings",
        (
            ("menu.accounts", "accounts"),
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
}


async def run(desk, trail):
    """Let an errand be chosen; return its name, None to log out: a draft is thrown away then.

    trail: the menus opened one from another, each as [name, row]; it is kept for the next time,
    so that a person comes back to where the errand was chosen.
    """
    if not trail:
        trail.append(["menu", 0])
        if desk.draft is not None and desk.draft[:2] == desk.operator:
            trail += [["settings", 0], ["accounts", 0]]
            return "change_account"  # it offers to go on with what was typed
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
