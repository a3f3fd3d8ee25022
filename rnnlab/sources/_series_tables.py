"""Series in tables (CSV, TSV, Parquet): from files to a panel of regular, checked series, and what was repaired.

Three layouts. `wide`: a time column, and every other column is a variable of one series. `long`: one row for each
series and stamp, and a column that names the series. `columns`: a time column, and every target column is a series of
its own; covariates are common to all.

Text covariates become categories: the panel keeps the number of the class and the classes' names, and does not spread
them over columns of 0 and 1. For the names are those of the whole file, and how wide a network's input is must not
depend on what only validation or test data hold. `Panel.categories` of the training part says what may be learnt;
`Panel.one_hot` spreads those.

Axes: R rows, S series, T time, C columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import DataError
from rnnlab.frequency import Frequency
from rnnlab.panel import Column, Panel, Role
from rnnlab.sources._checks import OnBad, first_of_each
from rnnlab.sources._series_grid import (
    BadSeries,
    Grid,
    Rows,
    drop_duplicates,
    find_frequency,
    regularize,
    sort_rows,
)
from rnnlab.sources._stamps import on_even_clock, understand
from rnnlab.sources._tables import MISSING, Table, TableFile, columns_of_numbers, open_table, read_table
from rnnlab.strict import shown

if TYPE_CHECKING:
    import pandas

VALUE = "value"  # the target's name where every column is a series
ALONE = "series"  # the id of a series that has none: not the file's name, which is no part of the data


class KeyMistakeError(ValueError):
    """Keys contradict each other; `key` is the one to look at."""

    def __init__(self, key: str, message: str) -> None:
        self.key = key
        super().__init__(message)


@dataclass(frozen=True)
class SeriesKeys:
    """What the columns of a table of series are; the names are meant as those of the spec's keys.

    Attributes:
        time: the column of stamps.
        target: the columns that are asked for; empty only with `layout: columns`, for all that no other key names.
        layout: see the module.
        id: the column that names the series, with `layout: long`.
        past: covariates that are known up to now.
        future: covariates that are known of days to come.
        static: covariates that are one value a series, with `layout: long`.
        categories: covariates whose numbers are names; those of text are categories anyway.
        frequency: pandas' name of the step; found where it is None.
        time_format: as `strptime` has it, or `ISO8601`, `unix`, `unix_ms`; guessed, if there is no doubt, where None.
        time_zone: whose clock stamps go by; None where they have no offsets and are to be taken as they stand.
        on_bad: what becomes of a bad series: `error`, or `skip`.

    Raises:
        KeyMistakeError: keys contradict each other.
    """

    time: str
    target: tuple[str, ...] = ()
    layout: Literal["wide", "long", "columns"] = "wide"
    id: str | None = None
    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    frequency: str | None = None
    time_format: str | None = None
    time_zone: str | None = None
    on_bad: OnBad = "error"

    def __post_init__(self) -> None:
        if (self.layout == "long") != (self.id is not None):
            key = "layout" if self.id is None else "id"
            raise KeyMistakeError(key, "id names the series of layout: long; give both or neither")
        if self.static and self.layout != "long":
            raise KeyMistakeError("static", "static is for layout: long, where every series has rows of its own")
        if not self.target and self.layout != "columns":
            raise KeyMistakeError("target", "target: name at least one column")
        named: set[str] = set()
        for key in ("time", "id", "target", "past", "future", "static"):
            value = getattr(self, key)
            for name in value if isinstance(value, tuple) else () if value is None else (value,):
                if name in named:
                    raise KeyMistakeError(key, f"column {shown(name)} has two roles; name it once")
                named.add(name)
        for name, count in Counter(self.categories).items():
            if name not in self.covariates:
                raise KeyMistakeError("categories", f"categories: {shown(name)} is not among past, future and static")
            if count > 1:
                raise KeyMistakeError("categories", f"categories: {shown(name)} stands twice; name it once")

    @property
    def covariates(self) -> tuple[str, ...]:
        return (*self.past, *self.future, *self.static)


@dataclass(frozen=True)
class Repairs:
    """What was put right when series were read, for the user to know of.

    Attributes:
        rows: the rows that were read.
        sorted: rows that stood behind a later one of their series.
        duplicates: rows that said the same again, and were dropped.
        filled: steps without a row, now rows of missing values.
        missing: values of targets that are missing up to the last of their series, those of filled steps too.
        trimmed: steps that were left out, as no target is known before them, or nothing behind them.
        empty: the ids of series that have no value at all, and were left out.
        constant: the ids of series of which a target never changes.
    """

    rows: int
    sorted: int = 0
    duplicates: int = 0
    filled: int = 0
    missing: int = 0
    trimmed: int = 0
    empty: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return one line for each kind of repair that took place."""
        told = [
            (self.sorted, "row(s) not in order of time: sorted"),
            (self.duplicates, "row(s) that repeat another: dropped"),
            (self.filled, "stamp(s) without a row: made explicit as missing values"),
            (self.missing, "value(s) of targets missing before the last one of their series"),
            (self.trimmed, "step(s) before the first or behind the last value: left out"),
            (len(self.empty), f"series without any value: left out ({some(self.empty)})"),
            (len(self.constant), f"series that never change(s): {some(self.constant)}"),
        ]
        return [f"{count:,} {text}" for count, text in told if count]


