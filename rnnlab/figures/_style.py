"""How all figures look: one palette, one canvas, restrained axes.

Colours: Okabe and Ito, "Color Universal Design", 2008, which colour-blind readers tell apart.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

BLUE, SKY, ORANGE, GREEN = "#0072B2", "#56B4E9", "#D55E00", "#009E73"
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


def wrapped(detail: str, width: int) -> list[str]:
    """Return lines of at most `width` characters, broken between the parts that ` · ` separates where that does."""
    lines: list[str] = []
    for part in detail.split(" · ") if detail else []:
        if lines and len(lines[-1]) + len(part) + 3 <= width:
            lines[-1] += f" · {part}"
        else:
            lines += textwrap.wrap(part, width, break_on_hyphens=False)
    return lines


def key(drawing: Drawing, axes: Axes, columns: int = 4) -> None:
    """Write the axes' legend below everything, where it covers no data."""
    handles, labels = axes.get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False, fontsize=SMALL)
