"""What the baselines of forecasts share: one target of one series at a time, and its past by season.

Whatever is asked of a track, the value of a step is never read for an origin at or before it.

Axes: N windows, n windows of one series, T time, C targets, H horizon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import NotApplicable
from rnnlab.examples import Examples
from rnnlab.windows import Windows

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Track:
    """One target of one series, and the origins that it is to be forecast from.

    Attributes:
        values: (T,), NaN where one is missing.
        trained: how many steps at the beginning are the training part; 0 of a series that training never saw.
        origins: (n,), the first step that each forecast is of.
        horizon: H.
        season: steps of a season; 1 where there is none.
    """

    values: Numbers
    trained: int
    origins: Indices
    horizon: int
    season: int

    @cached_property
    def training(self) -> Numbers:
        """The training part, from its first known value to its last one."""
        part = self.values[: self.trained]
        known = np.flatnonzero(~np.isnan(part))
        return part[known[0] : known[-1] + 1] if len(known) else part[:0]

    @property
    def steps(self) -> Indices:
        """The steps that are asked for, (n, H)."""
        return self.origins[:, None] + np.arange(self.horizon)

    @cached_property
    def seasonal(self) -> Indices:
        """For each step the last one, itself or so many whole seasons earlier, whose value is known, (T,); else −1."""
        return latest_known(self.values, self.season)

    def season_before(self) -> Indices:
        """Return for each step asked for the last one before the origin that is known at the same season, (n, H).

        It is −1 where there is none.
        """
        seasons = np.arange(self.horizon) // self.season + 1
        earlier = self.steps - seasons * self.season
        return np.where(earlier >= 0, self.seasonal[np.maximum(earlier, 0)], -1)

    def earlier_season(self, steps: Indices) -> Indices:
        """Return for known steps the last one before them that is known at the same season; −1 stays −1."""
        earlier = steps - self.season
        return np.where((steps >= 0) & (earlier >= 0), self.seasonal[np.maximum(earlier, 0)], -1)

    def at(self, steps: Indices) -> Numbers:
        """Return the values of steps; NaN for −1."""
        return np.where(steps >= 0, self.values[np.maximum(steps, 0)], np.nan)

    def last_value(self) -> Numbers:
        """Return the last known value before each origin, (n,); NaN where there is none."""
        known = np.concatenate([[-1], latest_known(self.values, 1)])
        return self.at(known[self.origins])

    def drift(self) -> float:
        """Return the mean change from one season to the next over the training part; 0 where no pair is known."""
        part = self.training
        changes = part[self.season :] - part[: max(0, len(part) - self.season)]
        known = changes[~np.isnan(changes)]
        return float(known.mean()) if len(known) else 0.0

    def seasonal_naive(self) -> Numbers:
        """Return the last known value at each step's season before the origin, (n, H); NaN where there is none."""
        return self.at(self.season_before())


def latest_known(values: Numbers, period: int) -> Indices:
    """Return for each step the last one, itself or whole periods earlier, whose value is known, (T,); else −1."""
    rounds = -(-len(values) // period)
    steps = np.full(rounds * period, -1, np.int64)
    steps[: len(values)] = np.where(np.isnan(values), -1, np.arange(len(values)))
    return np.maximum.accumulate(steps.reshape(rounds, period), axis=0).reshape(-1)[: len(values)]


def as_windows(train: Examples, test: Examples) -> tuple[Windows, Windows]:
    """Return both as windows.

    Raises:
        NotApplicable: they are none.
    """
    if not isinstance(train, Windows) or not isinstance(test, Windows):
        raise NotApplicable("the examples are no windows of series")
    return train, test


def tracks(train: Windows, test: Windows) -> Iterator[tuple[slice, int, Track]]:
    """Yield each target of each series that has windows: which these are, the number of the target, and the track."""
    trained = {name: number for number, name in enumerate(train.series.ids)}
    for series in range(len(test.series)):
        rows = slice(int(test.edges[series]), int(test.edges[series + 1]))
        if rows.start == rows.stop:
            continue
        values = test.series.target_values(series).astype(np.float64)
        # The training part is found at the beginning of a series, if it begins with it at all.
        number = trained.get(test.series.ids[series], -1)
        same = number >= 0 and train.series.panel.first[number] == test.series.panel.first[series]
        steps = min(int(train.series.lengths[number]), len(values)) if same else 0
        origins = test.origins[rows].astype(np.int64)
        for column in range(values.shape[1]):
            yield rows, column, Track(values[:, column], steps, origins, test.horizon, test.season)


def forecast(train: Examples, test: Examples, method: Callable[[Track], Numbers]) -> dict[str, NDArray[np.float32]]:
    """Return a method's forecasts, `values` (N, H, C), in the targets' own units.

    Args:
        train: windows of the training part.
        test: the windows to answer.
        method: returns (n, H) of a track, NaN where it has no answer: the last known value takes its place, and where
            none is known before an origin, the mean of the training part of all series.

    Raises:
        NotApplicable: the examples are no windows.
    """
    train, test = as_windows(train, test)
    values = np.empty((len(test), test.horizon, len(test.signature.known_target.names)), np.float32)
    for rows, column, track in tracks(train, test):
        found = method(track)
        unknown = np.isnan(found)
        if unknown.any():
            found = np.where(unknown, track.last_value()[:, None], found)
        values[rows, :, column] = found
    unknown = np.isnan(values)
    if unknown.any():
        values = np.where(unknown, _means(train), values)
    return {"values": values}


def _means(train: Windows) -> NDArray[np.float32]:
    """Return the mean of each target over the training part of all series, (C,); 0 where nothing is known."""
    total = np.zeros(len(train.signature.known_target.names))
    count = np.zeros(len(total), np.int64)
    for series in range(len(train.series)):
        values = train.series.target_values(series)
        total += np.nansum(values, axis=0, dtype=np.float64)
        count += (~np.isnan(values)).sum(axis=0)
    return (total / np.maximum(count, 1)).astype(np.float32)
