"""The words of the terminal: from firmware/text/*.json to one file per language, and their checks.

The format is in firmware/ui/text.py. What always holds: all languages have the same keys with the
same placeholders, no two keys share a hash, and every key that the firmware's sources name
exists.
"""

import ast
import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "firmware" / "text"
LANGUAGES = ("zh", "en")

_HEADER = struct.Struct("<2sB2sH")
_KEY = re.compile(r"[a-z][a-z_]*(\.[A-Za-z0-9_]+)+")
_PATTERN = re.compile(r"[a-z][a-z_]*\.[A-Za-z0-9_.]*(%[0-9]*[a-zA-Z][A-Za-z0-9_]*)?")
_PLACEHOLDER = re.compile(r"%[0-9.]*[a-zA-Z%]")


class TextError(Exception):
    """The words are not as they have to be."""


def hashed(key: str) -> int:
    """Return the 24-bit hash of a key, as firmware/ui/text.py computes it."""
    value = 5381
    for byte in key.encode():
        value = (value * 33 ^ byte) & 0xFFFFFF
    return value


def read(language: str, folder: Path = FOLDER) -> dict[str, str]:
    """Return {key: words} of a language; raises TextError for a malformed or repeated key."""

    def unique(pairs):
        keys = [key for key, _ in pairs]
        twice = {key for key in keys if keys.count(key) > 1}
        wrong = [
            key for key, words in pairs if not _KEY.fullmatch(key) or not isinstance(words, str)
        ]
        if twice or wrong:
            raise TextError(f"{language}.json: repeated {sorted(twice)}, malformed {wrong}")
        return dict(pairs)

    source = (folder / f"{language}.json").read_text("utf-8")
    return json.loads(source, object_pairs_hook=unique)


def read_all(folder: Path = FOLDER) -> dict[str, dict[str, str]]:
    """Return {language: {key: words}}; raises TextError when the languages differ in form."""
    texts = {language: read(language, folder) for language in LANGUAGES}
    first = texts[LANGUAGES[0]]
    for language, other in texts.items():
        if other.keys() != first.keys():
            raise TextError(f"{language}.json differs in: {sorted(other.keys() ^ first.keys())}")
        for key, words in other.items():
            if _PLACEHOLDER.findall(words) != _PLACEHOLDER.findall(first[key]):
                raise TextError(f"{language}.json: other placeholders in {key}")
    return texts


def pack(language: str, words: dict[str, str]) -> bytes:
    """Return the text file of a language; raises TextError when two keys share a hash."""
    by_hash = {}
    for key in words:
        if by_hash.setdefault(hashed(key), key) != key:
            raise TextError(f"{key} and {by_hash[hashed(key)]} share a hash: rename one")
    entries = bytearray()
    body = bytearray()
    for value in sorted(by_hash):
        entries += value.to_bytes(3, "little") + struct.pack("<H", len(body))
        body += f"{by_hash[value]}\n{words[by_hash[value]]}".encode()
    if len(body) > 0xFFFF:
        raise TextError(f"{language}: more than 64 KiB of words")
    entries += b"\xff\xff\xff" + struct.pack("<H", len(body))
    return _HEADER.pack(b"RT", 2, language.encode(), len(words)) + bytes(entries) + bytes(body)


def build(out: Path, folder: Path = FOLDER) -> set[str]:
    """Write the file of every language into the folder `out`; return the characters used."""
    out.mkdir(parents=True, exist_ok=True)
    used = set()
    for language, words in read_all(folder).items():
        (out / f"{language}.bin").write_bytes(pack(language, words))
        used.update(*words.values())
    return used - {"\n"}


def named_keys(firmware: Path) -> Iterator[tuple[Path, str]]:
    """Yield (file, key) for every text key or pattern of keys in the string literals of a folder.

    A literal counts when it is an area of the texts, a dot and a name; `rule.%d` is a pattern.
    """
    areas = {key.partition(".")[0] for key in read(LANGUAGES[0])}
    for path in sorted(firmware.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                literal = node.value
                if _PATTERN.fullmatch(literal) and literal.partition(".")[0] in areas:
                    yield path, literal


def unknown_keys(firmware: Path, words: dict[str, str]) -> list[str]:
    """Return `file: key` for each key or pattern in the sources that no key of `words` answers."""
    return [
        f"{path.name}: {key}"
        for path, key in named_keys(firmware)
        if not any(_wanted(key).fullmatch(known) for known in words)
    ]


def unspoken_keys(firmware: Path, words: dict[str, str]) -> list[str]:
    """Return the keys of `words` that no key or pattern in the sources asks for."""
    asked = {_wanted(key) for _, key in named_keys(firmware)}
    return [known for known in words if not any(wanted.fullmatch(known) for wanted in asked)]


def _wanted(key):
    # A key or pattern as a regular expression.
    parts = [re.escape(part) for part in _PLACEHOLDER.split(key)]
    return re.compile("[A-Za-z0-9_]+".join(parts) + ("[A-Za-z0-9_]+" if key[-1] == "." else ""))
