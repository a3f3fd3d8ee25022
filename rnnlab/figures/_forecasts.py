"""What several figures of forecasts read out of the evidence, and how they name it.

Axes: S series, N windows, T time, H horizon, C targets.
"""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.figures import Evidence
from rnnlab.figures._style import canvas, thousands, tidy
from rnnlab.frequency import DAY, WEEK, Frequency
from rnnlab.windows import Windows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

TARGETS = 4  # the first of them
TICKS = 9


@dataclass(frozen=True, eq=False)
class Residuals:
    """What was true less what was forecast.

    Attributes:
        windows: N of them.
        names: the targets' names.
        values: (N, H, C), the first `TARGETS` targets; NaN where nobody knows.
    """

    windows: Windows
    names: tuple[str, ...]
    values: NDArray[Any]


def residuals(evidence: Evidence) -> Residuals | None:
    """Return the residuals of a split of which something is known, or else None."""
    values, targets = evidence.answers.get("values"), evidence.targets
    if evidence.windows is None or values is None or targets is None:
        return None
    found = less(targets, values)
    if not np.isfinite(found).any():
        return None
    return Residuals(evidence.windows, target_names(evidence)[: found.shape[2]], found)


def less(targets: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """Return targets less values, (N, H, C), of the first `TARGETS` targets; NaN where either is not a number."""
    with np.errstate(invalid="ignore"):
        difference = targets[:, :, :TARGETS] - values[:, :, :TARGETS]
    difference[~np.isfinite(difference)] = np.nan
    return difference


def mean_known(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean over the first axis of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    sums = np.where(known, values, 0).sum(axis=0, dtype=np.float64)
    return np.divide(sums, count, out=np.full(np.shape(count), np.nan), where=count > 0)


def middle_half(values: NDArray[Any]) -> tuple[float, float]:
    """Return the first and the third quartile of what is known of (N,); NaN where nothing is."""
    known = values[np.isfinite(values)]
    low, high = np.quantile(known, [0.25, 0.75]) if len(known) else (math.nan, math.nan)
    return float(low), float(high)


def target_names(evidence: Evidence) -> tuple[str, ...]:
    """Return the names of all targets."""
    if evidence.target.names or evidence.windows is None:
        return evidence.target.names
    return evidence.windows.signature.known_target.names


def rows_of(names: tuple[str, ...], height: float) -> tuple[Drawing, list[Axes]]:
    """Return a drawing with one row of axes for each target, which share what is below them."""
    drawing = canvas(7, height if len(names) == 1 else 1.4 + 0.68 * height * len(names))
    return drawing, list(drawing.subplots(len(names), sharex=True, squeeze=False)[:, 0])


def label(axes: Axes, xlabel: str, what: str, name: str) -> None:
    """Label axes whose height is in the unit of a target."""
    tidy(axes, xlabel, "\n".join([what, *textwrap.wrap(f"in the unit of {name}", 32)]))
    axes.yaxis.label.set_parse_math(False)
    axes.locator_params(axis="y", nbins=6)
    thousands(axes.yaxis)


def brief(number: float) -> str:
    """Return a number as a key has it: 31,275 or 0.675."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def windows_from(evidence: Evidence, drawn: int) -> str:
    """Return the run, the split, its size and how many of the targets are drawn, in words."""
    windows = evidence.windows
    count = len(evidence.ids)
    text = f"{evidence.title} · {evidence.split} · {count:,} window{'s' if count != 1 else ''}"
    series = len(np.unique(windows.numbers(np.arange(len(windows))))) if windows is not None else 0
    if series > 1:
        text += f" of {series:,} series"
    every = len(target_names(evidence))
    return text if drawn >= every else f"{text} · the first {drawn} of {every} targets"


def steps_named(frequency: Frequency) -> str:
    """Return what a series steps in, such as `days` or `steps of 15 minutes`."""
    if frequency.unit == "business_day":
        return "business days"
    sizes: tuple[tuple[int, str], ...] = (
        (WEEK, "weeks"),
        (DAY, "days"),
        (3600, "hours"),
        (60, "minutes"),
        (1, "seconds"),
    )
    if frequency.unit != "second":
        sizes = ((12, "years"), (3, "quarters"), (1, "months"))
    size, name = next((size, name) for size, name in sizes if frequency.step % size == 0)
    count = frequency.step // size
    return name if count == 1 else f"steps of {count} {name}"


def step_ticks(most: int, season: int) -> list[int]:
    """Return where to write numbers of steps from 1 to `most`: each, or the ends of seasons, or round ones."""
    if most <= 14:
        return list(range(1, most + 1))
    if season > 1 and most >= 2 * season:
        every = season * math.ceil(most / season / TICKS)
    else:
        power = 10 ** math.floor(math.log10(most / TICKS))
        every = next(power * times for times in (1, 2, 5, 10) if power * times >= most / TICKS)
    ticks = list(range(every, most + 1, every))
    return [1, *ticks] if every > 1 + most / 20 else ticks
