"""From rows in any order to regular series: sorted, each stamp once, and a row of NaN where one is missing.

Axes: R rows, S series, C columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import DataError
from rnnlab.examples import Skipped
from rnnlab.frequency import DAY, Frequency, Stamps, months, weekdays
from rnnlab.panel import stamp_text
from rnnlab.sources._checks import OnBad, Place, first_of_each
from rnnlab.strict import shown

MONTH = 28 * DAY
MANY_TIMES = 10  # more rows than this for each that is there are no gaps, but a wrong stamp or frequency
SOME_ROWS = 1000  # of gaps that nobody minds, however few rows there are
SHARE_OF_OTHERS = 0.25  # of the steps; more of one other length is a second frequency, not gaps
SHARE_OF_USUAL = 0.5  # of a series' steps that have to be of the panel's length
FEW = 3  # steps, which tell nothing


class BadSeries:
    """The series of a table that can't be used. By policy the first is an error, or each is noted and left out.

    Attributes:
        ids: (S,) the names of all series.
        found: what was noted, by the series' number; of several faults the first.
    """

    def __init__(self, policy: OnBad, ids: Sequence[str], alone: bool) -> None:
        self.policy, self.ids, self.alone = policy, ids, alone
        self.found: dict[int, Skipped] = {}

    def add(self, series: int, where: str, reason: str) -> None:
        """Take note that a series is bad.

        Raises:
            DataError: bad series are errors, or there is but one.
        """
        if self.alone:
            raise DataError(f"{where}: {reason}")
        if self.policy == "error":
            name = shown(self.ids[series])
            raise DataError(f"{where}: series {name}: {reason}; data.on_bad: skip would leave this series out")
        self.found.setdefault(series, Skipped(self.ids[series], where, reason))


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a table or several.

    Attributes:
        series: (R,) int64, the number of each row's series.
        seconds: (R,) int64 since 1970.
        values: (R, C) float32.
        numbers: (R,) the row's number in the tables; None where it is its place here.
        place: where a row of the tables stands.
        names: (C,) of the columns.
        classes: (C,) of each column its classes; empty for numbers.
        time: the name of the time column.
        bad: is told of series with a fault.
    """

    series: NDArray[np.int64]
    seconds: NDArray[np.int64]
    values: NDArray[np.float32]
    numbers: NDArray[np.int64] | None
    place: Place
    names: Sequence[str]
    classes: Sequence[Sequence[str]]
    time: str
    bad: BadSeries

    def __len__(self) -> int:
        return len(self.series)

    def number(self, row: int) -> int:
        return row if self.numbers is None else int(self.numbers[row])

    def where(self, row: int) -> str:
        return self.place(self.number(row))

    def cell(self, row: int, column: int) -> str:
        """Return a value as a message shows it."""
        value = self.values[row, column]
        if np.isnan(value):
            return "an empty cell"
        return shown(self.classes[column][int(value)]) if self.classes[column] else f"{float(str(value)):.9g}"

    def fault(self, row: int, reason: str) -> None:
        self.bad.add(int(self.series[row]), self.where(row), reason)

    def time_fault(self, row: int, reason: str) -> None:
        self.fault(row, f"column {shown(self.time)}: {reason}")

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Rows:
        """Return these rows in this order."""
        numbers = np.arange(len(self)) if self.numbers is None else self.numbers
        return replace(
            self,
            series=self.series[rows],
            seconds=self.seconds[rows],
            values=self.values[rows],
            numbers=numbers[rows],
        )

    def without_bad(self) -> Rows:
        """Return the rows of series that are not bad so far."""
        if not self.bad.found:
            return self
        return self.take(~np.isin(self.series, list(self.bad.found)))


def sort_rows(rows: Rows) -> tuple[Rows, int]:
    """Return the rows by series and stamp, and how many stood behind a later one of their series."""
    if not len(rows):
        return rows, 0
    keys = rows.seconds - rows.seconds.min()
    keys += rows.series * (int(keys.max()) + 1)
    if (keys[1:] >= keys[:-1]).all():
        return rows, 0
    as_written = keys[np.argsort(rows.series, kind="stable")]
    moved = int((as_written < np.maximum.accumulate(as_written)).sum())
    del as_written
    return rows.take(np.argsort(keys, kind="stable")), moved


