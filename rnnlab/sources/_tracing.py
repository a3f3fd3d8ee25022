"""Pictures of writing as strokes of a pen: enlarged, made black and white, thinned to lines, followed from end to end.

What a pen did is no longer in a picture. So the order of strokes and their direction are ours: from the highest free
end, straight on where lines meet, and around what is closed from its top to the left.

Until the lines are smoothed everything is whole numbers, the same on every machine.

Axes: N pictures, H height, W width, T points.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SCALE = 5  # dots along a pixel of the picture
MARGIN = 1  # pixels of background put around a picture, where lines may bend
REACH = 3 * SCALE  # dots around one that it is compared with
DARKEST = 80  # of 255, that may be ink
SPUR = 6  # dots: a shorter branch is the corner of a thick line
BRIDGE = 8  # dots: crossings closer to each other are one, which thinning pulled apart
LOOK = 6  # dots over which a direction is seen
SHARPEST = -0.3  # cosine of the sharpest turn that a pen makes where lines meet; else it is lifted
SMOOTHINGS = 10  # times that a point becomes the mean of itself and the middle of its neighbours
AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))  # rows and columns, clockwise

Dot = tuple[int, int]  # row and column
Stroke = NDArray[np.float64]  # (T, 2), x and y; y points down


def trace(pictures: NDArray[np.uint8], spacing: float) -> list[list[Stroke]]:
    """Return the strokes of each picture, in pixels from its upper left corner.

    Args:
        pictures: (N, H, W) of 0 to 255, light on dark.
        spacing: pixels from point to point of a stroke, nearly.

    A picture that is dark all over has no strokes.
    """
    lines = thinned(inked(enlarged(pictures)))
    return [[even(smooth(place(stroke)), spacing) for stroke in follow(line)] for line in lines]


def place(stroke: list[Dot]) -> Stroke:
    """Return a stroke's dots as points in the picture, each dot by its middle."""
    rows_and_columns = np.array(stroke, np.float64)
    return (rows_and_columns[:, ::-1] + 0.5) / SCALE - MARGIN


# Enlarging. Cubic convolution (Keys 1981) between pixels, its weights as whole numbers.


def _weights() -> NDArray[np.int64]:
    """Return the weights (SCALE, 5) of the five pixels around one for the dots along it, each row adding to `_WEIGHT`.

    A dot lies t = n / (2 · SCALE) behind a pixel's middle; with that, Keys' polynomials times 2 · (2 · SCALE)³ are
    whole.
    """
    steps, rows = 2 * SCALE, []
    for dot in range(SCALE):
        ahead = 2 * dot + 1 - SCALE  # of the pixel's middle, in steps of which a pixel has 2 · SCALE
        row = []
        for pixel in range(-2, 3):
            d = abs(ahead - pixel * steps)
            if d <= steps:
                row.append(3 * d**3 - 5 * d**2 * steps + 2 * steps**3)
            elif d < 2 * steps:
                row.append(-(d**3) + 5 * d**2 * steps - 8 * d * steps**2 + 4 * steps**3)
            else:
                row.append(0)
        rows.append(row)
    return np.array(rows, np.int64)


_WEIGHT = 2 * (2 * SCALE) ** 3


