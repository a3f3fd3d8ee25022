"""Panels, frequencies and calendars, against pandas and against their own promises."""

from __future__ import annotations

import datetime
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas
import pytest
from hypothesis import given
from pydantic import ValidationError

from rnnlab.calendars import FEATURES, PERIODS, Calendar, Holidays
from rnnlab.errors import DataError
from rnnlab.frequency import Frequency
from rnnlab.panel import Column, Panel, stamp_text

ALIASES = [
    "s", "15min", "h", "6h", "D", "2D", "W-SUN", "W-SAT", "2W-TUE", "B",
    "MS", "ME", "2MS", "QS-FEB", "QS", "QE", "QE-OCT", "YS", "YS-JUL", "YE", "YE-JUN",
]  # fmt: skip
NAN = np.nan
TARGET = Column("y", "target")


def stamps(*text: str) -> Any:
    return np.array(text, "datetime64[s]")


def panel(*columns: Column, frequency: str = "D", first: str = "2020-01-01", **series: Any) -> Panel:
    return Panel.from_series({name: np.array(each) for name, each in series.items()}, first, frequency, columns)


# Frequencies


@given(st.sampled_from(ALIASES), st.dates(datetime.date(1950, 1, 1), datetime.date(2060, 1, 1)))
def test_arithmetic_is_that_of_pandas(alias: str, start: datetime.date) -> None:
    expected = pandas.date_range(start, periods=40, freq=alias).to_numpy().astype("datetime64[s]")
    frequency, first = Frequency.of(alias), expected[:1]
    np.testing.assert_array_equal(frequency.stamps(first, np.arange(40)), expected)
    steps, on = frequency.steps(first, expected)
    assert on.all()
    np.testing.assert_array_equal(steps, np.arange(40))
    assert frequency.seconds <= np.diff(expected).astype(int).min()


@given(st.sampled_from(ALIASES), st.integers(0, 39), st.integers(-1, 1))
def test_steps_before_a_bound_are_those_that_are_earlier(alias: str, at: int, seconds: int) -> None:
    all_stamps = pandas.date_range("2019-03-05", periods=40, freq=alias).to_numpy().astype("datetime64[s]")
    bound = all_stamps[at : at + 1] + np.timedelta64(seconds, "s")
    expected = int((all_stamps < bound).sum())
    assert max(0, int(Frequency.of(alias).steps_before(all_stamps[:1], bound)[0])) == expected


@pytest.mark.parametrize("alias", ["D", "W-SAT", "MS", "ME", "B", "QS-FEB"])
def test_a_stamp_between_two_steps_is_on_none(alias: str) -> None:
    frequency = Frequency.of(alias)
    first = pandas.date_range("2020-01-01", periods=1, freq=alias).to_numpy().astype("datetime64[s]")
    assert not frequency.steps(first, first + np.timedelta64(3600, "s"))[1][0]


@pytest.mark.parametrize("alias", ["H", "T", "bogus", "", "ms", "-1D", "0D", "SMS", "1000000D", "2B", "W-XYZ"])
def test_what_is_no_frequency_is_refused(alias: str) -> None:
    with pytest.raises(DataError, match=r"data\.frequency: expected one of pandas' names"):
        Frequency.of(alias)


@pytest.mark.parametrize(
    ("alias", "season"),
    [
        ("D", 7),
        ("h", 24),
        ("15min", 96),
        ("W-SAT", 52),
        ("MS", 12),
        ("QE", 4),
        ("YS", 1),
        ("B", 5),
        ("2D", 1),
        ("6h", 4),
    ],
)
def test_a_frequency_knows_its_season(alias: str, season: int) -> None:
    assert Frequency.of(alias).season == season


# Panels


def test_stamps_are_a_function_of_the_first() -> None:
    two = Panel.from_series({"a": np.zeros(3), "b": np.zeros(2)}, ["2020-01-01", "2020-02-28"], "D", [TARGET])
    assert two.stamps(1).tolist() == stamps("2020-02-28", "2020-02-29").tolist()
    assert two.stamps(0, extra=2)[-1] == stamps("2020-01-05")[0]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 60), st.sampled_from(ALIASES))
def test_the_parts_of_a_panel_are_the_panel(one: int, other: int, at: int, alias: str) -> None:
    whole = panel(TARGET, frequency=alias, first=_first(alias), a=np.arange(one), b=np.arange(other) + 100)
    cut = Frequency.of(alias).stamps(whole.first[:1], np.array([at]))[0]
    before, after = whole.between(end=cut), whole.between(cut)
    for series in range(2):
        joined = np.concatenate([before.read(series), after.read(series)])
        np.testing.assert_array_equal(joined, whole.read(series))
        assert [*before.stamps(series), *after.stamps(series)] == list(whole.stamps(series))
        assert (before.stamps(series) < cut).all()
        assert (after.stamps(series) >= cut).all()


def _first(alias: str) -> str:
    return str(pandas.date_range("2020-01-01", periods=1, freq=alias)[0])


