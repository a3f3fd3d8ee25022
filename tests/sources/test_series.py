"""The source of forecasting: series cut in time, with nothing of a later part in an earlier one."""

from __future__ import annotations

import hashlib
import io
import os
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import hypothesis.strategies as st
import numpy as np
import pandas
import pytest
import yaml
from hypothesis import given
from pydantic import ValidationError

from rnnlab import yamlfile
from rnnlab.errors import DataError
from rnnlab.panel import stamp_text
from rnnlab.places import Places
from rnnlab.signature import Signature
from rnnlab.sources import SOURCES, _downloads
from rnnlab.sources._series_tables import SeriesKeys
from rnnlab.sources.series import OF_FILES, Series
from rnnlab.strict import Strict
from rnnlab.windows import SeriesExamples, Windows, cut_windows

DATA = Path(os.environ.get("RNNLAB_DATA_DIR", "nowhere"))
CTA = "cta_ridership/cta_ridership.csv"
KEYS: dict[str, Any] = {"file": "made.csv", "time": "date", "target": "y"}
LONG: dict[str, Any] = {**KEYS, "layout": "long", "id": "shop", "past": ["x"], "future": ["kind"], "static": ["size"]}


def daily(start: str, steps: int) -> list[str]:
    return [str(day) for day in np.datetime64(start, "D") + np.arange(steps)]


def one_series(steps: int = 100) -> pandas.DataFrame:
    """Return a series of the values 0, 1, … of the days from 2020-01-01 on, 100 of which end with 2020-04-09."""
    days = daily("2020-01-01", steps)
    kinds = np.array(["W", "A", "U"])[np.arange(steps) % 3]
    return pandas.DataFrame({"date": days, "y": np.arange(steps), "x": np.arange(steps) * 2.0, "kind": kinds})


def panel_of_three() -> pandas.DataFrame:
    """Return shops a (100 days from 2020-01-01), b (60 days from 2020-02-10), and c (the last 10 days)."""
    begins = {"a": (0, 100, 1), "b": (40, 60, 2), "c": (90, 10, 3)}
    frames = []
    for shop, (begin, steps, size) in begins.items():
        frame = one_series().iloc[begin : begin + steps]
        frames.append(frame.assign(shop=shop, y=frame["y"] * size, size=size))
    return pandas.concat(frames)


def parts(folder: Path, frame: pandas.DataFrame, **keys: Any) -> dict[str, SeriesExamples]:
    frame.to_csv(folder / "made.csv", index=False)
    return Series.model_validate({**KEYS, **keys}).parts(Places(folder, folder / "data"))


def own(examples: SeriesExamples, series: int = 0) -> tuple[str, str]:
    """Return the first and last day of what a split has for its own."""
    stamps = examples.panel.stamps(series)[int(examples.begins[series]) :]
    return stamp_text(stamps[0]), stamp_text(stamps[-1])


# Splits


@pytest.mark.parametrize(
    ("test", "cut", "begins"),
    [
        (0.2, 0.2, (64, 80)),
        (20, 16, (64, 80)),
        ("2020-03-21", "2020-03-05", (64, 80)),
        ("2020-04", 0.5, (45, 91)),
        ("2020-03-21 12:00", 1, (80, 81)),
        (1, 98, (1, 99)),
        (0.001, "2020-02", (31, 99)),
    ],
)
def test_edges_are_dates_parts_or_steps(tmp_path: Path, test: Any, cut: Any, begins: tuple[int, int]) -> None:
    found = parts(tmp_path, one_series(), test=test, validation={"cut": cut})
    days = daily("2020-01-01", 100)
    validation, end = begins
    assert own(found["train"]) == (days[0], days[validation - 1])
    assert own(found["validation"]) == (days[validation], days[end - 1])
    assert own(found["test"]) == (days[end], days[-1])
    for examples in found.values():
        assert examples.read(0)["sequence"][:, 0].tolist() == list(range(int(examples.lengths[0])))


def test_parts_that_nobody_asks_for_are_not_there(tmp_path: Path) -> None:
    frame = one_series()
    assert own(parts(tmp_path, frame, test="none", validation={"by": "none"})["train"])[1] == "2020-04-09"
    assert set(parts(tmp_path, frame, validation={"by": "none"})) == {"train", "test"}
    found = parts(tmp_path, frame, test="none")
    assert set(found) == {"train", "validation"}
    assert own(found["validation"]) == ("2020-03-21", "2020-04-09")


@pytest.mark.parametrize(("steps", "length"), [(None, 10), (5, 5)])
def test_folds_follow_one_another_up_to_the_test_part(tmp_path: Path, steps: int | None, length: int) -> None:
    days = daily("2020-01-01", 100)
    for fold in range(4):
        way = {"by": "folds", "folds": 4, "fold": fold, "steps": steps}
        found = parts(tmp_path, one_series(), validation=way)
        begin = 80 - (4 - fold) * length
        assert own(found["train"]) == (days[0], days[begin - 1])
        assert own(found["validation"]) == (days[begin], days[begin + length - 1])
        assert own(found["test"]) == (days[80], days[-1])
    last = parts(tmp_path, one_series(), validation={"by": "folds", "folds": 4, "fold": 3, "steps": 10}, test="none")
    assert own(last["validation"]) == (days[90], days[-1])


