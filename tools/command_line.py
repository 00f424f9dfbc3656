"""What the command lines of the tools have in common.

Imports the standard library alone.
"""

import argparse


class Parser(argparse.ArgumentParser):
    """A parser that says what was typed wrong in one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (--help says more)\n")


def port(text):
    """An argument's type: a TCP port, 0 for any that is free."""
    if text.isascii() and text.isdigit() and int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port from 0 to 65535")
