"""What a start needs and no more: the maintenance key is looked at, then board and terminal are
built. In memory only meanwhile.
"""

from micropython import kbd_intr

from firmware.rooms import ask


def run(space):
    """Leave `hardware` and `terminal` in the namespace `space` of boot.py and main.py; neither
    after three starts. With the maintenance key `console` is 3 instead: it is free, and nothing is
    to be started.
    """
    bench = ask("drivers.maintenance", "run", space["console"])
    if bench:
        if bench is not True:
            ask("firmware.access.console", "run", bench)
            kbd_intr(3)
        space["console"] = 3
        return
    if space["damaged"]:
        raise OSError("damaged")
    if space["starts"] < 3:
        config, space["hardware"] = ask("drivers.board", "start")
        from firmware.terminal import Terminal

        space["terminal"] = terminal = Terminal(space["hardware"], config)
        if terminal.desk.sync:  # else it only says what is missing
            ask("firmware.scaffold", "run", terminal)
