"""What a bank's name begins with on the digit keys of a phone, character by character.

Every usual reading of a character counts (行 is háng and xíng): pypinyin's first, and those that
it has in some word. Latin letters are their own key, and what has no letter (brackets, signs,
digits) counts for nothing. Needed at an import alone: who searches has what this made. May
import: pypinyin.
"""

import functools
import unicodedata

from pypinyin import Style, pinyin
from pypinyin.constants import PHRASES_DICT

FIRST_KEY = 2  # abc; 9 is wxyz

_KEY = {
    letter: key
    for key, letters in enumerate(
        ("abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"), FIRST_KEY
    )
    for letter in letters
}


def keys(name):
    """Bytes, one for each character of `name` that counts: bit 0 where it may begin on key 2, …
    bit 7 where on key 9.
    """
    return bytes(filter(None, map(_keys_of, unicodedata.normalize("NFKC", name))))


@functools.cache
def _keys_of(character):
    letter = character.casefold()
    if letter not in _KEY:
        readings = pinyin(character, style=Style.FIRST_LETTER, errors="ignore")
        letter = "".join({*readings[0], *_in_words().get(character, ())}) if readings else ""
    return functools.reduce(
        int.__or__, (1 << _KEY[plain] - FIRST_KEY for plain in _plain(letter) if plain in _KEY), 0
    )


@functools.cache
def _in_words():
    """{character: first letters of its readings in the words that pypinyin knows}"""
    found = {}
    for word, readings in PHRASES_DICT.items():
        for character, reading in zip(word, readings, strict=False):
            found.setdefault(character, set()).add(reading[0][:1])
    return found


def _plain(letters):
    """Letters without their tones: some readings begin with a vowel or a nasal that has one."""
    return unicodedata.normalize("NFD", letters)
