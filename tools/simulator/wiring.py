"""Which part is on which pin of a board: read from the firmware's own table in `drivers/pins.py`.

The simulated board is wired as that table says, and in no second place. The table is read as text:
nothing of the firmware runs here.
"""

import ast
from dataclasses import dataclass

from tools.simulator.interpreter import REPOSITORY

_TABLE = "PINS"


@dataclass(frozen=True)
class Wiring:
    """GPIO numbers of the parts, and the card reader's UART."""

    rows: tuple
    columns: tuple
    sda: int
    scl: int
    reader_uart: int
    reader_rx: int
    buzzer: int
    input_only: tuple


def wiring(board):
    """Return the wiring of a board by its name. Raises KeyError for an unknown one."""
    tree = ast.parse((REPOSITORY / "drivers" / "pins.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == _TABLE:
            rows, columns, bus, reader, buzzer = ast.literal_eval(node.value)[board]
            return Wiring(
                rows,
                columns,
                bus[0],
                bus[1],
                reader[0],
                reader[1],
                buzzer,
                () if "s3" in board else tuple(range(34, 40)),
            )
    raise LookupError(f"drivers/pins.py has no {_TABLE}")