def test_time_that_is_not_used_is_nowhere(tmp_path: Path) -> None:
    found = parts(tmp_path, one_series(), start="2020-02", end="2020-03", test=5)
    assert own(found["train"])[0] == "2020-02-01"
    assert own(found["test"]) == ("2020-02-25", "2020-02-29")


def test_an_edge_is_one_moment_for_all_series(tmp_path: Path) -> None:
    found = parts(tmp_path, panel_of_three(), **LONG)
    for examples in found.values():
        assert examples.ids == ("a", "b", "c")
    assert [examples.lengths.tolist() for examples in found.values()] == [[64, 24, 0], [80, 40, 0], [100, 60, 10]]
    assert [examples.begins.tolist() for examples in found.values()] == [[0, 0, 0], [64, 24, 0], [80, 40, 0]]
    assert found["train"].notes == ("1 series that begin(s) behind the training part: 'c'",)
    windows = {name: cut_windows(each, 3, 2, 1, 3, 1) for name, each in found.items()}
    assert windows["train"].left_out == ("c",)
    assert windows["test"].left_out == ()
    assert windows["test"].edges.tolist() == [0, 19, 38, 44]


def test_hours_are_cut_on_the_clock_of_the_zone(tmp_path: Path) -> None:
    times = pandas.date_range("2020-03-27", periods=24 * 4, freq="h", tz="UTC")
    frame = pandas.DataFrame({"date": [each.isoformat() for each in times], "y": np.arange(len(times))})
    keys = {"time_zone": "Europe/Berlin", "calendar": {"features": ["hour"]}}
    by_date = parts(tmp_path, frame, test="2020-03-29", validation={"by": "none"}, **keys)
    assert own(by_date["test"])[0] == "2020-03-28 23:00:00"  # in UTC
    by_steps = parts(tmp_path, frame, test=10, validation={"cut": 20}, **keys)
    assert [int(each.lengths[0]) for each in by_steps.values()] == [66, 86, 96]


def test_rows_of_the_future_are_no_part_of_the_test(tmp_path: Path) -> None:
    frame = one_series().astype({"y": "float"})
    frame.loc[90:, "y"] = np.nan
    found = parts(tmp_path, frame, future=["kind"], past=["x"], test=10)
    assert own(found["test"]) == ("2020-03-21", "2020-03-30")


# Nothing leaks


@given(st.data())
def test_what_is_at_an_edge_or_behind_it_changes_no_earlier_part(data: st.DataObject) -> None:
    import tempfile

    frame = panel_of_three().reset_index(drop=True)
    way = data.draw(st.sampled_from([{"cut": 16}, {"cut": "2020-03-05"}, {"by": "folds", "folds": 3, "fold": 1}]))
    test = data.draw(st.sampled_from([0.2, 20, "2020-03-21"]))
    keys = {**LONG, "validation": way, "test": test}
    with tempfile.TemporaryDirectory() as name:
        whole = parts(Path(name), frame, **keys)
        split = data.draw(st.sampled_from(["train", "validation"]))
        edge = np.datetime64(whole[split].panel.stamps(0)[-1], "D")
        behind = np.flatnonzero(frame["date"].to_numpy("datetime64[D]") > edge)
        row = int(data.draw(st.sampled_from(behind.tolist())))
        frame.loc[row, data.draw(st.sampled_from(["y", "x"]))] = data.draw(st.sampled_from([-1, 10**6]))
        frame.loc[row, "kind"] = data.draw(st.sampled_from(["A", "new"]))
        other = parts(Path(name), frame, **keys)
    assert other[split].fingerprint() == whole[split].fingerprint()
    assert other["train"].fingerprint() == whole["train"].fingerprint()
    assert other["test"].fingerprint() != whole["test"].fingerprint()
    assert other["test"].signature == whole["test"].signature


def test_a_category_has_the_classes_of_the_training_part(tmp_path: Path) -> None:
    frame = one_series()
    frame.loc[70:, "kind"] = "new"
    found = parts(tmp_path, frame, future=["kind"])
    assert found["test"].signature.inputs[0].names == ("y", "kind=A", "kind=U", "kind=W")
    assert found["test"].signature.inputs[1].names == ("kind=A", "kind=U", "kind=W")
    assert found["test"].signature == found["train"].signature
    assert found["test"].rows(0, 80, 81).tolist() == [[80, 0, 0, 0]]
    assert found["train"].rows(0, 0, 1).tolist() == [[0, 0, 0, 1]]
    assert "1 class(es) of 'kind' that the training part does not have" in found["train"].notes[0]


