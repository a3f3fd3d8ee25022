"""Series in tables: how they are read and repaired, and one line for each thing that is wrong with them."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas
import pytest
from hypothesis import given

from rnnlab.errors import DataError
from rnnlab.panel import Panel
from rnnlab.sources._series_datasets import load_co2, load_dataset
from rnnlab.sources._series_tables import Reading, SeriesKeys, read_series

ROOT = Path(__file__).parents[2]
CTA = Path(os.environ.get("RNNLAB_DATA_DIR", "nowhere")) / "cta_ridership" / "cta_ridership.csv"
WIDE = "date,y,x\n2020-01-01,1,10\n2020-01-02,2,20\n2020-01-03,3,30\n2020-01-04,4,40\n"
LONG = (
    "shop,date,y,x,size\na,2020-01-01,1,10,5\na,2020-01-02,2,20,5\na,2020-01-03,3,30,5\n"
    "b,2020-01-02,4,40,6\nb,2020-01-03,5,50,6\nb,2020-01-04,6,60,6\n"
)
LONG_KEYS = {"layout": "long", "id": "shop", "target": ("y",)}


def write(folder: Path, content: str | bytes, name: str = "made.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def reading(*paths: Path, **keys: Any) -> Reading:
    return read_series(paths, SeriesKeys(**{"time": "date", "target": ("y",), **keys}))


def read(folder: Path, content: str | bytes, name: str = "made.csv", **keys: Any) -> Reading:
    return reading(write(folder, content, name), **keys)


def days(panel: Panel, series: int = 0) -> list[str]:
    return [str(each.astype("datetime64[D]")) for each in panel.stamps(series)]


def hours(panel: Panel, series: int = 0) -> list[str]:
    return [str(each)[5:16].replace("T", " ") for each in panel.stamps(series)]


def table(*stamps: str) -> str:
    """Return a table of these stamps and the values 0, 1, …"""
    return "date,y\n" + "".join(f"{stamp},{number}\n" for number, stamp in enumerate(stamps))


# Layouts


def test_a_wide_table_is_one_series(tmp_path: Path) -> None:
    found = read(tmp_path, WIDE, past=("x",))
    assert found.panel.ids == ("series",)
    assert found.panel.frequency == "D"
    assert [(each.name, each.role) for each in found.panel.columns] == [("y", "target"), ("x", "past")]
    assert found.panel.read(0).tolist() == [[1, 10], [2, 20], [3, 30], [4, 40]]
    assert days(found.panel) == ["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04"]
    assert found.repairs.lines() == []


def test_a_long_table_is_a_series_for_each_id(tmp_path: Path) -> None:
    panel = read(tmp_path, LONG, past=("x",), static=("size",), **LONG_KEYS).panel
    assert panel.ids == ("a", "b")
    assert panel.read(1).tolist() == [[4, 40], [5, 50], [6, 60]]
    assert days(panel, 1) == ["2020-01-02", "2020-01-03", "2020-01-04"]
    assert panel.static.tolist() == [[5], [6]]
    assert [Path(each).name for each in panel.locations] == ["made.csv:2", "made.csv:5"]


def test_every_column_may_be_a_series(tmp_path: Path) -> None:
    panel = read(tmp_path, WIDE, layout="columns", target=()).panel
    assert panel.ids == ("y", "x")
    assert panel.read(1).tolist() == [[10], [20], [30], [40]]
    shared = read(tmp_path, WIDE, layout="columns", target=("y",), future=("x",)).panel
    assert shared.read(0).tolist() == [[1, 10], [2, 20], [3, 30], [4, 40]]


def test_a_series_that_begins_late_has_no_steps_before(tmp_path: Path) -> None:
    text = "date,a,b\n2020-01-01,1,\n2020-01-02,2,\n2020-01-03,,5\n2020-01-04,,6\n"
    found = read(tmp_path, text, layout="columns", target=())
    assert days(found.panel, 0) == ["2020-01-01", "2020-01-02"]
    assert days(found.panel, 1) == ["2020-01-03", "2020-01-04"]
    assert found.repairs.trimmed == 4


def test_the_rows_of_several_files_are_joined(tmp_path: Path) -> None:
    head, *rows = WIDE.splitlines(keepends=True)
    one, other = (
        write(tmp_path, head + "".join(each), name) for each, name in ((rows[:3], "1.csv"), (rows[2:], "2.csv"))
    )
    whole = read(tmp_path, WIDE, past=("x",))
    for paths in ([one, other], [other, one]):
        found = reading(*paths, past=("x",))
        np.testing.assert_array_equal(found.panel.values, whole.panel.values)
        assert found.repairs.duplicates == 1
    assert found.repairs.sorted == 3


def test_files_of_two_formats_may_be_joined(tmp_path: Path) -> None:
    one, other = write(tmp_path, WIDE), tmp_path / "2.parquet"
    pandas.DataFrame({"date": pandas.date_range("2020-01-05", periods=2), "y": [5, 6]}).to_parquet(other)
    panel = reading(one, other).panel
    assert panel.read(0)[:, 0].tolist() == [1, 2, 3, 4, 5, 6]
    assert days(panel)[-1] == "2020-01-06"


@pytest.mark.parametrize("name", ["made.tsv", "made.csv.gz", "made.tsv.gz", "made.parquet"])
@pytest.mark.parametrize("typed", [False, True])
def test_every_format_gives_the_same_panel(tmp_path: Path, name: str, typed: bool) -> None:
    keys: Any = {"past": ("x",), "static": ("size",), **LONG_KEYS}
    plain = read(tmp_path, LONG, "plain.csv", **keys).panel
    text = LONG.replace(",", "\t") if ".tsv" in name else LONG
    path = write(tmp_path, gzip.compress(text.encode()) if name.endswith(".gz") else text, name)
    if name.endswith(".parquet"):
        frame = pandas.read_csv(tmp_path / "plain.csv")
        frame["date"] = pandas.to_datetime(frame["date"]) if typed else frame["date"]
        frame.to_parquet(path)
    assert reading(path, **keys).panel.fingerprint() == plain.fingerprint()


def test_text_is_a_category_and_numbers_may_be(tmp_path: Path) -> None:
    text = "date,y,kind,code\n2020-01-01,1,W,7\n2020-01-02,2,A,10\n2020-01-03,3,,7\n2020-01-04,4,W,NA\n"
    found = read(tmp_path, text, past=("kind", "code"), categories=("code",))
    assert found.keys.categories == ("kind", "code")
    assert [each.classes for each in found.panel.columns] == [(), ("A", "W"), ("10", "7")]
    np.testing.assert_array_equal(found.panel.values[:, 1], np.array([1, 0, np.nan, 1], np.float32))
    wide = found.panel.one_hot(found.panel.between(end="2020-01-02").categories())
    assert [each.name for each in wide.columns] == ["y", "kind=W", "code=7"]
    assert found.panel.columns[2].role == "past"


def test_what_was_found_is_written_out_so_that_another_file_is_read_alike(tmp_path: Path) -> None:
    first = read(tmp_path, table("13/01/2020", "14/01/2020", "16/01/2020"))
    assert (first.keys.time_format, first.keys.frequency) == ("%d/%m/%Y", "D")
    other = read_series([write(tmp_path, table("03/04/2020", "05/04/2020"), "new.csv")], first.keys)
    assert days(other.panel) == ["2020-04-03", "2020-04-04", "2020-04-05"]


def test_rows_of_the_future_hold_what_is_known_of_it(tmp_path: Path) -> None:
    panel = read(tmp_path, WIDE.replace(",3,", ",,").replace(",4,", ",,"), future=("x",)).panel
    assert panel.observed().tolist() == [2]
    panel.check_future(2, panel.observed(), 1)


# Repairs


@given(st.permutations(range(12)), st.lists(st.integers(0, 11), max_size=5), st.sets(st.integers(1, 10), max_size=4))
def test_order_duplicates_and_gaps_change_nothing(order: list[int], again: list[int], gaps: set[int]) -> None:
    rows = [f"{'ab'[number % 2]},2020-03-{1 + number // 2:02},{number}" for number in range(12)]
    left = [number for number in order if number not in gaps]
    written = left + [number for number in again if number not in gaps]
    with tempfile.TemporaryDirectory() as name:
        path = write(Path(name), "shop,date,y\n" + "".join(f"{rows[number]}\n" for number in written))
        found = reading(path, frequency="D", **LONG_KEYS)
    assert found.repairs.rows == len(written)
    assert found.repairs.duplicates == len(written) - len(left)
    for series, shop in enumerate(found.panel.ids):
        numbers = [number for number in sorted(left) if "ab"[number % 2] == shop]
        steps = {number // 2 - numbers[0] // 2: number for number in numbers}
        expected = [steps.get(step, np.nan) for step in range(max(steps) + 1)]
        np.testing.assert_array_equal(found.panel.read(series)[:, 0], np.array(expected, np.float32))
    assert found.repairs.filled == found.panel.lengths.sum() - len(left)


def test_repairs_are_counted_and_told(tmp_path: Path) -> None:
    text = (
        "date,y\n2020-01-05,5\n2020-01-01,\n2020-01-02,2\n2020-01-02,2\n2020-01-03,\n2020-01-07,7\n2020-01-08,7\n"
        "2020-01-09,\n"
    )
    repairs = read(tmp_path, text).repairs
    assert (repairs.rows, repairs.sorted, repairs.duplicates, repairs.filled) == (8, 4, 1, 2)
    assert (repairs.missing, repairs.trimmed) == (3, 2)
    assert repairs.lines()[1] == "1 row(s) that repeat another: dropped"
    assert len(repairs.lines()) == 5


def test_constant_and_empty_series_are_named(tmp_path: Path) -> None:
    text = LONG.replace("4,40", "5,40").replace("6,60", "5,60") + "c,2020-01-01,,1,7\nc,2020-01-02,,1,7\n"
    found = read(tmp_path, text, **LONG_KEYS)
    assert found.panel.ids == ("a", "b")
    assert (found.repairs.constant, found.repairs.empty) == (("b",), ("c",))
    assert "never change(s): 'b'" in found.repairs.lines()[-1]


@given(st.permutations(LONG.splitlines()[1:]))
def test_the_order_of_rows_is_no_part_of_the_data(rows: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        keys: Any = {"past": ("x",), "static": ("size",), **LONG_KEYS}
        plain, mixed = (read(Path(name), text, **keys) for text in (LONG, "\n".join([LONG.splitlines()[0], *rows])))
    assert mixed.panel.ids == ("a", "b")
    assert mixed.panel.fingerprint() == plain.panel.fingerprint()


# Stamps


@pytest.mark.parametrize(
    ("stamps", "format", "first"),
    [
        (("2020-01-02", "2020-01-03"), "ISO8601", "2020-01-02"),
        (("2020-01-02 00:00", "2020-01-03 00:00:00"), "ISO8601", "2020-01-02"),
        (("2020-01-02T00:00:00Z", "2020-01-03T00:00:00Z"), "ISO8601", "2020-01-02"),
        (("20200102", "20200103"), "%Y%m%d", "2020-01-02"),
        (("2020/1/2", "2020/01/03"), "%Y/%m/%d", "2020-01-02"),
        (("12/31/2019", "1/1/2020"), "%m/%d/%Y", "2019-12-31"),
        (("31.12.2019", "01.01.2020"), "%d.%m.%Y", "2019-12-31"),
        (("31-12-2019 00:00", "01-01-2020 00:00"), "%d-%m-%Y %H:%M", "2019-12-31"),
    ],
)
def test_formats_that_leave_no_doubt_are_guessed(tmp_path: Path, stamps: Any, format: str, first: str) -> None:
    found = read(tmp_path, table(*stamps))
    assert found.keys.time_format == format
    assert days(found.panel)[0] == first
    assert found.panel.frequency == "D"
    assert found.panel.zone is None


def test_a_format_may_be_given(tmp_path: Path) -> None:
    assert days(read(tmp_path, table("03/04/2020", "04/04/2020"), time_format="%d/%m/%Y").panel)[0] == "2020-04-03"
    panel = read(tmp_path, table("3 Jan 20", "4 Jan 20"), time_format="%d %b %y").panel
    assert days(panel)[0] == "2020-01-03"
    found = read(tmp_path, table("1577836800", "1577840400"), time_format="unix")
    assert (hours(found.panel)[0], found.panel.frequency, found.panel.zone) == ("01-01 00:00", "h", "UTC")
    milliseconds = read(tmp_path, table("1577836800000", "1577840400000"), time_format="unix_ms")
    assert milliseconds.panel.fingerprint() == found.panel.fingerprint()


@pytest.mark.parametrize(
    ("stamps", "frequency"),
    [
        (["2020-01-04", "2020-01-11", "2020-01-25"], "W-SAT"),
        (["2020-01-01", "2020-02-01", "2020-04-01"], "MS"),
        (["2020-01-31", "2020-02-29", "2020-04-30"], "ME"),
        (["2020-02-01", "2020-05-01", "2020-11-01"], "QS-FEB"),
        (["2019-12-31", "2020-12-31", "2022-12-31"], "YE-DEC"),
        (["2020-01", "2020-02", "2020-03"], "MS"),
        (["2020-01-01 00:00", "2020-01-01 00:15", "2020-01-01 00:45"], "15min"),
        (["2020-01-01 00:00", "2020-01-01 06:00"], "6h"),
        (["2020-01-01", "2020-01-03", "2020-01-05"], "2D"),
        ([str(day)[:10] for day in pandas.bdate_range("2020-01-01", periods=30)], "B"),
        ([str(day)[:10] for day in pandas.bdate_range("2020-01-06", periods=5)], "D"),
    ],
)
def test_the_frequency_is_found(tmp_path: Path, stamps: list[str], frequency: str) -> None:
    panel = read(tmp_path, table(*stamps)).panel
    assert panel.frequency == frequency
    known = ~np.isnan(panel.read(0)[:, 0])
    expected = np.array(stamps, "datetime64[s]")
    np.testing.assert_array_equal(panel.stamps(0)[known], expected)


def local(start: str, periods: int, zone: str = "Europe/Berlin", step: str = "h") -> pandas.DatetimeIndex:
    return pandas.date_range(start, periods=periods, freq=step, tz="UTC").tz_convert(zone)


@pytest.mark.parametrize("start", ["2020-03-28 20:00", "2020-10-24 20:00"])
@pytest.mark.parametrize("step", ["h", "15min"])
def test_offsets_and_local_clocks_give_the_same_even_hours(tmp_path: Path, start: str, step: str) -> None:
    times = local(start, 60, step=step)
    offsets = read(tmp_path, table(*(each.isoformat() for each in times)), time_zone="Europe/Berlin")
    plain = read(tmp_path, table(*(str(each)[:19] for each in times)), time_zone="Europe/Berlin")
    for found in (offsets, plain):
        assert found.repairs.filled == found.repairs.sorted == 0
        assert found.panel.frequency == step
        assert found.panel.zone == "Europe/Berlin"
        assert found.panel.read(0)[:, 0].tolist() == list(range(60))
        clock = found.panel.clock(found.panel.stamps(0))
        assert [str(each).replace("T", " ") for each in clock] == [str(each)[:19] for each in times]


def test_local_clocks_may_run_backwards_through_the_file(tmp_path: Path) -> None:
    times = list(enumerate(local("2020-10-24 20:00", 10)))
    text = "date,y\n" + "".join(f"{str(each)[:19]},{at}\n" for at, each in reversed(times))
    assert read(tmp_path, text, time_zone="Europe/Berlin").panel.read(0)[:, 0].tolist() == list(range(10))


def test_days_keep_the_date_of_the_local_clock(tmp_path: Path) -> None:
    times = pandas.date_range("2020-03-27", periods=5, freq="D", tz="Europe/Berlin")
    panel = read(tmp_path, table(*(each.isoformat() for each in times)), time_zone="Europe/Berlin").panel
    assert (panel.frequency, panel.zone) == ("D", None)
    assert days(panel) == [str(each)[:10] for each in times]


def test_a_column_of_times_may_name_its_zone(tmp_path: Path) -> None:
    path = tmp_path / "made.parquet"
    pandas.DataFrame({"date": local("2020-03-28 20:00", 30), "y": np.arange(30)}).to_parquet(path)
    panel = reading(path).panel
    assert (panel.zone, panel.frequency, len(panel.values)) == ("Europe/Berlin", "h", 30)


def test_hours_without_a_zone_are_taken_as_they_stand(tmp_path: Path) -> None:
    found = read(tmp_path, table(*(str(each)[:19] for each in local("2020-03-28 20:00", 30))))
    assert (found.panel.zone, found.repairs.filled) == (None, 1)


# What is wrong


@dataclass(frozen=True)
class Bad:
    """A table with a fault, what is said of it, and the series that `on_bad: skip` leaves (none: still an error)."""

    content: str | bytes
    says: tuple[str, ...]
    keys: Mapping[str, Any] = field(default_factory=dict)
    name: str = "made.csv"
    left: tuple[str, ...] = ()


def wide(old: str, new: str, *says: str, **keys: Any) -> Bad:
    assert old in WIDE
    return Bad(WIDE.replace(old, new, 1), says, keys)


def long(old: str, new: str, *says: str, left: str = "", **keys: Any) -> Bad:
    assert old in LONG
    return Bad(LONG.replace(old, new, 1), says, {**LONG_KEYS, **keys}, left=tuple(left.split()))


def dates(*stamps: str, says: tuple[str, ...], **keys: Any) -> Bad:
    return Bad(table(*stamps), says, keys)


def parquet(frame: pandas.DataFrame, *says: str, **keys: Any) -> Bad:
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return Bad(buffer.getvalue(), says, keys, "made.parquet")


BERLIN = {"time_zone": "Europe/Berlin"}
AUTUMN = ["2020-10-25 00:00", "2020-10-25 01:00", "2020-10-25 02:00", "2020-10-25 02:00", "2020-10-25 03:00"]
FRAME = pandas.DataFrame({"date": pandas.date_range("2020-01-01", periods=3), "y": [1.0, 2, 3]})

TABLE = {
    "a word among numbers": wide(",2,20", ",two,20", "made.csv:3: column 'y': expected a number; received 'two'"),
    "a word in a series": long(
        "b,2020-01-03,5", "b,2020-01-03,five", "made.csv:6: series 'b': column 'y'", "on_bad: skip", left="a"
    ),
    "a word in a covariate": wide(
        ",30", ",cold", "made.csv:4: column 'x': expected a number; received 'cold'", "data.categories", past=("x",)
    ),
    "numbers among the words of a category": Bad(
        "date,y,k\n" + "".join(f"{2000 + n},{n},-\n" for n in range(1000)) + "3000,1,7\n",
        ("made.csv:2: column 'k': expected a number, as in other rows; received '-'",),
        {"past": ("k",), "time_format": "%Y"},
    ),
    "a blank cell": wide(",2,20", ", ,20", "made.csv:3: column 'y': expected a number; received a blank cell"),
    "infinity": wide(",2,20", ",inf,20", "made.csv:3: column 'y': expected a finite number"),
    "a number beyond float32": long("a,2020-01-02,2", "a,2020-01-02,1e39", "made.csv:3: series 'a'", left="b"),
    "a day that there is not": wide("2020-01-03", "2020-01-33", "made.csv:4: column 'date': expected a date of the"),
    "the 30th of February": dates("01/31/2020", "02/30/2020", says=("made.csv:3: column 'date'", "'02/30/2020'")),
    "a date that is none": wide("2020-01-02", "soon", "made.csv:3: column 'date'", "received 'soon'", "time_format"),
    "no date": long("b,2020-01-03", "b,", "made.csv:6: series 'b': column 'date'", "an empty cell", left="a"),
    "no date at all": dates("soon", "later", says=("made.csv:2: column 'date': expected a date, such as", "'soon'")),
    "only empty dates": dates("", "", says=("made.csv:2: column 'date': expected a date; received an empty cell",)),
    "days that may be months": dates(
        "03/04/2020", "04/04/2020", says=("made.csv:2: column 'date': '03/04/2020' may have its day", "'%d/%m/%Y' or")
    ),
    "days first and months first": dates(
        "13/04/2020", "04/14/2020", says=("made.csv:3: column 'date': '04/14/2020' has its month first", "made.csv:2")
    ),
    "a year of two digits": dates("13/04/20", "14/04/20", says=("made.csv:2", "'13/04/20'", "give data.time_format")),
    "numbers for dates": dates("1577836800", "1577923200", says=("made.csv:2", "data.time_format: unix")),
    "two formats": dates("2020-01-01", "01/02/2020", says=("made.csv:3: column 'date'", "'01/02/2020'", "ISO8601")),
    "another format than is given": wide(
        "2020-01-02", "2020/01/02", "made.csv:3", "written as %Y-%m-%d", time_format="%Y-%m-%d"
    ),
    "a format that is none": wide("2", "2", "data.time_format: expected a format of dates", time_format="%Q"),
    "parts of a second": dates("2020-01-01T00:00:00.5", "2020-01-01T00:00:01.5", says=("made.csv:2", "whole seconds")),
    "offsets on nobody's clock": dates(
        "2020-01-01T00:00+05:30", "2020-01-02T00:00+05:30", says=("made.csv:2: column 'date'", "give data.time_zone")
    ),
    "offsets in some rows": dates(
        "2020-01-01T00:00Z", "2020-01-02T00:00", says=("made.csv:3: column 'date': expected an offset from UTC",)
    ),
    "a time zone that there is not": wide(
        "2", "2", "data.time_zone: expected a name", "did you mean 'Europe/Berlin'", time_zone="Europe/Berlim"
    ),
    "a time zone that does nothing": wide("2", "2", "data.time_zone: does nothing", **BERLIN),
    "an hour that clocks skipped": dates(
        "2020-03-29 01:00", "2020-03-29 02:00", says=("made.csv:3: column 'date': no clock in Europe/Berlin",), **BERLIN
    ),
    "an hour that clocks showed twice": dates(*AUTUMN[:3], AUTUMN[4], says=("made.csv:4", "1 time(s)"), **BERLIN),
    "an hour that clocks showed thrice": dates(*AUTUMN[:3], *AUTUMN[2:], says=("made.csv:4", "3 time(s)"), **BERLIN),
    "such an hour in rows of no order": dates(
        *AUTUMN, "2020-10-24 20:00", says=("made.csv:4", "not in order"), **BERLIN
    ),
    "such an hour without a zone": dates(
        *AUTUMN, says=("made.csv:5", "as in made.csv:4", "set back, give data.time_zone")
    ),
    "contradicting rows": wide(
        "2020-01-03",
        "2020-01-02",
        "made.csv:4: column 'y': expected one row for 2020-01-02",
        "made.csv:3",
        "3 instead of 2",
    ),
    "contradicting categories": Bad(
        "date,y,k\n2020-01-01,1,up\n2020-01-02,2,up\n2020-01-01,1,down\n",
        ("made.csv:4: column 'k': expected one row for 2020-01-01", "received 'down' instead of 'up'", "data.id"),
        {"past": ("k",)},
    ),
    "names of time zones": wide("2", "2", "data.time_format: names of time zones", time_format="%Y-%m-%d %Z"),
    "contradicting rows of a series": long(
        "b,2020-01-03", "b,2020-01-02", "made.csv:6: series 'b': column 'y'", "made.csv:5", left="a"
    ),
    "half a day among days": Bad(
        WIDE.replace("01-04,", "04 12:00,").replace("2020-04 12:00", "2020-01-04 12:00"),
        (
            "made.csv:5: column 'date': mixed frequencies: expected a stamp every 1 day(s)",
            "1 day(s)",
            "2020-01-04 12:00",
        ),
    ),
    "hours among days": dates(
        *(f"2020-01-{day:02}" for day in range(1, 9)),
        *(f"2020-01-08 {hour:02}:00" for hour in range(1, 9)),
        says=("mixed frequencies", "every 1 hour(s)", "(47% of all steps", "data.frequency"),
    ),
    "a daily and a weekly series": Bad(
        "shop,date,y\n"
        + "".join(f"a,{day},1\n" for day in np.arange("2020-01-01", "2020-06-01", dtype="datetime64[D]"))
        + "".join(f"b,{day},1\n" for day in np.arange("2020-01-01", "2020-06-01", 7, dtype="datetime64[D]")),
        ("mixed frequencies: expected a stamp of series 'b' every 1 day(s)", "7 day(s)"),
        LONG_KEYS,
    ),
    "months and a day": dates(
        *("2020-01-01", "2020-02-01", "2020-03-01", "2020-04-02"),
        says=("made.csv:5: column 'date': mixed frequencies: expected the first day", "received 2020-04-02"),
    ),
    "a frequency that does not fit": wide("2", "2", "made.csv:3", "of frequency W-WED", frequency="W-WED"),
    "a weekday that does not fit": wide("2", "2", "made.csv:2", "W-SAT", "(a Wednesday)", frequency="W-SAT"),
    "a frequency that is none": wide("2", "2", "data.frequency: expected one of pandas' names", frequency="daily"),
    "one stamp": dates("2020-01-01", says=("made.csv:2", "two stamps or more", "give data.frequency")),
    "a stamp of the year 9999": Bad(
        "date,y\n" + "".join(f"2020-01-01 {n:02}:00,1\n" for n in range(9)) + "9999-01-01 00:00,1\n",
        ("made.csv:11: column 'date': expected stamps with few gaps", "are missing beside 10 rows", "9999-01-01"),
    ),
    "an empty column": Bad("date,y\n2020-01-01,\n2020-01-02,\n", ("made.csv: expected a value", "column 'y' is empty")),
    "an empty column among series": Bad(
        "date,a,b\n2020-01-01,1,\n2020-01-02,2,\n",
        ("made.csv: series 'b': expected a value; every cell of column 'b' is empty",),
        {"layout": "columns", "target": ()},
        left=("a",),
    ),
    "a word in a column that is a series": Bad(
        "date,a,b\n2020-01-01,1,3\n2020-01-02,2,x\n",
        ("made.csv:3: series 'b': column 'b': expected a number; received 'x'",),
        {"layout": "columns", "target": ()},
        left=("a",),
    ),
    "a future that is not known": wide(
        ",3,30", ",3,", "made.csv:4: column 'x': expected a value, as data.future says", future=("x",)
    ),
    "a static that changes": long(
        "50,6",
        "50,7",
        "made.csv:6: series 'b': column 'size': expected one value",
        "received 7, and 6 in made.csv:5",
        left="a",
        static=("size",),
    ),
    "a series without a name": long(
        "b,2020-01-03", ",2020-01-03", "made.csv:6: column 'shop': expected a series' name"
    ),
    "a column that there is not": wide(
        "date,y", "date,z", "made.csv:1: expected a column 'y' (data.target)", "missing"
    ),
    "a time column that there is not": wide("date", "data", "made.csv:1", "(data.time)", "did you mean 'data'"),
    "an id that there is not": long("shop", "shops", "made.csv:1", "(data.id)", "did you mean 'shops'"),
    "a covariate that there is not": wide("2", "2", "(data.future)", "did you mean", future=("xx",)),
    "an empty file": Bad("", ("made.csv: expected column names and rows; the file is empty",)),
    "a header only": Bad("date,y\n", ("made.csv: expected rows after the column names",)),
    "too many fields": wide(",20", ",20,30", "made.csv:3: expected 3 fields", "received 4"),
    "no column for a series": Bad(
        "date\n2020-01-01\n", ("made.csv: expected a column for each series",), {"layout": "columns", "target": ()}
    ),
    "words in Parquet": parquet(FRAME.assign(y=["1", "b", "c"]), "made.parquet: column 'y': expected numbers"),
    "no time in Parquet": parquet(
        FRAME.assign(date=[*FRAME["date"][:2], None]),
        "made.parquet: row 2: column 'date': expected a time; received an empty",
    ),
    "infinity in Parquet": parquet(FRAME.assign(y=[1, np.inf, 3]), "made.parquet: row 1: column 'y'"),
    "nanoseconds in Parquet": parquet(
        FRAME.assign(date=FRAME["date"] + pandas.Timedelta("1ns")), "made.parquet: row 0", "whole seconds"
    ),
}


def message(folder: Path, bad: Bad, **keys: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, bad.content, bad.name, **{**bad.keys, **keys})
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", TABLE)
def test_a_fault_is_told_in_one_line_with_its_place(tmp_path: Path, monkeypatch: Any, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    told = message(tmp_path, TABLE[name])
    for part in TABLE[name].says:
        assert part in told


@pytest.mark.parametrize("name", TABLE)
def test_a_bad_series_may_be_left_out_and_a_bad_file_may_not(tmp_path: Path, name: str) -> None:
    bad = TABLE[name]
    if not bad.left:
        message(tmp_path, bad, on_bad="skip")
        return
    panel = read(tmp_path, bad.content, bad.name, **{**bad.keys, "on_bad": "skip"}).panel
    assert panel.ids == bad.left
    assert [each.id for each in panel.skipped] == ["b" if bad.left == ("a",) else "a"]
    assert panel.skipped[0].where.partition(":")[0].endswith("made.csv")


def test_when_all_series_are_bad_none_is_left(tmp_path: Path) -> None:
    text = LONG.replace(",2,", ",x,").replace(",5,", ",x,")
    assert "none of 2 is left; the first bad one" in message(tmp_path, Bad(text, (), LONG_KEYS), on_bad="skip")


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"id": "shop"}, "give both or neither"),
        ({"layout": "long"}, "give both or neither"),
        ({"static": ("x",)}, "static is for layout: long"),
        ({"target": ()}, "name at least one column"),
        ({"past": ("y",)}, "column 'y' has two roles"),
        ({"past": ("x",), "future": ("x",)}, "column 'x' has two roles"),
        ({"categories": ("x",)}, "'x' is not among"),
    ],
)
def test_keys_that_contradict_each_other_are_mistakes(keys: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SeriesKeys(**{"time": "date", "target": ("y",), **keys})


@given(st.integers(0, len(LONG)), st.integers(0, 6), st.text('0123456789-/: ,.\n"abZ+\t;é', max_size=8), st.booleans())
def test_a_table_with_any_damage_is_read_or_refused(at: int, length: int, text: str, skip: bool) -> None:
    keys: Any = {"past": ("x",), "future": ("size",), "on_bad": "skip" if skip else "error", **LONG_KEYS}
    panel, told = None, ""
    with tempfile.TemporaryDirectory() as name:
        try:
            panel = read(Path(name), LONG[:at] + text + LONG[at + length :], **keys).panel
        except DataError as error:
            told = str(error)
    assert "\n" not in told
    assert panel is None or (len(panel.values) < 2000 and (panel.observed() > 0).all())


# Real data


def test_carbon_dioxide_comes_along() -> None:
    from statsmodels.datasets import co2

    found, expected = load_co2(), co2.load_pandas().data
    assert found.panel.frequency == "W-SAT"
    np.testing.assert_array_equal(found.panel.read(0), expected.to_numpy(np.float32))
    np.testing.assert_array_equal(found.panel.stamps(0), expected.index.to_numpy().astype("datetime64[s]"))
    assert found.repairs.missing == 59
    assert load_dataset("co2").panel.fingerprint() == found.panel.fingerprint()
    with pytest.raises(DataError, match="'co3'; did you mean 'co2'"):
        load_dataset("co3")


@pytest.mark.shared
@pytest.mark.skipif(not CTA.is_file(), reason="the real data sets are not here (RNNLAB_DATA_DIR)")
def test_ridership_is_sorted_and_loses_its_duplicates() -> None:
    found = reading(CTA, time="service_date", target=("rail_boardings",), past=("bus",), future=("day_type",))
    frame = pandas.read_csv(CTA, parse_dates=["service_date"]).drop_duplicates().sort_values("service_date")
    assert (found.repairs.rows, found.repairs.duplicates, found.repairs.filled) == (7701, 62, 0)
    assert found.repairs.sorted > 0
    assert found.keys.time_format == "%m/%d/%Y"
    assert (found.panel.frequency, len(found.panel.values)) == ("D", 7639)
    np.testing.assert_array_equal(found.panel.read(0)[:, 0], frame["rail_boardings"].to_numpy(np.float32))
    np.testing.assert_array_equal(found.panel.stamps(0), frame["service_date"].to_numpy().astype("datetime64[s]"))
    day_type = np.array(found.panel.columns[2].classes)[found.panel.read(0)[:, 2].astype(int)]
    np.testing.assert_array_equal(day_type, frame["day_type"])
    test = found.panel.between("2019-06", "2020-03")
    assert (days(test)[0], days(test)[-1]) == ("2019-06-01", "2020-02-29")


# Size

LOADER = """
import resource, sys, time
from pathlib import Path
import pandas, pyarrow
from rnnlab.sources._series_tables import SeriesKeys, read_series
base, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
keys = {"long": SeriesKeys("date", ("y",), "long", "shop"), "columns": SeriesKeys("date", layout="columns")}
panel = read_series([Path(sys.argv[2])], keys[sys.argv[1]]).panel
assert len(panel) == 414 and panel.frequency == "h", panel
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) * 1024, time.perf_counter() - start)
"""


def load_made(folder: Path, layout: str, steps: int) -> tuple[float, float, int]:
    """Return peak memory in bytes and seconds of loading 414 hourly series, and the size of the file."""
    dates = pandas.date_range("2016-01-01", periods=steps, freq="h").strftime("%Y-%m-%d %H:%M:%S")
    values = np.random.default_rng(0).integers(0, 10_000, (steps, 414))
    path = folder / f"{layout}.csv"
    if layout == "columns":
        columns = {f"shop-{number:03}": values[:, number] for number in range(414)}
        pandas.DataFrame({"date": dates, **columns}).to_csv(path, index=False)
    else:
        with path.open("w") as file:
            file.write("shop,date,y\n")
            for number in range(414):
                shop = f"shop-{number:03}"
                file.writelines(f"{shop},{date},{y}\n" for date, y in zip(dates, values[:, number], strict=True))
    command = [sys.executable, "-c", LOADER, layout, str(path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    peak, seconds = map(float, result.stdout.split())
    return peak, seconds, path.stat().st_size


@pytest.mark.parametrize("layout", ["long", "columns"])
def test_a_panel_of_many_series_is_read_without_a_loop_over_rows(tmp_path: Path, layout: str) -> None:
    """A twelfth of two years; a Python loop over 600,000 rows would need more time and memory than this."""
    peak, seconds, size = load_made(tmp_path, layout, 1462)
    assert peak < 5 * size + 60_000_000
    assert seconds < 10


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["long", "columns"])
def test_two_years_of_414_hourly_series_load_in_seconds(tmp_path: Path, layout: str) -> None:
    peak, seconds, size = load_made(tmp_path, layout, 17_544)
    assert peak < 4 * size
    assert seconds < 30


def test_reading_does_not_need_tensorflow() -> None:
    code = (
        "import sys; from rnnlab.sources._series_datasets import load_co2; load_co2(); "
        "assert not {'tensorflow', 'keras', 'statsmodels', 'holidays'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
