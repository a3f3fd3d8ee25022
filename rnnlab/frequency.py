"""Frequencies: how far apart the stamps of a regular series stand, and arithmetic on them without a loop over stamps.

A stamp is a datetime64[s]. The n-th stamp of a series is a function of its first one, so a regular series needs no
column of stamps. Names are those of pandas' offsets (`D`, `h`, `15min`, `W-SAT`, `MS`, `B`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import DataError
from rnnlab.strict import shown

Stamps = NDArray[np.datetime64]
Unit = Literal["second", "month_start", "month_end", "business_day"]
DAY = 86_400
WEEK = 7 * DAY
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
EXAMPLES = "D (daily), h (hourly), 15min, W-SUN (weekly), B (Monday to Friday), MS or ME (monthly), QS, QE, YS, YE"
MOST_STEP = 100 * 366 * DAY  # of seconds; what is beyond makes no series


DATE = re.compile(r"[1-9][0-9]{3}(-[0-9]{2}(-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?)?)?")


def date_of(text: str) -> np.datetime64:
    """Return the first second of a date, such as `2019`, `2019-06`, `2019-06-30` or `2019-06-30 12:00`.

    Raises:
        DataError: it is none.
    """
    if DATE.fullmatch(text):
        try:
            return np.datetime64(text, "s")
        except ValueError:  # such as the 30th of February
            pass
    raise DataError(f"expected a date, such as 2019-06 or 2019-06-30; received {shown(text)}")


@dataclass(frozen=True)
class Frequency:
    """How far apart stamps stand.

    Attributes:
        alias: pandas' name of it.
        unit: what `step` counts. Months and business days differ in length, so they are no seconds.
        step: the number of units between two stamps.
        anchor: the weekday of weekly stamps (Monday is 0), or the month of several-monthly ones (January is 0), modulo
            `step`; None where the first stamp of each series decides.
    """

    alias: str
    unit: Unit
    step: int
    anchor: int | None = None

    @classmethod
    def of(cls, alias: str) -> Frequency:
        """Return the frequency of this name.

        Raises:
            DataError: there is none, or it is none that series can have (finer than seconds, half months, …).
        """
        from pandas.tseries.frequencies import to_offset

        try:
            offset: Any = to_offset(alias)
        except (ValueError, OverflowError, AttributeError):
            offset = None
        found = _of_offset(offset) if offset is not None and offset.n > 0 else None
        if found is None:
            raise DataError(
                f"data.frequency: expected one of pandas' names, such as {EXAMPLES}; received {shown(alias)}"
            )
        return found

    @classmethod
    def of_seconds(cls, step: int, first: np.datetime64) -> Frequency:
        """Return the frequency of a fixed step; weekly ones keep to the weekday of this stamp."""
        if step % WEEK == 0:
            weekday = int(weekdays(np.array([first], "datetime64[s]"))[0])
            return cls(f"{_times(step // WEEK)}W-{WEEKDAYS[weekday]}", "second", step, weekday)
        size, name = next(
            (size, name) for size, name in ((DAY, "D"), (3600, "h"), (60, "min"), (1, "s")) if not step % size
        )
        return cls(f"{_times(step // size)}{name}", "second", step)

    @classmethod
    def of_months(cls, step: int, unit: Literal["month_start", "month_end"], first: np.datetime64) -> Frequency:
        """Return the frequency of so many months; quarters and years keep to the month of this stamp."""
        end = "S" if unit == "month_start" else "E"
        month = int(months(np.array([first], "datetime64[s]"))[0]) % 12
        if step == 3:
            # pandas names a quarter's start by its first month, its end by its last: any of the four will do.
            return cls(f"Q{end}-{MONTHS[month % 3 if end == 'S' else 9 + month % 3]}", unit, 3, month % 3)
        if step == 12:
            return cls(f"Y{end}-{MONTHS[month]}", unit, 12, month)
        return cls(f"{_times(step)}M{end}", unit, step)

    @property
    def season(self) -> int:
        """The usual number of steps of a season: a day of hours, a week of days, a year of weeks or months; else 1."""
        if self.unit == "business_day":
            return 5
        if self.unit != "second":
            return 12 // self.step if 12 % self.step == 0 else 1
        if self.step % WEEK == 0:
            return max(1, 52 * WEEK // self.step)
        return next((whole // self.step for whole in (DAY, WEEK) if self.step < whole and whole % self.step == 0), 1)

    @property
    def seconds(self) -> int:
        """The least number of seconds between two stamps."""
        return self.step * {"second": 1, "month_start": 28 * DAY, "month_end": 28 * DAY, "business_day": DAY}[self.unit]

    def fits(self, stamps: Stamps) -> NDArray[np.bool_]:
        """Return where a stamp is one that series of this frequency may have: a weekday, the first of a month, (K,)."""
        if self.unit == "second":
            return np.ones(len(stamps), bool) if self.anchor is None else weekdays(stamps) == self.anchor
        days = stamps.astype("datetime64[D]")
        midnight = days == stamps
        if self.unit == "business_day":
            return midnight & np.is_busday(days)
        turn = days if self.unit == "month_start" else days + 1
        first = turn == turn.astype("datetime64[M]")
        return midnight & first & (self.anchor is None or months(stamps) % self.step == self.anchor)

    def steps(self, first: Stamps, stamps: Stamps) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return how many steps stamps stand after the first of their series, and whether they stand on a step at all.

        Args:
            first: (K,) or (1,), stamps that fit.
            stamps: (K,).
        """
        if self.unit == "second":
            apart = (stamps - first).view(np.int64)
            on = apart % self.step == 0
            return np.floor_divide(apart, self.step, out=apart), on  # of millions of rows, each copy counts
        if self.unit == "business_day":
            return np.busday_count(_days(first), _days(stamps)).astype(np.int64), self.fits(stamps)
        apart = months(stamps) - months(first)
        return apart // self.step, self.fits(stamps) & (apart % self.step == 0)

    def stamps(self, first: Stamps, steps: NDArray[np.int64]) -> Stamps:
        """Return the stamps so many steps after the first ones; the arguments are broadcast against each other."""
        if self.unit == "second":
            return first + (steps * self.step).astype("timedelta64[s]")
        if self.unit == "business_day":
            return np.busday_offset(_days(first), steps, roll="forward").astype("datetime64[s]")
        month = first.astype("datetime64[M]") + (steps * self.step).astype("timedelta64[M]")
        if self.unit == "month_start":
            return month.astype("datetime64[s]")
        return ((month + 1).astype("datetime64[D]") - 1).astype("datetime64[s]")

    def steps_before(self, first: Stamps, bound: Stamps) -> NDArray[np.int64]:
        """Return how many stamps from the first on, (K,), stand before a bound; negative where the bound is earlier."""
        if self.unit == "second":
            return -((first - bound).astype(np.int64) // self.step)
        if self.unit == "business_day":
            return np.busday_count(_days(first), _days(bound + np.timedelta64(DAY - 1, "s"))).astype(np.int64)
        month = bound.astype("datetime64[M]")
        turn = month.astype("datetime64[s]")
        if self.unit == "month_end":
            turn = ((month + 1).astype("datetime64[D]") - 1).astype("datetime64[s]")
        apart = months(bound) + (bound > turn) - months(first)
        return -(-apart // self.step)


def weekdays(stamps: Stamps) -> NDArray[np.int64]:
    """Return the day of the week, 0 for Monday."""
    return (stamps.astype("datetime64[D]").astype(np.int64) + 3) % 7


def months(stamps: Stamps) -> NDArray[np.int64]:
    """Return the months since January 1970."""
    return stamps.astype("datetime64[M]").astype(np.int64)


def _days(stamps: Stamps) -> Stamps:
    return stamps.astype("datetime64[D]")


def _times(count: int) -> str:
    return "" if count == 1 else str(count)


def _of_offset(offset: Any) -> Frequency | None:
    """Return what one of pandas' offsets means here, or None."""
    from pandas.tseries import offsets

    count, alias = int(offset.n), str(offset.freqstr)
    if isinstance(offset, offsets.BusinessDay):
        return Frequency(alias, "business_day", 1) if count == 1 else None
    begins: dict[type, int] = {offsets.MonthBegin: 1, offsets.QuarterBegin: 3, offsets.YearBegin: 12}
    if length := begins.get(type(offset)):
        return Frequency(alias, "month_start", length * count, _anchor(offset, length * count))
    ends: dict[type, int] = {offsets.MonthEnd: 1, offsets.QuarterEnd: 3, offsets.YearEnd: 12}
    if length := ends.get(type(offset)):
        return Frequency(alias, "month_end", length * count, _anchor(offset, length * count))
    if isinstance(offset, offsets.Week):
        step = WEEK * count
        weekday = getattr(offset, "weekday", None)
        return Frequency(alias, "second", step, weekday) if step <= MOST_STEP else None
    sizes = ((offsets.Day, DAY), (offsets.Hour, 3600), (offsets.Minute, 60), (offsets.Second, 1))
    step = next((size * count for kind, size in sizes if isinstance(offset, kind)), 0)
    return Frequency(alias, "second", step) if 0 < step <= MOST_STEP else None


def _anchor(offset: Any, step: int) -> int | None:
    """Return the month that quarters and years keep to; None for months, and for several quarters or years at once."""
    month = getattr(offset, "startingMonth", getattr(offset, "month", None))
    return None if month is None or step not in (3, 12) else (int(month) - 1) % step
