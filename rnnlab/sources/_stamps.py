"""Stamps: what the cells of a time column mean, and whose clock they go by.

A format is guessed only where a whole column leaves no doubt: 03/04/2020 alone may be a day of March or of April, and
a network does not complain of the wrong one.

Axes: R rows, K distinct cells.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import DataError
from rnnlab.frequency import DAY
from rnnlab.sources._checks import Place, near
from rnnlab.strict import shown

if TYPE_CHECKING:
    import pandas

ISO = "ISO8601"
UNIX = {"unix": 1, "unix_ms": 1000}  # numbers since 1970, in UTC: how many make a second
TIME = r"\d{1,2}:\d\d(?::\d\d)?"
OFFSET = r"(?:Z|[+-]\d\d(?::?\d\d)?)"
ZERO = r"(?:Z|[+-]00(?::?00)?)"
ISO_SHAPE = rf"\d{{4}}-\d\d(?:-\d\d(?:[T ]\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?: ?{OFFSET})?)?)?"
COMPACT_SHAPE = r"(?:1[5-9]|2[0-4])\d{6}"  # 20200331: no day and no month is 15 to 24 with a month after it above 12
ADVICE = "give data.time_format, such as '%d.%m.%Y %H:%M'"
NEVER = np.iinfo(np.int64).min  # the number that NumPy has for a time that is none


@dataclass(frozen=True, eq=False)
class Stamped:
    """What the distinct cells of a time column mean.

    Attributes:
        seconds: (K,) int64 since 1970: in UTC where `instants`, else on the clock that the cells are written by.
        faults: what is wrong with a cell, by its number.
        instants: whether the cells say how far their clock is from UTC.
        offsets: whether some cell's clock is not UTC; to go by it, one has to know where it hangs.
        format: how the cells are written; None for a column that holds times, not text.
        zone: the time zone that such a column names.
    """

    seconds: NDArray[np.int64]
    faults: dict[int, str]
    instants: bool
    offsets: bool
    format: str | None
    zone: str | None = None


def understand(cells: pandas.Index, first: int, place: Place, time_format: str | None) -> Stamped:
    """Return what cells mean.

    Args:
        cells: (K,) the distinct cells.
        first: the number of the cell that stands first in the file; of a guess, it gives the shape.
        place: where a cell stands first, with the column's name.
        time_format: that of text, as `strptime` has it, or ISO8601, unix, unix_ms; None to guess.

    Raises:
        DataError: nobody can know how the cells are written.
    """
    import pandas
    from pandas.api.types import is_datetime64_any_dtype

    if isinstance(cells, pandas.DatetimeIndex) or is_datetime64_any_dtype(cells.dtype):
        return _typed(pandas.DatetimeIndex(cells))
    text = pandas.Index(cells.astype(str)).str.strip()
    empty = {int(number): "expected a date; received an empty cell" for number in np.flatnonzero(text == "")}
    if first in empty:
        others = [number for number in range(len(text)) if number not in empty]
        if not others:
            raise DataError(f"{place(first)}: {empty[first]}")
        first = others[0]
    found = time_format or _guess(text, first, place)
    stamped = _unix(text, found) if found in UNIX else _written(text, found)
    faults = {**stamped.faults, **empty}
    if time_format is None and len(faults) == len(text):
        raise DataError(f"{place(first)}: {stamped.faults[first]}")
    return Stamped(stamped.seconds, faults, stamped.instants, stamped.offsets, found)


def _typed(times: pandas.DatetimeIndex) -> Stamped:
    """Return what a column of times means, as Parquet has them."""
    zone = None if times.tz is None else str(times.tz)
    fixed = zone is not None and zone not in zoneinfo.available_timezones()  # such as UTC+02:00
    plain = times if times.tz is None else times.tz_convert("UTC").tz_localize(None)
    seconds, fractions = _seconds(plain)
    faults = _faults(times.astype(str), np.where(times.isna(), 0, seconds), fractions, "a time")
    faults |= {int(number): "expected a time; received an empty cell" for number in np.flatnonzero(times.isna())}
    return Stamped(seconds, faults, zone is not None, fixed, None, None if fixed else zone)


def _seconds(times: pandas.DatetimeIndex) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return whole seconds since 1970, (K,), and where there are parts of a second beside them."""
    values = times.to_numpy()
    whole = values.astype("datetime64[s]")
    return whole.astype(np.int64), (whole != values) & ~np.isnat(values)


