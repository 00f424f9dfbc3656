"""The keys that lead through pages, and what a choice can end in besides an item.

Codes as drivers.keypad gives them. Imports nothing of the house.
"""

from micropython import const

NONE = const(-1)
BACK = const(-1)
SUBMIT = const(-2)

UP = const(0x41)  # A
DOWN = const(0x42)  # B
CANCEL = const(0x43)  # C
CONFIRM = const(0x44)  # D
HELP = const(0xC4)  # D held
