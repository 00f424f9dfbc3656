"""Links the modules of one house: less of them in memory, under names that cost nothing.

On the device every name is a string in RAM, once for all modules, and every module a dictionary,
two names of its own and a slot for each thing it imports. So:

- modules that stay in memory together become one, their unit; each of them is still there for
  whoever asks for it by name, as a stub that fetches its public names from the unit;
- a unit, or a module that stands alone, lies at the root under a short name if the house has
  `folders`: of its path, its name and the name of its file nothing is ever given back, also when
  the module is dropped. Those of which a guest speaks stay in place, those of which a visitor
  speaks leave a stub there;
- what only the house speaks of gets a name that the interpreter has in ROM (`rom.txt`), or a short
  one: functions, classes, attributes, and parameters that are never passed by name; in a unit no
  two pieces of code get the same one, unless the sources call them the same, so that a traceback
  can be read;
- what is asked for by name (`rooms.ask("path", "function")`) is renamed there too;
- a const() is put in where it is used, also in other modules, and is not stored; neither is what
  nobody speaks of, nor an import that serves for nothing else.

What always holds: nothing is asked for that is not there; what stays imports nothing that comes
and goes; strings but for those that say what is asked for, dunder names, what a guest speaks of,
and names that foreign objects have (those in ROM, those of the guests) stay; a module whose
private names might be met from outside is refused; no two files have names that differ in case
alone.
`python -m tools.build.link < TRACEBACK` puts back the names of the sources (`names`).
May import syntax.
"""

import ast
import builtins
import keyword
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import chain, count
from pathlib import Path

from tools.build import syntax

_PRIVATE = re.compile(r"_(?!_)\w+")
_DUNDER = re.compile(r"__\w+__")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ROM = Path(__file__).with_name("rom.txt")
_PARAMETERS = 24  # more in one function, with those around it, keep their own names


class Exposed(Exception):
    """A private name is reached from outside its module, or might be; the message says where."""


@dataclass(frozen=True)
class _Thing:
    """What a name at the top of a module stands for: `kind` is one of own, const, module, outer.

    own: (module, name) of where it is made. const: its value. module: the path of a module of the
    house. outer: the import statement that brings it.
    """

    kind: str
    what: object


@dataclass
class _Module:
    name: str
    tree: ast.Module
    top: dict[str, _Thing] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)  # whole modules, also in functions
    beside: list[str] = field(default_factory=list)  # modules imported for what they do
    within: set[str] = field(default_factory=set)  # units imported in functions
    private: dict[str, str] = field(default_factory=dict)  # attributes
    body: list[ast.stmt] = field(default_factory=list)
    uses: dict[str, dict] = field(default_factory=dict)  # unit -> {its name there: name here}
    outer: dict[str, str] = field(default_factory=dict)  # name -> import statement


