"""A bar that shows how far a sweep is; where nobody looks at a terminal there is none."""

from rich.progress import Progress


def shown(console, what, run):
    """Return what `run(tell)` returns, with a bar called `what` meanwhile.

    console: rich.console.Console. tell(done, units): how far it is.
    """
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=None)
        return run(lambda done, units: progress.update(task, completed=done, total=units))
