"""Models of the parts on the board: each one knows its chip's data sheet and nothing else.

A model is called from two threads, the bus service (the terminal's side) and the host's event loop
(the person's side); each guards its own state. Models import only the standard library.
"""


class PowerCut(Exception):
    """Raised inside a bus operation at the moment at which the supply fails."""