def drop_duplicates(rows: Rows) -> tuple[Rows, int]:
    """Return the rows, sorted, with each stamp of a series once; those that contradict each other are faults."""
    same = np.flatnonzero((np.diff(rows.series) == 0) & (np.diff(rows.seconds) == 0))
    if not len(same):
        return rows, 0
    one, other = rows.values[same], rows.values[same + 1]
    differs = (one != other) & ~(np.isnan(one) & np.isnan(other))
    at_fault = np.flatnonzero(differs.any(axis=1))
    for at in at_fault[first_of_each(rows.series[same[at_fault]])]:
        row, column = int(same[at]), int(differs[at].argmax())
        earlier, later = sorted((row, row + 1), key=rows.number)
        stamp = stamp_text(np.datetime64(int(rows.seconds[row]), "s"))
        rows.fault(
            later,
            f"column {shown(rows.names[column])}: expected one row for {stamp}, or the same values again as in "
            f"{rows.where(earlier)}; received {rows.cell(later, column)} instead of {rows.cell(earlier, column)}; "
            f"remove one of the two{_hint(rows, row)}",
        )
    kept = np.ones(len(rows), bool)
    kept[same + 1] = False
    return rows.take(kept), len(same)


def _hint(rows: Rows, row: int) -> str:
    """Return what else two rows of one stamp may be: hours on a clock that was set back, or two series."""
    if rows.seconds[row] % DAY:
        return ", or, where clocks were set back, give data.time_zone"
    return ", or name the column of the series in data.id, where there are several" if rows.bad.alone else ""


def find_frequency(rows: Rows) -> Frequency:
    """Return the frequency of rows that are sorted and have no duplicates.

    Raises:
        DataError: there are several, or too few rows to tell.
    """
    within = np.diff(rows.series) == 0
    apart, ends = np.diff(rows.seconds)[within], np.flatnonzero(within) + 1  # each step, and the row that ends it
    if not len(apart):
        raise DataError(
            f"{rows.where(0)}: expected a series of two stamps or more, to find how far apart they are; give "
            "data.frequency, such as D, or more rows"
        )
    stamps: Stamps = rows.seconds.astype("datetime64[s]")
    if np.median(apart) >= MONTH and (found := _of_months(rows, stamps, ends)) is not None:
        return found
    if apart.min() == apart.max():
        return _of_days(Frequency.of_seconds(int(apart[0]), stamps[0]), stamps)
    sizes, counts = np.unique(apart, return_counts=True)
    usual = int(sizes[counts.argmax()])
    frequency = _of_days(Frequency.of_seconds(usual, stamps[0]), stamps)
    if (sizes % usual).any():
        _refuse(rows, usual, int(ends[(apart % usual != 0).argmax()]))
    if frequency.unit == "second":
        _check_one_frequency(rows, usual, apart, ends)
    return frequency


def _of_days(frequency: Frequency, stamps: Stamps) -> Frequency:
    """Return daily stamps as of Monday to Friday if none is of a weekend, though they span several."""
    if frequency.alias != "D":
        return frequency
    days = stamps.astype("datetime64[D]")
    spans_weekends = (days.max() - days.min()).astype(np.int64) >= 13
    return (
        Frequency.of("B") if spans_weekends and (days == stamps).all() and (weekdays(stamps) < 5).all() else frequency
    )


def _of_months(rows: Rows, stamps: Stamps, ends: NDArray[np.int64]) -> Frequency | None:
    """Return the frequency of stamps of which most are first, or most are last days of months; else None."""
    for unit in ("month_start", "month_end"):
        fits = Frequency("", unit, 1).fits(stamps)
        if 2 * fits.sum() > len(fits):
            if not fits.all():
                row = int(fits.argmin())
                raise DataError(
                    f"{rows.where(row)}: column {shown(rows.time)}: mixed frequencies: expected the "
                    f"{'first' if unit == 'month_start' else 'last'} day of a month, as in most rows; received "
                    f"{stamp_text(stamps[row])}; correct the stamp, or give data.frequency"
                )
            number = months(stamps)
            apart = number[ends] - number[ends - 1]
            sizes, counts = np.unique(apart, return_counts=True)
            usual = int(sizes[counts.argmax()])
            if (sizes % usual).any():
                _refuse(rows, usual, int(ends[(apart % usual != 0).argmax()]), "month(s)")
            return Frequency.of_months(usual, unit, stamps[0])
    return None