@dataclass(frozen=True, eq=False)
class Reading:
    """What came of reading.

    Attributes:
        panel: the series.
        repairs: what was put right.
        keys: the keys with everything written out that was found or guessed, so that another file (of which a guess
            might find something else) is read in the same way.
    """

    panel: Panel
    repairs: Repairs
    keys: SeriesKeys


def read_series(paths: Sequence[Path], keys: SeriesKeys) -> Reading:
    """Return the series of tables, whose rows are joined.

    Raises:
        DataError: where, what was expected, what stands there, and what to do.
    """
    if not paths:
        raise DataError("data: expected at least one table; received none")
    files = [open_table(path) for path in paths]
    keys = _with_targets(keys, files[0])
    for file in files:
        _require(file, keys)
    tables = _Tables.read(files, keys, _categories(keys, files))
    keys = replace(keys, categories=tables.categories)
    bad_columns = BadSeries(keys.on_bad, keys.target, alone=False)  # with `layout: columns`, where these are series
    rows, keys, zone = _rows(tables, keys, bad_columns)
    repairs = Repairs(len(rows))
    rows, moved = sort_rows(rows.without_bad())
    rows, duplicates = drop_duplicates(rows)
    _check_static(rows, keys)
    rows = _left(rows, files[0])
    frequency = Frequency.of(keys.frequency) if keys.frequency is not None else find_frequency(rows)
    grid = regularize(rows, frequency)
    keys = replace(keys, frequency=frequency.alias)
    panel = _panel(tables, grid, keys, zone, rows.bad)
    repairs = replace(repairs, sorted=moved, duplicates=duplicates, filled=grid.filled)
    panel, repairs = _finish(panel, repairs, (rows.bad, bad_columns))
    if not len(panel):
        _none_left(bad_columns if keys.layout == "columns" else rows.bad, files[0])
    return Reading(panel, repairs, keys)


def some(names: Sequence[str]) -> str:
    """Return some of these names, for a line that is not too long."""
    most = 5
    return ", ".join(shown(name) for name in names[:most]) + (", …" if len(names) > most else "")


def _with_targets(keys: SeriesKeys, file: TableFile) -> SeriesKeys:
    """Return the keys with the targets named: with `layout: columns`, all columns that no other key names."""
    if keys.target:
        return keys
    other = {keys.time, *keys.covariates}
    targets = tuple(name for name in file.columns if name not in other)
    if not targets:
        raise DataError(f"{file.shown}: expected a column for each series beside '{keys.time}'; received none")
    return replace(keys, target=targets)


