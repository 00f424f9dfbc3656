"""The menu after log-in: Settings → Account management → the errands of the binding."""

from firmware.ui.keys import BACK

_MAIN = (("menu.settings", "settings"), ("menu.log_out", None))
_SETTINGS = (
    ("menu.accounts", "accounts"),
    ("password.title", "own_password"),
    ("network.title", "network"),
    ("language.title", "language"),
)
_ACCOUNTS = (
    ("change.title", "change_account"),
    ("bindings.title", "bindings"),
    ("restore.title", "restore"),
    ("pending.title", "pending"),
    ("records.title", "records"),
    ("accept.title", "accept_binding"),
)
_MENUS = {"settings": ("menu.settings", _SETTINGS), "accounts": ("menu.accounts", _ACCOUNTS)}


async def run(desk):
    """Stay in the menu until log-out."""
    await _menu(desk, "menu.title", _MAIN)


async def _menu(desk, title, rows):
    at = 0
    while desk.operator is not None:
        at = await desk.pages.menu(title, [desk.text(key) for key, _ in rows], at)
        if at == BACK or rows[at][1] is None:
            return
        errand = rows[at][1]
        if errand in _MENUS:
            await _menu(desk, *_MENUS[errand])
        else:
            await desk.open(errand)
