"""The plan: which examples form which batch. Pure NumPy, a function of (lengths, seed, epoch) and nothing else.

So the number of batches is `len`, resuming is a slice, two runs agree, and every worker can take its rows of every
batch. One width per global batch; a row that only fills the batch up, so that replicas and parts get equal shares,
has index -1.

Axes: N examples, B batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

FILLER = -1
Segment = tuple[int, int, int, bool]  # example, begin, length, whether it begins with no memory


@dataclass(frozen=True)
class Batch:
    """One global batch.

    Attributes:
        indices: (B,) int64 into the examples; `FILLER` for a row of length 0 and weight 0.
        width: the number of steps that every row is padded to.
    """

    indices: NDArray[np.int64]
    width: int

    def valid_steps(self, lengths: NDArray[np.int64]) -> int:
        """Return how many of the batch's steps are no padding, of examples of these lengths."""
        return int(lengths[self.indices[self.indices != FILLER]].sum())


@dataclass(frozen=True)
class LaneBatch(Batch):
    """One global batch of truncated back-propagation: the next segment of each lane.

    Attributes:
        begins: (B,) int64, the step of its example at which a row begins.
        lengths: (B,) int64, its steps; as many as `width`, but at the end of an example or lane.
        resets: (B,) bool, whether the row begins with no memory, not with what its lane held before.
    """

    begins: NDArray[np.int64]
    lengths: NDArray[np.int64]
    resets: NDArray[np.bool_]

    def valid_steps(self, lengths: NDArray[np.int64]) -> int:
        return int(self.lengths.sum())


