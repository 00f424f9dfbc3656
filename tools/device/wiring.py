"""Draws how the parts are wired to each board: `python -m tools.device.wiring`.

What always holds: the pins are those of the firmware's table; the same table gives the same
picture. May import the table and nothing else of the firmware.
"""

from pathlib import Path
from xml.sax.saxutils import escape

from drivers.pins import PINS

FOLDER = Path(__file__).resolve().parents[2] / "docs/pictures"

_KEYS = ("123A", "456B", "789C", "*0#D")
_CHIP_X, _CHIP_W = 350, 160
_LEFT_X, _RIGHT_X = 240, 620  # where the wires end at the parts
_TOP, _PITCH = 96, 36
_FLOATING = range(34, 40)  # inputs of an ESP32 without a pull-up
_STYLE = """
 text { font: 14px sans-serif; fill: #1c2733 }
 .name { font-weight: bold }
 .small { font-size: 12px; fill: #4a5a6a }
 .part { fill: #f4f6f8; stroke: #1c2733; stroke-width: 1.5 }
 .chip { fill: #dfe9f3; stroke: #1c2733; stroke-width: 1.5 }
 .key { fill: #fff; stroke: #8795a3 }
 .wire { stroke-width: 2.5; fill: none }
 .rail { stroke-width: 2; fill: none }
"""
_COLOURS = {"row": "#c2571a", "column": "#2563a8", "bus": "#2c8a4b", "uart": "#7a3fa0"}
_COLOURS |= {"buzzer": "#8a6d1a", "3V3": "#c62828", "GND": "#222"}


def names() -> dict[str, Path]:
    """Return where the picture of each board lies."""
    return {board: FOLDER / f"wiring-{board}.svg" for board in PINS}


def drawing(board: str) -> str:
    """Return the SVG of `board`."""
    rows, columns, (sda, scl), (_, rx, tx), buzzer = PINS[board]
    parts = [_rect("chip", _CHIP_X, 40, _CHIP_W, 400)]
    parts.append(_text(_CHIP_X + _CHIP_W / 2, 66, board, "name", "middle"))
    parts += _keypad()
    left = [(f"row {n}", pin, "row") for n, pin in enumerate(rows, 1)]
    left += [(f"column {n}", pin, "column") for n, pin in enumerate(columns, 1)]
    for place, (label, pin, kind) in enumerate(left):
        parts += _wire(_LEFT_X, place, label, pin, kind)
    parts += _part("OLED SSD1306, I2C", 0, 2)
    parts += _part("card reader, UART 9600 8N1", 3, 2)
    parts += _part("buzzer", 6, 1)
    right = [(0, "SDA", sda, "bus"), (1, "SCL", scl, "bus")]
    floats = rx in _FLOATING and "s3" not in board
    source = "TX; without a reader 3V3" if floats else "TX"
    right += [(3, source, rx, "uart"), (4, "RX", tx, "uart"), (6, "+", buzzer, "buzzer")]
    for place, label, pin, kind in right:
        parts += _wire(_RIGHT_X, place, label, pin, kind)
    parts += _rails()
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 880 480" role="img" '
        f'aria-label="Wiring of {board}">\n<style>{_STYLE}</style>\n'
        '<rect width="880" height="480" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _y(place):
    return _TOP + place * _PITCH


def _keypad():
    yield _rect("part", 20, 70, 220, 316)
    yield _text(40, 100, "keypad, 4 x 4", "name")
    for row, keys in enumerate(_KEYS):
        for column, key in enumerate(keys):
            x, y = 40 + 32 * column, 150 + 44 * row
            yield _rect("key", x, y, 26, 32)
            yield _text(x + 13, y + 21, key, "", "middle")


def _part(name, first, count):
    yield _rect("part", _RIGHT_X, _y(first) - 34, 240, 20 + _PITCH * count + 8)
    yield _text(_RIGHT_X + 12, _y(first) - 16, name, "name")


def _wire(end, place, label, pin, kind):
    y, on_left = _y(place) + 6, end < _CHIP_X
    chip = _CHIP_X if on_left else _CHIP_X + _CHIP_W
    yield f'<path class="wire" stroke="{_COLOURS[kind]}" d="M{end} {y}H{chip}"/>'
    inside, anchor = (chip + 8, "start") if on_left else (chip - 8, "end")
    yield _text(inside, y + 5, f"GPIO {pin}", "", anchor)
    at, anchor = (end - 8, "end") if on_left else (end + 12, "start")
    yield _text(at, y + 5, label, "small", anchor)


def _rails():
    """Draw supply and ground once, from the board to every part that takes them."""
    chip = _CHIP_X + _CHIP_W
    for place, net in ((8, "3V3"), (9, "GND")):
        y = _y(place) + 6
        colour = _COLOURS[net]
        yield f'<path class="rail" stroke="{colour}" d="M{chip} {y}H{_RIGHT_X}"/>'
        yield _text(chip - 8, y + 5, net, "name", "end")
    note = ("supply of OLED, reader, buzzer", "ground of OLED, reader, buzzer")
    for place, words in zip((8, 9), note, strict=True):
        yield _text(_RIGHT_X + 12, _y(place) + 11, words, "small")


def _rect(style, x, y, width, height):
    return f'<rect class="{style}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'


def _text(x, y, words, style, anchor="start"):
    style = f' class="{style}"' if style else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{style}>{escape(words)}</text>'


if __name__ == "__main__":
    for name, path in names().items():
        path.write_text(drawing(name), encoding="utf-8")
