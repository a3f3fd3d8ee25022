"""What a calendar says of a stamp: known of every day to come, so it may stand beside a forecast's future.

Features are computed from stamps whenever they are needed, beyond the end of the data too, and are never stored.

Axes: T stamps, K columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from rnnlab.errors import DataError, did_you_mean
from rnnlab.frequency import DAY, WEEK, Frequency, Stamps, months, weekdays
from rnnlab.strict import Strict

if TYPE_CHECKING:
    from collections.abc import Iterable

Feature = Literal[
    "minute", "hour", "day_of_week", "weekend", "day_of_month", "day_of_year", "week_of_year", "month", "quarter"
]
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
YEARS = (1900, 2200)  # the years that holidays are asked of; no law made those of others


class Holidays(Strict):
    """Public holidays of a country, of the package `holidays`; the days around them are often as unusual."""

    country: str = Field(description="the country's code, such as US or DE")
    subdivision: str | None = Field(
        None, description="a part of the country with holidays of its own, such as IL or BY"
    )
    near: int = Field(
        3,
        ge=0,
        le=30,
        description="the number of days before and after a holiday that count as near; two columns rise to a holiday "
        "and fall after it; 0 for none",
    )

    @model_validator(mode="after")
    def _country_is_known(self) -> Holidays:
        import holidays

        known: dict[str, list[str]] = holidays.list_supported_countries(include_aliases=True)
        if self.country not in known:
            upper = [each for each in known if each == self.country.upper()]
            hint = f"; did you mean '{upper[0]}'?" if upper else did_you_mean(self.country, known, listed=False)
            raise ValueError(f"country: expected a country's code, such as US or DE; received '{self.country}'{hint}")
        if self.subdivision is not None and self.subdivision not in known[self.country]:
            parts = known[self.country]
            hint = did_you_mean(self.subdivision, parts) if parts else f"; {self.country} has none"
            raise ValueError(f"subdivision: expected a part of {self.country}; received '{self.subdivision}'{hint}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return ("holiday", "before_holiday", "after_holiday") if self.near else ("holiday",)

    def dates(self, start: int, end: int) -> NDArray[np.datetime64]:
        """Return the holidays from the year `start` to the year `end`, both included, ascending, as datetime64[D]."""
        import holidays

        years = range(max(start, YEARS[0]), min(end, YEARS[1]) + 1)
        found: Iterable[object] = holidays.country_holidays(self.country, subdiv=self.subdivision, years=years)
        return np.array(sorted(str(each) for each in found), "datetime64[D]")

    def compute(self, stamps: Stamps) -> NDArray[np.float32]:
        """Return (T, 1 or 3): whether a day is a holiday, and how near the next and the last other one is.

        One of the days `near` before a holiday is 1 − (days − 1)/near: 1 the day before, 1/near at the edge, else 0.
        """
        days = stamps.astype("datetime64[D]")
        if not len(days):
            return np.zeros((0, len(self.names)), np.float32)
        years = months(np.array([days.min(), days.max()], "datetime64[s]")) // 12 + 1970
        dates = self.dates(int(years[0]) - 1, int(years[1]) + 1)
        columns = [np.isin(days, dates).astype(np.float32)]
        if self.near:
            far = np.timedelta64(10**6, "D")
            padded = np.concatenate([[days.min() - far], dates, [days.max() + far]])
            after = (padded[np.searchsorted(padded, days, side="right")] - days).astype(np.int64)
            before = (days - padded[np.searchsorted(padded, days, side="left") - 1]).astype(np.int64)
            columns += [_nearness(after, self.near), _nearness(before, self.near)]
        return np.stack(columns, axis=1)


class Calendar(Strict):
    """Calendar features by name.

    What comes round, and whose neighbours are alike, is a point on a circle (sine and cosine): `minute`, `hour`,
    `day_of_month`, `day_of_year`, `week_of_year`, `month`. What is of few kinds, and whose neighbours may be quite
    unlike, as Sunday and Monday are, has a column a kind: `day_of_week`, `quarter`; `weekend` is one column.
    """

    features: list[Feature] = Field(default_factory=list, description="the features, by name")
    holidays: Holidays | None = Field(None, description="the public holidays of a country; none by default")

    @field_validator("features")
    @classmethod
    def _once_each(cls, features: list[Feature]) -> list[Feature]:
        twice = next((name for name in features if features.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"'{twice}' stands twice; give each feature once")
        return features

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, such as `day_of_week=monday` and `hour_sine`."""
        names = [column for feature in self.features for column in FEATURES[feature][0]]
        return (*names, *(self.holidays.names if self.holidays is not None else ()))

    def compute(self, stamps: Stamps) -> NDArray[np.float32]:
        """Return the features of stamps, (T, K) float32.

        Args:
            stamps: (T,) on the clock that people live by: `Panel.clock` makes it of stamps in UTC.
        """
        parts = [FEATURES[feature][1](stamps) for feature in self.features]
        if self.holidays is not None:
            parts.append(self.holidays.compute(stamps))
        return np.concatenate(parts, axis=1, dtype=np.float32) if parts else np.zeros((len(stamps), 0), np.float32)

    def check(self, frequency: Frequency) -> None:
        """Check that no feature is the same, or as good as random, at all stamps of this frequency.

        Raises:
            DataError: one is; a key that does nothing is a mistake.
        """
        finest = frequency.seconds
        for feature in self.features:
            if finest >= PERIODS[feature] or (feature == "weekend" and frequency.unit == "business_day"):
                raise DataError(
                    f"data.calendar: '{feature}' says nothing of stamps of frequency {frequency.alias}; remove it"
                )
        if self.holidays is not None and finest > DAY:
            raise DataError(
                f"data.calendar: holidays are days, and stamps of frequency {frequency.alias} are more than a day "
                "apart; remove them"
            )