def test_static_categories_are_of_series_that_are_trained_on(tmp_path: Path) -> None:
    frame = panel_of_three().assign(size=lambda each: each["shop"].map({"a": "big", "b": "small", "c": "tiny"}))
    found = parts(tmp_path, frame, **{**LONG, "future": [], "past": []})
    assert found["train"].signature.inputs[0].names == ("y", "size=big", "size=small")
    assert found["test"].panel.static.tolist() == [[1, 0], [0, 1], [0, 0]]


@pytest.mark.parametrize("keys", [LONG, KEYS])
def test_parts_share_their_values(tmp_path: Path, keys: dict[str, Any]) -> None:
    found = parts(tmp_path, panel_of_three() if keys is LONG else one_series(), **keys)
    assert found["train"].panel.values is found["validation"].panel.values is found["test"].panel.values


# What the user is told of


def test_what_was_repaired_and_what_is_odd_is_noted(tmp_path: Path) -> None:
    frame = panel_of_three().assign(size=1)
    frame.loc[frame["shop"] == "b", "y"] = 5
    frame = pandas.concat([frame.iloc[::-1], frame.iloc[:3]]).drop(index=50)
    found = parts(tmp_path, frame, **LONG, frequency="D", end="2020-03-30")
    notes = "\n".join(found["test"].notes)
    for line in ("not in order of time", "3 row(s) that repeat", "2 stamp(s) without a row", "never change(s): 'b'"):
        assert line in notes
    assert "1 series without a value from data.start on and before data.end: left out ('c')" in notes
    assert found["test"].ids == ("a", "b")


def test_a_bad_series_may_be_left_out(tmp_path: Path) -> None:
    frame = panel_of_three().astype({"y": "object"})
    frame.iloc[105, frame.columns.get_loc("y")] = "bad"
    found = parts(tmp_path, frame, **LONG, on_bad="skip")
    assert found["train"].ids == ("a", "c")
    assert [each.id for each in found["train"].skipped] == ["b"]
    assert found["train"].skipped is found["test"].skipped


def test_open_and_splits_give_the_parts(tmp_path: Path) -> None:
    expected = {name: each.fingerprint() for name, each in parts(tmp_path, one_series()).items()}
    source, places = Series.model_validate(KEYS), Places(tmp_path)
    for found in (source.open(places), source.splits(places)):
        assert {name: each.fingerprint() for name, each in found.items()} == expected


def test_several_files_are_joined(tmp_path: Path) -> None:
    frame = one_series()
    frame[:50].to_csv(tmp_path / "1.csv", index=False)
    frame[50:].to_csv(tmp_path / "2.csv", index=False)
    found = Series.model_validate({**KEYS, "file": ["2.csv", "1.csv"]}).parts(Places(tmp_path))
    assert found["test"].fingerprint() == parts(tmp_path, frame)["test"].fingerprint()


# Prediction


def forecast(folder: Path, frame: pandas.DataFrame, signature: Signature, **keys: Any) -> SeriesExamples:
    frame.to_csv(folder / "new.csv", index=False)
    kept = Signature.from_json(signature.to_json())
    return Series.model_validate({**KEYS, **keys}).read_input(folder / "new.csv", kept)


def test_the_training_file_is_read_again_as_it_was(tmp_path: Path) -> None:
    keys = {**LONG, "calendar": {"features": ["day_of_week"]}, "test": 20}
    trained = parts(tmp_path, panel_of_three(), **keys)["test"]
    again = forecast(tmp_path, panel_of_three(), trained.signature, **keys)
    assert again.signature == trained.signature
    assert again.panel.fingerprint() == trained.panel.fingerprint()
    assert again.begins.tolist() == [100, 60, 10]


def test_what_was_found_in_the_training_data_is_not_guessed_again(tmp_path: Path) -> None:
    dates = pandas.bdate_range("2020-01-01", periods=100)
    frame = pandas.DataFrame({"date": dates.strftime("%d/%m/%Y"), "y": np.arange(100), "k": ["7", "x"] * 50})
    signature = parts(tmp_path, frame, past=["k"], categories=["k"])["train"].signature
    assert signature.found == (("frequency", "B"), ("time_format", "%d/%m/%Y"))
    new = pandas.DataFrame({"date": ["03/04/2020", "06/04/2020"], "y": [1, 2], "k": [7, 8]})
    found = forecast(tmp_path, new, signature, past=["k"], categories=["k"])
    assert [stamp_text(each) for each in found.panel.stamps(0)] == ["2020-04-03", "2020-04-06"]
    assert found.rows(0, 0, 2).tolist() == [[1, 1, 0], [2, 0, 0]]
    one = forecast(tmp_path, new[:1], signature, past=["k"], categories=["k"])
    assert one.begins.tolist() == [1]