def _faults(text: pandas.Index, seconds: NDArray[np.int64], fractions: NDArray[np.bool_], kind: str) -> dict[int, str]:
    faults = {}
    for number in np.flatnonzero(seconds == NEVER):
        faults[int(number)] = f"expected {kind}; received {shown(text[int(number)])}"
    for number in np.flatnonzero(fractions):
        faults[int(number)] = f"expected whole seconds; received {shown(text[int(number)])}; round the stamps"
    return faults


def _unix(text: pandas.Index, time_format: str) -> Stamped:
    import pandas

    numbers = pandas.to_numeric(pandas.Series(text), errors="coerce").to_numpy(np.float64) / UNIX[time_format]
    good = np.isfinite(numbers) & (np.abs(numbers) < 1e11)  # about the year 5000
    whole = np.where(good, np.floor(numbers), 0).astype(np.int64)
    seconds = np.where(good, whole, NEVER)
    faults = _faults(text, seconds, good & (numbers != whole), f"seconds since 1970 (data.time_format: {time_format})")
    return Stamped(seconds, faults, True, False, time_format)


def _written(text: pandas.Index, time_format: str) -> Stamped:
    """Return what cells of this format mean; a cell that has another is at fault."""
    import pandas

    if "%Z" in time_format:
        raise DataError("data.time_format: names of time zones (%Z) are not unique; write offsets (%z)")
    try:
        times = pandas.to_datetime(text, format=time_format, errors="coerce", utc=True)
    except (ValueError, TypeError, re.error) as error:
        raise DataError(
            f"data.time_format: expected a format of dates, such as '%d.%m.%Y %H:%M'; received {shown(time_format)} "
            f"({error})"
        ) from None
    shape = _shape(time_format)
    fits = _matches(text, shape) if shape is not None else np.ones(len(text), bool)
    seconds, fractions = _seconds(times.tz_localize(None))
    faults: dict[int, str] = {}
    for number in np.flatnonzero(~fits | (seconds == NEVER)):
        cell = shown(text[int(number)])
        if shape is not None and fits[number]:
            faults[int(number)] = f"expected a date of the calendar (read as {time_format}); received {cell}"
        else:
            remedy = "" if shape is None else f"; if dates are written in another way, {ADVICE}"
            faults[int(number)] = f"expected a date written as {time_format}; received {cell}{remedy}"
    seconds = np.where(fits, seconds, NEVER)
    faults |= _faults(text, np.where(seconds == NEVER, 0, seconds), fractions, "")
    has = _has_offset(text, time_format) & fits
    good = seconds != NEVER
    if has.any() and (good & ~has).any():
        for number in np.flatnonzero(good & ~has):
            faults[int(number)] = (
                f"expected an offset from UTC, as other rows have; received {shown(text[int(number)])}"
            )
    zero = _matches(text, rf".*{ZERO}")
    return Stamped(seconds, faults, bool(has.any()), bool((has & ~zero).any()), time_format)


def _has_offset(text: pandas.Index, time_format: str) -> NDArray[np.bool_]:
    """Return where a cell says how far its clock is from UTC."""
    if time_format != ISO:
        return np.full(len(text), "%z" in time_format)
    return _matches(text, rf".*\d[T ].*\d ?{OFFSET}")


def _matches(text: pandas.Index, pattern: str) -> NDArray[np.bool_]:
    return np.asarray(text.str.fullmatch(pattern), bool)


def _shape(time_format: str) -> str | None:
    """Return the pattern of a format that is guessed; others are left to pandas."""
    if time_format == ISO:
        return ISO_SHAPE
    if time_format == "%Y%m%d":
        return COMPACT_SHAPE
    found = re.fullmatch(r"(%Y([/.])%m\2%d|(?:%d([/.-])%m|%m([/.-])%d)[/.-]%Y)( %H:%M(?::%S)?)?", time_format)
    if found is None:
        return None
    shape = re.escape(time_format)
    for code, pattern in (("%Y", r"\d{4}"), ("%m", r"\d{1,2}"), ("%d", r"\d{1,2}"), ("%H", r"\d{1,2}")):
        shape = shape.replace(code, pattern)
    return shape.replace("%M", r"\d\d").replace("%S", r"\d\d")