def _nearness(days: NDArray[np.int64], near: int) -> NDArray[np.float32]:
    return np.clip(1 - (days - 1) / near, 0, 1).astype(np.float32)


def _circle(part: Callable[[Stamps], NDArray[np.float64]]) -> Callable[[Stamps], NDArray[np.float32]]:
    def compute(stamps: Stamps) -> NDArray[np.float32]:
        angle = 2 * np.pi * part(stamps)  # of the full circle
        return np.stack([np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)

    return compute


def _kinds(part: Callable[[Stamps], NDArray[np.int64]], count: int) -> Callable[[Stamps], NDArray[np.float32]]:
    def compute(stamps: Stamps) -> NDArray[np.float32]:
        return (part(stamps)[:, None] == np.arange(count)).astype(np.float32)

    return compute


def _day_in(stamps: Stamps, whole: Literal["M", "Y"]) -> NDArray[np.float64]:
    """Return the days that have passed of a month or year, as a part of all its days."""
    start = stamps.astype(f"datetime64[{whole}]")
    days = (stamps.astype("datetime64[D]") - start.astype("datetime64[D]")).astype(np.int64)
    length = ((start + 1).astype("datetime64[D]") - start.astype("datetime64[D]")).astype(np.int64)
    return days / length


def _week(stamps: Stamps) -> NDArray[np.float64]:
    """Return the ISO week as a part of 53: the week of a Thursday, counted in the year of that Thursday."""
    thursday = stamps.astype("datetime64[D]") + (3 - weekdays(stamps))
    return (thursday - thursday.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64) // 7 / 53


def _seconds_of(whole: int) -> Callable[[Stamps], NDArray[np.int64]]:
    return lambda stamps: stamps.astype("datetime64[s]").astype(np.int64) % whole


def _pair(name: str) -> Sequence[str]:
    return (f"{name}_sine", f"{name}_cosine")


# The columns of each feature, and the function of stamps that gives them.
FEATURES: Mapping[Feature, tuple[Sequence[str], Callable[[Stamps], NDArray[np.float32]]]] = {
    "minute": (_pair("minute"), _circle(lambda stamps: _seconds_of(3600)(stamps) // 60 / 60)),
    "hour": (_pair("hour"), _circle(lambda stamps: _seconds_of(DAY)(stamps) // 3600 / 24)),
    "day_of_week": ([f"day_of_week={day}" for day in DAYS], _kinds(weekdays, 7)),
    "weekend": (["weekend"], lambda stamps: (weekdays(stamps) >= 5).astype(np.float32)[:, None]),
    "day_of_month": (_pair("day_of_month"), _circle(lambda stamps: _day_in(stamps, "M"))),
    "day_of_year": (_pair("day_of_year"), _circle(lambda stamps: _day_in(stamps, "Y"))),
    "week_of_year": (_pair("week_of_year"), _circle(_week)),
    "month": (_pair("month"), _circle(lambda stamps: months(stamps) % 12 / 12)),
    "quarter": ([f"quarter={number}" for number in range(1, 5)], _kinds(lambda stamps: months(stamps) % 12 // 3, 4)),
}
# The seconds in which each feature comes round; stamps so far apart see no more of it.
PERIODS: Mapping[Feature, int] = {
    "minute": 3600,
    "hour": DAY,
    "day_of_week": WEEK,
    "weekend": WEEK,
    "day_of_month": 28 * DAY,
    "day_of_year": 336 * DAY,  # twelve months of 28 days, as Frequency.seconds counts a year
    "week_of_year": 336 * DAY,
    "month": 336 * DAY,
    "quarter": 336 * DAY,
}
