"""Sources whose native code runs as bytecode: for interpreters that no native code is made for.

What always holds: lines stay, and a source says the same as before; only the marks of native code
go, and the casts to an address, which as bytecode are the buffer itself. Imports only the
standard library.
"""

import ast

_MARKS = ("micropython.viper", "micropython.native")
_CASTS = ("ptr8", "ptr16", "ptr32")


def portable(source: str) -> str:
    """Return `source` without marks of native code."""
    tree = ast.parse(source)
    places = []
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(decorator_list=marks):
                places += [
                    (mark.lineno, mark.col_offset - 1, mark.end_col_offset)  # with its @
                    for mark in marks
                    if ast.unparse(mark) in _MARKS
                ]
            case ast.Call(func=ast.Name(id=name) as cast) if name in _CASTS:
                places.append((cast.lineno, cast.col_offset, cast.end_col_offset))
    lines = source.encode().splitlines(keepends=True)
    for row, start, end in sorted(places, reverse=True):
        line = lines[row - 1]
        lines[row - 1] = line[:start] + line[end:]
    return b"".join(lines).decode()