def test_a_forecast_goes_on_from_the_end_of_the_data(tmp_path: Path) -> None:
    keys = {"future": ["kind"], "past": ["x"], "calendar": {"features": ["weekend"]}}
    frame = one_series().astype({"y": "float"})
    signature = parts(tmp_path, frame, **keys)["train"].signature
    frame.loc[97:, "y"] = np.nan
    found = forecast(tmp_path, frame, signature, **keys)
    assert found.begins.tolist() == [97]
    ahead = found.to_forecast(3)
    assert ahead.lengths.tolist() == [100]
    windows = Windows(ahead, 5, 3, 7, np.array([0, 1]), ahead.begins.astype(np.int32))
    assert windows.stamps(0).tolist() == [np.datetime64(day, "s") for day in ("2020-04-07", "2020-04-08", "2020-04-09")]
    fields = windows.read(0)
    assert fields["sequence"][:, :2].tolist() == [[each, 2 * each] for each in range(92, 97)]
    kinds = np.array([["A", "U", "W"].index(each) for each in frame["kind"][97:]])
    np.testing.assert_array_equal(fields["future"], np.column_stack([np.eye(3)[kinds], [0, 0, 0]]))
    assert np.isnan(ahead.rows(0, 97, 100)[:, :2]).all()
    with pytest.raises(
        DataError, match=r"new\.csv:2: series 'series': a forecast of 4 steps needs the future covariat"
    ):
        found.to_forecast(4)
    with pytest.raises(DataError, match="covariate 'kind' up to 2020-04-10; it is missing from 2020-04-10 on"):
        found.to_forecast(4)


def test_a_forecast_may_begin_before_the_end_of_the_data(tmp_path: Path) -> None:
    keys = {**LONG, "past": ["x"]}
    signature = parts(tmp_path, panel_of_three(), **keys)["train"].signature
    found = forecast(tmp_path, panel_of_three(), signature, **keys)
    ahead = found.to_forecast(2, "2020-03-01")
    assert ahead.begins.tolist() == [60, 20, 0]
    assert ahead.lengths.tolist() == [62, 22, 2]
    assert ahead.rows(1, 18, 20)[:, :2].tolist() == [[116, 116], [118, 118]]
    assert np.isnan(ahead.rows(1, 20, 22)[:, :2]).all()
    assert not np.isnan(ahead.rows(1, 20, 22)[:, 2:]).any()
    changed = panel_of_three()
    changed.loc[changed["date"] >= "2020-03-01", ["y", "x"]] = -1
    other = forecast(tmp_path, changed, signature, **keys).to_forecast(2, "2020-03-01")
    assert other.fingerprint() == ahead.fingerprint()
    with pytest.raises(DataError, match="expected a date after 2020-01-01, where the data begin; received '2020-01'"):
        found.to_forecast(2, "2020-01")
    with pytest.raises(DataError, match="expected a date, such as"):
        found.to_forecast(2, "tomorrow")
    with pytest.raises(DataError, match=r"series 'a': a forecast of 2 steps .* 'kind' up to 2020-04-11"):
        found.to_forecast(2)
    with pytest.raises(DataError, match="expected a date up to 2020-04-10, the first without a value; received '2021'"):
        found.to_forecast(2, "2021")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"x": "word"}, "column 'x': expected numbers, as in the training data; received text"),
        ({"date": "2020-01-01T12:00Z"}, "new.csv"),
        ({"y": ""}, "new.csv: expected a value; every cell of column 'y' is empty"),
    ],
)
def test_a_file_that_is_not_like_the_training_data_is_refused(tmp_path: Path, change: Any, says: str) -> None:
    keys = {"past": ["x"]}
    signature = parts(tmp_path, one_series(), **keys)["train"].signature
    with pytest.raises(DataError) as error:
        forecast(tmp_path, one_series().assign(**change), signature, **keys)
    assert says in str(error.value)


def test_times_of_another_clock_are_refused(tmp_path: Path) -> None:
    times = pandas.date_range("2020-03-27", periods=48, freq="h")
    plain = pandas.DataFrame({"date": times.strftime("%Y-%m-%dT%H:%M"), "y": np.arange(48)})
    signature = parts(tmp_path, plain)["train"].signature
    with pytest.raises(DataError, match="expected times without offsets from UTC, as in the training data; received"):
        forecast(tmp_path, plain.assign(date=plain["date"] + "Z"), signature)


def test_columns_that_are_series_are_read_by_their_names(tmp_path: Path) -> None:
    keys = {"layout": "columns", "target": None, "future": ["kind"]}
    frame = one_series()
    signature = parts(tmp_path, frame, **keys)["train"].signature
    assert signature.known_target.names == ("value",)
    found = forecast(tmp_path, frame.rename(columns={"x": "z"}), signature, **keys)
    assert found.ids == ("y", "z")
    assert found.signature == signature


