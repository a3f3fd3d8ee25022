"""Baselines of forecasts equal their definition read aloud, or statsmodels, and never read what lies ahead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rnnlab.baselines import BASELINES, NotApplicable
from rnnlab.panel import Column, Panel
from rnnlab.signature import Field, Signature
from rnnlab.windows import SeriesExamples, Windows, cut_windows

NAN = np.nan
NAMES = [name for name in BASELINES.names() if "forecasting" in BASELINES.load(name).tasks]
FITTED = ("ets", "theta")
SIMPLE = [name for name in NAMES if name not in FITTED]


def answer(name: str, train: Windows, test: Windows) -> np.ndarray:
    answers = BASELINES.load(name)().answers(train, test, seed=0)
    assert list(answers) == ["values"]
    values: np.ndarray = answers["values"]
    assert values.shape == (len(test), test.horizon, len(test.signature.known_target.names))
    assert values.dtype == np.float32
    assert np.isfinite(values).all()
    return values


def windows(
    series: dict[str, np.ndarray], trained: int, horizon: int = 5, season: int = 4, targets: int = 1, stride: int = 1
) -> tuple[Windows, Windows]:
    """Return the windows of the first steps of each series, and those whose horizon lies wholly behind them."""
    columns = [Column(f"y{number}", "target") for number in range(targets)]
    whole = Panel.from_series(series, "2020-01-01", "D", columns)
    first = Panel.from_series({name: values[:trained] for name, values in series.items()}, "2020-01-01", "D", columns)
    train = SeriesExamples(first, np.zeros(len(first), np.int64))
    test = SeriesExamples(whole, np.full(len(whole), trained, np.int64))
    return (
        cut_windows(train, None, 1, 1, 1, season),
        cut_windows(test, None, horizon, stride, 1, season),
    )


def wavy(steps: int = 160, season: int = 4, seed: int = 0, missing: float = 0.0) -> np.ndarray:
    """Return a season, a trend and noise, (T,), some of it missing."""
    random = np.random.default_rng(seed)
    time = np.arange(steps)
    values = 300 + 20 * np.sin(2 * np.pi * time / season) + 0.5 * time + random.normal(size=steps) * 3
    values[random.random(steps) < missing] = NAN
    return values.astype(np.float32)


def read_aloud(name: str, values: np.ndarray, trained: int, origin: int, ahead: int, season: int) -> float:
    """Return a forecast of one step of one series, found by looking back from it."""
    past = values[:origin].astype(np.float64)
    known = [step for step in range(origin) if not np.isnan(past[step])]
    target = origin + ahead
    same = [step for step in reversed(known) if (target - step) % season == 0]
    if name == "last_value" or not same:
        return float(past[known[-1]])
    if name == "seasonal_naive":
        return float(past[same[0]])
    if name == "seasonal_mean":
        return float(np.mean(past[same[:4]]))
    changes = [values[step] - values[step - season] for step in range(season, trained)]
    seasons = (target - same[0]) // season
    return float(past[same[0]] + seasons * np.nanmean(np.array(changes, np.float64)))


@pytest.mark.parametrize(("season", "horizon"), [(4, 5), (7, 3), (3, 11), (200, 4)])
@pytest.mark.parametrize("name", SIMPLE)
def test_a_simple_forecast_is_its_definition_read_aloud(name: str, season: int, horizon: int) -> None:
    values, trained = wavy(missing=0.3), 100
    train, test = windows({"a": values}, trained, horizon, season)
    expected = [
        [read_aloud(name, values, trained, int(origin), ahead, season) for ahead in range(horizon)]
        for origin in test.origins
    ]
    np.testing.assert_allclose(answer(name, train, test)[..., 0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("last_value", [40, 40, 40]),
        ("seasonal_naive", [30, 40, 30]),
        ("seasonal_naive_drift", [30 + 16.5, 40 + 16.5, 30 + 33]),  # the mean of 10, 16, 20 and 20
        ("seasonal_mean", [(0 + 10 + 30) / 3, (4 + 20 + 40) / 3, (0 + 10 + 30) / 3]),
    ],
)
def test_a_small_case_by_hand(name: str, expected: list[float]) -> None:
    train, test = windows({"a": np.array([0, 4, 10, 20, 30, 40, -1, -1, -1])}, 6, 3, 2)
    np.testing.assert_allclose(answer(name, train, test), np.reshape(expected, (1, 3, 1)), rtol=1e-6)


def test_the_seasonal_mean_is_of_four_seasons() -> None:
    train, test = windows({"a": np.array([900, 900, 1, 7, 2, 7, NAN, 7, 3, 7, 4, 7, 5, 5])}, 12, 2, 2)
    np.testing.assert_allclose(answer("seasonal_mean", train, test)[0, :, 0], [2.5, 7])


@pytest.mark.parametrize("missing", [0, 0.2])
@pytest.mark.parametrize("name", NAMES)
def test_what_lies_ahead_of_an_origin_is_never_read(name: str, missing: float) -> None:
    clean = wavy(missing=missing)
    train, test = windows({"a": clean}, 100, stride=25)
    expected = answer(name, train, test)
    for number, origin in enumerate(test.origins):
        planted = clean.copy()
        planted[origin:] = 1e30
        _, spoilt = windows({"a": planted}, 100, stride=25)
        np.testing.assert_array_equal(answer(name, train, spoilt)[number], expected[number])
        planted[origin - 1] = 1e30
        _, spoilt = windows({"a": planted}, 100, stride=25)
        assert name.startswith("seasonal") or (answer(name, train, spoilt)[number] != expected[number]).any()


@pytest.mark.parametrize("name", NAMES)
def test_what_was_fitted_does_not_depend_on_what_is_asked(name: str) -> None:
    """Other origins, more of them, and a longer series give the same forecast from the same origin."""
    values = wavy()
    train, test = windows({"a": values}, 100)
    _, shorter = windows({"a": values[:-20]}, 100)
    np.testing.assert_array_equal(answer(name, train, shorter), answer(name, train, test)[: len(shorter)])
    np.testing.assert_array_equal(answer(name, train, test), answer(name, train, test))


@pytest.mark.parametrize("name", NAMES)
def test_each_series_and_target_is_answered_as_if_it_were_alone(name: str) -> None:
    parts = [wavy(seed=seed, missing=0.1) * 10**seed for seed in range(4)]
    series = {"a": np.stack(parts[:2], axis=1), "b": np.stack(parts[2:], axis=1)[:140]}
    train, test = windows(series, 100, targets=2)
    together = answer(name, train, test)
    for number, values in enumerate(parts):
        alone = answer(name, *windows({"a": values if number < 2 else values[:140]}, 100))
        rows = slice(*test.edges[number // 2 : number // 2 + 2])
        kept = test.origins[rows] - 100  # a window is one where any target is known
        np.testing.assert_allclose(together[rows, :, number % 2], alone[kept, :, 0], rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_long_gaps_are_answered_from_what_is_known_before(name: str) -> None:
    values = wavy()
    values[40:60] = values[110:130] = NAN
    train, test = windows({"a": values}, 100)
    found = answer(name, train, test)
    assert np.abs(found - 360).max() < 100


@pytest.mark.parametrize("name", FITTED)
def test_a_missing_value_teaches_nothing(name: str) -> None:
    """Behind a gap, a forecast is the one from before the gap, further ahead."""
    values = wavy()
    values[120:124] = NAN  # one whole season
    train, test = windows({"a": values}, 100, horizon=8)
    found = answer(name, train, test)[..., 0]
    np.testing.assert_allclose(found[24, :4], found[20, 4:], rtol=1e-5)


@pytest.mark.parametrize(("season", "trained"), [(4, 100), (12, 100), (1, 60), (7, 20)])
def test_ets_is_the_one_of_statsmodels(season: int, trained: int) -> None:
    """The form of least AICc, its parameters held, smoothed over all that lies before each origin."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    values = wavy(season=season, seed=3)
    train, test = windows({"a": values}, trained, horizon=9, season=season)
    mean, scale = values[:trained].mean(dtype=np.float64), values[:trained].std(dtype=np.float64)
    standardised = (values.astype(np.float64) - mean) / scale
    kinds: list[dict[str, Any]] = [{}, {"trend": "add"}, {"trend": "add", "damped_trend": True}]
    if season > 1 and trained >= 2 * season + 10:
        kinds += [{**kind, "seasonal": "add", "seasonal_periods": season} for kind in kinds]
    fits = [(ETSModel(standardised[:trained], **kind).fit(disp=False), kind) for kind in kinds]
    best, kind = min(fits, key=lambda fit: fit[0].aicc)
    found = answer("ets", train, test)[..., 0]
    np.testing.assert_allclose(found[0], mean + scale * best.forecast(9), rtol=1e-5)
    for number in (1, 5, 12):
        later = ETSModel(standardised[: trained + number], **kind)
        again = later.smooth(best.params).forecast(9)
        np.testing.assert_allclose(found[number], mean + scale * again, rtol=1e-5)


