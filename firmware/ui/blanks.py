"""Blanks made visible, so that no two words look the same in a list.

Imports nothing of the house.
"""

# Beyond Unicode, so no text holds them; painted as the boxes of U+0020 and U+000A.
_SPACE = b"\xf4\x90\x80\xa0"
_LINE_FEED = b"\xf4\x90\x80\x8a"


def shown(words):
    """Return the str `words` as bytes for the canvas: a space is blank only alone between others,
    at either end or beside another it is marked, and so is a line feed.
    """
    data = words.encode().replace(b"  ", _SPACE + _SPACE).replace(b"\n", _LINE_FEED)
    if data.startswith(b" "):
        data = _SPACE + data[1:]
    if data.endswith(b" "):
        data = data[:-1] + _SPACE
    return data