def _guess(text: pandas.Index, first: int, place: Place) -> str:
    """Return how cells are written: the shape of the first tells, but for days and months the whole column."""
    cell = str(text[first])
    if re.fullmatch(ISO_SHAPE, cell):
        return ISO
    if re.fullmatch(COMPACT_SHAPE, cell):
        return "%Y%m%d"
    if found := re.fullmatch(rf"\d{{4}}([/.])\d{{1,2}}\1\d{{1,2}}( {TIME})?", cell):
        return f"%Y{found[1]}%m{found[1]}%d{_clock(found[2])}"
    if found := re.fullmatch(rf"\d{{1,2}}([/.-])\d{{1,2}}\1\d{{4}}( {TIME})?", cell):
        return _day_or_month_first(text, first, place, found[1]) + _clock(found[2])
    expected = "expected a date, such as 2020-03-31 or 2020-03-31 12:00"
    if re.fullmatch(r"-?\d+(\.\d*)?", cell):
        raise DataError(
            f"{place(first)}: {expected}; received {shown(cell)}; if these are seconds since 1970, give "
            f"data.time_format: unix (or unix_ms); else {ADVICE}"
        )
    raise DataError(f"{place(first)}: {expected}; received {shown(cell)}; if it is a date, {ADVICE}")


def _clock(time: str | None) -> str:
    return "" if time is None else " %H:%M:%S" if time.count(":") == 2 else " %H:%M"


def _day_or_month_first(text: pandas.Index, first: int, place: Place, mark: str) -> str:
    """Return the one of two formats of dates that the column leaves.

    Raises:
        DataError: it leaves both, or neither.
    """
    import pandas

    day, month = f"%d{mark}%m{mark}%Y", f"%m{mark}%d{mark}%Y"
    codes, dates = pandas.factorize(text.str.replace(" .*", "", regex=True))  # of many minutes, few days
    cells = np.full(len(dates), len(text), np.int64)
    np.minimum.at(cells, codes, np.arange(len(text)))
    as_day, as_month = (
        np.asarray(pandas.to_datetime(dates, format=each, errors="coerce").notna()) for each in (day, month)
    )
    only_day, only_month = cells[as_day & ~as_month], cells[as_month & ~as_day]
    if len(only_day) and len(only_month):
        one, other = int(only_month[0]), int(only_day[0])
        raise DataError(
            f"{place(one)}: {shown(text[one])} has its month first, and {shown(text[other])} ({place(other)}) its day; "
            "write all dates in one way"
        )
    if len(only_day) or len(only_month):
        return day if len(only_day) else month
    if not as_day.any():
        raise DataError(f"{place(first)}: expected a date of the calendar; received {shown(text[first])}")
    at = first if as_day[codes[first]] else int(cells[as_day][0])
    raise DataError(
        f"{place(at)}: {shown(text[at])} may have its day or its month first, and so may every other cell; give "
        f"data.time_format, such as '{day}' or '{month}'"
    )


@dataclass(frozen=True, eq=False)
class Clock:
    """The rows' stamps on a clock on which steps are even.

    Attributes:
        seconds: (R,) int64 since 1970.
        zone: the time zone of the data where `seconds` are in UTC; None where they are as written.
    """

    seconds: NDArray[np.int64]
    zone: str | None


def on_even_clock(
    stamped: Stamped,
    cells: NDArray[np.int64],
    series: NDArray[np.int64],
    time_zone: str | None,
    place: Place,
    fault: Callable[[int, str], None],
) -> Clock:
    """Return the stamps of rows on a clock without daylight saving time.

    Days and longer steps keep the date of the local clock, as a local day may have 23 hours. Finer ones go by UTC.

    Args:
        stamped: what the distinct cells mean.
        cells: (R,) the number of each row's cell.
        series: (R,) the number of each row's series.
        time_zone: that of the data, where the spec gives it.
        place: where a cell stands first, with the column's name.
        fault: is told of each row that can't be placed, with the reason.

    Raises:
        DataError: the time zone is unknown, missing, or would do nothing.
    """
    if time_zone is not None and time_zone not in (known := zoneinfo.available_timezones()):
        raise DataError(
            "data.time_zone: expected a name of the time zone database, such as Europe/Berlin or UTC; received "
            f"{shown(time_zone)}{near(time_zone, known, listed=False)}"
        )
    zone = time_zone or stamped.zone
    good = stamped.seconds != NEVER
    if not stamped.instants:
        if zone is None:
            return Clock(stamped.seconds[cells], None)
        if _same_time_of_day(stamped.seconds[good]):
            raise DataError(
                "data.time_zone: does nothing, as the stamps are whole days and have no offsets from UTC; remove it"
            )
        return Clock(_in_utc(stamped.seconds, cells, series, zone, fault), zone)
    if zone is None and stamped.offsets:
        raise DataError(
            f"{place(int(np.flatnonzero(good)[0]))}: the stamps have offsets from UTC, which do not say on whose clock "
            "days begin; give data.time_zone, such as Europe/Berlin, or UTC"
        )
    zone = zone or "UTC"
    local = _local(stamped.seconds, zone)
    if _same_time_of_day(local[good]):
        return Clock(local[cells], None)
    return Clock(stamped.seconds[cells], zone)