def test_a_part_shares_its_values_and_a_bound_is_a_beginning() -> None:
    whole = panel(TARGET, a=np.arange(400))
    june = whole.between("2020-06", "2020-07")
    assert june.values is whole.values
    assert (june.stamps(0)[0], june.stamps(0)[-1]) == tuple(stamps("2020-06-01", "2020-06-30"))
    assert whole.between("2030").lengths.tolist() == [0]
    assert whole.between("2020-07", "2020-06").lengths.tolist() == [0]
    with pytest.raises(DataError, match="expected a date"):
        whole.between("soon")


def test_bounds_go_by_the_clock_of_the_panel() -> None:
    from dataclasses import replace

    utc = panel(TARGET, frequency="h", first="2020-07-01", a=np.arange(48))
    berlin = replace(utc, zone="Europe/Berlin")
    assert stamp_text(berlin.between("2020-07-02").first[0]) == "2020-07-01 22:00:00"
    assert stamp_text(berlin.clock(berlin.between("2020-07-02").first)[0]) == "2020-07-02"


def test_the_fingerprint_is_of_the_values_and_not_of_where_they_lie() -> None:
    whole = panel(TARGET, a=[1, 2, NAN, 4], b=[5, 6, 7])
    part = whole.between("2020-01-02", "2020-01-04")
    alone = panel(TARGET, first="2020-01-02", a=[2, NAN], b=[6, 7])
    assert part.fingerprint() == alone.fingerprint() == part.compact().fingerprint()
    changed = [
        panel(TARGET, first="2020-01-02", a=[2, NAN], b=[6, 8]),
        panel(TARGET, first="2020-01-03", a=[2, NAN], b=[6, 7]),
        panel(TARGET, first="2020-01-02", c=[2, NAN], b=[6, 7]),
        panel(Column("z", "target"), first="2020-01-02", a=[2, NAN], b=[6, 7]),
        panel(Column("y", "past"), first="2020-01-02", a=[2, NAN], b=[6, 7]),
        panel(TARGET, first="2020-01-02", a=[2], b=[NAN, 6, 7]),
    ]
    assert alone.fingerprint() not in {each.fingerprint() for each in changed}


def test_a_missing_value_is_one_whatever_its_bits_are() -> None:
    odd = np.array([1, 0], np.float32)
    odd.view(np.int32)[1] = 0x7FC00001
    assert panel(TARGET, a=odd).fingerprint() == panel(TARGET, a=[1, NAN]).fingerprint()


def test_a_series_is_observed_up_to_its_last_value() -> None:
    assert panel(TARGET, a=[1, 2, 3], b=[1, NAN, NAN], c=[1, NAN, 3, 4]).observed().tolist() == [3, 1, 4]


def test_constant_columns_are_flagged() -> None:
    whole = panel(TARGET, Column("x", "past"), a=[[5, 1], [NAN, 2], [5, 3]], b=[[1, NAN], [2, NAN]])
    assert whole.constant().tolist() == [[True, False], [False, True]]


def test_what_is_known_of_the_future_has_to_reach_as_far_as_the_forecast() -> None:
    columns = (TARGET, Column("x", "future"))
    known = panel(*columns, a=[[1, 1], [2, 2], [NAN, 3], [NAN, 4]])
    known.check_future(2, known.observed(), 1)
    with pytest.raises(
        DataError, match=r"series 'a': .* 3 steps .* 'x' up to 2020-01-05; it is missing from 2020-01-05"
    ):
        known.check_future(3, known.observed(), 1)
    known.check_future(3, known.observed(), 3)  # it has two steps: too short to be asked about
    with pytest.raises(DataError, match="missing from 2020-01-03"):
        panel(*columns, a=[[1, 1], [2, 2], [NAN, NAN]]).check_future(1, np.array([2]), 1)
    panel(TARGET, a=[1, 2]).check_future(5, np.array([2]), 1)


def test_one_hot_columns_are_of_the_classes_that_training_has_seen() -> None:
    kind = Column("kind", "future", ("A", "U", "W"))
    whole = panel(TARGET, kind, a=[[1, 0], [2, 2], [3, NAN], [4, 1]])
    learnt = whole.between(end="2020-01-03").categories()
    assert learnt == {"kind": ("A", "W")}
    wide = whole.one_hot(learnt)
    assert [each.name for each in wide.columns] == ["y", "kind=A", "kind=W"]
    assert [each.role for each in wide.columns] == ["target", "future", "future"]
    expected = [[1, 1, 0], [2, 0, 1], [3, NAN, NAN], [4, 0, 0]]
    np.testing.assert_array_equal(wide.read(0), np.array(expected, np.float32))


# Calendars


@pytest.mark.parametrize("feature", list(FEATURES))
def test_a_feature_comes_round_and_has_a_name_for_each_column(feature: Any) -> None:
    calendar = Calendar(features=[feature])
    hours = np.arange("1999-12-30", "2003-01-03", 3600, dtype="datetime64[s]")
    values = calendar.compute(hours)
    assert values.shape == (len(hours), len(calendar.names))
    assert values.dtype == np.float32
    assert np.isfinite(values).all()
    if len(calendar.names) == 2:
        np.testing.assert_allclose((values**2).sum(axis=1), 1, atol=1e-6)
    elif len(calendar.names) > 2:
        assert (values.sum(axis=1) == 1).all()