def test_series_that_come_along_are_forecast_from_a_file_of_their_format(tmp_path: Path) -> None:
    source = Series.model_validate({"dataset": "co2", "test": 260})
    found = source.parts(Places(tmp_path))
    assert [int(each.lengths[0]) for each in found.values()] == [1619, 2024, 2284]
    assert len(cut_windows(found["test"], 104, 26, 1, 104, 52)) == 235
    (tmp_path / "new.csv").write_text("date,co2\n20020105,372\n20020112,373\n")
    new = source.read_input(tmp_path / "new.csv", found["train"].signature)
    assert new.rows(0, 0, 2).tolist() == [[372], [373]]
    assert new.panel.frequency == "W-SAT"


# What is wrong with the data


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a test date before the data": (
        {"test": "2020-01-01"},
        "data.test: expected a date after 2020-01-01, so that something is left to train on; received '2020-01-01'; "
        "the data have 100 steps, from 2020-01-01 to 2020-04-09",
    ),
    "a test date behind the data": ({"test": "2020-04-10"}, "data.test: expected a date up to 2020-04-09; received"),
    "more test steps than there are": ({"test": 100}, "data.test: expected fewer steps than there are, 100, so that"),
    "a year that is a number": ({"test": 2020}, "received 2020; the data have 100 steps, from 2020-01-01 to 2020-04-09"
                                "; of a year write '2020-01'"),
    "a validation date behind the test edge": (
        {"validation": {"cut": "2020-04"}},
        "data.validation.cut: expected a date before 2020-03-21, where the test part begins (data.test); received",
    ),
    "a validation date before the data": ({"validation": {"cut": "2019"}}, "data.validation.cut: expected a date af"),
    "more validation steps than there are": (
        {"validation": {"cut": 80}},
        "data.validation.cut: expected fewer steps than there are before the test part (2020-03-21, data.test), 80, so",
    ),
    "blocks that are too long": (
        {"validation": {"by": "folds", "steps": 16}},
        "data.validation: expected fewer than 80 steps in all blocks, as there are so many before the test part "
        "(2020-03-21, data.test); received 5 folds of 16 steps; ask for fewer or shorter ones",
    ),
    "nothing that is used": (
        {"start": "2021"},
        "data.start and data.end: expected values of a target from 2021 on and before the end; received none; the data "
        "reach from 2020-01-01 to 2020-04-09",
    ),
    "a calendar that says nothing": ({"calendar": {"features": ["hour"]}}, "data.calendar: 'hour' says nothing"),
    "a column that there is not": ({"target": "z"}, "made.csv:1: expected a column 'z' (data.target); it is missing"),
    "a file that there is not": ({"file": "gone.csv"}, "data.file: no such file or folder: gone.csv (looked for"),
    "a format that is none": ({"file": "made.txt"}, "data.file: no such file"),
    "a feature that the calendar has": (
        {"past": ["weekend"], "calendar": {"features": ["weekend"]}},
        "data: expected different names of features; received 'weekend' 2 times",
    ),
    "a column named like a class": (
        {"past": ["kind=X"], "future": ["kind"]},
        "data: column 'kind=X' is named like a class of the category 'kind'; rename it",
    ),
    "text among numbers": ({"target": "odd"}, "made.csv:52: column 'odd': expected a number; received 'oops'"),
    "an impossible date": ({"time": "when"}, "made.csv:32: column 'when': expected a date of the calendar"),
    "mixed frequencies": ({"time": "mixed"}, "column 'mixed': mixed frequencies"),
    "an empty column": ({"past": ["empty"]}, "made.csv: expected a value; every cell of column 'empty' is empty"),
    "a future that is not known": ({"future": ["holes"]}, "made.csv:7: column 'holes': expected a value, as data.futu"),
}  # fmt: skip


def hostile() -> pandas.DataFrame:
    """Return a series with other columns, of which each has a fault."""
    frame = one_series()
    frame["odd"] = [str(number) if number != 50 else "oops" for number in range(100)]
    frame["when"] = [day if number != 30 else "2020-02-30" for number, day in enumerate(frame["date"])]
    frame["mixed"] = [*frame["date"][:60], *daily("2020-03-01", 200)[::5]]
    frame["holes"] = [number if number != 5 else np.nan for number in range(100)]
    return frame.assign(empty="", weekend=range(100), **{"kind=X": range(100)})