def _check_one_frequency(rows: Rows, usual: int, apart: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
    """Check that steps of another length are gaps, not a second frequency."""
    others, counts = np.unique(apart[apart != usual], return_counts=True)
    most = int(counts.argmax())
    if counts[most] >= max(FEW, SHARE_OF_OTHERS * len(apart)):
        _refuse(rows, usual, int(ends[(apart == others[most]).argmax()]), "second(s)", int(counts[most]) / len(apart))
    owner = rows.series[ends]
    steps = np.bincount(owner)
    of_usual = np.bincount(owner, weights=apart == usual)
    odd = np.flatnonzero((steps >= FEW) & (of_usual < SHARE_OF_USUAL * steps))
    if len(odd):
        _refuse(rows, usual, int(ends[((owner == odd[0]) & (apart != usual)).argmax()]))


def _refuse(rows: Rows, usual: int, row: int, unit: str = "second(s)", share: float = 0.0) -> None:
    """Raise the error of mixed frequencies."""
    stamps = rows.seconds[row - 1 : row + 1].astype("datetime64[s]")
    received = _duration(int(rows.seconds[row] - rows.seconds[row - 1]))
    expected = _duration(usual) if unit == "second(s)" else f"{usual} {unit}"
    among = f" ({share:.0%} of all steps are so long)" if share else ""
    name = "" if rows.bad.alone else f" of series {shown(rows.bad.ids[int(rows.series[row])])}"
    raise DataError(
        f"{rows.where(row)}: column {shown(rows.time)}: mixed frequencies: expected a stamp{name} every {expected} as "
        f"usual here, or a multiple of it; received {stamp_text(stamps[1])}, {received} after {stamp_text(stamps[0])}"
        f"{among}; if the rest are gaps, give data.frequency; else correct the stamp, or read one frequency at a time"
    )


def _duration(seconds: int) -> str:
    for size, name in ((DAY, "day"), (3600, "hour"), (60, "minute")):
        if seconds % size == 0:
            return f"{seconds // size} {name}(s)"
    return f"{seconds} second(s)"


@dataclass(frozen=True, eq=False)
class Grid:
    """Regular series, of the series that have rows.

    Attributes:
        series: (S,) their numbers.
        starts: (S,) where each begins in `values`.
        lengths: (S,).
        first: (S,) datetime64[s].
        values: (ΣT, C) float32; NaN in steps that no row speaks of.
        rows: (S,) the number in the tables of each one's first row.
        filled: the number of steps that no row speaks of.
    """

    series: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    first: Stamps
    values: NDArray[np.float32]
    rows: NDArray[np.int64]
    filled: int = field(default=0)


def regularize(rows: Rows, frequency: Frequency) -> Grid:
    """Return series in which no stamp is missing, of rows that are sorted and have no duplicates.

    Raises:
        DataError: a stamp is so far away that what lies between can be no gap.
    """
    steps, rows = _steps(rows, frequency)
    begins = np.flatnonzero(np.diff(rows.series, prepend=-1))
    ends = np.append(begins[1:], len(rows)) - 1
    lengths = steps[ends] + 1
    filled = int(lengths.sum()) - len(rows)
    if filled > max(MANY_TIMES * len(rows), SOME_ROWS):
        _refuse_gap(rows, steps, frequency, filled)
    starts = np.cumsum(lengths) - lengths
    values = rows.values
    if filled:
        at = np.repeat(starts, ends - begins + 1) + steps
        values = np.full((int(lengths.sum()), rows.values.shape[1]), np.nan, np.float32)
        values[at] = rows.values
    first = rows.seconds[begins].astype("datetime64[s]")
    numbers = begins if rows.numbers is None else rows.numbers[begins]
    return Grid(rows.series[begins], starts, lengths, first, values, numbers, filled)


def _steps(rows: Rows, frequency: Frequency) -> tuple[NDArray[np.int64], Rows]:
    """Return the steps of rows after the first of their series, (R,), and the rows without those that are off it."""
    stamps: Stamps = rows.seconds.view("datetime64[s]")  # no copy
    begins = np.flatnonzero(np.diff(rows.series, prepend=-1))
    counts = np.diff(np.append(begins, len(rows)))
    steps, on = frequency.steps(np.repeat(stamps[begins], counts), stamps)
    good = on & np.repeat(frequency.fits(stamps[begins]), counts)
    if good.all():
        return steps, rows
    off = np.flatnonzero(~good)
    for at in off[first_of_each(rows.series[off])]:
        row = int(at)
        begin = stamps[begins[np.searchsorted(begins, row, side="right") - 1]]
        received = f"{stamp_text(stamps[row])} (a {_weekday(stamps[row])})"
        since = "" if stamps[row] == begin else f", counted from {stamp_text(begin)}"
        rows.time_fault(
            row, f"expected a stamp of frequency {frequency.alias}{since}; received {received}; see data.frequency"
        )
    left = rows.without_bad()
    return _steps(left, frequency) if len(left) else (steps[:0], left)


def _weekday(stamp: np.datetime64) -> str:
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return names[int(weekdays(np.array([stamp], "datetime64[s]"))[0])]


def _refuse_gap(rows: Rows, steps: NDArray[np.int64], frequency: Frequency, filled: int) -> None:
    apart = np.diff(steps)
    apart[np.diff(rows.series) != 0] = 0
    row = int(apart.argmax()) + 1
    before, after = (stamp_text(each) for each in rows.seconds[row - 1 : row + 1].astype("datetime64[s]"))
    raise DataError(
        f"{rows.where(row)}: column {shown(rows.time)}: expected stamps with few gaps; at frequency {frequency.alias} "
        f"{filled:,} are missing beside {len(rows):,} rows, most of them between {before} and {after}; correct the "
        "stamp, or give data.frequency"
    )
