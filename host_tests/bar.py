"""How far a sweep is: a bar, or a line for each tenth of it where no terminal is looked at."""

from rich.progress import Progress


def shown(console, what, run):
    """Return what `run(tell)` returns, and show meanwhile how far `what` is.

    console: rich.console.Console. tell(done, units): how far it is.
    """
    if not console.is_terminal:
        return run(_tenths(console, what))
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(what, total=None)
        return run(lambda done, units: progress.update(task, completed=done, total=units))


def _tenths(console, what):
    said = 0

    def tell(done, units):
        nonlocal said
        tenths = done * 10 // units
        if tenths > said:
            said = tenths
            console.print(f"{what}: {tenths * 10} %", markup=False)

    return tell
