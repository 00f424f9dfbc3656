"""Takes down what only the building of the terminal needed: the constructors of what there is one
of, and what is done once at a start.

What always holds: nothing of that is called again before power goes; the memory it was in is of
use to whatever runs. Imports nothing of the house.
"""


def run(terminal):
    """Take it out of the classes of the `terminal` and of all that its desk holds."""
    desk = terminal.desk
    board, pages, sync = desk.board, desk.pages, desk.sync
    journal = desk.state.journal
    type(board.keypad).held = None
    type(journal).resume = None
    for one in (
        (board, board.oled, board.keypad, board.magstripe, board.flash, board.keystore)
        + (board.clock, board.wifi, board.link)
        + (terminal, desk, desk.text, pages, pages.canvas, pages.canvas.glyphs)
        + (journal, desk.state, desk.identity, desk.change, sync, sync.line)
    ):
        if one is not None:  # a card reader may be missing
            type(one).__init__ = None