def _require(file: TableFile, keys: SeriesKeys) -> None:
    file.require("time", keys.time)
    if keys.id is not None:
        file.require("id", keys.id)
    roles: tuple[Literal["target", "past", "future", "static"], ...] = ("target", "past", "future", "static")
    for role in roles:
        for column in getattr(keys, role):
            file.require(role, column)


def _categories(keys: SeriesKeys, files: Sequence[TableFile]) -> tuple[str, ...]:
    """Return the covariates that are categories: those that the spec names, and those of text."""
    unknown = [name for name in keys.covariates if name not in keys.categories]
    of_text = {name: file for file in files for name in set(unknown) - set(columns_of_numbers(file, unknown))}
    return tuple(name for name in keys.covariates if name in keys.categories or name in of_text)


@dataclass(frozen=True, eq=False)
class _Tables:
    """The rows of all files, one after another.

    Attributes:
        tables: with the columns of stamps, ids and categories; numbers are in `values`.
        starts: the number of each table's first row.
        columns: the names of the columns of values: target, past, future, static.
        values: (R, C) float32.
        classes: of each column, its classes; empty for numbers.
    """

    tables: Sequence[Table]
    starts: NDArray[np.int64]
    columns: tuple[str, ...]
    values: NDArray[np.float32]
    classes: tuple[tuple[str, ...], ...]

    @classmethod
    def read(cls, files: Sequence[TableFile], keys: SeriesKeys, categories: Sequence[str]) -> _Tables:
        columns = (*keys.target, *keys.covariates)
        numbers = [name for name in columns if name not in categories]
        coded = [keys.time, *([keys.id] if keys.id is not None else []), *categories]
        tables = [read_table(file, (), numbers, coded=coded) for file in files]
        starts = np.cumsum([0, *(len(table.frame) for table in tables)])
        values = np.empty((int(starts[-1]), len(columns)), np.float32)
        classes: list[tuple[str, ...]] = []
        for number, name in enumerate(columns):
            if name in categories:
                values[:, number], named = _class_numbers(tables, name)
                classes.append(named)
                continue
            classes.append(())
            for start, table in zip(starts, tables, strict=False):
                values[start : start + len(table.frame), number] = table.frame[name]
        left = [replace(table, frame=table.frame[coded]) for table in tables]
        joined = cls(left, starts, columns, values, tuple(classes))
        for name in categories:
            if name not in keys.categories:
                joined.check_category(name)
        return joined

    @property
    def categories(self) -> tuple[str, ...]:
        return tuple(name for name, classes in zip(self.columns, self.classes, strict=True) if classes)

    def check_category(self, name: str) -> None:
        """Check that a category that nobody named is one, and not numbers with a few words among them."""
        import pandas

        number = self.columns.index(name)
        classes = self.classes[number]
        words = np.flatnonzero(pandas.to_numeric(pandas.Series(classes), errors="coerce").isna())
        if len(words) == len(classes):
            return
        row = int(np.isin(self.values[:, number], words).argmax())
        received = classes[int(self.values[row, number])]
        raise DataError(
            f"{self.place(row)}: column {shown(name)}: expected a number, as in other rows; received "
            f"{shown(received)}; if it is a category, name the column in data.categories"
        )

    def place(self, row: int) -> str:
        number = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.tables[number].place(row - int(self.starts[number]))

    def coded(self, column: str) -> tuple[NDArray[np.int64], pandas.Index[Any]]:
        """Return a column as the number of each row's cell, (R,), and the distinct cells."""
        return _joined(self.tables, column)

    def words(self, series: NDArray[np.int64]) -> list[tuple[int, str, str]]:
        """Return (row, column, cell) of cells of columns of numbers that are none, the first of each series (R,)."""
        found = []
        for start, table in zip(self.starts, self.tables, strict=False):
            for column, words in table.words.items():
                rows = words.index.to_numpy(np.int64) + int(start)
                for at in first_of_each(series[rows]):
                    found.append((int(rows[at]), column, str(words.iloc[int(at)])))
        return sorted(found)


