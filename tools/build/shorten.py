"""Gives the private names of a module short ones before it is compiled.

On the device every name is a string in RAM, once for all modules. Names that begin with one
underscore mean nothing outside their module, so each module's become `_0`, `_1`, ...: all modules
share the same few. What always holds: lines and columns' order stay, strings, dunder names and
everything public stay, and a module whose private names might be met from outside is refused.
`python -m tools.build.shorten FILE` prints what is what, to read a traceback by.
Imports only the standard library.
"""

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from pathlib import Path

_PRIVATE = re.compile(r"_(?!_)\w+")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Exposed(Exception):
    """A private name is reached from outside its module, or might be; the message says where."""


def shorten(source: str, path: str, houses: tuple[str, ...] = ()) -> str:
    """Return `source` with short private names. Raises `Exposed`.

    `path` is named in messages. `houses` are the packages whose modules are shortened too: a class
    may not inherit from one of theirs, because their private names could meet in it.
    """
    short = names(source, path, houses)
    lines = source.splitlines(keepends=True)
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(source).readline))):
        if token.type == tokenize.NAME and token.string in short:
            (row, start), (_, end) = token.start, token.end
            line = lines[row - 1]
            lines[row - 1] = line[:start] + short[token.string] + line[end:]
    return "".join(lines)


def names(source: str, path: str, houses: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the short name of each private name in `source`. Raises `Exposed`."""
    tree = ast.parse(source, path)
    _check(tree, path, houses)
    used = Counter(
        token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.NAME and _PRIVATE.fullmatch(token.string)
    )
    # Constants leave no name in the compiled module: they come last.
    constants = _constants(tree)
    order = sorted(used, key=lambda name: (name in constants, -used[name], name))
    return {name: _short(number) for number, name in enumerate(order)}


def _short(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
        if not number:
            return "_" + digits
        number -= 1


def _check(tree: ast.Module, path: str, houses: tuple[str, ...]) -> None:
    own, foreign = _own(tree), _imported(tree, houses)

    def refuse(node: ast.AST, why: str) -> None:
        raise Exposed(f"{path}:{getattr(node, 'lineno', 1)}: {why}")

    for node in ast.walk(tree):
        match node:
            case ast.Import(names=found) | ast.ImportFrom(names=found):
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                for name in ".".join([*modules, *(alias.name for alias in found)]).split("."):
                    if _PRIVATE.fullmatch(name):
                        refuse(node, f"{name} is another module's")
            case ast.Attribute(attr=name) if _PRIVATE.fullmatch(name) and name not in own:
                refuse(node, f"{name} is another module's")
            case ast.keyword(arg=str(name)) if _PRIVATE.fullmatch(name):
                refuse(node.value, f"{name} is passed by name")
            case ast.Constant(value=str(name)) if _PRIVATE.fullmatch(name) and name in own:
                refuse(node, f'"{name}" is spelled out as a string')
            case ast.JoinedStr():
                refuse(node, "f-strings cannot be shortened")
            case ast.ClassDef(name=name, bases=bases):
                for base in bases:
                    root = base
                    while isinstance(root, ast.Attribute):
                        root = root.value
                    if isinstance(root, ast.Name) and root.id in foreign:
                        refuse(node, f"{name} inherits from a class of another module")


def _own(tree: ast.Module) -> set[str]:
    """Return the private names that the module itself binds."""
    own = set()
    for node in ast.walk(tree):
        match node:
            case (
                ast.Attribute(attr=name, ctx=ast.Store())
                | ast.Name(id=name, ctx=ast.Store())
                | ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                own.add(name)
    return {name for name in own if _PRIVATE.fullmatch(name)}


def _imported(tree: ast.Module, houses: tuple[str, ...]) -> set[str]:
    """Return the names by which the module knows modules of `houses` or what is in them."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in houses:
            found.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in houses:
                    found.add(alias.asname or alias.name.split(".")[0])
    return found


def _constants(tree: ast.Module) -> set[str]:
    """Return the private names at the top that are const(): the compiler puts their values in."""
    found = set()
    for node in tree.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="const"))
            ):
                found.add(name)
    return found


if __name__ == "__main__":
    for long, brief in names(Path(sys.argv[1]).read_text(encoding="utf-8"), sys.argv[1]).items():
        print(f"{brief:4} {long}")