@pytest.mark.parametrize(("season", "sign"), [(4, 1), (12, 1), (4, -1), (1, 1)])
def test_theta_is_the_one_of_statsmodels(season: int, sign: int) -> None:
    from statsmodels.tsa.forecasting.theta import ThetaModel

    values = sign * wavy(season=season, seed=3)
    train, test = windows({"a": values}, 100, horizon=9, season=season)
    model = ThetaModel(values[:100].astype(np.float64), period=season, deseasonalize=season > 1)
    np.testing.assert_allclose(answer("theta", train, test)[0, :, 0], model.fit().forecast(9), rtol=1e-4)


def test_a_long_season_is_taken_off_before_it_is_smoothed() -> None:
    """What only a season and a line makes up goes on."""
    time = np.arange(300)
    values = (50 + 0.2 * time + 10 * np.sin(2 * np.pi * time / 52) + 5 * (time % 52 < 3)).astype(np.float32)
    train, test = windows({"a": values}, 220, horizon=26, season=52)
    np.testing.assert_allclose(answer("ets", train, test), test.targets, atol=0.5)


@pytest.mark.parametrize("name", NAMES)
def test_a_series_that_training_never_saw_or_that_is_constant_is_answered(name: str) -> None:
    values = {"a": wavy(), "flat": np.full(160, 7, np.float32), "short": wavy(seed=5)[-120:]}
    train, _ = windows({name: each for name, each in values.items() if name != "short"}, 100)
    _, test = windows(values, 100)
    found = answer(name, train, test)
    np.testing.assert_array_equal(found[test.edges[1] : test.edges[2]], 7)
    if name in FITTED:
        alike = slice(test.edges[2], None)
        np.testing.assert_array_equal(found[alike], answer("seasonal_naive", train, test)[alike])


