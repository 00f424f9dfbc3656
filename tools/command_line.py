"""What the command lines of the tools have in common.

Imports the standard library alone.
"""

import argparse
import contextlib
import ipaddress
import re
from pathlib import Path

_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")


class Parser(argparse.ArgumentParser):
    """A parser that says what was typed wrong in one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (--help says more)\n")


def port(text):
    """An argument's type: a TCP port, 0 for any that is free."""
    if text.isascii() and text.isdigit() and int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port from 0 to 65535")


def path(text):
    """An argument's type: a path. What is empty is none, though Path reads it as this folder."""
    if text:
        return Path(text)
    raise argparse.ArgumentTypeError("a path is wanted, '' is none")


def address(text):
    """Return the (name, port) that host:port stands for. Raises ValueError with the reason.

    The name is one as DNS has it or an IP address, one of version 6 in brackets.
    """
    name, _, number = text.rpartition(":")
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    if not is_host(bare) or (":" in bare and bare == name):
        raise ValueError(f"{text!r} is no host:port: give a name or an address, in ASCII")
    if not (number.isascii() and number.isdigit() and 0 < int(number) < 65536):
        raise ValueError(f"{text!r} is no host:port: a port is a number from 1 to 65535")
    return bare, int(number)


def is_host(name):
    """Return whether `name` is one that a host can have: as DNS has it, or an IP address."""
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return len(name) <= 253 and all(map(_LABEL.fullmatch, name.split(".")))
