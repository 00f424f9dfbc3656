"""Questions about a source: what it binds, what it speaks of, and where.

What always holds: a name is bare, or the attribute of something; what a class body binds is an
attribute. Imports only the standard library.
"""

import ast
from collections.abc import Iterator
from itertools import pairwise

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def is_const(node: ast.stmt) -> bool:
    match node:
        case ast.Assign(targets=[ast.Name()], value=ast.Call(func=ast.Name(id="const"), args=[_])):
            return True
    return False


def at_this_level(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run when the body of `node` runs, nested definitions as a whole."""
    for part in ast.iter_child_nodes(node):
        yield part
        if isinstance(part, DEFINITIONS):
            for outside in (*part.decorator_list, *evaluated_outside(part)):
                yield outside
                yield from at_this_level(outside)
        elif not isinstance(part, (ast.Lambda, *_COMPREHENSIONS)):
            yield from at_this_level(part)


def evaluated_outside(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.ClassDef):
        return [*node.bases, *(word.value for word in node.keywords)]
    return [part for part in (*node.args.defaults, *node.args.kw_defaults) if part]


def arguments(arguments: ast.arguments) -> list[ast.arg]:
    listed = [*arguments.posonlyargs, *arguments.args, arguments.vararg]
    return [arg for arg in (*listed, *arguments.kwonlyargs, arguments.kwarg) if arg]


def bound_by(node: ast.AST) -> Iterator[str]:
    """Yield the bare names that a node binds where it runs."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case (
            ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name)
        ):
            yield name
        case ast.ExceptHandler(name=str(name)):
            yield name
        case ast.Import(names=names):
            yield from (alias.asname or alias.name.split(".")[0] for alias in names)
        case ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name for alias in names)


def local(node: ast.AST) -> set[str]:
    """Return the names that belong to a function, its parameters included."""
    found = {arg.arg for arg in arguments(node.args)}
    elsewhere = set()
    for part in at_this_level(node):
        found.update(bound_by(part))
        if isinstance(part, (ast.Global, ast.Nonlocal)):
            elsewhere.update(part.names)
    return found - elsewhere


def class_body(node: ast.ClassDef) -> set[str]:
    return {
        word
        for part in node.body
        for inner in (part, *at_this_level(part))
        if not (isinstance(part, DEFINITIONS) and inner is not part)
        for word in bound_by(inner)
    }


def class_level(tree: ast.AST) -> Iterator[str]:
    """Yield the names of methods and of what else is bound in class bodies."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from class_body(node)


def methods(tree: ast.AST) -> set[str]:
    """Return the names of the functions that are made in class bodies."""
    return {
        part.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for part in node.body
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def spoken_in_class(tree: ast.AST) -> set[str]:
    """Return the bare names that are looked up when class bodies run."""
    return {
        part.id
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for part in at_this_level(node)
        if isinstance(part, ast.Name)
    }


def binds_attribute(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
        yield node.attr


def binds(node: ast.AST) -> Iterator[str]:
    yield from binds_attribute(node)
    if not isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from bound_by(node)


def bare(node: ast.AST) -> Iterator[str]:
    yield from bound_by(node)
    match node:
        case ast.Name(id=name) | ast.arg(arg=name):
            yield name


def mentions(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            yield name
        case ast.Constant(value=str(name)):
            yield name


def spelled(node: ast.AST) -> Iterator[str]:
    """Yield the attribute that a getattr() or its like spells out."""
    match node:
        case ast.Call(
            func=ast.Name(id="getattr" | "hasattr" | "setattr" | "delattr"),
            args=[_, ast.Constant(value=str(name)), *_],
        ):
            yield name


def asked_for(node: ast.AST) -> Iterator[str]:
    """Yield the paths of modules that an import brings or that a string may stand for."""
    match node:
        case ast.Import(names=found):
            yield from (alias.name for alias in found)
        case ast.ImportFrom(module=str(path), names=found):
            yield path
            yield from (f"{path}.{alias.name}" for alias in found)
        case ast.Constant(value=str(path)):
            yield path


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, ast.AST, ast.AST]]:
    """Yield every call with what it stands in and the function around it, or the module."""
    ahead = [(tree, tree, tree)]
    while ahead:
        node, parent, within = ahead.pop()
        if isinstance(node, ast.Call):
            yield node, parent, within
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            within = node
        ahead += [(part, node, within) for part in ast.iter_child_nodes(node)]


def bound(node: ast.Assign) -> list[str]:
    """Return the names that an assignment binds; one that is none for whatever else it sets."""
    return [part.id if isinstance(part, ast.Name) else "" for part in node.targets]


def asks(node: ast.AST) -> Iterator[tuple[str, str, tuple[ast.Constant, ast.Constant]]]:
    """Yield what a call asks for, if it does: the path of a module, or that of a folder to which
    a name is added, and what of it; and the two texts that say so.
    """
    if isinstance(node, ast.Call):
        for path, function in pairwise(node.args):
            if isinstance(path, ast.BinOp) and isinstance(path.op, ast.Add):
                path = path.left
            match path, function:
                case ast.Constant(value=str(where)), ast.Constant(value=str(what)):
                    yield where, what, (path, function)


def attributes(node: ast.AST) -> Iterator[str]:
    """Yield what is spoken of as part of something else, or bound as such."""
    match node:
        case ast.Attribute(attr=name) | ast.alias(name=name):
            yield name
        case ast.ClassDef():
            yield from class_body(node)
