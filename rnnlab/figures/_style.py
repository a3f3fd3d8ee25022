"""How all figures look: one palette, one canvas, restrained axes.

Colours: Okabe and Ito, "Color Universal Design", 2008, which colour-blind readers tell apart.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure as Drawing

BLUE, SKY, ORANGE, GREEN = "#0072B2", "#56B4E9", "#D55E00", "#009E73"
AMBER, PINK = "#E69F00", "#CC79A7"
GREY, LIGHT, INK = "#767676", "#DDDDDD", "#222222"
SMALL, NORMAL, LARGE = 8.0, 9.5, 11.5  # points


def canvas(width: float, height: float) -> Drawing:
    """Return an empty drawing of this size in inches that lays its labels out without overlap."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(drawing)
    drawing.get_layout_engine().set(w_pad=0.1, h_pad=0.08)  # type: ignore[call-arg, union-attr]  # inches
    return drawing


def tidy(axes: Axes, xlabel: str, ylabel: str, grid: str = "y") -> None:
    """Label the axes, and take away the ink that says nothing."""
    axes.set_xlabel(xlabel, fontsize=NORMAL, color=INK)
    axes.set_ylabel(ylabel, fontsize=NORMAL, color=INK)
    axes.tick_params(labelsize=SMALL, colors=INK, length=3, color=GREY)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis=grid, color=LIGHT, linewidth=0.7)  # type: ignore[arg-type]


def headline(drawing: Drawing, axes: Axes, title: str, detail: str = "") -> None:
    """Write a title, flush left, with a smaller line of detail below it. Dollar signs are text, not mathematics."""
    lines = wrapped(detail, int((drawing.get_figwidth() - 0.8) * 14.5))
    pad = 6 + len(lines) * SMALL * 1.3 + 2
    axes.set_title(title, loc="left", fontsize=LARGE, color=INK, fontweight="bold", pad=pad, parse_math=False)
    axes.annotate(
        "\n".join(lines),
        (0, 1),
        (0, 6),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=SMALL,
        color=GREY,
        va="bottom",
        parse_math=False,
        in_layout=False,  # the title's pad keeps its place; its width must not squeeze the axes
    )


def headline_of_all(drawing: Drawing, title: str, detail: str) -> None:
    """Write the title and the line of detail over several axes that have titles of their own."""
    width, height = drawing.get_size_inches()
    lines = wrapped(detail, int((width - 0.4) * 14.5))
    style: dict[str, Any] = {"ha": "left", "va": "top", "parse_math": False}
    left, down = 0.1 / width, (0.1 + LARGE * 1.35 / 72) / height
    room = "\n" * round(len(lines) * SMALL / LARGE + 0.4)  # the layout keeps room for the title alone
    drawing.suptitle(title + room, x=left, fontsize=LARGE, fontweight="bold", color=INK, **style)
    drawing.text(left, 1 - down, "\n".join(lines), fontsize=SMALL, color=GREY, in_layout=False, **style)


def thousands(axis: Axis) -> None:
    """Write an axis's numbers as 1,234,567 and 0.25, without an offset."""
    axis.set_major_formatter("{x:,.10g}")


def wrapped(detail: str, width: int) -> list[str]:
    """Return lines of at most `width` characters, broken between the parts that ` · ` separates where that does."""
    lines: list[str] = []
    for part in detail.split(" · ") if detail else []:
        if lines and len(lines[-1]) + len(part) + 3 <= width:
            lines[-1] += f" · {part}"
        else:
            lines += textwrap.wrap(part, width, break_on_hyphens=False)
    return lines


def key(drawing: Drawing, axes: Axes | Sequence[Axes], columns: int = 4) -> None:
    """Write the axes' legend below everything, where it covers no data, in as many columns as fit.

    What several axes have of the same name is written once.
    """
    every = axes if isinstance(axes, Sequence) else [axes]
    named: dict[str, Any] = {}
    for each in every:
        for handle, name in zip(*each.get_legend_handles_labels(), strict=True):
            named.setdefault(name, handle)
    longest = max((len(name) for name in named), default=0)
    columns = max(1, min(columns, int(drawing.get_figwidth() * 14.5 / (longest + 8))))
    style: dict[str, Any] = {"loc": "outside lower center", "ncols": columns, "frameon": False, "fontsize": SMALL}
    drawing.legend(list(named.values()), list(named), **style)
