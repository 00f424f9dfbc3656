"""What of a house nobody can come to: modules, and functions, classes, methods, constants in them.

What always holds: only what is surely never used is named. What stands at the top of a module is
followed by its name there; a method, and what else a class has, is in use when anything in use
speaks of an attribute of that name. Imports only the standard library and syntax.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tools.build import syntax

_GUEST = "guest %d"


@dataclass
class _Part:
    """A piece of a source that is used as a whole, and what it speaks of."""

    module: str
    names: set[str] = field(default_factory=set)
    attributes: set[tuple[str, str]] = field(default_factory=set)  # (of what name or "", word)
    texts: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    asked: set[tuple[str, str]] = field(default_factory=set)  # (path or folder, function)
    inner: dict[str, "_Part"] = field(default_factory=dict)  # of a class

    def take(self, nodes: Iterable[ast.AST]) -> "_Part":
        """Note what `nodes` speak of; return itself."""
        for top in nodes:
            for node in ast.walk(top):
                match node:
                    case ast.Name(id=name, ctx=ast.Load()):
                        self.names.add(name)
                    case ast.Attribute(value=ast.Name(id=of), attr=word, ctx=ast.Load()):
                        self.attributes.add((of, word))
                    case ast.Attribute(attr=word, ctx=ast.Load()):
                        self.attributes.add(("", word))
                    case ast.Constant(value=str(text)):
                        self.texts.add(text)
                    case ast.Import() | ast.ImportFrom():
                        self.modules.update(syntax.asked_for(node))
                self.attributes.update(("", word) for word in syntax.spelled(node))
                for path, function, _ in syntax.asks(node):
                    self.asked.add((path, function))
        return self


class _Module:
    def __init__(self, name: str, tree: ast.Module, whole: bool = False) -> None:
        self.known = {}  # name -> what it was imported as: a module, or (module, name in it)
        self.parts = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self.known[alias.asname or alias.name] = node.module, alias.name
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.asname or "." not in alias.name:
                        self.known[alias.asname or alias.name] = "", alias.name
        if whole:
            self.run = _Part(name).take([tree])
            return
        rest = []
        for node in tree.body:
            found = dict(_defined(name, node))
            self.parts |= found
            if not found:
                rest.append(node)
        self.run = _Part(name).take(rest)


def _defined(module: str, node: ast.stmt) -> Iterator[tuple[str, _Part]]:
    """Yield what a statement makes for others to use, by its name."""
    match node:
        case ast.ClassDef(name=name, bases=bases, keywords=words, decorator_list=marks):
            part = _Part(module)
            rest = [*bases, *words, *marks]
            for inner in node.body:
                found = dict(_defined(module, inner))
                part.inner |= found
                if not found:
                    rest.append(inner)
            yield name, part.take(rest)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name, _Part(module).take([node])
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, _Part(module).take([value])


class _Walk:
    """From room to room, through what is in use."""

    def __init__(self, modules: dict[str, _Module], folders: Iterable[str]) -> None:
        self.modules = modules
        self.folders = folders
        self.entered = set()
        self.used = set()  # (module, name), (module, class, name in it)
        self.words = set()
        self.texts = set()
        self.asked = set()
        self._ahead = []

    def go(self, guests: Iterable[_Module]) -> None:
        """Follow what the guests use to its end."""
        for guest in guests:
            self._follow(guest, guest.run)
        while True:
            while self._ahead:
                self._follow(*self._ahead.pop())
            self._look_around()
            if not self._ahead:
                return

    def _look_around(self) -> None:
        # What is used by a word or a text, wherever that was said.
        for module, name, *more in list(self.used):
            if not more:
                for word, part in self.modules[module].parts[name].inner.items():
                    if word in self.words or word.startswith("__"):
                        self._use((module, name, word), part)
        for path in self.modules:
            folder, dot, leaf = path.rpartition(".")
            if folder + dot in self.folders and self._is_said(leaf):
                for _, function in [ask for ask in self.asked if ask[0] == folder + dot]:
                    self._thing(path, function)

    def _is_said(self, leaf: str) -> bool:
        # As a whole, or as what is put together of two texts.
        return leaf in self.texts or any(
            leaf[:at] in self.texts and leaf[at:] in self.texts for at in range(1, len(leaf))
        )

    def _enter(self, path: str) -> None:
        if path in self.modules and path not in self.entered:
            self.entered.add(path)
            module = self.modules[path]
            self._ahead.append((module, module.run))

    def _use(self, key: tuple, part: _Part) -> None:
        if key not in self.used:
            self.used.add(key)
            self._ahead.append((self.modules[key[0]], part))

    def _thing(self, path: str, name: str) -> None:
        if path not in self.modules:
            return
        self._enter(path)
        module = self.modules[path]
        if name in module.parts:
            self._use((path, name), module.parts[name])
        elif name in module.known:
            self._imported(module.known[name])

    def _imported(self, what: tuple[str, str]) -> None:
        if ".".join(what).lstrip(".") not in self.modules:
            self._thing(*what)

    def _follow(self, module: _Module, part: _Part) -> None:
        for path in part.modules:
            self._enter(path)
        for name in part.names:
            if name in module.parts:
                self._use((part.module, name), module.parts[name])
            elif name in module.known:
                self._imported(module.known[name])
        for of, word in part.attributes:
            path = ".".join(module.known.get(of, ())).lstrip(".")
            if path in self.modules:
                self._thing(path, word)
            else:
                self.words.add(word)
        self.texts |= part.texts
        self.asked |= part.asked
        for path, name in part.asked:
            self._thing(path, name)


def unreached(
    sources: Mapping[str, str], guests: Iterable[str], folders: Iterable[str] = ()
) -> list[str]:
    """Return the full names of what the `guests`, sources that begin everything, never come to.

    sources: of the modules by dotted name. folders: as in House.
    """
    modules = {name: _Module(name, ast.parse(text, name)) for name, text in sources.items()}
    walk = _Walk(modules, folders)
    walk.go(_Module(_GUEST % n, ast.parse(text), whole=True) for n, text in enumerate(guests))
    found = []
    for path, module in sorted(modules.items()):
        if path not in walk.entered:
            found.append(path)
            continue
        for name, part in module.parts.items():
            if (path, name) not in walk.used:
                found.append(f"{path}.{name}")
                continue
            found += [
                f"{path}.{name}.{word}"
                for word in part.inner
                if (path, name, word) not in walk.used
            ]
    return found