def enlarged(pictures: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return pictures (N, H, W) with a margin, SCALE times as large, (N, SCALE · (H + 2), SCALE · (W + 2))."""
    values = pictures.astype(np.int64)
    for axis in (1, 2):
        values = np.moveaxis(values, axis, -1)
        padded = np.pad(values, [(0, 0), (0, 0), (MARGIN + 2, MARGIN + 2)])
        around = np.lib.stride_tricks.sliding_window_view(padded, 5, axis=2)  # (N, …, W + 2, 5)
        values = (around @ _weights().T).reshape(*values.shape[:2], -1)
        values = np.moveaxis(values, -1, axis)
    return values


def inked(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which dots of enlarged pictures are ink: as light as the mean around them, and not too dark.

    Beside what is around, since the inside of a small loop is darker than its line, but not dark.
    """
    ahead, behind = REACH // 2, (REACH - 1) // 2
    sums = np.pad(values, [(0, 0), (ahead + 1, behind), (ahead + 1, behind)]).cumsum(axis=1).cumsum(axis=2)
    sums = sums[:, REACH:] - sums[:, :-REACH]
    sums = sums[:, :, REACH:] - sums[:, :, :-REACH]
    return (values >= DARKEST * _WEIGHT**2) & (values * REACH**2 >= sums)


# Thinning.


def thinned(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the lines of ink (N, H, W), one dot wide and joined as the ink is (Zhang & Suen 1984)."""
    found = np.pad(ink, [(0, 0), (1, 1), (1, 1)]).astype(np.uint8)
    left = np.arange(len(ink))  # those that still change
    while len(left):
        now = found[left]
        for peeled in _PEELED:
            now[:, 1:-1, 1:-1] &= 1 - peeled[_around(now)]
        left, changed = left[changes := (now != found[left]).any(axis=(1, 2))], now[changes]
        found[left] = changed
    return found[:, 1:-1, 1:-1].astype(bool)


def _around(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return what is around each inner dot of (N, H + 2, W + 2), a bit for each neighbour as `AROUND` has them."""
    height, width = ink.shape[1] - 2, ink.shape[2] - 2
    bits = np.zeros((len(ink), height, width), np.uint8)
    for bit, (down, right) in enumerate(AROUND):
        bits |= ink[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width] << bit
    return bits


def _peels(around: int, first: bool) -> bool:
    """Return whether a dot among such neighbours lies at an edge and joins nothing; south and east edges come first."""
    near = [bool(around >> bit & 1) for bit in range(8)]
    begins = sum(not one and other for one, other in zip(near, near[1:] + near[:1], strict=True))
    north, east, south, west = near[::2]
    open_ = not (east and south and (north or west)) if first else not (north and west and (east or south))
    return open_ and 2 <= sum(near) <= 6 and begins == 1


_PEELED = [np.array([_peels(around, first) for around in range(256)], np.uint8) for first in (True, False)]


# Following.


@dataclass(frozen=True)
class Line:
    """Dots in order between two nodes, which are ends or crossings, and may be one and the same."""

    dots: tuple[Dot, ...]
    begin: int
    end: int

    def turned(self) -> Line:
        return Line(self.dots[::-1], self.end, self.begin)


def follow(ink: NDArray[np.bool_]) -> list[list[Dot]]:
    """Return the strokes that draw thin ink (H, W), the highest first."""
    lines = _without_spurs(_without_bridges(_lines(_neighbours(ink))))
    meeting = _meeting(lines)
    strokes = []
    while lines:
        strokes.append(_drawn(lines, meeting))
    return sorted(strokes, key=min)


def _neighbours(ink: NDArray[np.bool_]) -> dict[Dot, list[Dot]]:
    """Return each dot's neighbours."""
    around = _around(np.pad(ink, 1).astype(np.uint8)[np.newaxis])[0]
    rows, columns = np.nonzero(ink)
    return {
        (row, column): [(row + down, column + right) for down, right in _STEPS[bits]]
        for row, column, bits in zip(rows.tolist(), columns.tolist(), around[ink].tolist(), strict=True)
    }


def _steps(around: int) -> list[Dot]:
    """Return the ways from a dot to such neighbours; to one at a corner where no side leads there."""
    near = [bool(around >> bit & 1) for bit in range(8)]
    return [AROUND[bit] for bit in range(8) if near[bit] and not (bit % 2 and (near[bit - 1] or near[(bit + 1) % 8]))]


_STEPS = [_steps(around) for around in range(256)]


def _lines(near: dict[Dot, list[Dot]]) -> list[Line]:
    """Return the lines between dots that have one neighbour or several; of a ring, from its highest dot to itself."""
    nodes = {dot: number for number, dot in enumerate(dot for dot in near if len(near[dot]) != 2)}
    found, passed, left = [], set(), set()  # dots of lines, and first steps that were made
    for start in [*nodes, *(dot for dot in near if dot not in nodes)]:
        if start in passed and start not in nodes:  # else it is of a ring, when all nodes have been left
            continue
        node = nodes.setdefault(start, len(nodes))
        if not near[start]:
            found.append(Line((start,), node, node))
        for step in near[start]:
            if (start, step) in left:
                continue
            dots = [start, step]
            while dots[-1] not in nodes:
                dots.append(next(dot for dot in near[dots[-1]] if dot != dots[-2]))
            left |= {(dots[0], dots[1]), (dots[-1], dots[-2])}
            passed.update(dots)
            found.append(Line(tuple(dots), node, nodes[dots[-1]]))
    return found


def _meeting(lines: list[Line]) -> Counter[int]:
    """Return how many lines begin or end at each node."""
    return Counter(node for line in lines for node in (line.begin, line.end))


def _without_bridges(lines: list[Line]) -> list[Line]:
    """Return the lines without short ones between crossings, which become one crossing in the middle."""
    meeting = _meeting(lines)
    bridges = [line for line in lines if len(line.dots) <= BRIDGE and min(meeting[line.begin], meeting[line.end]) > 2]
    one = {node: node for node in meeting}
    for bridge in bridges:
        kept, gone = one[bridge.begin], one[bridge.end]
        one = {node: kept if other == gone else other for node, other in one.items()}
    dots: dict[int, list[Dot]] = {}
    for bridge in bridges:
        dots.setdefault(one[bridge.begin], []).extend(bridge.dots)
    middles = {node: [tuple(np.mean(each, axis=0).astype(int).tolist())] for node, each in dots.items()}
    return [
        Line((*middles.get(begin, []), *line.dots, *middles.get(end, [])), begin, end)
        for line in lines
        if line not in bridges
        for begin, end in [(one[line.begin], one[line.end])]
    ]


def _without_spurs(lines: list[Line]) -> list[Line]:
    """Return the lines without short ones between a crossing and an end."""
    meeting = _meeting(lines)
    ends = [sorted((meeting[line.begin], meeting[line.end])) for line in lines]
    return [
        line for line, (least, most) in zip(lines, ends, strict=True) if len(line.dots) > SPUR or least > 1 or most < 3
    ]


def _drawn(lines: list[Line], meeting: Counter[int]) -> list[Dot]:
    """Return one stroke, and take its lines away.

    Args:
        lines: those that are left.
        meeting: how many of all lines meet at each node.
    """
    line = _first(lines)
    stroke, node = list(line.dots), line.end
    _take(lines, line)
    while ways := _ways(lines, node):
        cosine, line = max(((-_cosine(stroke[::-1], way.dots), way) for way in ways), key=lambda each: each[0])
        if cosine < SHARPEST and meeting[node] > 2:
            break
        stroke += line.dots[1:]
        node = line.end
        _take(lines, line)
    return _from_the_top(stroke) if stroke[0] == stroke[-1] else stroke


def _first(lines: list[Line]) -> Line:
    """Return the line that a stroke begins with, turned as it is drawn.

    It leads away from the highest place where a stroke has to begin or end, a loop before what is open, to the left.
    """
    meeting = _meeting(lines)
    ways = [way for line in lines for way in (line, line.turned())]
    free = [way for way in ways if meeting[way.begin] % 2] or ways

    def rank(way: Line) -> tuple[int, bool, int]:
        row, column = way.dots[0]
        return 2 * row + column, way.begin != way.end, way.dots[:LOOK][-1][1]

    return min(free, key=rank)


def _take(lines: list[Line], line: Line) -> None:
    lines.remove(line if line in lines else line.turned())


def _ways(lines: list[Line], node: int) -> list[Line]:
    """Return the lines that begin at a node, turned as they lead away."""
    return [way for line in lines for way in (line, line.turned()) if way.begin == node]


def _cosine(one: Sequence[Dot], other: Sequence[Dot]) -> float:
    """Return the cosine between the directions in which two lines of dots begin."""
    first, second = (np.subtract(dots[:LOOK][-1], dots[0]) for dots in (one, other))
    length = np.sqrt(float(first @ first) * float(second @ second))
    return float(first @ second) / length if length else 0.0


def _from_the_top(ring: list[Dot]) -> list[Dot]:
    """Return a closed stroke from its highest dot, to the left."""
    top = ring.index(min(ring))
    turned = ring[top:-1] + ring[: top + 1]
    return turned if turned[:LOOK][-1][1] <= turned[-LOOK:][0][1] else turned[::-1]


# Smoothing.


def smooth(stroke: Stroke) -> Stroke:
    """Return a stroke without the stairs of its dots; its ends stay, and of a closed one none is an end."""
    points, closed = stroke.copy(), (stroke[0] == stroke[-1]).all()
    for _ in range(SMOOTHINGS if len(stroke) > 2 else 0):
        ends = (points[-2] + 2 * points[0] + points[1]) / 4 if closed else points[[0, -1]]
        points[1:-1] = (points[:-2] + 2 * points[1:-1] + points[2:]) / 4
        points[[0, -1]] = ends
    return points


def even(stroke: Stroke, spacing: float) -> Stroke:
    """Return points along a stroke, both ends among them, nearly so far from each other."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    places = np.linspace(0, along[-1], max(round(along[-1] / spacing), 1) + 1 if along[-1] else 1)
    return np.stack([np.interp(places, along, stroke[:, axis]) for axis in (0, 1)], axis=1)
