"""Panels: regular series side by side, with gaps made explicit. What a series source reads, before it is windowed.

Axes: S series, T time, C columns, K static columns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import DataError
from rnnlab.examples import Skipped
from rnnlab.frequency import Frequency, Stamps, date_of
from rnnlab.strict import shown

Role = Literal["target", "past", "future", "static"]
CHUNK = 1 << 20  # rows


@dataclass(frozen=True)
class Column:
    """One column of a panel.

    Attributes:
        name: its name.
        role: `target` is asked for; `past` is known up to now; `future` is known of days to come, too; `static` is one
            value a series.
        classes: of a category, its names; the values are numbers of these. Empty for numbers.
        category: of a column of 0 and 1, the name of the category of which it is a class.
    """

    name: str
    role: Role
    classes: tuple[str, ...] = ()
    category: str | None = None


@dataclass(frozen=True, eq=False)
class Panel:
    """Series whose stamps are all one step of `frequency` apart.

    The steps of series s are `values[starts[s] : starts[s] + lengths[s]]`. Parts of a panel share its values.

    Attributes:
        ids: (S,) a name for each series.
        values: (ΣT, C) float32; NaN is missing. A category is the number of its class.
        starts: (S,) int64.
        lengths: (S,) int64; 0 for a series of which a range of time holds nothing.
        first: (S,) datetime64[s], the stamp of each series' first step.
        frequency: pandas' name of the step, such as `D`, `h`, `W-SAT`, `MS`.
        columns: (C,).
        static: (S, K) float32.
        static_columns: (K,).
        locations: (S,) where each series begins, such as `data.csv:2`, for messages.
        zone: None: stamps are as they are written. A time zone: stamps are in UTC, which has no daylight saving time,
            and `clock` gives those of the zone.
        skipped: the bad series that were left out.
    """

    ids: Sequence[str]
    values: NDArray[np.float32]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    first: Stamps
    frequency: str
    columns: tuple[Column, ...]
    static: NDArray[np.float32]
    static_columns: tuple[Column, ...] = ()
    locations: Sequence[str] = ()
    zone: str | None = None
    skipped: Sequence[Skipped] = field(default=())

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def from_series(
        cls,
        series: Mapping[str, NDArray[np.generic]],
        first: str | Sequence[str],
        frequency: str,
        columns: Sequence[Column],
    ) -> Panel:
        """Lay series of (T, C) or (T,) end to end.

        Args:
            series: by id.
            first: the first stamp, of all or of each.
            frequency: pandas' name of the step.
            columns: (C,).
        """
        parts = [np.asarray(each, np.float32).reshape(len(each), len(columns)) for each in series.values()]
        lengths = np.array([len(each) for each in parts], np.int64)
        stamps = np.array([first] * len(parts) if isinstance(first, str) else first, "datetime64[s]")
        values = np.concatenate(parts) if parts else np.zeros((0, len(columns)), np.float32)
        starts = np.cumsum(lengths) - lengths
        static = np.zeros((len(parts), 0), np.float32)
        return cls(tuple(series), values, starts, lengths, stamps, frequency, tuple(columns), static)

    @cached_property
    def step(self) -> Frequency:
        """The frequency, to compute with."""
        return Frequency.of(self.frequency)

    def read(self, series: int) -> NDArray[np.float32]:
        """Return the values of one series, (T, C); no copy."""
        start = int(self.starts[series])
        return self.values[start : start + int(self.lengths[series])]

    def stamps(self, series: int, extra: int = 0) -> Stamps:
        """Return the stamps of one series, (T,), and of so many steps beyond its end."""
        steps = np.arange(int(self.lengths[series]) + extra, dtype=np.int64)
        return self.step.stamps(self.first[series : series + 1], steps)

    def clock(self, stamps: Stamps) -> Stamps:
        """Return stamps as the clocks of the panel's time zone show them: what calendars and people go by."""
        if self.zone is None:
            return stamps
        import pandas

        local = pandas.DatetimeIndex(stamps).tz_localize("UTC").tz_convert(self.zone).tz_localize(None)
        return local.to_numpy().astype("datetime64[s]")

    def numbers(self, *roles: Role) -> list[int]:
        """Return the numbers of the columns with one of these roles."""
        return [number for number, column in enumerate(self.columns) if column.role in roles]

    def between(self, start: str | np.datetime64 | None = None, end: str | np.datetime64 | None = None) -> Panel:
        """Return the part from `start` on and before `end`; all series stay, values are shared.

        Text is a date on the panel's clock: `2019-06` is the first second of June, so `between("2019-01", "2019-06")`
        and `between("2019-06")` share no step. A datetime64 is a stamp as the panel has them.
        """
        lower = np.zeros(len(self), np.int64) if start is None else self.until(start)
        upper = self.lengths if end is None else np.maximum(self.until(end), lower)
        first = self.step.stamps(self.first, lower)
        return replace(self, starts=self.starts + lower, lengths=upper - lower, first=first)

    def until(self, bound: str | np.datetime64) -> NDArray[np.int64]:
        """Return how many steps of each series stand before a bound, (S,); as of `between`."""
        stamp = self.moment(bound) if isinstance(bound, str) else bound
        steps = self.step.steps_before(self.first, np.array([stamp], "datetime64[s]"))
        return np.clip(steps, 0, self.lengths)

    def moment(self, date: str) -> np.datetime64:
        """Return the stamp, as the panel has them, at which a date begins on the panel's clock.

        Raises:
            DataError: it is no date.
        """
        stamp = date_of(date)
        if self.zone is None:
            return stamp
        import pandas

        local = pandas.DatetimeIndex(np.array([stamp])).tz_localize(
            self.zone, ambiguous=np.array([True]), nonexistent="shift_forward"
        )
        return local.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[s]")[0]

    def text(self, stamp: np.datetime64) -> str:
        """Return one of the panel's stamps as messages show it, on the panel's clock."""
        return stamp_text(self.clock(np.array([stamp], "datetime64[s]"))[0])

    def take(self, numbers: NDArray[np.int64]) -> Panel:
        """Return the series with these numbers, in this order; values are shared."""
        return replace(
            self,
            ids=tuple(self.ids[int(number)] for number in numbers),
            starts=self.starts[numbers],
            lengths=self.lengths[numbers],
            first=self.first[numbers],
            static=self.static[numbers],
            locations=tuple(self.locations[int(number)] for number in numbers) if self.locations else (),
        )

    def observed(self) -> NDArray[np.int64]:
        """Return the steps of each series up to the last that has a value of a target, (S,).

        What stands behind it is the future, of which only `future` columns are known.
        """
        return np.array([_last(self.read(series)[:, self.numbers("target")]) for series in range(len(self))], np.int64)

    def constant(self) -> NDArray[np.bool_]:
        """Return where a column of a series never changes, (S, C): to divide by its deviation is to divide by 0."""
        found = np.ones((len(self), len(self.columns)), bool)
        for series in range(len(self)):
            values = self.read(series)
            if len(values):
                with np.errstate(invalid="ignore"):
                    found[series] = np.fmax.reduce(values) == np.fmin.reduce(values)
                found[series] |= np.isnan(values).all(axis=0)
        return found

    def continued(self, ends: NDArray[np.int64], horizon: int) -> Panel:
        """Return a copy in which each series ends so many steps behind `ends`; there, only what is `future` is known.

        Args:
            ends: (S,) the steps of each series that are kept as they are.
            horizon: the steps behind them.
        """
        starts = np.cumsum(ends + horizon) - (ends + horizon)
        values = np.full((int((ends + horizon).sum()), len(self.columns)), np.nan, np.float32)
        known = self.numbers("future")
        for series, (start, end) in enumerate(zip(starts, ends, strict=True)):
            rows = self.read(series)[: end + horizon]
            values[start : start + end] = rows[:end]
            values[start + end : start + len(rows), known] = rows[end:, known]
        return replace(self, values=values, starts=starts, lengths=ends + horizon)

    def check_future(self, horizon: int, ends: NDArray[np.int64], least: int) -> None:
        """Check that the `future` columns are known so many steps beyond what is read.

        Args:
            horizon: the number of steps.
            ends: (S,) the steps of each series that are read.
            least: a series of which fewer are read is not looked at.

        Raises:
            DataError: where they are not, with the stamp from which on they are missing.
        """
        columns = self.numbers("future")
        if not columns:
            return
        for series, last in enumerate(ends):
            if last < least:
                continue
            values = self.read(series)[int(last) : int(last) + horizon, columns]
            unknown = np.argwhere(np.isnan(values))
            if len(values) == horizon and not len(unknown):
                continue
            at, column = (int(unknown[0][0]), int(unknown[0][1])) if len(unknown) else (len(values), 0)
            stamps = self.clock(self.step.stamps(self.first[series : series + 1], int(last) + np.arange(horizon)))
            missing = self.columns[columns[column]]
            where = f"{self.locations[series]}: " if self.locations else ""
            raise DataError(
                f"{where}series {shown(self.ids[series])}: a forecast of {horizon} steps needs the future covariate "
                f"{shown(missing.category or missing.name)} up to {stamp_text(stamps[-1])}; it is missing from "
                f"{stamp_text(stamps[at])} on; add rows with it, and leave the target empty there"
            )

    def categories(self) -> dict[str, tuple[str, ...]]:
        """Return for each category the classes that occur here: of the training part, those to learn."""
        found = {}
        for number, column in enumerate(self.columns):
            if column.classes:
                seen = np.zeros(len(column.classes), bool)
                for series in range(len(self)):
                    seen[_codes(self.read(series)[:, number])] = True
                found[column.name] = tuple(np.array(column.classes, object)[seen])
        for number, column in enumerate(self.static_columns):
            if column.classes:
                used = np.unique(_codes(self.static[self.lengths > 0, number]))
                found[column.name] = tuple(column.classes[int(code)] for code in used)
        return found

    def one_hot(self, classes: Mapping[str, Sequence[str]]) -> Panel:
        """Return the panel with a column of 0 and 1, such as `day_type=W`, for each class of each category.

        A class that is not among the given ones is 0 in all of them; where the category is missing, so are they.

        Args:
            classes: by category, as `categories` of the training part gives them.
        """
        if not any(column.classes for column in (*self.columns, *self.static_columns)):
            return self
        panel = self.compact()
        columns, values = _one_hot(panel.columns, panel.values, classes)
        static_columns, static = _one_hot(panel.static_columns, panel.static, classes)
        return replace(panel, columns=columns, values=values, static_columns=static_columns, static=static)

    def compact(self) -> Panel:
        """Return the panel with values of its own, in the order of the series, and none outside of them."""
        starts = np.cumsum(self.lengths) - self.lengths
        if len(self.values) == self.lengths.sum() and np.array_equal(starts, self.starts):
            return self
        parts = [self.read(series) for series in range(len(self))]
        return replace(self, values=np.concatenate(parts) if parts else self.values[:0], starts=starts)

    def fingerprint(self) -> str:
        """Return a SHA-256 over names, stamps and values in order; where the values lie in memory does not matter."""
        columns = [[each.name, each.role, list(each.classes)] for each in (*self.columns, *self.static_columns)]
        digest = hashlib.sha256(json.dumps([columns, list(self.ids), self.frequency, self.zone]).encode())
        digest.update(np.ascontiguousarray(self.lengths).tobytes())
        digest.update(self.first.astype(np.int64).tobytes())
        digest.update(_bits(self.static))
        for series in range(len(self)):
            values = self.read(series)
            for start in range(0, len(values), CHUNK):
                digest.update(_bits(values[start : start + CHUNK]))
        return digest.hexdigest()


