"""What a start needs and no more: the maintenance key is looked at, then board and terminal are
built. In memory only meanwhile.
"""

from micropython import kbd_intr

from firmware.rooms import ask


def run(table):
    """Leave `hardware` and `terminal` in the namespace `table` of boot.py and main.py; neither
    after three starts. With the maintenance key `console` is 3 instead: it is free, and nothing is
    to be started.
    """
    found = ask("drivers.console", "held", table["console"])
    if found:
        if found is not True:
            ask("firmware.access.console", "run", found)
            kbd_intr(3)
        table["console"] = 3
        return
    if table["damaged"]:
        raise OSError("damaged")
    if table["starts"] < 3:
        config, table["hardware"] = ask("drivers.board", "start")
        from firmware.terminal import Terminal

        table["terminal"] = terminal = Terminal(table["hardware"], config)
        if terminal.desk.sync:  # else it only says what is missing
            ask("firmware.scaffold", "run", terminal)