@pytest.mark.parametrize("name", BAD)
def test_a_fault_is_one_line_with_where_expected_and_received(tmp_path: Path, name: str, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    keys, says = BAD[name]
    with pytest.raises(DataError) as error:
        parts(tmp_path, hostile(), **keys)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_split_without_a_value_is_refused(tmp_path: Path) -> None:
    frame = one_series().astype({"y": "float"})
    frame.loc[60:79, "y"] = np.nan
    with pytest.raises(DataError) as error:
        parts(tmp_path, frame)
    assert (
        "data: expected a value of a target in the validation split; there is none from 2020-03-05 on and before"
        in (str(error.value))
    )
    with pytest.raises(DataError, match="in the train split; there is none from 2020-03-02 on and before 2020-03-20"):
        parts(tmp_path, frame, start="2020-03-02", test=10, validation={"cut": 11})


def test_a_series_of_one_step_can_not_be_cut(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.test: expected fewer steps than there are, 1, .* received 0\.2"):
        parts(tmp_path, one_series(1), frequency="D")


# What is wrong with the spec


def mistakes(values: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as error:
        SOURCES.parse({"source": "series", **values})
    return [(".".join(map(str, each["loc"])), str(each["msg"])) for each in error.value.errors()]


MISTAKES: dict[str, tuple[dict[str, Any], str, str]] = {
    "neither": ({}, "", "expected one of file (tables) and dataset (series that come along); received nothing"),
    "both": ({**KEYS, "dataset": "co2"}, "dataset", "received both"),
    "an unknown dataset": ({"dataset": "co3"}, "dataset", "received 'co3'; did you mean 'co2'"),
    "columns of a dataset": ({"dataset": "co2", "past": ["x"]}, "past", "does nothing beside dataset: co2"),
    "no time": ({"file": "a.csv", "target": "y"}, "time", "required key is missing"),
    "no target": ({"file": "a.csv", "time": "t"}, "target", "name at least one column"),
    "no files": ({**KEYS, "file": []}, "file", "expected a path, or a list of one or more"),
    "no id": ({**KEYS, "layout": "long"}, "layout", "give both or neither"),
    "an id of nothing": ({**KEYS, "id": "shop"}, "id", "give both or neither"),
    "a static column of one series": ({**KEYS, "static": ["x"]}, "static", "static is for layout: long"),
    "a column of two roles": ({**KEYS, "past": ["x"], "future": ["x"]}, "future", "column 'x' has two roles"),
    "a column twice": ({**KEYS, "target": ["y", "y"]}, "target", "column 'y' has two roles"),
    "a category of nothing": ({**KEYS, "categories": ["x"]}, "categories", "'x' is not among past, future and static"),
    "a category twice": ({**KEYS, "past": ["x"], "categories": ["x", "x"]}, "categories", "'x' stands twice"),
    "an unknown frequency": ({**KEYS, "frequency": "daily"}, "frequency", "expected one of pandas' names"),
    "an empty calendar": ({**KEYS, "calendar": {}}, "calendar", "expected features or holidays; received neither"),
    "an unknown country": ({**KEYS, "calendar": {"holidays": {"country": "XX"}}}, "calendar.holidays", "country"),
    "a url alone": ({**KEYS, "url": "https://x/a.csv"}, "url", "needs sha256"),
    "a url that is none": ({**KEYS, "url": "file:///etc/passwd", "sha256": "0" * 64}, "url", "text of the form"),
    "a checksum that is none": ({**KEYS, "sha256": "abc"}, "sha256", "text of the form"),
    "a checksum of several": ({**KEYS, "file": ["a", "b"], "sha256": "0" * 64}, "sha256", "`file` names several"),
    "a date that is none": ({**KEYS, "test": "2020-02-30"}, "test", "expected a date such as '2019-06', a part such as "
                            "0.2, a number of steps such as 365, or none; received '2020-02-30'"),
    "a date that is a word": ({**KEYS, "start": "now"}, "start", "expected a date, such as '2019-06' or"),
    "a year that is a number": ({**KEYS, "end": 2019}, "end", "received 2019; of a year write '2019-01'"),
    "no steps": ({**KEYS, "test": 0}, "test", "received 0"),
    "a whole": ({**KEYS, "test": 1.0}, "test", "received 1.0"),
    "true": ({**KEYS, "test": True}, "test", "received true"),
    "no edge": ({**KEYS, "test": None}, "test", "received nothing"),
    "no cut": ({**KEYS, "validation": {"cut": "none"}}, "validation.cut", "received 'none'"),
    "a cut behind the test": (
        {**KEYS, "test": "2019-06", "validation": {"cut": "2019-06-01"}}, "test", "expected a date after validation.cut"
    ),
    "a test behind the end": ({**KEYS, "test": "2019-06", "end": "2019"}, "end", "expected a date after test, 2019-06"),
    "a fold that there is not": ({**KEYS, "validation": {"by": "folds", "fold": 5}}, "validation", "fold 5 does not"),
    "steps of no blocks": ({**KEYS, "validation": {"steps": 5}}, "validation.steps", "does nothing while 'by' is 'cu"),
    "a cut beside folds": (
        {**KEYS, "validation": {"by": "folds", "cut": 0.1}}, "validation.cut", "does nothing while 'by' is 'folds'"
    ),
    "a way of other sources": ({**KEYS, "validation": {"by": "fraction"}}, "validation.by", "expected one of 'cut'"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_what_contradicts_itself_is_a_mistake_of_the_spec_at_its_key(name: str) -> None:
    values, key, says = MISTAKES[name]
    found = mistakes(values)
    assert [place for place, _ in found] == [key]
    assert says in found[0][1]
    assert "\n" not in found[0][1]


def test_all_mistakes_are_told_at_once() -> None:
    values = {
        "file": "a",
        "time": "t",
        "target": "t",
        "calendar": {},
        "url": "https://x",
        "start": "2020",
        "end": "2019",
    }
    assert [place for place, _ in mistakes(values)] == ["url", "target", "end", "calendar"]


@pytest.mark.parametrize(
    "text",
    [
        "test: 2019-06",
        "test: 2019-06-01",
        "test: '2019-06-01'",
        "test: 2019-06-01 12:00",
        "{start: 2019-06, test: 0.5}",
    ],
)
def test_a_date_of_a_spec_is_text_whether_quoted_or_not_and_is_written_so_again(text: str) -> None:
    values = yamlfile.parse(text, "a.yaml").values
    source = SOURCES.parse({"source": "series", **KEYS, **values})
    dumped = yaml.safe_dump(SOURCES.dump(source))
    assert SOURCES.parse(yamlfile.parse(dumped, "b.yaml").values) == source


# Downloads


CONTENT = one_series().to_csv(index=False).encode()
PINNED = {**KEYS, "file": "made/made.csv", "sha256": hashlib.sha256(CONTENT).hexdigest()}
DOWNLOADED = {**PINNED, "url": "https://example.org/made.csv"}


def answer(content: bytes) -> Callable[..., io.BytesIO]:
    return lambda url, timeout: io.BytesIO(content)


def no_network(url: str, timeout: float) -> io.BytesIO:
    raise URLError("no network")


def test_a_file_is_downloaded_once_into_the_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places, source = Places(tmp_path, tmp_path / "data"), Series.model_validate(DOWNLOADED)
    monkeypatch.setattr(_downloads, "urlopen", answer(CONTENT))
    first = source.parts(places)
    monkeypatch.setattr(_downloads, "urlopen", no_network)
    assert source.parts(places)["test"].fingerprint() == first["test"].fingerprint()
    assert [each.relative_to(tmp_path).as_posix() for each in tmp_path.rglob("*.csv")] == ["data/made/made.csv"]


def test_without_a_network_the_message_says_where_to_put_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_downloads, "urlopen", no_network)
    with pytest.raises(DataError, match=r"no network.*\. Without a network, put it at .*data/made/made\.csv"):
        Series.model_validate(DOWNLOADED).parts(Places(tmp_path, tmp_path / "data"))


def test_a_download_that_is_another_file_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_downloads, "urlopen", answer(CONTENT[:-1]))
    with pytest.raises(DataError, match="arrived damaged, or is another file by now: expected the sha256"):
        Series.model_validate(DOWNLOADED).parts(Places(tmp_path, tmp_path / "data"))
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


@pytest.mark.parametrize("keys", [PINNED, DOWNLOADED])
def test_a_file_that_is_there_is_compared_with_its_checksum(tmp_path: Path, keys: dict[str, Any]) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "made.csv").write_bytes(CONTENT)
    assert set(Series.model_validate(keys).parts(Places(tmp_path))) == {"train", "validation", "test"}
    (tmp_path / "made" / "made.csv").write_bytes(CONTENT + b"2020-04-10,1,1,W\n")
    with pytest.raises(DataError, match=r"made\.csv: expected the SHA-256 that data\.sha256 says; received"):
        Series.model_validate(keys).parts(Places(tmp_path))


@pytest.mark.parametrize("file", ["/etc/x.csv", "../x.csv", "a/../../x.csv", "..\\x.csv", "~/x.csv", "a//x.csv", "./x"])
def test_a_download_can_not_leave_the_data_directory(file: str) -> None:
    assert mistakes({**DOWNLOADED, "file": file})[0][0] == "file"


# No dead keys: each changes the splits, or what is refused


def outcome(folder: Path, values: dict[str, Any]) -> object:
    try:
        found = Series.model_validate(values).parts(Places(folder, folder / "data"))
    except DataError as error:
        return str(error)
    return {name: (each.fingerprint(), each.signature, each.ids) for name, each in found.items()}


FOLDS = {"by": "folds"}
NEAR, MONTH = {"country": "US"}, {"features": ["month"]}
# For each key, values between which only this key differs.
EFFECTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Series.validation": ({}, {"validation": FOLDS}),
    "Series.on_bad": ({"file": "bad.csv", **{key: LONG[key] for key in ("layout", "id")}}, {"on_bad": "skip"}),
    "Series.file": ({}, {"file": "long.csv"}),
    "Series.dataset": ({}, {"dataset": "co2", "file": None, "time": None, "target": None}),
    "Series.url": ({"file": "gone.csv", "sha256": "0" * 64}, {"url": "https://example.org/x.csv"}),
    "Series.sha256": ({}, {"sha256": "0" * 64}),
    "Series.time": ({}, {"time": "later"}),
    "Series.target": ({}, {"target": "x"}),
    "Series.layout": ({}, {"layout": "columns"}),
    "Series.id": ({"file": "long.csv", "layout": "long", "id": "shop"}, {"id": "size"}),
    "Series.past": ({}, {"past": ["x"]}),
    "Series.future": ({}, {"future": ["x"]}),
    "Series.static": ({"file": "long.csv", "layout": "long", "id": "shop"}, {"static": ["size"]}),
    "Series.categories": ({"past": ["week"]}, {"categories": ["week"]}),
    "Series.frequency": ({}, {"frequency": "12h"}),
    "Series.time_format": ({}, {"time_format": "%d.%m.%Y"}),
    "Series.time_zone": ({"time": "hour"}, {"time_zone": "Europe/Berlin"}),
    "Series.calendar": ({}, {"calendar": {"features": ["weekend"]}}),
    "Series.start": ({}, {"start": "2020-01-05"}),
    "Series.end": ({}, {"end": "2020-04"}),
    "Series.test": ({}, {"test": 3}),
    "SeriesValidation.by": ({}, {"validation": FOLDS}),
    "SeriesValidation.cut": ({}, {"validation": {"cut": 3}}),
    "SeriesValidation.folds": ({"validation": FOLDS}, {"validation": {**FOLDS, "folds": 2}}),
    "SeriesValidation.fold": ({"validation": FOLDS}, {"validation": {**FOLDS, "fold": 1}}),
    "SeriesValidation.steps": ({"validation": FOLDS}, {"validation": {**FOLDS, "steps": 2}}),
    "Calendar.features": ({"calendar": MONTH}, {"calendar": {"features": ["weekend"]}}),
    "Calendar.holidays": ({"calendar": MONTH}, {"calendar": {**MONTH, "holidays": NEAR}}),
    "Holidays.country": ({"calendar": {"holidays": NEAR}}, {"calendar": {"holidays": {"country": "DE"}}}),
    "Holidays.subdivision": (
        {"calendar": {"holidays": NEAR}}, {"calendar": {"holidays": {**NEAR, "subdivision": "IL"}}},
    ),
    "Holidays.near": ({"calendar": {"holidays": NEAR}}, {"calendar": {"holidays": {**NEAR, "near": 1}}}),
}  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    hours = [str(each) for each in pandas.date_range("2020-03-26", periods=100, freq="h")]
    frame = one_series().assign(later=daily("2021-01-01", 100), week=np.arange(100) % 7)
    frame["hour"] = [each for each in hours if each != "2020-03-29 02:00:00"] + ["2020-03-30 04:00:00"]
    frame.to_csv(folder / "made.csv", index=False)
    panel_of_three().to_csv(folder / "long.csv", index=False)
    bad = panel_of_three().astype({"y": "object"})
    bad.iloc[120, bad.columns.get_loc("y")] = "bad"
    bad.to_csv(folder / "bad.csv", index=False)
    return folder


def classes(cls: type[Strict]) -> Iterator[type[Strict]]:
    yield cls
    for field in cls.model_fields.values():
        for each in (field.annotation, *typing.get_args(field.annotation)):
            if isinstance(each, type) and issubclass(each, Strict):
                yield from classes(each)


def test_every_key_has_a_test_that_it_does_something() -> None:
    keys = {f"{cls.__name__}.{key}" for cls in classes(Series) for key in cls.model_fields}
    assert keys - {"Series.cache"} == set(EFFECTS)  # that one is of what is prepared, not of the source


@pytest.mark.parametrize("key", EFFECTS)
def test_a_key_does_something(bench: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_downloads, "urlopen", no_network)
    one, change = EFFECTS[key]
    first = outcome(bench, {**KEYS, **one})
    assert first == outcome(bench, {**KEYS, **one})
    assert first != outcome(bench, {**KEYS, **one, **change})


def test_every_key_of_tables_is_one_of_the_source() -> None:
    keys = set(SeriesKeys.__dataclass_fields__) - {"on_bad"}
    assert keys == set(OF_FILES) - {"url", "sha256"}
    assert keys <= set(Series.model_fields)


# Real data


@pytest.mark.shared
@pytest.mark.skipif(not (DATA / CTA).is_file(), reason="the real data sets are not here (RNNLAB_DATA_DIR)")
def test_ridership_is_cut_as_asked_for() -> None:
    columns = {"time": "service_date", "target": "rail_boardings", "past": ["bus"], "future": ["day_type"]}
    time = {"start": "2016-01", "validation": {"cut": "2019-01"}, "test": "2019-06", "end": "2020-03"}
    found = Series.model_validate({"file": CTA, **columns, **time}).parts(Places(Path(), DATA))
    counts = {name: len(cut_windows(each, 56, 7, 1, 56, 7)) for name, each in found.items()}
    assert counts == {"train": 1096 - 56 - 7 + 1, "validation": 151 - 7 + 1, "test": 274 - 7 + 1}
    windows = cut_windows(found["validation"], 56, 7, 1, 56, 7)
    assert (windows.ids[0], windows.ids[-1]) == ("series 2019-01-01", "series 2019-05-25")
    assert found["train"].signature.inputs[1].names == ("day_type=A", "day_type=U", "day_type=W")