class House:
    """Modules that know one another: their sources by dotted name (`firmware.ui.font`).

    `guests` are sources that use them, `visitors` those that do so now and then, `foreign` those
    whose objects they use; none is changed.
    Nobody else calls the modules: their public names may change too. `units` says which modules
    become one and stay: {name of one of them: names of the others}. `folders` are those whose
    modules are asked for by a name that is made up when it is needed:
    {"firmware.errands.": what takes its place in front of the name}. `unused` is left out: full
    names, as reach.unreached gives them.
    """

    def __init__(
        self,
        sources: Mapping[str, str],
        guests: Iterable[str] = (),
        visitors: Iterable[str] = (),
        foreign: Iterable[str] = (),
        units: Mapping[str, Iterable[str]] | None = None,
        folders: Mapping[str, str] | None = None,
        unused: Iterable[str] = (),
    ) -> None:
        self._unused = frozenset(unused)
        self._modules = {
            name: _Module(name, ast.parse(text, name))
            for name, text in sources.items()
            if name not in self._unused
        }
        self._guests = [ast.parse(text) for text in guests]
        self._visitors = [ast.parse(text) for text in visitors]
        self._foreign = [ast.parse(text) for text in foreign]
        self._units = {}  # root -> its modules
        self._root = {name: name for name in self._modules}
        for root, others in (units or {}).items():
            for name in (root, *others):
                if name in self._modules and root in self._modules:
                    self._root[name] = root
        self._resident = frozenset(units or ())
        for name, root in self._root.items():
            self._units.setdefault(root, []).append(name)
        self._folders = folders or {}
        self._survey()
        self._visited = set()
        self._placed = {} if folders is None else self._choose_places()
        self._choose_names()
        self._told = {root: {"<module>": [root]} for root in self._units}
        self._faults = {}
        self._texts = self._linked()

    def modules(self) -> dict[str, str]:
        """Return the sources of all units and stubs by the name that they are imported by."""
        return {
            **{self.place(root): self._texts[root] for root in self._units},
            **self._stubs,
        }

    def place(self, module: str) -> str:
        """Return the name by which `module` is imported when it is linked."""
        return self._placed.get(module, module)

    def places(self) -> dict[str, str]:
        """Return {name by which it is imported: name} of all modules that changed theirs."""
        return {place: name for name, place in self._placed.items()}

    def text(self, module: str) -> str:
        """Return the source that takes the place of `module`."""
        return self._texts[module]

    def legend(self) -> dict[str, dict[str, str]]:
        """Return what a traceback's names stand for: {unit: {name of its code: names}}. Of a name
        that several things in a unit have, all.
        """
        return {
            self.place(root): {brief: " or ".join(names) for brief, names in table.items()}
            for root, table in self._told.items()
        }

    def faults(self) -> dict[str, str]:
        """Return what the exceptions of the house are called: {name: names}."""
        return {brief: " or ".join(names) for brief, names in self._faults.items()}

    # -- what there is ---------------------------------------------------------------------------

    def _survey(self) -> None:
        trees = [module.tree for module in self._modules.values()]
        everything = list(chain.from_iterable(ast.walk(tree) for tree in trees))
        callers = (*self._guests, *self._visitors)
        guests = list(chain.from_iterable(ast.walk(tree) for tree in callers))
        foreign = list(chain.from_iterable(ast.walk(tree) for tree in self._foreign))
        theirs = guests + foreign
        self._passed = {
            node.arg
            for node in (*everything, *theirs)
            if isinstance(node, ast.keyword) and node.arg
        }
        self._spelled = {word for node in (*everything, *theirs) for word in syntax.spelled(node)}
        self._guest_words = {word for node in theirs for word in syntax.attributes(node)}
        for tree in self._foreign:
            for node in syntax.at_this_level(tree):
                self._guest_words.update(syntax.bound_by(node))
        self._bare = {word for node in everything for word in syntax.bare(node)}
        self._attributes = {
            node.attr for node in everything if isinstance(node, ast.Attribute)
        } | {word for tree in trees for word in syntax.class_level(tree)}
        self._mentioned = Counter(
            word for node in (*everything, *theirs) for word in syntax.mentions(node)
        )
        for module in self._modules.values():
            self._find_aliases(module)
            self._find_top(module)
        self._fold_constants()
        for module in self._modules.values():
            self._check(module)
        self._find_asked()

    def _find_aliases(self, module: _Module) -> None:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    path = f"{node.module}.{alias.name}"
                    if path in self._modules:
                        module.aliases[alias.asname or alias.name] = path
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name in self._modules and (alias.asname or "." not in alias.name):
                        module.aliases[alias.asname or alias.name] = alias.name

    def _find_top(self, module: _Module) -> None:
        for node in syntax.at_this_level(module.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name in self._modules:
                        if alias.asname or "." not in alias.name:
                            module.top[alias.asname or alias.name] = _Thing("module", alias.name)
                        else:
                            module.beside.append(alias.name)
                    else:
                        known = alias.asname or alias.name.split(".")[0]
                        module.top[known] = _Thing("outer", "import " + ast.unparse(alias))
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    known = alias.asname or alias.name
                    path = f"{node.module}.{alias.name}"
                    if path in self._modules:
                        module.top[known] = _Thing("module", path)
                    elif node.module in self._modules:
                        module.top[known] = _Thing("own", (node.module, alias.name))
                    else:
                        statement = f"from {node.module} import {ast.unparse(alias)}"
                        module.top[known] = _Thing("outer", statement)
            else:
                for word in syntax.bound_by(node):
                    module.top[word] = _Thing("own", (module.name, word))

    def _fold_constants(self) -> None:
        """Find what is const() and a number, bytes or a tuple of them, in terms of other modules'
        too.
        """
        self._values = {}
        waiting = [
            (module, node)
            for module in self._modules.values()
            for node in module.tree.body
            if syntax.is_const(node)
        ]
        while True:
            left = []
            for module, node in waiting:
                known = {}
                for word in {
                    n.id for n in ast.walk(node.value.args[0]) if isinstance(n, ast.Name)
                }:
                    thing = self._origin(module, word)
                    if thing and thing.kind == "const":
                        known[word] = thing.what
                expression = compile(ast.Expression(node.value.args[0]), "const", "eval")
                try:
                    value = eval(expression, {"__builtins__": {}}, known)  # noqa: S307 (our own)
                except NameError:
                    left.append((module, node))
                    continue
                name = node.targets[0].id
                if all(isinstance(v, (int, bytes)) for v in _parts(value)):
                    self._values[module.name, name] = value
            if len(left) == len(waiting):
                return
            waiting = left

    def _origin(self, module: _Module, word: str) -> _Thing | None:
        """Return what `word` at the top of `module` is in the end; None when there is none."""
        thing = module.top.get(word)
        if thing is None or thing.kind != "own":
            return thing
        if thing.what in self._values:
            return _Thing("const", self._values[thing.what])
        home, name = thing.what
        if home == module.name:
            return thing
        if name not in self._modules[home].top:
            raise Exposed(f"{module.name}: {home} has no {name}")
        return self._origin(self._modules[home], name)

    def _check(self, module: _Module) -> None:
        own = {word for node in ast.walk(module.tree) for word in syntax.binds(node)}

        def refuse(node: ast.AST, why: str) -> None:
            raise Exposed(f"{module.name}:{getattr(node, 'lineno', 1)}: {why}")

        for node in ast.walk(module.tree):
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
                case ast.ClassDef(name=name, bases=bases):
                    for base in bases:
                        while isinstance(base, ast.Attribute):
                            base = base.value
                        thing = module.top.get(base.id) if isinstance(base, ast.Name) else None
                        if thing and (
                            thing.kind == "module"
                            or (thing.kind == "own" and thing.what[0] != module.name)
                        ):
                            refuse(node, f"{name} inherits from a class of another module")

    # -- what is asked for by name ---------------------------------------------------------------

    def _find_asked(self) -> None:
        """Find what calls name as a module's path and what of it; refuse what can't be given."""
        self._asked = []  # (texts in the source, path or folder, what of it)
        self._of_folders = set()  # (folder, what)
        texts = set()
        handing = {}  # function that adds a name it is given to a folder -> (at, folder, what)
        for name, tree in self._all_trees():
            for call, parent, within in syntax.calls(tree):
                for path, what, said in syntax.asks(call):
                    if not self._is_ours(path):
                        continue
                    where = f"{name}:{call.lineno}"
                    if path.endswith("."):
                        self._of_folders.add((path, what))
                        handing[within.name] = (_added(call, within, where), path, what)
                    else:
                        self._check_asked(where, path, what, parent)
                        if name not in self._modules:  # a guest's stays as it is
                            self._guest_words.add(what)
                            continue
                    self._asked.append((said, path, what))
                    texts.update(map(id, said))
        for name, tree in self._all_trees():
            for call, parent, _ in syntax.calls(tree):
                if isinstance(call.func, ast.Attribute) and call.func.attr in handing:
                    at, folder, what = handing[call.func.attr]
                    leaf = call.args[at] if at < len(call.args) else None
                    if isinstance(leaf, ast.Constant):
                        where = f"{name}:{call.lineno}"
                        self._check_asked(where, folder + leaf.value, what, parent)
        for module in self._modules.values():
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Constant) and id(node) not in texts:
                    if node.value in self._modules and "." in node.value:
                        raise Exposed(
                            f"{module.name}:{node.lineno}: {node.value} is named there,"
                            " but nothing of it asked for"
                        )

    def _all_trees(self) -> Iterator[tuple[str, ast.Module]]:
        for module in self._modules.values():
            yield module.name, module.tree
        for tree in (*self._guests, *self._visitors):
            yield "a guest", tree

    def _is_ours(self, path: str) -> bool:
        """Tell whether a text is a path in the house, were there one."""
        if not re.fullmatch(r"\w+(\.\w+)+\.?", path):
            return False
        packages = {name.partition(".")[0] for name in self._modules if "." in name}
        return path.partition(".")[0] in packages

    def _check_asked(self, where: str, path: str, what: str, parent: ast.AST) -> None:
        if path not in self._modules:
            raise Exposed(f"{where}: there is no module {path} to ask for {what}")
        if self._root[path] in self._resident:
            raise Exposed(f"{where}: {path} stays in memory: it is to be imported")
        made = [
            node
            for node in self._modules[path].tree.body
            if isinstance(node, syntax.DEFINITIONS) and node.name == what
        ]
        if not made:
            raise Exposed(f"{where}: {path} has no {what}")
        awaited = isinstance(made[0], ast.AsyncFunctionDef)
        if awaited and not isinstance(parent, (ast.Await, ast.Return)):
            raise Exposed(f"{where}: {what} of {path} is to be awaited at once")
        if not awaited and isinstance(parent, ast.Await):
            raise Exposed(f"{where}: {what} of {path} is not to be awaited")

    # -- names -----------------------------------------------------------------------------------

    def _choose_places(self) -> dict[str, str]:
        guests, self._visited = (
            {
                path
                for node in chain.from_iterable(map(ast.walk, callers))
                for path in syntax.asked_for(node)
            }
            for callers in (self._guests, self._visitors)
        )
        placed = {}
        free = _files(self._modules)
        for root in sorted(self._units):
            folder, dot, leaf = root.rpartition(".")
            if folder + dot in self._folders:
                if root in guests | self._visited:
                    raise Exposed(f"{root} can't be moved with all of {folder}")
                placed[root] = self._folders[folder + dot] + leaf
            elif dot and root not in guests:
                placed[root] = next(free)
        if len({*placed.values(), *self._modules}) < len(placed) + len(self._modules):
            raise Exposed("two modules would lie in one place")
        return placed

    def _choose_names(self) -> None:
        everywhere, here = rom()
        hidden = set(dir(builtins))  # a function at the top may have to follow an attribute
        taken = self._bare | self._guest_words | hidden | set(keyword.kwlist)
        attributes = self._attributes | self._guest_words | self._passed | _OF_BASES | hidden
        bare = _pool(everywhere, taken)
        brief = _pool(everywhere, attributes)
        # Public attributes: one name each in the whole house.
        kept = self._guest_words | self._spelled | self._passed | everywhere | here
        bound = Counter(
            word
            for module in self._modules.values()
            for node in ast.walk(module.tree)
            for word in syntax.binds_attribute(node)
        )
        for module in self._modules.values():
            bound.update(syntax.class_level(module.tree))
        public = [
            word
            for word in bound
            if word not in kept and not word.startswith("_") and word in self._attributes
        ]
        public.sort(key=lambda word: (-bound[word], word))
        self._public = {word: next(brief) for word in public}
        # Private ones: again and again in every module, but for those of a unit's code.
        rest = [next(brief) for _ in range(64)]
        for members in self._units.values():
            code = set()  # what a traceback may name
            for module in map(self._modules.get, members):
                module.private = _again(module, rest, code)
        self._code = {root: self._named(members) for root, members in self._units.items()}
        things = self._fix_names()
        fixed = set(self._given.values())
        bare = (name for name in bare if name not in fixed)
        self._parameters = [next(bare) for _ in range(_PARAMETERS)]
        self._choose_top(things, bare, set(self._public.values()) | set(rest))

    def _named(self, members: Iterable[str]) -> set[str]:
        """Return the names of all methods in these modules."""
        return {
            module.private.get(word) or self._public.get(word, word)
            for module in map(self._modules.get, members)
            for word in syntax.methods(module.tree)
        }

    def _fix_names(self) -> list[tuple[str, str]]:
        """Name what keeps its name at the top, or follows an attribute; return the others."""
        self._given = {}
        things = []
        for module in self._modules.values():
            for word, thing in module.top.items():
                if thing != _Thing("own", (module.name, word)) or thing.what in self._values:
                    continue
                folder = module.name.rpartition(".")[0] + "."
                if self._stays(module.name, word) or (folder, word) in self._of_folders:
                    self._given[thing.what] = word
                else:
                    things.append(thing.what)
        return things

    def _choose_top(self, things, bare: Iterator[str], attributes: set[str]) -> None:
        """Give names to what is at the top: one each for what units have of one another."""
        abroad = set()  # what others speak of; who asks for something says its name alone
        whole = set()  # units that another speaks of as a whole
        in_class = set()  # things that a class body speaks of, where attributes have names too
        for module in self._modules.values():
            for word in module.top:
                thing = self._origin(module, word)
                if thing.kind == "own":
                    if self._root[thing.what[0]] != self._root[module.name]:
                        abroad.add(thing.what)
            for path in module.aliases.values():
                if self._root[path] != self._root[module.name]:
                    whole.add(self._root[path])
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    path = module.aliases.get(node.value.id)
                    if path and self._root[path] != self._root[module.name]:
                        thing = self._origin(self._modules[path], node.attr)
                        if thing and thing.kind == "own":
                            abroad.add(thing.what)
            for word in syntax.spoken_in_class(module.tree):
                thing = self._origin(module, word)
                if thing and thing.kind == "own":
                    in_class.add(thing.what)

        def give(wanted, free) -> None:
            passed_over = []
            for thing in sorted(wanted, key=lambda thing: thing not in in_class):
                barred = self._code[self._root[thing[0]]]  # a traceback says no more than a name
                if thing in in_class:
                    barred = barred | attributes
                for name in passed_over:
                    if name not in barred:
                        passed_over.remove(name)
                        break
                else:
                    for name in free:
                        if name not in barred:
                            break
                        passed_over.append(name)
                self._given[thing] = name

        give([thing for thing in things if thing in abroad], bare)
        self._called = {root: next(bare) for root in sorted(whole)}  # what others call a unit
        again = [next(bare) for _ in range(len(things) + len(attributes))]  # in each unit
        for members in self._units.values():
            inside = [thing for thing in things if thing not in abroad and thing[0] in members]
            give(inside, iter(again))

    def _stays(self, module: str, word: str) -> bool:
        """Tell whether `word` at the top of `module` keeps its name."""
        spoken = word in self._guest_words and not _PRIVATE.fullmatch(word)
        return _DUNDER.fullmatch(word) is not None or (spoken and self._root[module] == module)

    # -- linking ---------------------------------------------------------------------------------

    def _linked(self) -> dict[str, str]:
        self._said = {}  # what a text says from now on
        for (where, what), path, name in self._asked:
            self._said[id(where)] = self._folders.get(path, self.place(path))
            self._said[id(what)] = self._given.get((path, name), name)
        for module in self._modules.values():
            _Linker(self, module).link()
        texts = {}
        for root in self._units:
            texts[root] = self._unit(root)
        self._order_of_units()
        self._stubs = {
            name: self._stub(self._modules[name])
            for name, root in self._root.items()
            if name != root or (name in self._placed and name in self._visited)
        }
        return {**self._stubs, **texts}

    def _unit(self, root: str) -> str:
        outer, uses, bound, body, beside = {}, {}, {}, [], []
        for module in self._ordered(root):
            for word, statement in module.outer.items():
                if outer.setdefault(word, statement) != statement:
                    raise Exposed(f"{module.name}: {word} is something else in {root}")
            for other, names in module.uses.items():
                for there, known in names.items():
                    if bound.setdefault(known, (other, there)) != (other, there):
                        raise Exposed(f"{module.name}: two things are called {known} in {root}")
                uses.setdefault(other, {}).update(names)
            body += module.body
            beside += [self._root[path] for path in module.beside]
        lines = list(dict.fromkeys(outer.values()))
        for other in dict.fromkeys(beside):
            if other != root and other not in uses:
                lines.append(f"__import__({self.place(other)!r})")  # binds no name
        for other, names in uses.items():
            package, _, leaf = self.place(other).rpartition(".")
            if None in names:
                from_ = f"from {package} " if package else ""
                lines.append(f"{from_}import {leaf} as {names[None]}")
            pairs = sorted((there, here) for there, here in names.items() if there is not None)
            if pairs:
                listed = (
                    there if there == here else f"{there} as {here}" for there, here in pairs
                )
                lines.append(f"from {self.place(other)} import {', '.join(listed)}")
        return "\n".join([*lines, ast.unparse(ast.Module(body, []))]) + "\n"

    def _ordered(self, root: str) -> list[_Module]:
        """Return the modules of a unit, each after those that it imports."""
        needs = {}
        for name in self._units[root]:
            module = self._modules[name]
            others = [
                thing.what if thing.kind == "module" else thing.what[0]
                for thing in module.top.values()
                if thing.kind in ("module", "own")
            ]
            needs[name] = [
                other
                for other in (*others, *module.beside)
                if other != name and self._root[other] == root
            ]
        return [self._modules[name] for name in _sorted(needs)]

    def _order_of_units(self) -> None:
        needs = {}
        for root, members in self._units.items():
            modules = [self._modules[name] for name in members]
            others = {other for module in modules for other in module.uses}
            others |= {self._root[path] for module in modules for path in module.beside}
            needs[root] = others - {root}
        _sorted(needs)
        for root in sorted(self._resident & needs.keys()):
            within = {other for name in self._units[root] for other in self._modules[name].within}
            passing = sorted((needs[root] | within) - self._resident)
            if passing:
                raise Exposed(
                    f"{root} and what is in it stay in memory and import {', '.join(passing)},"
                    " which come and go: they are to be asked for"
                )

    def _stub(self, module: _Module) -> str:
        root = self._root[module.name]
        names, lines = [], []
        for word, thing in module.top.items():
            if word.startswith("_") or thing.kind != "own" or thing.what[0] != module.name:
                continue
            if thing.what in self._values:
                lines.append(f"{word} = {self._values[thing.what]}")
            elif self._speaks(word):
                names.append(f"{self._given[thing.what]} as {word}")
        if names:
            lines.insert(0, f"from {self.place(root)} import {', '.join(names)}")
        return "\n".join(lines) + "\n"

    def _speaks(self, word: str) -> bool:
        """Tell whether anybody speaks of `word`, beside where it is made."""
        return self._mentioned[word] > 0


