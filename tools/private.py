"""Files and folders that are their owner's alone. Imports the standard library alone."""

import os

FOLDER = 0o700
FILE = 0o600


def write_private(path, data):
    """Write a file that only its owner can read; wholly there or not at all."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def keep_private(folder):
    """Take everybody else's rights to a folder and all that is in it, as it may be from before."""
    folder.chmod(FOLDER)
    for path, folders, files in os.walk(folder):
        for name in folders:
            _narrow(os.path.join(path, name), FOLDER)
        for name in files:
            _narrow(os.path.join(path, name), FILE)


def _narrow(path, mode):
    if not os.path.islink(path) and os.stat(path).st_mode & 0o77:
        os.chmod(path, mode)
