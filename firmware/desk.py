"""What an errand works at: pages to show, services to ask, and whoever is logged in.

What always holds: an errand is given this and nothing else, and all that it may ask for is said
here. The only importer of errands. May import rooms and ui.
"""

from firmware import rooms
from firmware.ui.canvas import Canvas
from firmware.ui.font import Font
from firmware.ui.pages import Pages
from firmware.ui.text import Text


class Desk:
    """The desk of a terminal.

    Who is at it, and what is shown:

    - operator: who is logged in, 2 ASCII digits; None for nobody.
    - draft: a form that is being filled in, a bytearray (see errands.draft), or None.
    - ended: the event (see binding.change) that a request ended with while there was no room to
      tell of it; None once it is told.
    - closed: names of the errands that are not opened any more.
    - text: the words of the language chosen. pages: what is shown, and the keys pressed there.
    - hotline: the number to call for help, "" when none is provisioned.

    What it stands on: board, drivers.parts.Parts. The services, all None in a terminal that can't
    have them (its state or its keys are missing):

    - state: storage.state.State. clock: the board's.
    - identity: acquirer.identity.Identity. licence: the merchant's, bytes, or None.
    - change: binding.change.Change. sync: acquirer.sync.Sync.
    """

    def __init__(self, board, hotline):
        self.board = board
        self.hotline = hotline
        self.operator = self.draft = self.ended = None
        self.closed = ()
        self.text = Text("assets/zh.bin")
        canvas = Canvas(board.oled, Font("assets/font.bin"))
        self.pages = Pages(canvas, board.keypad, self.text, beep=board.beep)
        self.pages.help = self.open
        self.state = self.clock = self.identity = self.licence = self.change = self.sync = None

    def use_language(self, language):
        """Show everything in `zh` or `en` from now on."""
        self.text.load("assets/%s.bin" % language)

    def open(self, name, *args):
        """Run an errand, to be awaited. Returns what it returns."""
        return rooms.ask("firmware.errands." + name, "run", self, *args)

    def prove(self, number, title):
        """Ask for an operator's password until it is right; False when given up or locked."""
        return self.open("password", number, title)

    def log_out(self):
        """End the session: the next key wait in any errand leads back to the idle page."""
        self.operator = None