def test_features_are_what_pandas_says() -> None:
    times = pandas.date_range("2019-11-03 01:30", periods=3000, freq="7h13min")
    at = times.to_numpy().astype("datetime64[s]")
    for feature, expected, period in [
        ("minute", times.minute, 60),
        ("hour", times.hour, 24),
        ("month", times.month - 1, 12),
        ("week_of_year", times.isocalendar().week.to_numpy() - 1, 53),
        ("day_of_month", times.day - 1, times.days_in_month),
        ("day_of_year", times.dayofyear - 1, 365 + times.is_leap_year),
    ]:
        angle = 2 * np.pi * np.asarray(expected, float) / np.asarray(period)
        values = Calendar(features=[feature]).compute(at)
        np.testing.assert_allclose(values, np.stack([np.sin(angle), np.cos(angle)], axis=1), atol=1e-6)
    np.testing.assert_array_equal(Calendar(features=["day_of_week"]).compute(at).argmax(axis=1), times.dayofweek)
    np.testing.assert_array_equal(Calendar(features=["quarter"]).compute(at).argmax(axis=1), times.quarter - 1)
    np.testing.assert_array_equal(Calendar(features=["weekend"]).compute(at)[:, 0], times.dayofweek >= 5)


def test_holidays_and_their_nearness() -> None:
    days = np.arange("2018-12-20", "2019-01-05", dtype="datetime64[D]").astype("datetime64[s]")
    values = dict(zip(map(str, days.astype("datetime64[D]")), Holidays(country="US").compute(days), strict=True))
    assert values["2018-12-25"].tolist() == [1, 0, 0]
    assert values["2018-12-24"].tolist() == [0, 1, 0]
    assert values["2018-12-22"] == pytest.approx([0, 1 / 3, 0])
    assert values["2018-12-21"].tolist() == [0, 0, 0]
    assert values["2018-12-27"] == pytest.approx([0, 0, 2 / 3])
    assert values["2018-12-31"].tolist() == [0, 1, 0]
    assert values["2019-01-01"].tolist() == [1, 0, 0]


def test_holidays_reach_over_the_ends_of_the_stamps() -> None:
    eve = stamps("2018-12-31")
    assert Holidays(country="US").compute(eve).tolist() == [[0, 1, 0]]
    assert Holidays(country="US", near=0).compute(eve).tolist() == [[0]]
    assert Holidays(country="US").compute(stamps()).shape == (0, 3)


def test_a_part_of_a_country_has_holidays_of_its_own() -> None:
    lincoln = stamps("2019-02-12")
    assert Holidays(country="US", subdivision="IL", near=0).compute(lincoln).tolist() == [[1]]
    assert Holidays(country="US", near=0).compute(lincoln).tolist() == [[0]]


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"features": ["day_of_weak"]}, "expected one of"),
        ({"features": ["month", "month"]}, "'month' stands twice"),
        ({"holidays": {"country": "us"}}, "did you mean 'US'"),
        ({"holidays": {"country": "Atlantis"}}, "expected a country's code"),
        ({"holidays": {"country": "US", "subdivision": "ILL"}}, "did you mean 'IL'"),
        ({"holidays": {"country": "US", "nearness": 2}}, "did you mean 'near'"),
    ],
)
def test_a_calendar_that_there_is_not_is_a_mistake(keys: Any, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Calendar.model_validate(keys)


@pytest.mark.parametrize(
    ("feature", "alias"),
    [("hour", "D"), ("minute", "h"), ("day_of_week", "W-SUN"), ("weekend", "B"), ("month", "YS"), ("quarter", "YE")],
)
def test_a_feature_that_says_nothing_of_a_frequency_is_refused(feature: Any, alias: str) -> None:
    with pytest.raises(DataError, match=f"'{feature}' says nothing of stamps of frequency {alias}"):
        Calendar(features=[feature]).check(Frequency.of(alias))
    with pytest.raises(DataError, match="holidays are days"):
        Calendar(holidays=Holidays(country="DE")).check(Frequency.of("W-SUN"))


def test_a_feature_that_is_let_through_changes() -> None:
    """Or else the check would miss one."""
    for alias in ALIASES:
        frequency = Frequency.of(alias)
        first = pandas.date_range("2020-01-01", periods=1, freq=alias).to_numpy().astype("datetime64[s]")
        at = frequency.stamps(first, np.arange(4000 if alias != "s" else 10_000))
        for feature in PERIODS:
            calendar = Calendar(features=[feature])
            try:
                calendar.check(frequency)
            except DataError:
                continue
            assert (np.ptp(calendar.compute(at), axis=0).max() > 0) or alias in ("s", "15min"), (feature, alias)
