"""Windows: forecasting's examples. A window is a series and an origin; its values stay where the series keeps them.

Axes: S series, N windows, T time, F features, C targets, K features known of days to come, H horizon.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnnlab.calendars import Calendar
from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples, Skipped
from rnnlab.panel import Panel, stamp_text
from rnnlab.signature import Field, Signature
from rnnlab.strict import shown

SEQUENCE, FUTURE = "sequence", "future"


@dataclass(frozen=True, eq=False)
class SeriesExamples(Examples):
    """One split of a panel: each series up to the split's end, one example each.

    The features of a step are the panel's targets, then its past covariates, then all that is known of days to come:
    its future columns, its static ones and the calendar. A missing value is NaN.

    Attributes:
        panel: the steps of each series up to the split's end, those before the split too: a forecast may look back.
        begins: (S,) the step of each series from which on a horizon is the split's own.
        calendar: its features stand behind the panel's; they are computed once for all series that share their stamps.
        notes: what was repaired when the series were read, and what is odd about their parts, one line each.
        found: see `Signature`.
    """

    panel: Panel
    begins: NDArray[np.int64]
    calendar: Calendar | None = None
    targets: NDArray[np.generic] | None = None
    groups: NDArray[np.generic] | None = None
    notes: Sequence[str] = ()
    found: tuple[tuple[str, str], ...] = ()

    @property
    def ids(self) -> Sequence[str]:  # type: ignore[override]
        return self.panel.ids

    @property
    def lengths(self) -> NDArray[np.int64]:  # type: ignore[override]
        return self.panel.lengths

    @property
    def skipped(self) -> Sequence[Skipped]:  # type: ignore[override]
        return self.panel.skipped

    @cached_property
    def columns(self) -> list[int]:
        """The numbers of the panel's columns, in the order of the features: targets, past, future."""
        return [number for role in ("target", "past", "future") for number in self.panel.numbers(role)]

    @cached_property
    def signature(self) -> Signature:  # type: ignore[override]
        names = [self.panel.columns[number].name for number in self.columns]
        static = [column.name for column in self.panel.static_columns]
        calendar = list(self.calendar.names) if self.calendar is not None else []
        known = [self.panel.columns[number].name for number in self.panel.numbers("future")] + static + calendar
        targets = [self.panel.columns[number].name for number in self.panel.numbers("target")]
        features = (*names, *static, *calendar)
        inputs = [Field(SEQUENCE, "series", (len(features),), features)]
        if known:
            inputs.append(Field(FUTURE, "future", (len(known),), tuple(known)))
        return Signature(tuple(inputs), Field("target", "series", (len(targets),), tuple(targets)), self.found)

    @cached_property
    def table(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The calendar's features of every stamp, (ΣT, K), and where in it each series begins, (S,).

        Series that begin together share their rows.
        """
        if self.calendar is None:
            return np.zeros((0, 0), np.float32), np.zeros(len(self.panel), np.int64)
        self.calendar.check(self.panel.step)
        firsts, number = np.unique(self.panel.first, return_inverse=True)
        longest = np.zeros(len(firsts), np.int64)
        np.maximum.at(longest, number, self.panel.lengths)
        parts = [
            self.calendar.compute(self.panel.clock(self.panel.step.stamps(first[None], np.arange(length))))
            for first, length in zip(firsts, longest, strict=True)
        ]
        starts = np.cumsum(longest) - longest
        return np.concatenate(parts), starts[number]

    def rows(self, series: int, start: int, stop: int) -> NDArray[np.float32]:
        """Return the features of some steps of one series, (T, F)."""
        panel = self.panel
        begin = int(panel.starts[series])
        parts = [panel.values[begin + start : begin + stop][:, self.columns]]
        if panel.static.shape[1]:
            parts.append(np.broadcast_to(panel.static[series], (stop - start, panel.static.shape[1])))
        if self.calendar is not None:
            table, begins = self.table
            parts.append(table[int(begins[series]) + start : int(begins[series]) + stop])
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def gather(self, series: NDArray[np.int64], steps: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the features of some steps (B, R) of some series (B,): (B, R, F)."""
        panel = self.panel
        parts = [panel.values[panel.starts[series][:, None] + steps][..., self.columns]]
        if panel.static.shape[1]:
            static = panel.static[series][:, None]
            parts.append(np.broadcast_to(static, (*steps.shape, static.shape[-1])))
        if self.calendar is not None:
            table, begins = self.table
            parts.append(table[begins[series][:, None] + steps])
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)

    def read(self, index: int) -> dict[str, NDArray[np.generic]]:
        return {SEQUENCE: self.rows(index, 0, int(self.lengths[index]))}

    def target_values(self, series: int) -> NDArray[np.float32]:
        """Return the targets of one series, (T, C), in their own units; NaN where they are missing."""
        return self.panel.read(series)[:, self.panel.numbers("target")]

    def to_forecast(self, horizon: int, from_date: str | None = None, *, least: int = 1) -> SeriesExamples:
        """Return the series with one horizon behind each, of which only what is known of days to come is there.

        A series' `begins` is the first step of its horizon, and its last H steps are the horizon. Values are copied.

        Args:
            horizon: H.
            from_date: nothing is read from this date on; by default, all up to the last value of a target is. A series
                that has no step before it, or whose values end before it, has a horizon and nothing to read.
            least: of a series with fewer steps to read, what is known of days to come does not matter.

        Raises:
            DataError: a future covariate is not known so far, no series has a step before the date, or none reaches it.
        """
        ends = self.panel.observed()
        if from_date is not None:
            moment = self.panel.moment(from_date)
            behind = self.panel.step.stamps(self.panel.first, ends)
            if (behind < moment).all():
                raise DataError(
                    f"expected a date up to {self.panel.text(behind.max())}, the first without a value; received "
                    f"{shown(from_date)}: a forecast begins right behind what is known; leave the date out"
                )
            # What ended before the date can't be forecast from it on.
            ends = np.where(behind < moment, 0, np.minimum(ends, self.panel.until(from_date)))
            if not ends.any():
                raise DataError(
                    f"expected a date after {self.panel.text(self.panel.first.min())}, where the data begin; received "
                    f"{shown(from_date)}: nothing is left to read before it"
                )
        self.panel.check_future(horizon, ends, least)
        return replace(self, panel=self.panel.continued(ends, horizon), begins=ends)

    def fingerprint(self) -> str:
        digest = hashlib.sha256(self.panel.fingerprint().encode())
        digest.update(np.ascontiguousarray(self.begins).tobytes())
        digest.update(repr(self.calendar).encode())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Windows(Examples):
    """Windows of series: what lies before an origin is read, the H steps from it on are asked for.

    Attributes:
        series: what the windows are of.
        history: the most steps that are read before an origin; None for all that there are.
        horizon: H.
        season: steps of a season, for baselines and scores.
        edges: (S + 1,) the number of the first window of each series, and of all.
        origins: (N,) int32, the step of its series that is the first asked for.
        left_out: series without a window: too short.
    """

    series: SeriesExamples
    history: int | None
    horizon: int
    season: int
    edges: NDArray[np.int64]
    origins: NDArray[np.int32]
    left_out: Sequence[str] = ()
    groups: NDArray[np.generic] | None = field(default=None)

    def __len__(self) -> int:
        return len(self.origins)

    @property
    def signature(self) -> Signature:  # type: ignore[override]
        return self.series.signature

    @property
    def skipped(self) -> Sequence[Skipped]:  # type: ignore[override]
        return self.series.skipped

    @property
    def ids(self) -> Sequence[str]:  # type: ignore[override]
        return _Ids(self)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:  # type: ignore[override]
        if self.history is not None and (not len(self) or int(self.origins.min()) >= self.history):
            return np.broadcast_to(np.int64(self.history), len(self))  # takes no memory
        longest = self.history if self.history is not None else np.iinfo(np.int32).max
        return np.minimum(self.origins, longest).astype(np.int64)

    @property
    def targets(self) -> NDArray[np.float32]:  # type: ignore[override]
        """(N, H, C), copied anew each time: of a split to score, not of many windows to train on."""
        return np.stack([self.ahead(index) for index in range(len(self))]) if len(self) else self._no_targets()

    def _no_targets(self) -> NDArray[np.float32]:
        return np.zeros((0, self.horizon, len(self.signature.known_target.names)), np.float32)

    def numbers(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of the series of these windows."""
        return np.searchsorted(self.edges, indices, side="right") - 1

    def place(self, index: int) -> tuple[int, int]:
        """Return the number of a window's series, and its origin."""
        return bisect_right(self.edges, index) - 1, int(self.origins[index])

    def read(self, index: int) -> dict[str, NDArray[np.generic]]:
        """Return `sequence` (T, F), and `future` (H, K) where anything is known of days to come."""
        series, origin = self.place(index)
        fields: dict[str, NDArray[np.generic]] = {
            SEQUENCE: self.series.rows(series, origin - int(self.lengths[index]), origin)
        }
        known = self.known
        if known:
            fields[FUTURE] = self.series.rows(series, origin, origin + self.horizon)[:, -known:]
        return fields

    def ahead(self, index: int) -> NDArray[np.float32]:
        """Return what is asked for, (H, C); NaN where nobody knows."""
        series, origin = self.place(index)
        begin = int(self.series.panel.starts[series])
        rows = self.series.panel.values[begin + origin : begin + origin + self.horizon]
        return rows[:, self.series.panel.numbers("target")]

    @cached_property
    def known(self) -> int:
        """K, the number of features that are known of days to come; the last ones."""
        return sum(field.shape[0] for field in self.signature.inputs if field.name == FUTURE)

    def fingerprint(self) -> str:
        return self.series.fingerprint()

    def stamps(self, index: int) -> NDArray[np.datetime64]:
        """Return the stamps of a window's horizon, (H,), as the clocks of the panel's time zone show them."""
        series, origin = self.place(index)
        panel = self.series.panel
        steps = np.arange(origin, origin + self.horizon)
        return panel.clock(panel.step.stamps(panel.first[series : series + 1], steps))


class Tiles(Examples):
    """Series cut, from their ends back, into pieces of at most `history` steps: what transforms are fitted on.

    `groups` are the numbers of their series.

    Args:
        series: what is cut.
        history: steps of a piece; None: a series is one piece.
        least: what is left over at a series' begin is a piece if it has so many steps.
    """

    def __init__(self, series: SeriesExamples, history: int | None, least: int) -> None:
        self.series, self.signature, self.targets = series, series.signature, None
        pieces = [
            (number, begin, stop - begin)
            for number, length in enumerate(series.lengths.tolist())
            for stop in range(length, 0, -(history or length or 1))
            if stop - (begin := max(0, stop - (history or length))) >= least
        ]
        numbers, self.begins, self.lengths = np.array(pieces, np.int64).reshape(-1, 3).T
        self.groups = self.numbers = numbers
        self.ids = [series.ids[int(number)] for number in numbers]

    def read(self, index: int) -> dict[str, NDArray[np.generic]]:
        begin = int(self.begins[index])
        return {SEQUENCE: self.series.rows(int(self.numbers[index]), begin, begin + int(self.lengths[index]))}


@dataclass(frozen=True, eq=False)
class Lanes(Examples):
    """Whole sequences, prepared, to be read in order, segment by segment (truncated back-propagation).

    Attributes:
        prepared: the steps of each sequence as transforms make them.
    """

    prepared: FlatExamples
    targets: NDArray[np.generic] | None = field(default=None, kw_only=True)
    groups: NDArray[np.generic] | None = field(default=None, kw_only=True)

    @property
    def signature(self) -> Signature:  # type: ignore[override]
        return self.prepared.signature

    @property
    def ids(self) -> Sequence[str]:  # type: ignore[override]
        return self.prepared.ids

    @cached_property
    def lengths(self) -> NDArray[np.int64]:  # type: ignore[override]
        return self.prepared.lengths

    def read(self, index: int) -> dict[str, NDArray[np.generic]]:
        return self.prepared.read(index)


@dataclass(frozen=True, eq=False)
class SeriesLanes(Lanes):
    """Whole series to be forecast at every step, and what they were before preparation.

    Attributes:
        series: the same before preparation; transforms may take steps from the front of each.
        horizon: H, the steps ahead that are asked for at each step.
        lost: the steps that transforms take from the front of each series.
    """

    series: SeriesExamples
    horizon: int
    lost: int = 0

    @cached_property
    def lengths(self) -> NDArray[np.int64]:  # type: ignore[override]
        # Of a series that is too short for them, transforms make a step of nothing.
        return np.maximum(self.series.lengths - self.lost, 0)


class _Ids(Sequence[str]):
    """The names of windows, made when they are asked for: the series and the stamp of the first step asked for."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        index = range(len(self))[index]  # counts from the end, too
        series, _ = self.windows.place(index)
        return f"{self.windows.series.ids[series]} {stamp_text(self.windows.stamps(index)[0])}"


def cut_windows(
    series: SeriesExamples,
    history: int | None,
    horizon: int,
    stride: int,
    least: int,
    season: int,
    *,
    to_score: bool = True,
) -> Windows:
    """Return the windows of a split: every horizon lies within the split, and what is read before its origin.

    Args:
        series: the split.
        history: see `Windows`.
        horizon: H.
        stride: steps from one origin to the next; counted from the split's first origin.
        least: steps that there must be to read; a window with fewer is none.
        season: see `Windows`.
        to_score: whether there must be something to compare a forecast with.

    A window is left out where no target is known in what it reads, or to score none in its horizon.

    Raises:
        DataError: no series is long enough for one window.
    """
    found, left_out = [], []
    for number in range(len(series)):
        first, end = max(int(series.begins[number]), least), int(series.lengths[number])
        origins = np.arange(first, end - horizon + 1, stride, dtype=np.int32)
        origins = origins[_known(series.target_values(number), origins, history, horizon if to_score else None)]
        found.append(origins)
        if not len(origins):
            left_out.append(series.ids[number])
    edges = np.concatenate([[0], np.cumsum([len(each) for each in found])]).astype(np.int64)
    origins = np.concatenate(found) if found else np.zeros(0, np.int32)
    if not len(origins):
        raise DataError(_too_short(series, least, horizon, to_score))
    return Windows(series, history, horizon, season, edges, origins, tuple(left_out))


def _known(
    targets: NDArray[np.float32], origins: NDArray[np.int32], history: int | None, horizon: int | None
) -> NDArray[np.bool_]:
    """Return for which origins a target is known both before, and, if there is a horizon, within it."""
    missing = np.asarray(np.isnan(targets).all(axis=1))
    if not missing.any():
        return np.ones(len(origins), bool)
    counted = np.concatenate([[0], np.cumsum(~missing)])
    start = np.zeros_like(origins) if history is None else np.maximum(origins - history, 0)
    before = counted[origins] - counted[start]
    if horizon is None:
        return before > 0
    return (before > 0) & (counted[origins + horizon] > counted[origins])


def _too_short(series: SeriesExamples, least: int, horizon: int, to_score: bool) -> str:
    if not to_score:
        longest = int(series.begins.argmax())
        return (
            f"expected a series with {least} steps to read before the forecast (task.min_history, else task.history); "
            f"the longest of {len(series)}, '{series.ids[longest]}', has {int(series.begins[longest])}; give more of it"
        )
    steps = series.lengths - np.minimum(series.begins, series.lengths)
    longest = int(steps.argmax()) if len(steps) else -1
    where = f"{series.panel.locations[longest]}: " if len(series.panel.locations) and longest >= 0 else ""
    received = (
        f"; the longest, '{series.ids[longest]}', has {int(steps[longest])} in this split and "
        f"{int(series.lengths[longest])} up to its end"
        if longest >= 0
        else ""
    )
    return (
        f"{where}expected a series with {least} steps to look back on (task.min_history, else task.history) and "
        f"{horizon} to forecast (task.horizon) in this split; none of {len(series)} has them{received}; "
        "ask for less, or give more data"
    )
