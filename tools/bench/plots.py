"""How the reports' plots look, so that all look alike. Imports matplotlib only."""

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402 - only after the back end without a screen is chosen

OURS = "#1f6f8b"
OTHER = "#d9822b"
OTHER_PALE = "#efc08f"
BAR = "#b03030"  # what must not be passed
INK = "#333333"

pyplot.rcParams.update(
    {
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": INK,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "figure.constrained_layout.use": True,
    }
)


def figure(rows, columns, width, height, **options):
    """Return a figure of `width` by `height` inches and its axes."""
    return pyplot.subplots(rows, columns, figsize=(width, height), **options)


def save(drawing, path):
    """Write the figure as a PNG; the same figure gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(path, dpi=150, metadata={"Software": None})
    pyplot.close(drawing)