@pytest.mark.parametrize("name", NAMES)
def test_a_target_that_was_never_known_gets_the_training_mean(name: str) -> None:
    both = np.stack([wavy(), np.full(160, NAN, np.float32)], axis=1)
    train, test = windows({"a": both, "b": np.stack([wavy(), np.full(160, 3, np.float32)], axis=1)}, 100, targets=2)
    found = answer(name, train, test)
    np.testing.assert_array_equal(found[: test.edges[1], :, 1], 3)


@pytest.mark.parametrize("name", FITTED)
def test_windows_of_the_training_part_itself_are_answered(name: str) -> None:
    train, _ = windows({"a": wavy(2000)}, 1900)
    answer(name, train, train)


@pytest.mark.parametrize("name", FITTED)
def test_what_would_take_too_long_to_fit_is_refused(name: str) -> None:
    many = {str(number): wavy(20, seed=number) for number in range(201)}
    with pytest.raises(NotApplicable, match=r"fitted to 201 series and targets, of 3,015 steps .* limit 200 and"):
        BASELINES.load(name)().answers(*windows(many, 15), 0)
    long = {str(number): wavy(1520, seed=number) for number in range(21)}
    with pytest.raises(NotApplicable, match="of 31,500 steps"):
        BASELINES.load(name)().answers(*windows(long, 1510), 0)


@pytest.mark.parametrize("name", FITTED)
def test_where_nothing_can_be_fitted_it_says_so(name: str) -> None:
    with pytest.raises(NotApplicable, match="no series has 12 known values"):
        BASELINES.load(name)().answers(*windows({"a": wavy(20)}, 11), 0)


def test_without_a_season_the_seasonal_naive_forecast_is_the_last_value() -> None:
    with pytest.raises(NotApplicable, match="it is the last value"):
        BASELINES.load("seasonal_naive")().answers(*windows({"a": wavy(20)}, 11, season=1), 0)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_window_is_refused(name: str) -> None:
    from rnnlab.examples import FlatExamples

    signature = Signature((Field("sequence", "series", (1,)),), Field("target", "series", (1,), ("y",)))
    flat = FlatExamples.from_sequences(signature, ["a"], [np.zeros((3, 1))])
    with pytest.raises(NotApplicable, match="no windows"):
        BASELINES.load(name)().answers(flat, flat, 0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("seasonal_naive", 1.706), ("seasonal_naive_drift", 0.761), ("theta", 0.976), ("ets", 0.512)],
)
def test_figures_on_carbon_dioxide(name: str, expected: float) -> None:
    """Half a year ahead from every week of the last five years, in parts per million."""
    from rnnlab.sources._series_datasets import load_co2

    panel = load_co2().panel
    steps = int(panel.lengths[0]) - 260
    test = SeriesExamples(panel, np.array([steps]))
    train = SeriesExamples(panel.between(end=panel.stamps(0)[steps]), np.zeros(1, np.int64))
    asked = cut_windows(test, None, 26, 1, 1, 52)
    found = answer(name, cut_windows(train, None, 26, 1, 1, 52), asked)
    assert np.nanmean(np.abs(found - asked.targets)) == pytest.approx(expected, abs=0.01)
