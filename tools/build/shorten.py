"""Makes modules of one house lighter before they are compiled: short names, constants in place.

On the device every name is a string in RAM, once for all modules. So names that nobody outside
their module can speak become `_0`, `_1`, ... in each module: those that begin with one underscore,
and parameters that are never passed by name. A public const() is put in where it is used, also in
other modules, and is neither stored nor imported any more, nor is a module that is imported for
nothing else; functions and classes that nobody speaks of are left out. What always holds: lines
stay, strings, dunder names and everything else public stay, and a module whose private names might
be met from outside is refused. `python -m tools.build.shorten FILE` prints the names, to read a
traceback by.
Imports only the standard library.
"""

import ast
import builtins
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

_PRIVATE = re.compile(r"_(?!_)\w+")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DEF = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Exposed(Exception):
    """A private name is reached from outside its module, or might be; the message says where."""


class House:
    """Modules that know one another: their sources by dotted name (`firmware.ui.font`).

    `guests` are sources that use them and are not shortened themselves. With `closed`, nobody
    else calls the modules: their parameters and public constants may change too.
    """

    def __init__(
        self, sources: Mapping[str, str], guests: tuple[str, ...] = (), closed: bool = True
    ) -> None:
        self._sources = dict(sources)
        self.trees = {name: ast.parse(text, name) for name, text in sources.items()}
        self._rooms = {name.split(".")[0] for name in sources}
        self._closed = closed
        self._named: Counter[str] | None = None
        self._outside = outside = [ast.parse(text) for text in guests]
        self._passed = {
            node.arg
            for tree in (*self.trees.values(), *outside)
            for node in ast.walk(tree)
            if isinstance(node, ast.keyword) and node.arg
        }
        self._constants = self._find_constants() if closed else {}
        # What is spoken of in a way that is not understood here keeps its name.
        self._spoken = {
            word
            for tree in (*self.trees.values(), *outside)
            for node in ast.walk(tree)
            for word in self._words(node)
        }
        for tree in outside:
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom):
                    self._spoken.update(alias.name for alias in node.names)
        for name, tree in self.trees.items():
            bound, modules, _ = self._bindings(name)
            places = {id(node) for node, _ in self._uses(tree, bound, modules)}
            self._spoken |= {
                node.attr
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute) and id(node) not in places
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom):
                    self._spoken |= {
                        alias.name
                        for alias in node.names
                        if (alias.asname or alias.name) not in bound
                    }

    def inputs(self) -> tuple[bytes, ...]:
        """Return what every shortened module depends on besides its own source."""
        facts = (sorted(self._passed), sorted(self._spoken), sorted(self._constants.items()))
        facts += ([(name, [node.name for node in self._unused(name)]) for name in self.trees],)
        return (Path(__file__).read_bytes(), repr(facts).encode())

    def shorten(self, module: str) -> str:
        """Return the lighter source of `module`. Raises `Exposed`."""
        tree = self.trees[module]
        short = self.names(module)
        parameters = self.parameters(module) if self._closed else set()
        edits = []
        bound, modules, imports = self._bindings(module)
        put_in = set()
        for node, value in self._uses(tree, bound, modules):
            edits.append((_start(node), _end(node), f"({value})" if value < 0 else str(value)))
            put_in.update(id(part) for part in ast.walk(node))
        gone = self._unused(module) if self._closed else []
        for node in gone:
            edits.append((_first(node), _end(node), "\n" * (node.end_lineno - _first(node)[0])))
            put_in.update(id(part) for part in ast.walk(node))
        edits = [edit for edit in edits if not any(_within(edit, node) for node in gone)]
        for node, kept in imports:
            edits.append((_start(node), _end(node), kept))
        lines = self._sources[module].splitlines(keepends=True)
        for node in ast.walk(tree):
            if id(node) in put_in:
                continue
            match node:
                case ast.Name(id=name) if name in short:
                    edits.append((_start(node), _end(node), short[name]))
                case ast.arg(arg=name) if name in short:
                    row, column = _start(node)
                    edits.append(((row, column), (row, column + len(name)), short[name]))
                case ast.Attribute(attr=name) if name in short and name not in parameters:
                    row, column = _end(node)
                    edits.append(((row, column - len(name)), (row, column), short[name]))
                case (
                    ast.FunctionDef(name=name)
                    | ast.AsyncFunctionDef(name=name)
                    | ast.ClassDef(name=name)
                ) if name in short and _PRIVATE.fullmatch(name):
                    row = node.lineno
                    text = lines[row - 1].encode()
                    word = re.compile(rb"\b(?:def|class)\s+").search(text, node.col_offset)
                    edits.append(((row, word.end()), (row, word.end() + len(name)), short[name]))
                case ast.alias(asname=str(name)) if name in short:
                    row, column = _end(node)
                    edits.append(((row, column - len(name)), (row, column), short[name]))
                case ast.Global(names=found) | ast.Nonlocal(names=found):
                    word = "global " if isinstance(node, ast.Global) else "nonlocal "
                    text = word + ", ".join(short.get(name, name) for name in found)
                    edits.append((_start(node), _end(node), text))
                case ast.ExceptHandler(name=str(name)) if name in short:
                    raise Exposed(f"{module}:{node.lineno}: {name} names an exception")
        return _edited(lines, edits)

    def _unused(self, module: str) -> list[ast.stmt]:
        """Return the functions and classes at the top of `module` that no source speaks of."""
        if self._named is None:
            self._named = Counter(
                word
                for tree in (*self.trees.values(), *self._outside)
                for node in ast.walk(tree)
                for word in _named(node)
            )
        return [
            node
            for node in self.trees[module].body
            if isinstance(node, _DEF) and not self._named[node.name]
        ]

    def names(self, module: str) -> dict[str, str]:
        """Return the short name of each name that `module` keeps to itself. Raises `Exposed`."""
        tree = self.trees[module]
        self._check(module)
        bare, attributes, constants = Counter(), Counter(), _constants(tree)
        hidden = {name for name in constants if _PRIVATE.fullmatch(name)}
        if self._closed:
            hidden |= {name for name in constants if name not in self._spoken}
        parameters = self.parameters(module) if self._closed else set()
        shared = False  # whether a class body speaks of a private name of the module
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=name) | ast.arg(arg=name):
                    if _PRIVATE.fullmatch(name) or name in parameters:
                        bare[name] += 1
                case ast.alias(name=name, asname=asname):
                    if _PRIVATE.fullmatch(asname or name):
                        bare[asname or name] += 1
                case ast.Attribute(attr=name) if _PRIVATE.fullmatch(name):
                    attributes[name] += 1
            if isinstance(node, ast.ClassDef):
                shared = shared or _speaks_of_private(node, hidden)
                for part in node.body:
                    if isinstance(part, _DEF) and _PRIVATE.fullmatch(part.name):
                        attributes[part.name] += 1
            elif isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef)):
                for part in ast.walk(node) if not isinstance(node, ast.Module) else node.body:
                    if isinstance(part, _DEF) and part is not node:
                        if _PRIVATE.fullmatch(part.name):
                            bare[part.name] += 1
        both = bare.keys() & attributes.keys()
        first = sorted(bare.keys() - hidden, key=lambda name: (-bare[name], name))
        # Attributes and bare names never meet, so both may have the same short names.
        second = sorted(
            attributes.keys() - both - hidden, key=lambda name: (-attributes[name], name)
        )
        short = {name: _short(number) for number, name in enumerate(first)}
        taken = set(short.values()) if shared else {short[name] for name in both - hidden}
        free = (_short(number) for number in range(len(first) + len(second)))
        free = (brief for brief in free if brief not in taken)
        short |= dict(zip(second, free, strict=False))
        # Constants leave no name in the compiled module: they come last.
        last = len(first) + len(second)
        return short | {name: _short(last + number) for number, name in enumerate(sorted(hidden))}

    def _find_constants(self) -> dict[str, dict[str, int]]:
        found = {name: _constants(tree) for name, tree in self.trees.items()}
        found = {
            name: {const: value for const, value in table.items() if not const.startswith("_")}
            for name, table in found.items()
        }
        changed = True
        while changed:  # a module may pass on what it has imported
            changed = False
            for name, tree in self.trees.items():
                for node in ast.walk(tree):
                    if isinstance(node, ast.ImportFrom) and node.module in found:
                        for alias in node.names:
                            known = alias.asname or alias.name
                            value = found[node.module].get(alias.name)
                            if value is not None and known not in found[name]:
                                found[name][known] = value
                                changed = True
        return found

    def _bindings(self, module: str):
        """Return constants and modules of the house by local name, and imports to be rewritten."""
        tree = self.trees[module]
        bound, modules, imports = {}, {}, []
        if not self._closed:
            return bound, modules, imports
        rebound = {
            node.id if isinstance(node, ast.Name) else node.arg
            for node in ast.walk(tree)
            if isinstance(node, ast.arg)
            or (isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load))
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom):
                continue
            kept = []
            for alias in node.names:
                known = alias.asname or alias.name
                value = self._constants.get(node.module, {}).get(alias.name)
                if value is not None and known not in rebound:
                    bound[known] = value
                    continue
                path = f"{node.module}.{alias.name}"
                if path in self.trees and known not in rebound:
                    modules[known] = path
                    if self._only_constants(tree, known, path):
                        continue
                kept.append(ast.unparse(alias))
            if len(kept) < len(node.names):
                text = f"from {node.module} import {', '.join(kept)}" if kept else "pass"
                imports.append((node, text + "\n" * (node.end_lineno - node.lineno)))
        return bound, modules, imports

    def _only_constants(self, tree, known: str, path: str) -> bool:
        """Tell whether the module `path`, called `known`, is imported for its constants alone."""
        constants = self._constants[path]
        uses = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == known]
        served = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr in constants
        ]
        return bool(uses) and all(any(use is value for value in served) for use in uses)

    def _uses(self, tree, bound, modules) -> Iterator[tuple[ast.expr, int]]:
        """Yield each expression that stands for a constant, with its value."""
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=name, ctx=ast.Load()) if name in bound:
                    yield node, bound[name]
                case ast.Attribute(value=ast.Name(id=known), attr=name) if known in modules:
                    value = self._constants[modules[known]].get(name)
                    if value is not None:
                        yield node, value

    def _words(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.isidentifier():
                yield node.value

    def parameters(self, module: str) -> set[str]:
        """Return the parameters in `module` that nobody passes by name."""
        tree = self.trees[module]
        found = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        taken = self._passed | set(dir(builtins)) | _constants(tree).keys()
        for node in ast.walk(tree):
            match node:
                case ast.alias(name=name, asname=asname):
                    taken.add(asname or name.split(".")[0])
                case ast.ExceptHandler(name=str(name)):
                    taken.add(name)
                case ast.Global(names=known) | ast.Nonlocal(names=known):
                    taken.update(known)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    taken.add(name)
                case ast.Module(body=body) | ast.ClassDef(body=body):
                    for part in body:
                        taken.update(
                            name.id
                            for name in _at_this_level(part)
                            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
                        )
            if isinstance(node, ast.ClassDef):
                taken.add(node.name)
        return {name for name in found - taken if not name.startswith("_")}

    def _check(self, module: str) -> None:
        tree = self.trees[module]
        own, foreign = _own(tree), self._foreign(tree)

        def refuse(node: ast.AST, why: str) -> None:
            raise Exposed(f"{module}:{getattr(node, 'lineno', 1)}: {why}")

        for node in ast.walk(tree):
            match node:
                case ast.Import(names=found) | ast.ImportFrom(names=found):
                    path = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                    for name in ".".join([*path, *(alias.name for alias in found)]).split("."):
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

    def _foreign(self, tree: ast.Module) -> set[str]:
        """Return the names by which a module knows other modules of the house and their things."""
        found = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                if (node.module or "").split(".")[0] in self._rooms:
                    found.update(alias.asname or alias.name for alias in node.names)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.split(".")[0] in self._rooms:
                        found.add(alias.asname or alias.name.split(".")[0])
        return found


def _named(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            yield name
        case ast.Constant(value=str(name)):
            yield name


def _first(node: ast.stmt) -> tuple[int, int]:
    """Return where a definition begins, decorators included."""
    return min([_start(node), *((part.lineno, 0) for part in node.decorator_list)])


def _within(edit, node: ast.stmt) -> bool:
    """Tell whether an edit lies in a definition that is left out as a whole."""
    return (
        _first(node) <= edit[0]
        and edit[1] <= _end(node)
        and edit[:2]
        != (
            _first(node),
            _end(node),
        )
    )


def _start(node: ast.AST) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _end(node: ast.AST) -> tuple[int, int]:
    return node.end_lineno, node.end_col_offset


def _edited(lines: list[str], edits) -> str:
    """Return the lines with each (start, end, text) put in; columns count UTF-8 bytes."""
    raw = [line.encode() for line in lines]
    for (row, column), (last, end), text in sorted(edits, reverse=True):
        tail = raw[last - 1][end:]
        raw[row - 1 : last] = [raw[row - 1][:column] + text.encode() + tail]
    return b"".join(raw).decode()


def _short(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
        if not number:
            return "_" + digits
        number -= 1


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


def _constants(tree: ast.Module) -> dict[str, int]:
    """Return names and values at the top that are const(): the compiler puts the values in."""
    found = {}
    for node in tree.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Call(func=ast.Name(id="const"), args=[value]),
            ):
                try:
                    code = compile(ast.Expression(value), "const", "eval")
                    number = eval(code, {"__builtins__": {}}, dict(found))  # noqa: S307 (our own)
                except NameError:
                    continue
                if isinstance(number, int):
                    found[name] = number
    return found


def _at_this_level(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run when a body runs, not those within functions and classes."""
    yield node
    if not isinstance(node, (*_DEF, ast.Lambda)):
        for part in ast.iter_child_nodes(node):
            yield from _at_this_level(part)


def _speaks_of_private(node: ast.ClassDef, hidden: set[str]) -> bool:
    for part in node.body:
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
            parts = [*part.decorator_list, *part.args.defaults, *part.args.kw_defaults]
        else:
            parts = [part]
        for top in parts:
            for name in ast.walk(top) if top else ():
                if isinstance(name, ast.Name) and _PRIVATE.fullmatch(name.id):
                    if name.id not in hidden:
                        return True
    return False


if __name__ == "__main__":
    from tools.build.device import house

    path = Path(sys.argv[1]).resolve().relative_to(Path(__file__).resolve().parents[2])
    for long, brief in house().names(".".join(path.with_suffix("").parts)).items():
        print(f"{brief:4} {long}")
