"""Help: what the page wants that stands there, whom to call, and what to say of this terminal."""

_TITLE = "help.title"


async def run(desk, topic):
    """Show it; D leads on to what happens when the merchant number changes.

    topic: the text key by which the page is known.
    """
    text, identity = desk.text, desk.identity
    words = text("help." + topic.replace(".", "_"))
    if words[0] == "?":  # nothing is written for this page
        words = text("help.any")
    lines = [words, text("help.call") + desk.hotline]
    if identity is not None:
        lines.append(text("about.terminal") + identity.terminal.decode())
        lines.append(text("help.merchant") + identity.merchant.decode())
    if await desk.pages.message(_TITLE, "\n".join(lines)):
        await desk.pages.message("merchant.title", text("merchant.changes"), True)