class _Linker(ast.NodeTransformer):
    """Puts the chosen names into one module."""

    def __init__(self, house: House, module: _Module) -> None:
        self._house = house
        self._module = module
        self._scopes = []  # of (is a class, {name: what it is called here})
        self._within_what = [module.name]  # and the definitions around what is visited
        self._own_faults = set()  # exceptions of this module

    def link(self) -> None:
        body = []
        for node in self._module.tree.body:
            if isinstance(node, (ast.Import, ast.ImportFrom)) or self._gone(node):
                continue
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                continue  # says what the module is for
            body.append(self.visit(node))
        self._module.body = body

    def _gone(self, node: ast.stmt) -> bool:
        if isinstance(node, syntax.DEFINITIONS):
            return not self._house._speaks(node.name) or self._unused(node.name)
        if isinstance(node, ast.Assign) and all(map(self._unused, syntax.bound(node))):
            return True
        if not syntax.is_const(node):
            return False
        what = self._module.name, node.targets[0].id
        return what in self._house._values and not self._house._stays(*what)

    # -- names

    def _inside(self, word: str):
        """Return (what a function or class here calls `word`,), or None when it is at the top."""
        innermost = True
        for is_class, names in reversed(self._scopes):
            if word in names and (innermost or not is_class):
                return (names[word],)
            innermost = False
        return None

    def _top(self, word: str) -> ast.expr:
        thing = self._house._origin(self._module, word)
        if thing is None:
            return ast.Name(word)
        if thing.kind == "const":
            return _number(thing.what)
        if thing.kind == "module":
            raise Exposed(f"{self._module.name}: the module {word} is handed on as a whole")
        if thing.kind == "outer":
            if self._module.top[word].kind != "outer":
                raise Exposed(f"{self._module.name}: {word} comes from elsewhere: import it there")
            self._module.outer[word] = thing.what
            return ast.Name(word)
        return ast.Name(self._thing(thing.what))

    def _thing(self, what) -> str:
        """Return what the thing `what` of the house is called in this unit, and have it there."""
        house = self._house
        given, home = house._given[what], house._root[what[0]]
        if home == house._root[self._module.name]:
            return given
        self._module.uses.setdefault(home, {})[given] = given
        return given

    def _attribute(self, word: str) -> str:
        return self._module.private.get(word) or self._house._public.get(word, word)

    def _bound(self, word: str) -> str:
        """Return what `word`, bound here, is called."""
        inside = self._inside(word)
        if inside:
            return inside[0]
        thing = self._module.top.get(word)
        return self._house._given.get(thing.what, word) if thing and thing.kind == "own" else word

    # -- scopes

    def _note(self, brief: str) -> str:
        """Put down, before it is lost, what is defined here and called `brief` from now on."""
        name = ".".join(self._within_what)
        told = self._house._told[self._house._root[self._module.name]].setdefault(brief, [])
        if name not in told:
            told.append(name)
        return name

    def _function(self, node):
        arguments = node.args
        arguments.defaults = [self.visit(part) for part in arguments.defaults]
        arguments.kw_defaults = [part and self.visit(part) for part in arguments.kw_defaults]
        listed = syntax.arguments(arguments)
        for arg in listed:
            arg.annotation = arg.annotation and self.visit(arg.annotation)
        house = self._house
        used = {
            brief for is_class, names in self._scopes if not is_class for brief in names.values()
        }
        free = (brief for brief in house._parameters if brief not in used)
        names = {word: word for word in syntax.local(node)}
        nested = [
            part.name
            for part in syntax.at_this_level(node)
            if part is not node and isinstance(part, syntax.DEFINITIONS)
        ]
        for word in [*(arg.arg for arg in listed), *nested]:
            names[word] = word if word in house._passed else next(free, word)
        self._scopes.append((False, names))
        for arg in listed:
            arg.arg = names[arg.arg]
        if isinstance(node, ast.Lambda):
            node.body = self.visit(node.body)
        else:
            node.body = self._body(node.body)
        self._scopes.pop()
        return node

    def _body(self, parts):
        made = [self.visit(part) for part in parts]
        flat = chain.from_iterable(one if isinstance(one, list) else [one] for one in made)
        return [*flat] or [ast.Pass()]

    def visit_FunctionDef(self, node):
        node.decorator_list = [self.visit(part) for part in node.decorator_list]
        node.returns = node.returns and self.visit(node.returns)
        self._within_what.append(node.name)
        node.name = self._bound(node.name)
        self._note(node.name)
        node = self._function(node)
        self._within_what.pop()
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node):
        return self._function(node)

    def visit_ClassDef(self, node):
        node.decorator_list = [self.visit(part) for part in node.decorator_list]
        self._within_what.append(node.name)
        is_fault = any(map(self._is_fault, node.bases))
        if is_fault:
            self._own_faults.add(node.name)
        node.bases = [self.visit(part) for part in node.bases]
        node.name = self._bound(node.name)
        called = self._note(node.name)
        if is_fault:
            self._house._faults.setdefault(node.name, []).append(called)
        names = {word: self._attribute(word) for word in syntax.class_body(node)}
        self._scopes.append((True, names))
        node.body = self._body(
            part
            for part in node.body
            if not (
                isinstance(part, syntax.DEFINITIONS)
                and (self._unspoken(part.name) or self._unused(part.name))
            )
        )
        self._scopes.pop()
        self._within_what.pop()
        return node

    def _is_fault(self, base: ast.expr) -> bool:
        """Tell whether a class of this base, which is no other module's, is an exception."""
        known = isinstance(base, ast.Name) and getattr(builtins, base.id, None)
        if isinstance(known, type):
            return issubclass(known, BaseException)
        return isinstance(base, ast.Name) and base.id in self._own_faults

    def _unused(self, name: str) -> bool:
        return ".".join([*self._within_what, name]) in self._house._unused

    def _unspoken(self, method: str) -> bool:
        """Tell whether nobody speaks of a method, nor may the interpreter itself."""
        everywhere, here = rom()
        return (
            not self._house._speaks(method)
            and not _DUNDER.fullmatch(method)
            and method not in everywhere | here
        )

    def _comprehension(self, node):
        names = {
            word.id: word.id
            for part in node.generators
            for word in ast.walk(part.target)
            if isinstance(word, ast.Name)
        }
        self._scopes.append((False, names))
        self.generic_visit(node)
        self._scopes.pop()
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    # -- expressions and statements

    def visit_Constant(self, node):
        if id(node) in self._house._said:
            return ast.Constant(self._house._said[id(node)])
        return node

    def visit_Name(self, node):
        inside = self._inside(node.id)
        if inside:
            return ast.Name(inside[0], node.ctx)
        if isinstance(node.ctx, ast.Load):
            return self._top(node.id)
        return ast.Name(self._bound(node.id), node.ctx)

    def visit_Attribute(self, node):
        house = self._house
        if isinstance(node.value, ast.Name):
            path = self._path(node.value.id)
            if path:
                home = house._modules[path]
                if node.attr not in home.top:
                    raise Exposed(f"{self._module.name}:{node.lineno}: {path} has no {node.attr}")
                thing = house._origin(home, node.attr)
                if thing.kind == "const":
                    return _number(thing.what)
                if thing.kind != "own":
                    raise Exposed(
                        f"{self._module.name}:{node.lineno}: {node.attr} is not {path}'s"
                    )
                root = house._root[thing.what[0]]
                if root == house._root[self._module.name]:
                    return ast.Name(house._given[thing.what], node.ctx)
                if self._inside(node.value.id):  # imported here, by this name
                    return ast.Attribute(node.value, house._given[thing.what], node.ctx)
                called = house._called[root]
                self._module.uses.setdefault(root, {})[None] = called
                return ast.Attribute(ast.Name(called), house._given[thing.what], node.ctx)
        node.value = self.visit(node.value)
        node.attr = self._attribute(node.attr)
        return node

    def _path(self, word: str) -> str | None:
        """Return the path of the module of the house that `word` is here."""
        thing = self._module.top.get(word)
        if self._inside(word):
            return None if thing else self._module.aliases.get(word)
        return thing.what if thing and thing.kind == "module" else None

    def visit_Import(self, node):
        self._within(node)
        for alias in node.names:
            if alias.name in self._house._modules:
                self._module.within.add(self._house._root[alias.name])
                alias.name = self._house.place(self._house._root[alias.name])
        return node

    def visit_ImportFrom(self, node):
        # In a function: what it brings keeps its name there.
        self._within(node)
        house, made = self._house, []
        for alias in node.names:
            path = f"{node.module}.{alias.name}"
            known = alias.asname or alias.name
            if path in house._modules:
                root = house._root[path]
                self._module.within.add(root)
                if root != house._root[self._module.name]:
                    package, _, leaf = house.place(root).rpartition(".")
                    brief = ast.alias(leaf, None if leaf == known else known)
                    made.append(
                        ast.ImportFrom(package, [brief], 0) if package else ast.Import([brief])
                    )
            elif node.module in house._modules:
                thing = house._origin(house._modules[node.module], alias.name)
                if thing is None or thing.kind != "own":
                    raise Exposed(
                        f"{self._module.name}:{node.lineno}: {alias.name} can't be had here"
                    )
                given, root = house._given[thing.what], house._root[thing.what[0]]
                self._module.within.add(root)
                brief = ast.alias(given, None if given == known else known)
                if root == house._root[self._module.name]:
                    made.append(
                        ast.Assign([ast.Name(known, ast.Store())], ast.Name(given), lineno=0)
                    )
                else:
                    made.append(ast.ImportFrom(house.place(root), [brief], 0))
            else:
                made.append(ast.ImportFrom(node.module, [alias], 0))
        return made or ast.Pass()

    def _within(self, node) -> None:
        if not self._scopes:
            raise Exposed(f"{self._module.name}:{node.lineno}: an import that depends")

    def visit_Global(self, node):
        node.names = [self._bound(word) for word in node.names]
        return node

    visit_Nonlocal = visit_Global

    def visit_ExceptHandler(self, node):
        if node.name:
            node.name = self._bound(node.name)
        self.generic_visit(node)
        return node