def stamp_text(stamp: np.datetime64) -> str:
    """Return a stamp as messages show it: `2020-03-01`, or `2020-03-01 12:00:00`."""
    text = str(stamp.astype("datetime64[s]")).replace("T", " ")
    return text.removesuffix(" 00:00:00")


def _bits(values: NDArray[np.float32]) -> bytes:
    """Return the bytes of values; every NaN has the same."""
    return np.where(np.isnan(values), np.float32(np.nan), values).tobytes()


def _last(targets: NDArray[np.float32]) -> int:
    """Return one more than the last row in which something is known."""
    known = np.flatnonzero((~np.isnan(targets)).any(axis=1))
    return int(known[-1]) + 1 if len(known) else 0


def _codes(values: NDArray[np.float32]) -> NDArray[np.int64]:
    return values[~np.isnan(values)].astype(np.int64)


def _one_hot(
    columns: Sequence[Column], values: NDArray[np.float32], classes: Mapping[str, Sequence[str]]
) -> tuple[tuple[Column, ...], NDArray[np.float32]]:
    """Return columns and values, (rows, C), with each category's column replaced by one for each of its classes."""
    widths = [len(classes[column.name]) if column.classes else 1 for column in columns]
    wide = np.empty((len(values), sum(widths)), np.float32)
    named: list[Column] = []
    for number, column in enumerate(columns):
        cells = values[:, number]
        if not column.classes:
            wide[:, len(named)] = cells
            named.append(column)
            continue
        for name in classes[column.name]:
            code = column.classes.index(name) if name in column.classes else -1
            wide[:, len(named)] = np.where(np.isnan(cells), np.float32(np.nan), cells == code)
            named.append(Column(f"{column.name}={name}", column.role, category=column.name))
    return tuple(named), wide
