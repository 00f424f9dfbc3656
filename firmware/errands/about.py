"""What this terminal is: the four words that `make verify` says of its files, and its numbers."""

_WORDS_AT = 2  # in the first line of the manifest


async def run(desk):
    """Show the words of the build, terminal and serial number."""
    with open("manifest.txt") as file:
        words = file.readline().split()[_WORDS_AT:]
    identity = desk.identity
    lines = (
        desk.text("about.build") + " ".join(words),
        desk.text("about.terminal") + identity.terminal.decode(),
        desk.text("about.serial") + identity.serial.decode(),
    )
    await desk.pages.message("about.title", "\n".join(lines), True)