@cache
def rom() -> tuple[frozenset[str], frozenset[str]]:
    """Return the names that the interpreter of every port has in ROM, and those of this port."""
    everywhere, _, here = _ROM.read_text(encoding="utf-8").partition("\n\n")
    return frozenset(everywhere.split()), frozenset(here.split())


def _added(call: ast.Call, function: ast.AST, where: str) -> int:
    """Return which of the arguments that `function` is given it adds to a folder in `call`."""
    own = [arg.arg for arg in function.args.args]
    for node in call.args:
        if isinstance(node, ast.BinOp) and isinstance(node.right, ast.Name):
            if node.right.id in own:
                return own.index(node.right.id) - (own[0] == "self")
    raise Exposed(f"{where}: what is added to a folder has to be given by name")


def _sorted(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the keys of `needs`, each after what it needs. Raises `Exposed`."""
    try:
        return [*TopologicalSorter(needs).static_order()]
    except CycleError as error:
        raise Exposed("these import each other: " + ", ".join(error.args[1])) from None


def _files(taken: Iterable[str]) -> Iterator[str]:
    """Yield names for modules, the shortest first: free of cost, and nobody else's."""
    everywhere, _ = rom()
    others = {name.split(".")[0] for name in taken} | {*_MODULES.split()} | set(dir(builtins))
    names = [name for name in everywhere if name.islower() and name.isalpha()]
    yield from sorted(set(names) - others, key=lambda name: (len(name), name))


def _pool(names: Iterable[str], taken: set[str]) -> Iterator[str]:
    """Yield names that are free of cost and not taken, then short ones, without end."""
    yield from sorted(set(names) - taken, key=lambda name: (name.lower(), name))
    yield from (name for name in map(_short, count()) if name not in taken)


def _again(module: _Module, names: list[str], code: set[str]) -> dict[str, str]:
    """Return the names, of `names`, of what is private in a module: no method has one of `code`,
    which those of this module are added to.
    """
    methods = syntax.methods(module.tree)
    private = Counter(
        node.attr
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and _PRIVATE.fullmatch(node.attr)
    )
    for word in syntax.class_level(module.tree):
        if _PRIVATE.fullmatch(word):
            private[word] += 1
    given = {}
    for word in sorted(private, key=lambda word: (word not in methods, -private[word], word)):
        free = chain(names, (_short(number) for number in count()))
        barred = set(given.values()) | (code if word in methods else set())
        given[word] = next(name for name in free if name not in barred)
    code.update(given[word] for word in methods if word in given)
    return given


def _short(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
        if not number:
            return "_" + digits
        number -= 1


def _parts(value: object) -> tuple:
    return value if isinstance(value, tuple) else (value,)


def _number(value: int | bytes | tuple) -> ast.expr:
    if isinstance(value, tuple):
        return ast.Tuple([_number(part) for part in value], ast.Load())
    if isinstance(value, bytes):
        return ast.Constant(value)
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


_MODULES = """
aioespnow apa106 argparse array asyncio binascii bluetooth boot btree builtins cmath
collections core cryptolib deflate dht ds18x20 errno esp esp32 espnow event ffi flashbdev
framebuf funcs gc hashlib heapq inisetup io json lock machine main marshal math micropython mip
mqtt neopixel network ntptime onewire openamp os platform random re requests rp2 select
socket ssl stream struct sys termios time tls uasyncio uctypes umqtt uos usys vfs webrepl
websocket zephyr zlib assets certs lib
"""
"""Modules that an interpreter has, or may have, and what else lies at a device's root."""


_OF_BASES = frozenset(
    (
        *("args", "value", "errno"),
        *("fill", "pixel", "hline", "vline", "rect", "fill_rect", "ellipse", "poly", "line"),
        *("text", "scroll", "blit"),
    )
)
"""Attributes of the interpreter's classes that classes of the house may inherit from."""


if __name__ == "__main__":
    from tools.build import names

    sys.exit(names.main())
