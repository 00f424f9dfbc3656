"""A moment as people here read it."""

from firmware.acquirer.profile import EAST_S


def moment(desk, epoch):
    """Return `epoch` (Unix time) as local date and time, MM-DD HH:MM."""
    civil = [0] * 6
    desk.clock.civil(epoch + EAST_S, civil)
    return "%02d-%02d %02d:%02d" % tuple(civil[1:5])
