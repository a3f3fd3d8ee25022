"""The figures of forecasts show what independent computations give, on whatever evidence there is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from matplotlib.text import Text

from rnnlab.figures import FIGURES, Evidence, draw_all
from rnnlab.figures._forecasts import step_ticks, steps_named
from rnnlab.figures.error_by_season import season_kind, season_places
from rnnlab.figures.forecast_fan import intervals, spread_windows
from rnnlab.figures.residual_autocorrelation import autocorrelation, origin_step
from rnnlab.frequency import Frequency
from rnnlab.panel import Column, Panel
from rnnlab.windows import SeriesExamples, cut_windows
from tests.test_figures import history, picture

NAMES = ("error_by_horizon", "error_by_season", "forecast_fan", "residual_autocorrelation")
LONG = "boardings in $ at all_stations of the elevated railway, buses not counted"
pytestmark = pytest.mark.filterwarnings("error")


def evidence(
    series: int = 1,
    steps: int = 120,
    horizon: int = 7,
    targets: tuple[str, ...] = ("riders",),
    frequency: str = "D",
    stride: int = 1,
    missing: float = 0.0,
    zone: str | None = None,
) -> Evidence:
    """Windows over the second half of random series, answered with random errors."""
    random = np.random.default_rng(0)
    values = random.normal(50_000, 10_000, (series, steps, len(targets)))
    values[random.random((series, steps)) < missing] = np.nan
    columns = [Column("known", "past"), *(Column(name, "target") for name in targets)]
    wide = np.concatenate([np.zeros((series, steps, 1)), values], axis=2)
    panel = Panel.from_series(
        {f"series {number}": wide[number] for number in range(series)}, "2021-01-31", frequency, columns
    )
    panel = replace(panel, zone=zone)
    windows = cut_windows(SeriesExamples(panel, panel.lengths // 2), 20, horizon, stride, 20, panel.step.season)
    forecast = random.normal(50_000, 10_000, windows.targets.shape)
    return Evidence(
        title="a-run-001",
        split="validation",
        target=windows.signature.known_target,
        ids=windows.ids,
        lengths=windows.lengths,
        targets=windows.targets.astype(np.float64),
        answers={
            "values": forecast,
            "quantiles": forecast[..., None] + 8000 * np.arange(-2, 3),
            "levels": np.array([0.05, 0.2, 0.5, 0.8, 0.95]),
        },
        train_lengths=windows.lengths,
        history=history(3),
        windows=windows,
        baselines={"naive": forecast * 1.5, "drift": forecast * 0.9, "mean": forecast * 99},
    )


CASES = {
    "one series": evidence(),
    "a panel": evidence(series=9, stride=3),
    "one window": evidence(steps=40, horizon=20),
    "one step": evidence(horizon=1),
    "a week of hours": evidence(series=2, steps=900, horizon=168, frequency="h", zone="Europe/Berlin"),
    "missing values": evidence(series=2, missing=0.5),
    "two targets": evidence(targets=("riders", LONG), frequency="W-SUN"),
    "eleven targets": evidence(series=3, targets=(LONG, *"abcdefghij"), frequency="B"),
    "months": evidence(series=2, frequency="ME"),
    "years": evidence(steps=90, frequency="YS"),
    "small numbers": evidence(frequency="15min"),
}
NONE = {
    ("residual_autocorrelation", "one window"),
    ("residual_autocorrelation", "a panel"),  # 18 origins a series
    ("error_by_season", "years"),
}
TINY = {name: each * (1 if name == "levels" else 1e-9) for name, each in CASES["small numbers"].answers.items()}
CASES["small numbers"] = replace(CASES["small numbers"], targets=CASES["small numbers"].targets * 1e-9, answers=TINY)


def drawn(name: str, case: Evidence) -> Any:
    drawing = FIGURES.load(name)().draw(case)
    assert drawing is not None
    return drawing


def curve(axes: Any, name: str) -> np.ndarray:
    """Return the heights of the line that the key calls so."""
    (line,) = [line for line in axes.lines if str(line.get_label()).startswith(name)]
    return np.asarray(line.get_ydata(), np.float64)


def texts(drawing: Any) -> str:
    """Return all that is written."""
    drawing.canvas.draw()
    return "\n".join(text.get_text() for text in drawing.findobj(Text) if text.get_visible())


def tick_labels(axis: Any) -> list[Text]:
    """Return the labels of the ticks in view; matplotlib keeps others, too, and axes that share theirs have none."""
    low, high = sorted(axis.get_view_interval())
    places = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=False)
    return [label for place, label in places if low <= place <= high]


def boxes(drawing: Any) -> list[Any]:
    """Return the room that each title, label and tick takes, and the key."""
    written: list[Any] = [drawing.legends[0], *drawing.texts[-1:]]
    for axes in drawing.axes:
        if axes.get_visible():
            written += [axes._left_title, *axes.texts, axes.xaxis.label, axes.yaxis.label]
            written += [axes.xaxis.get_offset_text(), *tick_labels(axes.xaxis), *tick_labels(axes.yaxis)]
    rooms = [each.get_window_extent() for each in written if not isinstance(each, Text) or each.get_text()]
    return [box.expanded(0.9, 0.8) for box in rooms if box.width > 1]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", NAMES)
def test_a_figure_draws_something_cuts_no_text_and_writes_none_over_another(
    name: str, case: str, tmp_path: Path
) -> None:
    drawing = FIGURES.load(name)().draw(CASES[case])
    if drawing is None:
        assert (name, case) in NONE
        return
    pixels = picture(drawing, tmp_path)
    assert pixels.std() > 0.02
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert (border == 1).all(), "something touches the edge of the picture"
    rooms = boxes(drawing)
    for number, one in enumerate(rooms):
        assert not any(one.overlaps(other) for other in rooms[:number])


def test_all_figures_of_the_task_are_saved(tmp_path: Path) -> None:
    written = draw_all(CASES["one series"], "forecasting", tmp_path)
    assert [path.stem for path in written] == sorted([*NAMES, "learning_curves"])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_show_gives_no_figure(name: str) -> None:
    full = CASES["one series"]
    nothing = np.full_like(full.answers["values"], np.nan)
    for bare in (
        replace(full, answers={}),
        replace(full, windows=None),
        replace(full, answers={"values": nothing}),
    ):
        assert FIGURES.load(name)().draw(bare) is None
    for unknown in (replace(full, targets=None), replace(full, targets=nothing)):
        assert (FIGURES.load(name)().draw(unknown) is None) == (name != "forecast_fan")  # a forecast can be shown


@pytest.mark.parametrize("case", ["one series", "missing values", "two targets", "a week of hours"])
def test_error_by_horizon_is_the_mean_of_what_is_known(case: str) -> None:
    given = CASES[case]
    drawing = drawn("error_by_horizon", given)
    for target, axes in enumerate(drawing.axes):
        for name, values in (("forecast", given.answers["values"]), ("naive", given.baselines["naive"])):
            expected = np.nanmean(np.abs(given.targets - values), axis=0)[:, target]
            np.testing.assert_allclose(curve(axes, name), expected, rtol=1e-6)
        (band,) = axes.collections
        low, high = np.nanpercentile(np.abs(given.targets - given.answers["values"])[..., target], [25, 75], axis=0)
        corners = band.get_paths()[0].vertices
        assert corners[:, 1].min() == pytest.approx(low.min())
        assert corners[:, 1].max() == pytest.approx(high.max())


def test_a_baseline_that_towers_above_the_forecast_is_named_but_not_drawn() -> None:
    drawing = drawn("error_by_horizon", CASES["one series"])
    assert "too high to draw: mean, 4," in texts(drawing)
    assert not [line for line in drawing.axes[0].lines if str(line.get_label()).startswith("mean")]


@pytest.mark.parametrize(
    ("case", "part"),
    [
        ("one series", lambda stamps: stamps.dayofweek),
        ("eleven targets", lambda stamps: stamps.dayofweek),
        ("missing values", lambda stamps: stamps.dayofweek),
        ("a week of hours", lambda stamps: stamps.hour),
        ("small numbers", lambda stamps: stamps.hour),
        ("two targets", lambda stamps: stamps.month - 1),
        ("months", lambda stamps: stamps.month - 1),
    ],
)
def test_error_by_season_is_what_pandas_groups(case: str, part: Any) -> None:
    given = CASES[case]
    windows = given.windows
    assert windows is not None
    kind = season_kind(windows.series.panel.step)
    assert kind is not None
    stamps = np.stack([windows.stamps(window) for window in range(len(windows))])
    places = np.asarray(part(pandas.DatetimeIndex(stamps.ravel()))).reshape(stamps.shape)
    np.testing.assert_array_equal(season_places(windows, kind), places)
    axes = drawn("error_by_season", given).axes[0]
    errors = np.abs(given.targets - given.answers["values"])[..., 0]
    expected = pandas.Series(errors.ravel()).groupby(places.ravel()).mean()
    np.testing.assert_allclose(curve(axes, "mean absolute error"), expected, rtol=1e-6)


def test_autocorrelation_is_that_of_statsmodels() -> None:
    acf = pytest.importorskip("statsmodels.tsa.stattools").acf
    values = np.cumsum(np.random.default_rng(0).normal(size=200)) + 7
    np.testing.assert_allclose(autocorrelation(values, 30)[0], acf(values, nlags=30)[1:], atol=1e-12)
    np.testing.assert_array_equal(autocorrelation(values, 30)[1], 200 - np.arange(1, 31))
    values[np.random.default_rng(1).random(200) < 0.2] = np.nan
    expected = acf(values, nlags=30, missing="conservative")[1:]
    np.testing.assert_allclose(autocorrelation(values, 30)[0], expected, atol=1e-12)


def stems(given: Evidence) -> dict[int, float]:
    """Return what is drawn of each lag."""
    axes = drawn("residual_autocorrelation", given).axes[0]
    lines = [line for line in axes.lines if str(line.get_label()).startswith(("within", "outside"))]
    return {int(x): float(y) for line in lines for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)}


def test_residual_autocorrelation_is_the_mean_over_series() -> None:
    given = evidence(series=3)
    residuals = (given.targets - given.answers["values"])[:, 0, 0].reshape(3, -1)
    expected = np.mean([autocorrelation(each, 18)[0] for each in residuals], axis=0)
    found = stems(given)
    assert sorted(found) == list(range(1, 19))  # a third of the 54 origins
    np.testing.assert_allclose([found[lag] for lag in sorted(found)], expected)


def test_gaps_do_not_shrink_an_autocorrelation() -> None:
    given = evidence(steps=6000, frequency="h", horizon=1, missing=0.4)
    wave = np.sin(np.arange(3000) * 2 * np.pi / 24)[given.windows.origins - 3000]  # type: ignore[union-attr]
    answers = {"values": given.targets - wave[:, None, None]}
    found = stems(replace(given, answers=answers))
    np.testing.assert_allclose([found[lag] for lag in (6, 12, 24)], [0, -1, 1], atol=0.05)


def test_lags_are_counted_in_steps_where_origins_are_several_apart() -> None:
    given = evidence(stride=3, steps=300, missing=0.3)
    assert given.windows is not None
    assert origin_step(given.windows) == 3
    assert sorted(stems(given))[:3] == [3, 6, 9]


def test_too_few_origins_have_no_autocorrelation() -> None:
    assert FIGURES.load("residual_autocorrelation")().draw(evidence(series=9, stride=3)) is None  # 18 origins a series
    constant = CASES["one series"]
    answers = {"values": constant.targets - 5}
    assert FIGURES.load("residual_autocorrelation")().draw(replace(constant, answers=answers)) is None


def test_white_noise_stays_within_its_band_even_that_of_many_short_series() -> None:
    for series, steps in ((400, 80), (1, 2000)):
        given = evidence(series=series, steps=steps, frequency="h", horizon=1)
        drawing = drawn("residual_autocorrelation", given)
        outside = [line for line in drawing.axes[0].lines if str(line.get_label()).startswith("outside")]
        assert sum(len(line.get_xdata()) for line in outside) <= 0.15 * len(stems(given))


# Fans


@pytest.mark.parametrize("case", ["one series", "missing values", "a week of hours", "one step"])
def test_a_fan_shows_history_truth_and_forecast_on_their_dates(case: str) -> None:
    from matplotlib.dates import date2num

    given = CASES[case]
    windows = given.windows
    assert windows is not None
    chosen = spread_windows(windows, np.ones(len(windows), bool), 6)
    drawing = drawn("forecast_fan", given)
    assert len(drawing.axes) == len(chosen)
    for axes, window in zip(drawing.axes, chosen, strict=True):
        series, origin = windows.place(window)
        known = windows.series.target_values(series)[:, 0]
        before = curve(axes, "history")
        np.testing.assert_array_equal(before, known[origin - len(before) : origin])
        np.testing.assert_array_equal(curve(axes, "what came true")[-windows.horizon :], given.targets[window, :, 0])
        np.testing.assert_array_equal(curve(axes, "forecast"), given.answers["values"][window, :, 0])
        (line,) = [line for line in axes.lines if line.get_label() == "forecast"]
        np.testing.assert_allclose(date2num(line.get_xdata()), date2num(windows.stamps(window)))


def test_a_fan_says_how_much_an_interval_holds() -> None:
    given = CASES["missing values"]
    known = np.isfinite(given.targets)
    inside = np.abs(given.targets - given.answers["values"]) <= 16_000
    written = texts(drawn("forecast_fan", given))
    assert f"90 % interval (holds {100 * inside[known].mean():.0f} % of the split)" in written
    assert "60 % interval" in written


def test_intervals_are_paired_from_the_outside() -> None:
    assert [(each.low, each.high, each.name) for each in intervals(np.array([0.5, 0.9, 0.1]))] == [
        (2, 1, "80 % interval")
    ]
    assert [each.name for each in intervals(np.array([0.1, 0.8]))] == ["10 % to 80 %"]
    assert intervals(np.array([0.5])) == []
    many = intervals(np.arange(1, 100) / 100)
    assert [each.name for each in many] == ["98 % interval", "50 % interval", "2 % interval"]


def test_windows_are_spread_over_series_and_origins() -> None:
    one, panel = CASES["one series"].windows, CASES["a panel"].windows
    assert one is not None
    assert panel is not None
    assert spread_windows(one, np.ones(54, bool), 6) == [0, 11, 21, 32, 42, 53]
    worth = np.ones(len(panel), bool)
    owners = panel.numbers(np.array(spread_windows(panel, worth, 6)))
    assert len(set(owners.tolist())) == 6
    assert owners[0] == 0
    assert owners[-1] == 8
    worth[:-2] = False
    assert spread_windows(panel, worth, 6) == [len(panel) - 2, len(panel) - 1]


# Words and numbers


@pytest.mark.parametrize("name", ["error_by_horizon", "error_by_season"])
def test_labels_say_units_and_separate_thousands(name: str) -> None:
    written = texts(drawn(name, CASES["one series"]))
    assert "in the unit of riders" in written
    assert "10,000" in written
    few = texts(drawn(name, CASES["eleven targets"]))
    assert "the first 4 of 11 targets" in few


@pytest.mark.parametrize(
    ("frequency", "named", "kind"),
    [
        ("D", "days", "day of the week"),
        ("B", "business days", "day of the week"),
        ("h", "hours", "hour of the day"),
        ("15min", "steps of 15 minutes", "hour of the day"),
        ("W-SAT", "weeks", "month"),
        ("2W-TUE", "steps of 2 weeks", "month"),
        ("ME", "months", "month"),
        ("QS-FEB", "quarters", "month"),
        ("YS", "years", None),
    ],
)
def test_frequencies_have_names_and_seasons(frequency: str, named: str, kind: str | None) -> None:
    assert steps_named(Frequency.of(frequency)) == named
    assert season_kind(Frequency.of(frequency)) == kind


@pytest.mark.parametrize("season", [1, 7, 24, 365])
@pytest.mark.parametrize("most", [1, 13, 14, 15, 28, 96, 168, 999, 10_000])
def test_ticks_are_few_and_within(most: int, season: int) -> None:
    ticks = step_ticks(most, season)
    assert ticks[0] >= 1
    assert ticks == sorted(set(ticks))
    assert ticks[-1] <= most
    assert 1 <= len(ticks) <= 14
