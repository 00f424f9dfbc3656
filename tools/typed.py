"""A command, begun as a person at a terminal begins it.

Imports the standard library alone.
"""

import signal
import subprocess


def typed(command, folder, **given):
    """Begin `command`, a list, in `folder`; return its process, all that it says in one stream.

    It has a group of its own, which hears Ctrl-C also where whoever began this ignores that, as a
    shell without job control has it. given: more for subprocess.Popen.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **given,
        )
    finally:
        signal.signal(signal.SIGINT, before)