@dataclass(frozen=True)
class Batching:
    """How batches are formed.

    Attributes:
        widths: ascending bucket boundaries; a batch is padded to the smallest that holds its rows.
        batch_size: rows in a batch, or
        batch_steps: padded steps in a batch (rows · width), if given.
        multiple: every batch is filled up to a multiple of this many rows.
    """

    widths: tuple[int, ...]
    batch_size: int
    batch_steps: int | None = None
    multiple: int = 1

    def rows(self, width: int) -> int:
        """Return how many rows a full batch of this width holds."""
        return self.batch_size if self.batch_steps is None else max(1, self.batch_steps // width)


def choose_widths(lengths: NDArray[np.int64], shapes: int, candidates: int = 512) -> tuple[int, ...]:
    """Return at most `shapes` ascending widths, the last the longest length, that waste the least padding.

    Exact dynamic programming over the distinct lengths; where there are more than `candidates` of them, over that
    many quantiles.
    """
    if len(lengths) and lengths.min() == lengths.max():
        return (int(lengths[0]),)  # of millions of windows alike, nothing is to be sorted
    distinct, counts = np.unique(lengths, return_counts=True)
    if len(distinct) > candidates:
        edges = np.unique(np.quantile(lengths, np.linspace(0, 1, candidates), method="higher"))
        slots = np.searchsorted(edges, distinct)
        counts = np.bincount(slots, weights=counts).astype(np.int64)
        distinct = edges
    shapes = min(shapes, len(distinct))
    below = np.concatenate([[0], np.cumsum(counts)])  # below[i]: examples shorter than distinct[i]
    cost = (below[1:] * distinct).astype(np.float64)  # padded steps with one bucket for the i + 1 shortest lengths
    choices: list[NDArray[np.int64]] = []
    for _ in range(shapes - 1):
        # table[j, i]: the buckets so far end at length j; one more covers lengths j + 1 to i.
        table = cost[:, None] + (below[1:][None, :] - below[1:][:, None]) * distinct[None, :]
        table[np.tril_indices(len(distinct))] = np.inf
        np.fill_diagonal(table, cost)
        choices.append(table.argmin(axis=0))
        cost = table.min(axis=0)
    end = len(distinct) - 1
    ends = {end}
    for choice in reversed(choices):
        end = int(choice[end])
        ends.add(end)
    return tuple(int(distinct[each]) for each in sorted(ends))


def plan_epoch(
    lengths: NDArray[np.int64], batching: Batching, seed: int, epoch: int, examples: int | None = None
) -> list[Batch]:
    """Return the batches of one training epoch: every example once, in an order drawn from (seed, epoch).

    Within a bucket examples are shuffled and cut into full batches; what is left over joins the next wider bucket, so
    that at most one batch of an epoch is not full. The batches come in shuffled order.

    Args:
        lengths: (N,).
        batching: how batches are formed.
        seed: of the spec.
        epoch: the number of the epoch.
        examples: so many of them, drawn as well, none of them twice; all where there are no more, or None.
    """
    generator = np.random.default_rng([seed, epoch])
    if examples is None or examples >= len(lengths):
        order = generator.permutation(len(lengths))
    else:
        order = generator.choice(len(lengths), examples, replace=False)
    batches = _cut(order, lengths, batching, generator)
    return [batches[position] for position in generator.permutation(len(batches))]


def plan_evaluation(lengths: NDArray[np.int64], batching: Batching) -> list[Batch]:
    """Return batches that hold every example once, shortest first: for prediction and scores."""
    return _cut(np.argsort(lengths, kind="stable"), lengths, batching, None)


def plan_lanes(
    lengths: NDArray[np.int64], lanes: int, steps: int, multiple: int, seed: int, epoch: int
) -> list[LaneBatch]:
    """Return the batches of one epoch of truncated back-propagation: every step of every example once, in order.

    The examples are laid end to end in a circle, in an order drawn from (seed, epoch), and the circle is cut, at a
    place that is drawn as well, into lanes of equal length. Each batch has the next `steps` of each lane. No segment
    reaches across the end of an example; what follows begins with no memory, and so does a lane that begins within one.

    Args:
        lengths: (N,).
        lanes: the number of lanes, the rows of a batch.
        steps: the most steps of a segment.
        multiple: every batch is filled up to a multiple of this many rows.
        seed: of the spec.
        epoch: the number of the epoch.
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(np.flatnonzero(lengths > 0))
    total = int(lengths[order].sum())
    if not total:
        return []
    ends = np.cumsum(lengths[order])
    cuts = np.linspace(0, total, min(lanes, total) + 1).round().astype(np.int64) + generator.integers(total)
    laid = [_lane(order, lengths, ends, int(first), int(last), steps) for first, last in pairwise(cuts)]
    return _side_by_side(laid, steps, multiple)


def plan_reading(lengths: NDArray[np.int64], lanes: int, steps: int, multiple: int = 1) -> list[LaneBatch]:
    """Return batches that read every example once, from its first step to its last: for scores of what is carried on.

    Examples are shared out among lanes of about equal length, longest first, and within a lane stand one after another.

    Args:
        lengths: (N,).
        lanes: the most lanes.
        steps: the most steps of a segment.
        multiple: every batch is filled up to a multiple of this many rows.
    """
    order = [int(each) for each in np.argsort(-lengths, kind="stable") if lengths[each] > 0]
    laid: list[list[Segment]] = [[] for _ in order[:lanes]]
    filled = np.zeros(len(laid), np.int64)
    for example in order:
        lane, length = int(filled.argmin()), int(lengths[example])
        laid[lane] += [(example, begin, min(steps, length - begin), begin == 0) for begin in range(0, length, steps)]
        filled[lane] += length
    return _side_by_side(laid, steps, multiple) if laid else []


def _side_by_side(laid: Sequence[Sequence[Segment]], steps: int, multiple: int) -> list[LaneBatch]:
    """Return batches of the next segment of each lane; a lane that has ended is filled up."""
    batches = []
    for number in range(max(len(lane) for lane in laid)):
        rows = [lane[number] if number < len(lane) else (FILLER, 0, 0, True) for lane in laid]
        rows += [(FILLER, 0, 0, True)] * (-len(rows) % multiple)
        indices, begins, counts, resets = (np.array(column) for column in zip(*rows, strict=True))
        batches.append(LaneBatch(indices, steps, begins, counts, resets))
    return batches


def _lane(
    order: NDArray[np.int64], lengths: NDArray[np.int64], ends: NDArray[np.int64], first: int, last: int, steps: int
) -> list[Segment]:
    """Return the segments of the circle's steps from `first` on, before `last`."""
    segments = []
    position = first
    while position < last:
        place = position % int(ends[-1])
        slot = int(np.searchsorted(ends, place, side="right"))
        example = int(order[slot])
        begin = place - int(ends[slot] - lengths[example])
        count = min(steps, int(lengths[example]) - begin, last - position)
        segments.append((example, begin, count, begin == 0 or position == first))
        position += count
    return segments


def padding_share(lengths: NDArray[np.int64], batches: Sequence[Batch]) -> float:
    """Return the share of all steps in these batches that is padding."""
    padded = sum(len(batch.indices) * batch.width for batch in batches)
    valid = sum(batch.valid_steps(lengths) for batch in batches)
    return 1 - valid / padded if padded else 0.0


def _cut(
    order: NDArray[np.int64], lengths: NDArray[np.int64], batching: Batching, generator: np.random.Generator | None
) -> list[Batch]:
    widths = np.asarray(_covering(batching.widths, lengths))
    buckets = np.searchsorted(widths, lengths[order])
    batches: list[Batch] = []
    rest = order[:0]
    for bucket, width in enumerate(widths):
        waiting = np.concatenate([rest, order[buckets == bucket]])
        if generator is not None and len(rest):
            waiting = generator.permutation(waiting)
        rows = batching.rows(int(width))
        full = len(waiting) // rows * rows
        batches += [_fill(waiting[start : start + rows], int(width), batching) for start in range(0, full, rows)]
        rest = waiting[full:]
    if len(rest):
        width = int(widths[np.searchsorted(widths, lengths[rest].max())])
        batches.append(_fill(rest, width, batching))
    return batches


def _covering(widths: tuple[int, ...], lengths: NDArray[np.int64]) -> tuple[int, ...]:
    """Return the widths, and one more where a length (of a test split) is longer than all of them."""
    if not len(lengths) or (widths and lengths.max() <= widths[-1]):
        return widths
    return (*widths, int(lengths.max()))


def _fill(indices: NDArray[np.int64], width: int, batching: Batching) -> Batch:
    missing = -len(indices) % batching.multiple
    return Batch(np.concatenate([indices, np.full(missing, FILLER)]).astype(np.int64), width)
