"""Help over whatever page is open: that page stands there again afterwards, as it was.

Driven by a Pages object. May import crypto.wipe.
"""

from firmware.crypto.wipe import wipe


async def run(pages):
    """Show help for the page that is open. Raises what a page raises."""
    buffer = pages.canvas.panel.buffer
    before, topic, help = bytearray(buffer), pages.topic, pages.help
    pages.help = None  # there is none for help
    try:
        await help("help", topic)
        buffer[:] = before
        pages.canvas.show()
    finally:
        pages.help, pages.topic = help, topic
        wipe(before)
