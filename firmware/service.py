"""The last page: the terminal cannot work, and nothing that is stored was lost.

May import ui and storage.
"""

from firmware.storage import audit
from firmware.storage.journal import FLASH_MISSING
from firmware.ui import canvas as paint


def run(desk, code):
    """Show the page with `code`, and who is to be called; then have the audit log say so, as far
    as the journal is none of the trouble. Raises what keeps the page from being shown.
    """
    pages, canvas = desk.pages, desk.pages.canvas
    canvas.clear()
    canvas.title(pages.text("service.title"), str(code))
    ends = []
    words = canvas.wrap(pages.text("service.stopped"), ends)
    pages.body(words, ends, paint.BODY_LINES)
    canvas.line(paint.LINES - 1, " ".join([desk.hotline] + desk.board.faults))
    canvas.show()
    if code < FLASH_MISSING and desk.state is not None:
        try:
            entry = audit.entry(audit.NEEDS_SERVICE, desk.board.clock.now(), detail=b"%d" % code)
            desk.state.put((), entry)
        except Exception as fault:
            print("not noted:", repr(fault))  # tried once: the page matters more
