"""Drawings as points in strokes: from lists of x and y, or from steps of a pen; and the faults that one can have.

Axes: T points.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.signature import Field
from rnnlab.strict import shown

STROKES = Field("strokes", "strokes", (3,), ("x", "y", "end"))


class BadDrawing(ValueError):
    """A drawing can't be used; the message says what was expected, what was received, and what to do."""


def points_of_lists(drawing: object) -> NDArray[np.float32]:
    """Return the points (T, 3) of a drawing of strokes `[[x, …], [y, …]]`; times, a third list, are passed over.

    Raises:
        BadDrawing: it is of another form, or `checked` refuses it.
    """
    if not isinstance(drawing, list) or not drawing:
        raise BadDrawing(f"expected a list of one or more strokes; received {shown(drawing)}; remove the drawing")
    strokes = [_points_of_stroke(stroke, number) for number, stroke in enumerate(drawing)]
    return checked(np.concatenate(strokes))


def _points_of_stroke(stroke: Any, number: int) -> NDArray[np.float64]:
    where = f"stroke {number} (counted from 0): expected"
    if not isinstance(stroke, list) or len(stroke) not in (2, 3) or not all(isinstance(each, list) for each in stroke):
        raise BadDrawing(f"{where} [[x, …], [y, …]], and of raw data times; received {shown(stroke)}")
    x, y = stroke[:2]
    if len(x) != len(y):
        raise BadDrawing(f"{where} as many y as x, {len(x)}; received {len(y)}; the line is damaged; remove it")
    if not x:
        raise BadDrawing(f"{where} one or more points; received none; remove the stroke")
    try:
        places = np.array([x, y])
    except ValueError:  # lists among the numbers
        places = np.array("")
    if places.dtype.kind not in "iuf" or places.ndim != 2:
        other = next((each for each in (*x, *y) if isinstance(each, bool) or not isinstance(each, int | float)), x)
        raise BadDrawing(f"{where} numbers; received {shown(other)}")
    points = np.zeros((len(x), 3))
    points[:, :2] = places.T
    points[-1, 2] = 1
    return points


def points_of_steps(steps: NDArray[Any], *, from_a_point: bool) -> NDArray[np.float32]:
    """Return the points (T, 3) of steps (dx, dy, lift), each from the point before.

    Args:
        steps: (T, 3), or one less.
        from_a_point: whether the first step begins at a point of the drawing, as in the TFRecord files of the
            QuickDraw tutorial, or leads to the first one, as in those of sketch-rnn.

    Raises:
        BadDrawing: as of `checked`, or a lift is no number.
    """
    lifts = np.isfinite(steps[:, 2])
    if not lifts.all():
        step = int(np.argmin(lifts))
        raise BadDrawing(
            f"step {step} (counted from 0): expected a lift of 0 or 1; received {steps[step, 2]:g}; remove the drawing"
        )
    points = np.zeros((len(steps) + from_a_point, 3))
    if len(steps):
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is told below
            points[from_a_point:, :2] = np.cumsum(steps[:, :2], axis=0, dtype=np.float64)
        points[from_a_point:, 2] = steps[:, 2] > 0.5
        points[-1, 2] = 1  # the pen is lifted in the end, whether that is said or not
    return checked(points)


def checked(points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return points (T, 3) as float32.

    Raises:
        BadDrawing: there are fewer than two, or one is not a finite number.
    """
    if len(points) < 2:
        received = "one" if len(points) else "none"
        raise BadDrawing(f"expected a drawing of two points or more; received {received}; remove the drawing")
    with np.errstate(over="ignore"):
        result = points.astype(np.float32)
    finite = np.isfinite(result).all(axis=1)
    if not finite.all():
        point = int(np.argmin(finite))
        x, y = (float(each) for each in points[point, :2])
        raise BadDrawing(
            f"point {point} (counted from 0): expected finite numbers; received x {x:g} and y {y:g}; remove the drawing"
        )
    return result