def _joined(tables: Sequence[Table], column: str) -> tuple[NDArray[np.int64], pandas.Index[Any]]:
    from pandas.api.types import union_categoricals

    parts = [table.frame[column].cat for table in tables]
    if len(parts) == 1:
        codes: NDArray[np.int64] = parts[0].codes.to_numpy().astype(np.int64)
        return codes, parts[0].categories
    kinds = {part.categories.dtype for part in parts}
    cells = [table.frame[column].array for table in tables]
    if len(kinds) > 1:  # text in one file, another type in the next
        cells = [table.frame[column].cat.rename_categories(lambda each: str(each)).array for table in tables]
    union = union_categoricals(cells)
    return np.asarray(union.codes, np.int64), union.categories


def _class_numbers(tables: Sequence[Table], column: str) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return the class of each row, (R,), NaN where it is missing, and the names of the classes in order."""
    codes, cells = _joined(tables, column)
    words = [str(cell).strip() for cell in cells]
    names = tuple(sorted({word for word in words if word not in MISSING}))
    numbers = {name: number for number, name in enumerate(names)}
    of_cell = np.array([*(numbers.get(word, np.nan) for word in words), np.nan], np.float32)  # code −1 is missing, too
    return of_cell[codes], names


def _rows(tables: _Tables, keys: SeriesKeys, bad_columns: BadSeries) -> tuple[Rows, SeriesKeys, str | None]:
    """Return all rows, after checking each cell, how their stamps are written, and the time zone of these."""
    series, ids = _series(tables, keys)
    bad = BadSeries(keys.on_bad, ids, alone=keys.layout != "long")
    no_seconds = np.zeros(0, np.int64)
    rows = Rows(series, no_seconds, tables.values, None, tables.place, tables.columns, tables.classes, keys.time, bad)
    codes, cells = _with_missing(*tables.coded(keys.time))

    def place(cell: int) -> str:
        return f"{tables.place(int((codes == cell).argmax()))}: column {shown(keys.time)}"

    stamped = understand(cells, int(codes[0]), place, keys.time_format)
    if stamped.faults:
        at_fault = np.flatnonzero(np.isin(codes, list(stamped.faults)))
        for row in at_fault[first_of_each(series[at_fault])]:
            rows.time_fault(int(row), stamped.faults[int(codes[row])])
    clock = on_even_clock(stamped, codes, series, keys.time_zone, place, rows.time_fault)
    _check_cells(tables, keys, rows, bad_columns)
    return replace(rows, seconds=clock.seconds), replace(keys, time_format=stamped.format), clock.zone


def _with_missing(codes: NDArray[np.int64], cells: pandas.Index[Any]) -> tuple[NDArray[np.int64], pandas.Index[Any]]:
    """Return cells of which an empty one is one more, not a code of −1."""
    import pandas

    missing = codes < 0
    if not missing.any():
        return codes, cells
    if isinstance(cells, pandas.DatetimeIndex):
        more = cells.append(pandas.DatetimeIndex([pandas.NaT], dtype=cells.dtype))
    else:
        more = pandas.Index([*cells.astype(str), ""])
    return np.where(missing, len(cells), codes), more


def _series(tables: _Tables, keys: SeriesKeys) -> tuple[NDArray[np.int64], list[str]]:
    """Return the number of each row's series, (R,), and the series' names in order of appearance."""
    import pandas

    if keys.id is None:
        return np.zeros(len(tables.values), np.int64), [ALONE]
    codes, cells = tables.coded(keys.id)
    names = [str(cell) for cell in cells]
    nameless = np.array([not name.strip() for name in names] + [True])[codes]  # code −1 is missing
    if nameless.any():
        where = tables.place(int(nameless.argmax()))
        raise DataError(f"{where}: column '{keys.id}': expected a series' name; received an empty cell")
    series, order = pandas.factorize(codes)
    return series.astype(np.int64, copy=False), [names[int(code)] for code in order]


def _check_cells(tables: _Tables, keys: SeriesKeys, rows: Rows, bad_columns: BadSeries) -> None:
    """Check that numbers are numbers, finite and of float32, that no column is empty, and that the future is known."""
    targets = {name: number for number, name in enumerate(keys.target)} if keys.layout == "columns" else {}

    def fault(row: int, column: str, reason: str) -> None:
        reason = f"column {shown(column)}: {reason}"
        if column in targets:  # it is a series
            bad_columns.add(targets[column], tables.place(row), reason)
        else:
            rows.fault(row, reason)

    for row, column, cell in tables.words(rows.series):
        received = shown(cell) if cell.strip() else "a blank cell"
        hint = "; if it is a category, name the column in data.categories" if column in keys.covariates else ""
        fault(row, column, f"expected a number; received {received}{hint}")
    for number, column in enumerate(tables.columns):
        values = tables.values[:, number]
        infinite = np.flatnonzero(np.isinf(values))
        for at in first_of_each(rows.series[infinite]):
            fault(int(infinite[at]), column, "expected a finite number; received infinity (or one beyond float32)")
        unknown = np.isnan(values)
        if unknown.all():
            what = f"every cell of column {shown(column)} is empty; fill it, or do not name it"
            if column not in targets:
                raise DataError(f"{tables.tables[0].file.shown}: expected a value; {what}")
            bad_columns.add(targets[column], tables.tables[0].file.shown, f"expected a value; {what}")
        elif column in keys.future and unknown.any():
            empty = np.flatnonzero(unknown)
            for at in first_of_each(rows.series[empty]):
                reason = "expected a value, as data.future says that it is known beforehand; received an empty cell"
                fault(int(empty[at]), column, reason)


def _check_static(rows: Rows, keys: SeriesKeys) -> None:
    """Check that static covariates have one value in all rows of a series; the rows are sorted."""
    if not keys.static or not len(rows):
        return
    begins = np.flatnonzero(np.diff(rows.series, prepend=-1))
    starts = np.repeat(begins, np.diff(np.append(begins, len(rows))))
    for number in range(len(rows.names) - len(keys.static), len(rows.names)):
        values = rows.values[:, number]
        differing = np.flatnonzero((values != values[starts]) & ~(np.isnan(values) & np.isnan(values[starts])))
        for at in first_of_each(rows.series[differing]):
            row = int(differing[at])
            rows.fault(
                row,
                f"column {shown(rows.names[number])}: expected one value for all rows of a series, as data.static "
                f"says; received {rows.cell(row, number)}, and {rows.cell(int(starts[row]), number)} in "
                f"{rows.where(int(starts[row]))}",
            )


def _left(rows: Rows, file: TableFile) -> Rows:
    """Return the rows of series that are not bad, after checking that there are some."""
    rows = rows.without_bad()
    if not len(rows):
        _none_left(rows.bad, file)
    return rows


def _none_left(bad: BadSeries, file: TableFile) -> None:
    """Raise the error that nothing is left."""
    first = bad.found[min(bad.found)] if bad.found else None
    told = f"; the first bad one: {first}" if first is not None else ""
    raise DataError(
        f"{file.shown}: expected at least one series that can be used; none of {len(bad.ids)} is left{told}"
    )


def _panel(tables: _Tables, grid: Grid, keys: SeriesKeys, zone: str | None, bad: BadSeries) -> Panel:
    """Return the panel of regular series; with `layout: columns`, one series for each target."""
    named: list[tuple[Role, Sequence[str]]] = [("target", keys.target), ("past", keys.past), ("future", keys.future)]
    roles = [role for role, names in [*named, ("static", keys.static)] for _ in names]
    columns = tuple(Column(*each) for each in zip(tables.columns, roles, tables.classes, strict=True))
    width = len(columns) - len(keys.static)
    panel = Panel(
        tuple(bad.ids[int(number)] for number in grid.series),
        np.ascontiguousarray(grid.values[:, :width]),
        grid.starts,
        grid.lengths,
        grid.first,
        str(keys.frequency),
        columns[:width],
        grid.values[grid.starts, width:],
        columns[width:],
        tuple(tables.place(int(row)) for row in grid.rows),
        zone,
    )
    if keys.layout == "columns":
        return _by_column(panel, len(keys.target))
    # By id, and not by who came first: the order of a file's rows is no part of the data. No values are moved.
    return panel.take(np.array(sorted(range(len(panel)), key=panel.ids.__getitem__), np.int64))


def _by_column(panel: Panel, count: int) -> Panel:
    """Return a panel of one series as one of so many, each with one of the first columns and all of the others."""
    steps, common = len(panel.values), panel.values[:, count:]
    values = np.empty((count, steps, 1 + common.shape[1]), np.float32)
    values[:, :, 0] = panel.values[:, :count].T
    values[:, :, 1:] = common
    return replace(
        panel,
        ids=tuple(column.name for column in panel.columns[:count]),
        values=values.reshape(count * steps, -1),
        starts=np.arange(count, dtype=np.int64) * steps,
        lengths=np.full(count, steps, np.int64),
        first=np.repeat(panel.first, count),
        columns=(Column(VALUE, "target"), *panel.columns[count:]),
        static=np.zeros((count, 0), np.float32),
        locations=tuple(panel.locations) * count,
    )


def _trimmed(panel: Panel) -> Panel:
    """Return the panel without steps before which no target is known, and behind which nothing is."""
    targets = panel.numbers("target")
    begins, ends = np.zeros(len(panel), np.int64), np.zeros(len(panel), np.int64)
    for series in range(len(panel)):
        known = ~np.isnan(panel.read(series))
        asked = np.flatnonzero(known[:, targets].any(axis=1))
        if len(asked):
            begins[series] = asked[0]
            ends[series] = np.flatnonzero(known.any(axis=1))[-1] + 1
    first = panel.step.stamps(panel.first, begins)
    return replace(panel, starts=panel.starts + begins, lengths=ends - begins, first=first)


def _finish(panel: Panel, repairs: Repairs, bad: Sequence[BadSeries]) -> tuple[Panel, Repairs]:
    """Return the panel without series that are bad or empty, and the repairs with what is counted at the end."""
    skipped = tuple(each.found[number] for each in bad for number in sorted(each.found))
    names = {each.id for each in skipped}
    if names:
        panel = panel.take(np.flatnonzero([name not in names for name in panel.ids]))
    trimmed = _trimmed(panel)
    count = int(panel.lengths.sum() - trimmed.lengths.sum())
    there = trimmed.lengths > 0
    empty = tuple(name for name, kept in zip(trimmed.ids, there, strict=True) if not kept)
    panel = replace(trimmed if not empty else trimmed.take(np.flatnonzero(there)), skipped=skipped)
    targets = panel.numbers("target")
    still = np.flatnonzero(panel.constant()[:, targets].any(axis=1))
    return panel, replace(
        repairs,
        trimmed=count,
        missing=_missing_between(panel, targets),
        empty=empty,
        constant=tuple(panel.ids[int(series)] for series in still),
    )


def _missing_between(panel: Panel, targets: Sequence[int]) -> int:
    """Return how many values of targets are missing up to the last that each series has."""
    ends = panel.observed()
    return sum(int(np.isnan(panel.read(series)[: int(ends[series]), targets]).sum()) for series in range(len(panel)))