def _same_time_of_day(seconds: NDArray[np.int64]) -> bool:
    """Whether stamps are days, or longer, apart."""
    times = np.unique(seconds % DAY)
    return len(times) == 1 and (len(np.unique(seconds)) > 1 or times[0] == 0)


def _local(seconds: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """Return what the clocks of a zone show at these seconds of UTC."""
    import pandas

    times = pandas.DatetimeIndex(seconds.astype("datetime64[s]")).tz_localize("UTC").tz_convert(zone)
    return times.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)


def _in_utc(
    seconds: NDArray[np.int64],
    cells: NDArray[np.int64],
    series: NDArray[np.int64],
    zone: str,
    fault: Callable[[int, str], None],
) -> NDArray[np.int64]:
    """Return the rows' seconds in UTC, (R,), from those that local clocks show, (K,).

    An hour that clocks show twice, when they are set back, has to stand twice in its series: then the order of the
    rows tells which is which. An hour that they skip is nobody's.
    """
    import pandas

    times = pandas.DatetimeIndex(seconds.astype("datetime64[s]"))
    text = times.astype(str)

    def localize(summer: bool) -> NDArray[np.int64]:
        found = times.tz_localize(zone, ambiguous=np.full(len(times), summer), nonexistent="NaT")
        return found.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)

    earlier, later = localize(True), localize(False)
    skipped = (earlier == NEVER) & (seconds != NEVER)
    for row in np.flatnonzero(skipped[cells]) if skipped.any() else ():
        fault(
            int(row),
            f"no clock in {zone} ever showed {text[int(cells[row])]}, as clocks were set forward; if the stamps are "
            "not of that zone, or never change, leave out data.time_zone",
        )
    result = earlier[cells]
    twice = earlier != later
    rows = np.flatnonzero(twice[cells]) if twice.any() else np.zeros(0, np.int64)
    if not len(rows):
        return result
    direction = _directions(seconds[cells], series, rows)
    keys = pandas.Series(cells[rows] + series[rows] * len(seconds))
    place_among, count = keys.groupby(keys).cumcount().to_numpy(), keys.map(keys.value_counts()).to_numpy()
    for row, times_shown in zip(rows, count, strict=True):
        cell = text[int(cells[row])]
        if times_shown != 2 or direction[series[row]] == 0:
            reason = f"clocks in {zone} showed {cell} twice, as they were set back, and " + (
                "the rows are not in order, so nobody can say which is which"
                if times_shown == 2
                else f"the series has it {times_shown} time(s), so nobody can say which it is"
            )
            fault(
                int(row),
                f"{reason}; write stamps in UTC or with their offsets, or leave out data.time_zone to take them as "
                "they stand",
            )
    second = (place_among == 1) == (direction[series[rows]] > 0)
    result[rows[second]] = later[cells[rows[second]]]
    return result


def _directions(
    seconds: NDArray[np.int64], series: NDArray[np.int64], doubtful: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return for each series 1 where its rows ascend in time, −1 where they descend, 0 where neither, (S,).

    Args:
        seconds: (R,) as written.
        series: (R,).
        doubtful: the rows that clocks show twice, which do not count.
    """
    others = np.ones(len(seconds), bool)
    others[doubtful] = False
    rows = np.flatnonzero(others)
    rows = rows[np.argsort(series[rows], kind="stable")]
    change, owner = np.diff(seconds[rows]), series[rows][1:]
    within = owner == series[rows][:-1]
    count = int(series.max()) + 1
    up = np.bincount(owner[within & (change > 0)], minlength=count)
    down = np.bincount(owner[within & (change < 0)], minlength=count)
    return np.where(down == 0, 1, np.where(up == 0, -1, 0)).astype(np.int64)
