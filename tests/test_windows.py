"""Windows are cut where they may be, and their batches hold what reading them one by one gives.

Axes: B batch, T time, F features, C targets, K features known of steps to come, H horizon.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.batches import WindowLoader
from rnnlab.calendars import Calendar
from rnnlab.errors import DataError
from rnnlab.panel import Column, Panel
from rnnlab.plan import FILLER, Batching, choose_widths, plan_epoch, plan_evaluation
from rnnlab.preparation import Pipeline
from rnnlab.transforms import TRANSFORMS
from rnnlab.windows import SeriesExamples, Tiles, Windows, cut_windows

# Columns in another order than the features are in: targets, past, future.
COLUMNS = [Column("known", "future"), Column("y0", "target"), Column("x", "past"), Column("y1", "target")]
HORIZON = 3
CHAINS: dict[str, list[dict[str, Any]]] = {
    "nothing": [],
    "filled and scaled": [{"name": "impute", "indicator": True}, {"name": "standardize"}],
    "by series": [{"name": "impute"}, {"name": "standardize", "over": "series"}],
    "differences": [{"name": "impute"}, {"name": "difference", "lag": 2}, {"name": "min_max", "over": "window"}],
    "the end only": [{"name": "truncate", "max_length": 4, "keep": "end"}],
}


def make_split(
    lengths: Any = (20, 4, 13, 0, 9), begins: Any = 0, seed: int = 0, gaps: float = 0.2, calendar: bool = True
) -> SeriesExamples:
    """Return a split of random series; a share of their values is missing, but for the first and what is known."""
    random = np.random.default_rng(seed)
    rows = {f"s{number}": random.normal(size=(length, 4)) * 5 + 20 for number, length in enumerate(lengths)}
    for values in rows.values():
        missing = random.random(values.shape) < gaps
        missing[:1], missing[:, 0] = False, False
        values[missing] = np.nan
    panel = Panel.from_series(rows, "2021-03-01", "D", COLUMNS)
    panel = replace(panel, static=np.arange(len(rows), dtype=np.float32)[:, None] * 100)
    panel = replace(panel, static_columns=(Column("size", "static"),))
    features = Calendar(features=["day_of_week"]) if calendar else None
    return SeriesExamples(panel, np.full(len(rows), begins, np.int64), features)


def cut(split: SeriesExamples, history: int | None = 6, stride: int = 1, least: int = 2, **more: Any) -> Windows:
    return cut_windows(split, history, more.pop("horizon", HORIZON), stride, least, 1, **more)


def fitted(name: str, windows: Windows) -> Pipeline:
    return Pipeline.fit([TRANSFORMS.parse(each) for each in CHAINS[name]], Tiles(windows.series, windows.history, 2))


def loaded(windows: Windows, pipeline: Pipeline, plan: Any) -> list[dict[str, np.ndarray]]:
    per_series = {"scale": np.arange(len(windows.series) * 2.0, dtype=np.float32).reshape(-1, 2)}
    loader = WindowLoader(windows, pipeline, per_series)
    return [{name: value.numpy() for name, value in batch.items()} for batch in loader.load(plan)]


def planned(windows: Windows, size: int = 4) -> Any:
    return plan_epoch(windows.lengths, Batching(choose_widths(windows.lengths, 3), size, multiple=3), seed=1, epoch=2)


# What is read.


def test_features_are_targets_then_past_then_all_that_is_known_of_the_future() -> None:
    split = make_split()
    sequence, future = split.signature.inputs
    assert sequence.names[:5] == ("y0", "y1", "x", "known", "size")
    assert future.names == sequence.names[3:]
    assert split.signature.known_target.names == ("y0", "y1")
    windows = cut(split)
    series, origin = windows.place(7)
    read = windows.read(7)
    raw = split.panel.read(series)
    length = int(windows.lengths[7])
    np.testing.assert_array_equal(read["sequence"][:, :4], raw[origin - length : origin][:, [1, 3, 2, 0]])
    np.testing.assert_array_equal(read["future"][:, 0], raw[origin : origin + HORIZON, 0])
    assert (read["sequence"][:, 4] == 100 * series).all()
    np.testing.assert_array_equal(windows.ahead(7), raw[origin : origin + HORIZON][:, [1, 3]])
    np.testing.assert_array_equal(windows.targets[7], windows.ahead(7))
    calendar = split.rows(series, origin, origin + HORIZON)[:, 5:]
    np.testing.assert_array_equal(read["future"][:, 2:], calendar)
    stamps = windows.stamps(7)
    assert stamps[0] == np.datetime64("2021-03-01") + origin
    assert windows.ids[7] == f"s{series} {str(stamps[0])[:10]}"


@given(
    lengths=st.lists(st.integers(0, 30), min_size=1, max_size=4),
    history=st.one_of(st.none(), st.integers(1, 12)),
    horizon=st.integers(1, 6),
    stride=st.integers(1, 5),
    least=st.integers(1, 6),
    begins=st.integers(0, 12),
    gaps=st.sampled_from([0.0, 0.5, 0.95]),
    to_score=st.booleans(),
)
def test_windows_are_those_that_a_loop_finds(
    lengths: list[int],
    history: int | None,
    horizon: int,
    stride: int,
    least: int,
    begins: int,
    gaps: float,
    to_score: bool,
) -> None:
    split = make_split(lengths, begins, gaps=gaps, calendar=False)
    expected = []
    for number in range(len(lengths)):
        targets = split.panel.read(number)[:, [1, 3]]
        origin = max(begins, least)
        while origin + horizon <= lengths[number]:
            before = targets[max(0, origin - history) if history is not None else 0 : origin]
            there = (~np.isnan(targets[origin : origin + horizon])).any() or not to_score
            if (~np.isnan(before)).any() and there:
                expected.append((number, origin))
            origin += stride
    try:
        windows = cut(split, history, stride, least, horizon=horizon, to_score=to_score)
    except DataError:
        assert not expected
        return
    assert [windows.place(index) for index in range(len(windows))] == expected
    numbers = np.array([number for number, _ in expected])
    np.testing.assert_array_equal(windows.numbers(np.arange(len(windows))), numbers)
    assert list(windows.left_out) == [f"s{n}" for n in range(len(lengths)) if n not in numbers]
    longest = history or max(lengths)
    assert list(windows.lengths) == [min(origin, longest) for _, origin in expected]
    assert all(len(windows.read(index)["sequence"]) == windows.lengths[index] for index in range(len(windows)))


def test_without_a_window_there_is_a_clear_error() -> None:
    with pytest.raises(DataError, match=r"2 steps to look back on .* and 50 to forecast"):
        cut(make_split(), horizon=50)


@pytest.mark.parametrize(("history", "least"), [(None, 1), (None, 4), (1, 1), (4, 1), (4, 4), (7, 4), (50, 1), (50, 4)])
def test_tiles_are_all_steps_once_but_a_short_rest_at_the_beginning(history: int | None, least: int) -> None:
    split = make_split()
    tiles = Tiles(split, history, least)
    for number in range(len(split)):
        rows = [tiles.read(index)["sequence"] for index in range(len(tiles)) if tiles.groups[index] == number]
        assert all(len(row) <= (history or 99) for row in rows)
        length = int(split.lengths[number])
        rest = length % history if history else 0
        dropped = length if history is None and length < least else rest if rest < least else 0
        backwards = np.concatenate(rows[::-1]) if rows else np.zeros((0, split.signature.inputs[0].shape[0]))
        np.testing.assert_array_equal(backwards, split.read(number)["sequence"][dropped:])
        assert all(len(row) >= min(least, history or least) for row in rows)
    assert [len(tiles.read(index)["sequence"]) for index in range(len(tiles))] == list(tiles.lengths)


# What is loaded.


@pytest.mark.parametrize("history", [6, None], ids=["history", "all"])
@pytest.mark.parametrize("chain", CHAINS)
def test_a_batch_holds_what_preparing_each_window_alone_gives(chain: str, history: int | None) -> None:
    windows = cut(make_split(), history)
    pipeline, plan = fitted(chain, windows), planned(windows)
    assert sum((each.indices == FILLER).sum() for each in plan) > 0
    assert len({each.width for each in plan}) > 1
    for batch, each in zip(loaded(windows, pipeline, plan), plan, strict=True):
        for row, index in enumerate(each.indices):
            if index == FILLER:
                assert batch["lengths"][row] == batch["weights"][row] == 0
                continue
            number = np.array([windows.place(int(index))[0]], np.int32)
            read = windows.read(int(index))
            length = len(read["sequence"])
            given = {"sequence": read["sequence"][None], "future": read["future"][None]}
            alone, lengths = pipeline.apply(given, np.array([length], np.int32), number)
            valid = int(lengths[0])
            assert batch["lengths"][row] == valid
            assert batch["weights"][row] == 1
            np.testing.assert_allclose(batch["sequence"][row, :valid], alone["sequence"][0, :valid], atol=1e-5)
            np.testing.assert_allclose(batch["future"][row], alone["future"][0], atol=1e-5)
            np.testing.assert_array_equal(batch["raw"][row, :length], read["sequence"])
            np.testing.assert_array_equal(batch["targets"][row], windows.ahead(int(index)))
            known = ~np.isnan(read["sequence"][length - valid :, :2])
            np.testing.assert_array_equal(batch["known"][row, :valid], known)
            assert batch["raw_lengths"][row] == length
            assert batch["series"][row] == number[0]
            np.testing.assert_array_equal(batch["scale"][row], [2 * number[0], 2 * number[0] + 1])
            assert batch["indices"][row] == index


@pytest.mark.parametrize("chain", CHAINS)
def test_targets_ahead_are_prepared_and_come_back(chain: str) -> None:
    """What is not known stays so, and is known of no other; a perfect answer is restored to the raw truth."""
    windows = cut(make_split())
    pipeline = fitted(chain, windows)
    for batch in loaded(windows, pipeline, planned(windows)):
        rows = batch["weights"] > 0
        if chain != "differences":  # of which one missing value makes two
            np.testing.assert_array_equal(np.isnan(batch["ahead"][rows]), np.isnan(batch["targets"][rows]))
        np.testing.assert_array_equal(batch["teacher"][rows], batch["ahead"][rows])
        restored = np.asarray(pipeline.restore({"values": batch["ahead"]}, batch)["values"])
        there = ~np.isnan(restored) & rows[:, None, None]
        assert there.any()
        np.testing.assert_allclose(restored[there], batch["targets"][there], rtol=1e-4)


def test_the_steps_ahead_of_a_batch_do_not_reach_what_is_read() -> None:
    """Past covariates and targets of the horizon are hidden from all but the loss."""
    split, other = make_split(gaps=0.0), make_split(gaps=0.0)
    windows, changed = cut(split), cut(other)
    batch = next(each for each in planned(windows) if len(each.indices))
    series, origin = windows.place(int(batch.indices[0]))
    other.panel.values[other.panel.starts[series] + origin :, 1:] = 1e9
    pipeline = fitted("filled and scaled", windows)
    ours, theirs = (
        loaded(each, pipeline, [replace(batch, indices=batch.indices[:1])])[0] for each in (windows, changed)
    )
    for name in ("sequence", "future", "lengths", "raw"):
        np.testing.assert_array_equal(ours[name], theirs[name])
    assert not np.array_equal(ours["ahead"], theirs["ahead"])


def test_types_and_shapes_are_those_that_the_network_takes() -> None:
    windows = cut(make_split())
    batch = loaded(windows, fitted("nothing", windows), plan_evaluation(windows.lengths, Batching((6,), 5)))[0]
    types = {name: (str(value.dtype), value.shape[1:]) for name, value in batch.items()}
    features, known = windows.signature.inputs[0].shape[0], windows.known
    assert types == {
        "sequence": ("float32", (6, features)),
        "raw": ("float32", (6, features)),
        "observed": ("float32", (6, 2)),
        "known": ("bool", (6, 2)),
        "future": ("float32", (HORIZON, known)),
        "ahead": ("float32", (HORIZON, 2)),
        "teacher": ("float32", (HORIZON, 2)),
        "targets": ("float32", (HORIZON, 2)),
        "scale": ("float32", (2,)),
        **dict.fromkeys(("lengths", "raw_lengths", "series"), ("int32", ())),
        "weights": ("float32", ()),
        "indices": ("int64", ()),
    }


@pytest.mark.parametrize("skipped", [0, 2, 5])
def test_skipping_loads_the_rest_of_the_same(skipped: int) -> None:
    windows = cut(make_split())
    pipeline, plan = fitted("filled and scaled", windows), planned(windows)
    for one, other in zip(
        loaded(windows, pipeline, plan[skipped:]), loaded(windows, pipeline, plan)[skipped:], strict=True
    ):
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name])


@pytest.mark.parametrize("from_date", [None, "2021-03-08"])
def test_what_is_to_be_forecast_begins_behind_the_last_value_or_at_the_date(from_date: str | None) -> None:
    split = make_split((20, 12), gaps=0.0)
    split.panel.values[split.panel.starts[0] + 15 : split.panel.starts[0] + 20, 1:] = np.nan
    split.panel.values[split.panel.starts[1] + 8 : split.panel.starts[1] + 12, 1:] = np.nan
    windows = cut(split.to_forecast(HORIZON, from_date), to_score=False)
    expected = [(0, 15), (1, 8)] if from_date is None else [(0, 7), (1, 7)]
    assert [windows.place(index) for index in range(len(windows))] == expected
    for index, (series, origin) in enumerate(expected):
        np.testing.assert_array_equal(
            windows.read(index)["sequence"][:, :4], split.panel.read(series)[origin - 6 : origin][:, [1, 3, 2, 0]]
        )
        np.testing.assert_array_equal(
            windows.read(index)["future"][:, 0], split.panel.read(series)[origin : origin + HORIZON, 0]
        )
        assert np.isnan(windows.ahead(index)).all()


def test_a_date_behind_all_that_is_known_is_refused() -> None:
    with pytest.raises(DataError, match=r"expected a date up to .*, the first without a value"):
        make_split().to_forecast(HORIZON, "2022-03-17")
