"""Sound: the transform `log_mel`, what is varied before and behind it, and whole runs, from files to the export.

Axes: B batch, T samples, N frames, W samples of a frame, M mels.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal
import soundfile
import tensorflow as tf
from pydantic import ValidationError

import rnnlab
from rnnlab.augmentations import AUGMENTATIONS, staged
from rnnlab.batches import loader_of
from rnnlab.errors import DataError
from rnnlab.evaluation import evaluate
from rnnlab.examples import FlatExamples
from rnnlab.experiment import load_experiment
from rnnlab.history import read_history
from rnnlab.places import Places
from rnnlab.plan import Batch
from rnnlab.prediction import Predictor
from rnnlab.preparation import Pipeline, Unfinished, from_arrays, to_arrays
from rnnlab.rundir import RunDir
from rnnlab.signature import Field, Signature
from rnnlab.training import prepare, train
from rnnlab.training.step import Objective
from rnnlab.transforms import TRANSFORMS
from rnnlab.waveforms import LOWEST_RATE

from .guides import specs_of
from .made import pad_with
from .promises import assert_export_answers_alike, assert_padding_changes_nothing
from .test_cli import rnnlab as command
from .variants import configurations, keys

RATE = 8000
FIELD = Field("audio", "audio", (1,), ("audio",), rate=RATE)
LENGTHS = (900, 1, 200, 199, 201, 2000, 279, 280)
OF_SOUND = [name for name in AUGMENTATIONS.names() if "audio" in AUGMENTATIONS.load(name).kinds]
MEAN = {"name": "log_mel", "normalise": "mean"}
SPEC = """\
data: {source: audio, train: clips, names: "{label}_{take}", test_where: {take: [0, 1]}, validation: {by: none}}
augmentations: [{name: spec_augment, time_steps: 3, features: 3}, noise, {name: shift, seconds: 0.01}]
task: {kind: classification}
model: {architecture: stacked_rnn, cell: gru, units: [8]}
head: {name: classes, readout: mean}
training: {epochs: 15, batch_size: 4, buckets: {shapes: 2}, optimizer: {name: adam, learning_rate: 0.01}}
"""


def make_sounds(lengths: Sequence[int] = LENGTHS, seed: int = 0) -> list[np.ndarray]:
    """Return noise (T, 1) as loud as speech, and nowhere 0."""
    random = np.random.default_rng(seed)
    return [
        (random.uniform(0.01, 0.3, (length, 1)) * random.choice([-1, 1], (length, 1))).astype(np.float32)
        for length in lengths
    ]


SOUNDS = make_sounds()


def examples_of(sounds: list[np.ndarray], rate: int = RATE) -> FlatExamples:
    field = Field("audio", "audio", (1,), ("audio",), rate=rate)
    return FlatExamples.from_sequences(Signature((field,)), [str(number) for number in range(len(sounds))], sounds)


def made(rate: int = RATE, **keys: Any) -> Pipeline:
    return Pipeline.fit([TRANSFORMS.parse({"name": "log_mel", **keys})], examples_of(SOUNDS, rate))


def applied(pipeline: Pipeline, padded: Any, lengths: Any = LENGTHS) -> list[np.ndarray]:
    fields, after = pipeline.apply({"audio": padded}, lengths)
    return [row[:length] for row, length in zip(np.asarray(fields["audio"]), np.asarray(after), strict=True)]


# The transform

OWN = frozenset({"field", "window_ms", "highest_hz"})  # a name; and numbers that must be of the right size
SIZED: list[dict[str, Any]] = [{"window_ms": 31.0}, {"highest_hz": 3000.0}]
FORMS = [*configurations(TRANSFORMS.load("log_mel"), OWN), *SIZED]
every = pytest.mark.parametrize("keys", FORMS, ids=str)


def reference(samples: np.ndarray, mels: int = 40, low: float = 20.0) -> np.ndarray:
    """Return (N, M) by SciPy's spectrogram, and bands that are drawn point by point."""
    window, hop, size = 200, 80, 256
    samples = np.pad(samples.astype(np.float64), (0, max(0, window - len(samples))))
    _, _, power = scipy.signal.spectrogram(
        samples, RATE, ("hann"), window, window - hop, size, detrend=False, scaling="density", mode="psd"
    )
    power *= RATE  # per hertz, of a window of power 1
    power[1:-1] /= 2  # one-sided
    corners = np.linspace(*(1127.01048 * np.log(1 + np.array([low, RATE / 2]) / 700)), mels + 2)  # another form of it
    corners = 700 * (np.exp(corners / 1127.01048) - 1)
    # A triangle in mels is none in hertz: its sides are interpolated on the scale where they are straight.
    scale = np.log(1 + np.arange(size // 2 + 1) * RATE / size / 700)
    edges = np.log(1 + corners / 700)
    bands = [np.interp(scale, edges[n : n + 3], [0, 1, 0]) for n in range(mels)]
    return np.log(np.array(bands) @ power + 1e-8).T


def test_the_levels_are_those_of_an_independent_computation() -> None:
    found = applied(made(), pad_with(SOUNDS, 2000))
    for levels, samples in zip(found, SOUNDS, strict=True):
        np.testing.assert_allclose(levels, reference(samples[:, 0]), atol=2e-3)


def test_there_are_as_many_frames_as_windows_fit_and_one_of_what_is_shorter() -> None:
    """By counting: a window of 200 samples every 80."""
    found = [len(each) for each in applied(made(), pad_with(SOUNDS, 2000))]
    begins = [[at for at in range(0, length, 80) if at + 200 <= length] for length in LENGTHS]
    assert found == [max(len(each), 1) for each in begins]
    assert applied(made(), np.zeros((1, 5, 1), np.float32), [0])[0].shape == (0, 40)


@every
@pytest.mark.parametrize(("width", "garbage"), [(2000, np.nan), (2000, None), (2001, np.inf), (5000, None)])
def test_padding_and_neighbours_never_matter(keys: dict[str, Any], width: int, garbage: float | None) -> None:
    pipeline = made(**keys)
    alone = [applied(pipeline, each[np.newaxis], [len(each)])[0] for each in SOUNDS]
    for one, other in zip(applied(pipeline, pad_with(SOUNDS, width, garbage)), alone, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, atol=1e-5)


@every
def test_a_graph_prepares_as_eager_execution_does_and_as_the_run_folder_says(keys: dict[str, Any]) -> None:
    pipeline = made(**keys)
    again, _ = from_arrays(to_arrays(pipeline, {}), pipeline.transforms, pipeline.raw)
    assert again.signature == pipeline.signature
    graph = tf.function(
        lambda values, lengths: again.apply({"audio": values}, lengths),
        input_signature=[tf.TensorSpec([None, None, 1]), tf.TensorSpec([None], tf.int32)],
    )
    values, lengths = pad_with(SOUNDS, 2100, None), np.array(LENGTHS, np.int32)
    eager, (fields, after) = applied(pipeline, values), graph(values, lengths)
    assert list(map(len, eager)) == after.numpy().tolist()
    for row, expected in zip(fields["audio"].numpy(), eager, strict=True):
        np.testing.assert_allclose(row[: len(expected)], expected, atol=1e-5)
        assert np.isfinite(row).all()
    field = pipeline.signature.inputs[0]
    assert (field.kind, field.shape, field.rate) == ("series", eager[0].shape[1:], 0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *(pytest.param(before, after, id=path) for path, before, after in keys(TRANSFORMS.load("log_mel"), OWN)),
        *(pytest.param({}, after, id=next(iter(after))) for after in SIZED),
    ],
)
def test_every_key_changes_what_comes_out(before: dict[str, Any], after: dict[str, Any]) -> None:
    one, other = (applied(made(**each), pad_with(SOUNDS, 2000)) for each in (before, after))
    assert not all(np.array_equal(left, right) for left, right in zip(one, other, strict=True))


def test_normalised_bands_have_mean_0_and_deviation_1_over_each_recording() -> None:
    for kind in ("mean", "deviation"):
        for levels in applied(made(normalise=kind), pad_with(SOUNDS, 2000)):
            np.testing.assert_allclose(levels.mean(axis=0), 0, atol=1e-4)
            if kind == "deviation" and len(levels) > 1:
                np.testing.assert_allclose(levels.std(axis=0), 1, atol=1e-3)


def test_the_level_of_a_tone_depends_neither_on_the_window_nor_on_the_rate() -> None:
    """Its bands lie an octave apart: the loudest one takes the tone nearly as a whole."""
    levels = []
    for rate, window in ((8000, 25), (8000, 50), (16_000, 25)):
        samples = np.sin(2 * np.pi * 1000 * np.arange(rate) / rate).astype(np.float32)[np.newaxis, :, np.newaxis]
        pipeline = made(rate, window_ms=window, mels=5, highest_hz=4000)
        levels.append(applied(pipeline, samples, [rate])[0][10].max() - np.log(window / 1000 * rate))
    np.testing.assert_allclose(levels, levels[0], atol=0.2)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"mels": 200}, "of which .* hold none, at 8,000 Hz and windows of 200 samples; lower `mels`"),
        ({"highest_hz": 5000}, "expected bands below 4000 Hz, half the rate"),
        ({"lowest_hz": 4500}, "expected bands below 4000 Hz"),
    ],
)
def test_bands_that_the_rate_can_not_hold_are_refused(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        made(**keys)


# Augmentations


def varied(name: str, sounds: list[np.ndarray], seed: int = 0, more: int = 0, **keys: Any) -> np.ndarray:
    """Return (B, T, 1) of padded sounds, changed."""
    found, lengths = varied_with_lengths(name, sounds, seed, more, **keys)
    if name != "speed":
        np.testing.assert_array_equal(lengths, [len(each) for each in sounds])
    return found


def varied_with_lengths(
    name: str, sounds: list[np.ndarray], seed: int = 0, more: int = 0, **keys: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return (B, T, 1) of padded sounds, changed, and their lengths (B,)."""
    batch = {
        "audio": tf.constant(pad_with(sounds, max(map(len, sounds)) + more)),
        "lengths": tf.constant([len(each) for each in sounds], tf.int32),
    }
    found = AUGMENTATIONS.parse({"name": name, **keys}).apply(batch, Signature((FIELD,)), tf.constant([seed, 1]))
    assert found.keys() == batch.keys()
    return np.asarray(found["audio"]), np.asarray(found["lengths"])


@pytest.mark.parametrize("name", OF_SOUND)
def test_the_same_seed_draws_the_same_another_something_else_and_padding_stays_empty(name: str) -> None:
    (one, lengths), (same, _), (other, _) = (varied_with_lengths(name, SOUNDS, seed, more=100) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    padding = np.arange(one.shape[1]) >= lengths[:, np.newaxis]
    assert not one[padding].any()
    assert np.isfinite(varied(name, [np.zeros((0, 1), np.float32), *SOUNDS])).all()  # a row that only fills a batch


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        pytest.param(name, before, after, id=f"{name}-{path}")
        for name in [*OF_SOUND, "spec_augment"]
        for path, before, after in keys(AUGMENTATIONS.load(name))
    ],
)
def test_every_key_of_an_augmentation_changes_what_comes_out(name: str, before: Any, after: Any) -> None:
    sounds = make_sounds([3000] * 20)
    if name == "spec_augment":
        one, other = (covered(seed=0, **each)[0] for each in (before, after))
    else:
        one, other = (varied(name, sounds, **each) for each in (before, after))
    assert not np.array_equal(one, other)


def test_a_faster_recording_is_shorter_by_as_much_as_it_is_higher() -> None:
    pitch, length = 0.03, 6000  # cycles a sample, samples
    tone = np.sin(2 * np.pi * pitch * np.arange(length, dtype=np.float32))[:, np.newaxis]
    found, lengths = varied_with_lengths("speed", [tone] * 40, factor=1.5)
    speeds = length / lengths
    assert 0.999 / 1.5 <= speeds.min() < 0.8 < 1.2 < speeds.max() <= 1.5
    for row, count, speed in zip(found[..., 0], lengths, speeds, strict=True):
        wanted = np.sin(2 * np.pi * pitch * speed * np.arange(count))
        spectrum = np.abs(np.fft.rfft(row[:count]))
        assert spectrum.argmax() / count == pytest.approx(pitch * speed, abs=1 / count)
        assert np.std(row[:count]) == pytest.approx(np.std(wanted), rel=0.03)


@pytest.mark.parametrize("color", ["white", "pink"])
def test_noise_is_as_far_below_the_recording_as_is_said(color: str) -> None:
    sounds = make_sounds([4000, 900, 2500] * 20)
    changed = varied("noise", sounds, ratio_db=[5.0, 25.0], color=color)
    ratios = [
        10 * np.log10(np.mean(sound**2) / np.mean((row[: len(sound)] - sound) ** 2))
        for row, sound in zip(changed, sounds, strict=True)
    ]
    assert min(ratios) > 4.99
    assert max(ratios) < 25.01
    assert np.std(ratios) == pytest.approx(20 / np.sqrt(12), rel=0.2)


@pytest.mark.parametrize(("color", "slope"), [("white", 0), ("pink", -1)])
def test_the_color_of_noise_is_how_its_power_falls_with_pitch(color: str, slope: float) -> None:
    sounds = [np.full((4096, 1), 0.1, np.float32)] * 50
    noise = varied("noise", sounds, ratio_db=[10.0, 10.0], color=color)[..., 0] - 0.1
    power = (np.abs(np.fft.rfft(noise)) ** 2).mean(axis=0)[4:-4]
    found = np.polyfit(np.log(np.arange(len(power)) + 4), np.log(power), 1)[0]
    assert found == pytest.approx(slope, abs=0.05)


def test_gain_multiplies_a_recording_by_one_number_of_so_many_decibels() -> None:
    sounds = make_sounds([300] * 400)
    factors = varied("gain", sounds, decibels=12.0) / np.stack(sounds)
    np.testing.assert_allclose(factors, np.broadcast_to(factors[:, :1], factors.shape), rtol=1e-5)
    decibels = 20 * np.log10(factors[:, 0, 0])
    assert np.abs(decibels).max() <= 12.001
    assert decibels.std() == pytest.approx(24 / np.sqrt(12), rel=0.1)


@pytest.mark.parametrize(
    ("name", "keys", "told"),
    [
        ("noise", {"ratio_db": [-61.0, 0.0]}, "greater than or equal to -60"),
        ("noise", {"ratio_db": [0.0, 121.0]}, "less than or equal to 120"),
        ("noise", {"ratio_db": [9.0, 3.0]}, r"expected \[least, most\]; received \[9.0, 3.0\]"),
        ("noise", {"ratio_db": [9.0]}, "expected 2 or more elements"),
        ("shift", {"seconds": 0.0009}, "greater than or equal to 0.001"),
    ],
)
def test_keys_of_what_varies_sound_are_bounded(name: str, keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        AUGMENTATIONS.parse({"name": name, **keys})


@pytest.mark.parametrize("ratio", [-60.0, 120.0])
def test_noise_at_its_bounds_is_a_number_and_is_not_rounded_away(ratio: float) -> None:
    changed = varied("noise", SOUNDS, ratio_db=[ratio, ratio])
    assert np.isfinite(changed).all()
    padded = pad_with(SOUNDS, changed.shape[1])
    rms = [np.sqrt(np.mean(each.astype(np.float64) ** 2)) for each in (padded, changed - padded)]
    assert 20 * np.log10(rms[0] / rms[1]) == pytest.approx(ratio, abs=1)


def test_half_of_a_short_recording_is_left_however_far_it_is_shifted() -> None:
    sounds = make_sounds([500, 100, 31] * 60)
    left = [
        np.count_nonzero(row[: len(sound)]) / len(sound)
        for row, sound in zip(varied("shift", sounds, seconds=10.0), sounds, strict=True)
    ]
    assert 0.5 <= min(left) < 0.55
    assert np.std(left) == pytest.approx(0.5 / np.sqrt(12), rel=0.2)  # evenly from none of it to half


def test_the_shortest_shift_moves_something_at_the_lowest_rate() -> None:
    sounds = make_sounds([50] * 40)
    padded = np.stack(sounds)
    changed = augmented_at(LOWEST_RATE, padded, {"name": "shift", "seconds": 0.001})
    assert not np.array_equal(changed, padded)


def augmented_at(rate: int, values: np.ndarray, keys: dict[str, Any]) -> np.ndarray:
    """Return recordings (B, T, 1) of one length at a rate, varied."""
    batch = {"audio": tf.constant(values), "lengths": tf.fill([len(values)], values.shape[1])}
    field = Field("audio", "audio", (1,), ("audio",), rate=rate)
    return np.asarray(AUGMENTATIONS.parse(keys).apply(batch, Signature((field,)), [0, 0])["audio"])


def test_shift_moves_a_recording_and_leaves_silence() -> None:
    sounds = make_sounds([500, 100, 30] * 60)
    moves = []
    for row, sound in zip(varied("shift", sounds, seconds=0.005), sounds, strict=True):
        moved = row[: len(sound)]
        found = [
            by
            for by in range(-40, 41)
            if np.array_equal(moved, np.roll(np.pad(sound, ((50, 50), (0, 0))), by, axis=0)[50 : 50 + len(sound)])
        ]
        assert found
        moves += found[:1] if len(sound) == 500 else []
    assert min(moves) < -20
    assert max(moves) > 20


def covered(seed: int = 0, rows: int = 60, **keys: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return (B, N, M) of noise with pieces covered, and which (B, N, M) were changed."""
    random = np.random.default_rng(0)
    lengths = random.integers(1, 50, rows).astype(np.int32)
    names = tuple(f"mel {number}" for number in range(12))
    values = pad_with([random.normal(size=(length, 12)) for length in lengths], 55)
    batch = {"audio": tf.constant(values), "lengths": tf.constant(lengths)}
    signature = Signature((Field("audio", "series", (12,), names),))
    found = AUGMENTATIONS.parse({"name": "spec_augment", **keys}).apply(batch, signature, tf.constant([seed, 1]))
    changed = np.asarray(found["audio"])
    mean = values.sum(axis=1, keepdims=True) / lengths[:, np.newaxis, np.newaxis]
    differs = changed != values
    np.testing.assert_allclose(changed[differs], np.broadcast_to(mean, values.shape)[differs], atol=1e-5)
    padding = np.arange(55) >= lengths[:, np.newaxis]
    assert not differs[padding].any()
    return changed, differs


def runs_of(row: np.ndarray) -> list[int]:
    """Return the lengths of runs of truth."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
    return (edges[1::2] - edges[::2]).tolist()


def test_spec_augment_covers_pieces_of_time_no_longer_than_is_said() -> None:
    _, differs = covered(feature_masks=0, time_masks=1, time_steps=7, time_share=0.5)
    whole = differs.all(axis=2) | ~differs.any(axis=2)
    assert whole.mean() > 0.95  # a step is covered as a whole, but where it is the only one, and so its own mean
    found = [runs_of(row.all(axis=1)) for row in differs]
    assert all(len(each) <= 1 for each in found)
    assert {each[0] for each in found if each} == {1, 2, 3, 4, 5, 6, 7}


def test_spec_augment_covers_bands_of_features_no_wider_than_is_said() -> None:
    _, differs = covered(feature_masks=1, time_masks=0, features=4)
    found = [runs_of(row.any(axis=0)) for row in differs]
    assert all(len(each) <= 1 for each in found)
    assert {each[0] for each in found if each} == {1, 2, 3, 4}


# What is varied before a transform, and prepared by the step


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec, and chirps, low ones and high ones."""
    folder, random = tmp_path_factory.mktemp("sound"), np.random.default_rng(0)
    (folder / "clips").mkdir()
    (folder / "spec.yaml").write_text(SPEC)
    for take in range(10):
        for label, ends in (("low", (300, 600)), ("high", (2400, 1800))):
            times = np.arange(random.integers(1200, 2400)) / RATE
            samples = 0.3 * scipy.signal.chirp(times, ends[0], times[-1], ends[1], phi=random.uniform(0, 360))
            hiss = random.normal(scale=0.01, size=len(times))
            soundfile.write(folder / "clips" / f"{label}_{take}.wav", samples + hiss, RATE)
    return folder


def prepared(folder: Path, *settings: str) -> tuple[Any, Any]:
    experiment = load_experiment(folder / "spec.yaml", settings)
    return experiment, prepare(experiment, experiment.data.splits(Places(folder, folder)))


def test_log_mel_and_standardize_are_the_transforms_unless_the_spec_says_otherwise(folder: Path) -> None:
    experiment, _ = prepared(folder)
    assert [TRANSFORMS.name_of(each) for each in experiment.transforms] == ["log_mel", "standardize"]


def test_an_augmentation_comes_as_late_as_there_is_something_of_its_kind(folder: Path) -> None:
    experiment, ready = prepared(folder)
    stages = [(stage, AUGMENTATIONS.name_of(each)) for stage, each in staged(experiment.augmentations, ready.pipeline)]
    assert stages == [(0, "noise"), (0, "shift"), (2, "spec_augment")]
    with pytest.raises(DataError, match=r"augmentations\.0: flip takes frames; 'audio' is series; remove it"):
        prepared(folder, "augmentations=[flip]")


def batch_in_training(experiment: Any, ready: Any, seed: int) -> dict[str, Any]:
    objective = Objective(experiment.task, ready.learnt, {}, ready.pipeline, experiment.augmentations)
    plan = [Batch(np.arange(10), 40)]
    (batch,) = loader_of(ready.splits["train"], ready.pipeline, {}).load(plan)
    return {key: np.asarray(each) for key, each in objective.augmented(batch, tf.constant([seed, 2])).items()}


def test_the_step_prepares_what_it_varied_as_all_others_are_prepared(folder: Path) -> None:
    """Noise 120 dB below is next to none: what the step makes is what preparation makes, as wide as it was planned."""
    quiet = "augmentations=[{name: noise, ratio_db: [120, 120]}]"
    (experiment, ready), (plain, whole) = prepared(folder, quiet), prepared(folder, "augmentations=[]")
    assert isinstance(ready.splits["train"], Unfinished)
    assert isinstance(whole.splits["train"], FlatExamples)
    one, other = batch_in_training(experiment, ready, 1), batch_in_training(plain, whole, 1)
    assert one.keys() == other.keys()
    assert one["audio"].shape == other["audio"].shape == (10, 40, 40)
    for key, values in one.items():
        np.testing.assert_allclose(values, other[key], atol=1e-3)
    again = batch_in_training(experiment, ready, 2)
    np.testing.assert_allclose(again["audio"], one["audio"], atol=1e-3)
    loud, ready = prepared(folder)
    first, second = (batch_in_training(loud, ready, seed)["audio"] for seed in (1, 2))
    assert np.abs(first - second).max() > 0.1


def test_only_training_is_varied(folder: Path, tmp_path: Path) -> None:
    """Augmentations that make noise of everything leave the scores of other splits as they are."""
    still = [
        "data.validation={by: fraction, fraction: 0.25}",
        "training.epochs=1",
        "training.buckets.shapes=1",
        "training.optimizer={name: sgd, learning_rate: 1.0e-30}",
    ]
    losses = []
    for number, given in enumerate(("[]", "[{name: noise, ratio_db: [-60, -60]}, {name: gain, decibels: 60}]")):
        run = RunDir.create(tmp_path / str(number))
        places = Places(folder, folder)
        train(load_experiment(folder / "spec.yaml", [*still, f"augmentations={given}"]), run, places)
        losses.append(read_history(run.history)[0])
    assert losses[0]["val_loss"] == losses[1]["val_loss"]
    assert losses[0]["loss"] != losses[1]["loss"]


# A run


@pytest.fixture(scope="module")
def predictor(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    run = RunDir.create(tmp_path_factory.mktemp("runs") / "run")
    train(load_experiment(folder / "spec.yaml"), run, Places(folder, folder))
    return rnnlab.load(run.path)


def test_evaluation_sets_the_baselines_of_series_beside_it(predictor: Predictor, folder: Path) -> None:
    result = evaluate(predictor, Places(folder, folder))
    assert set(result.baselines) == {"majority", "logistic_regression", "nearest_neighbour_dtw"}
    assert result.metrics["accuracy"] == 1
    assert result.baselines["nearest_neighbour_dtw"]["accuracy"] == 1
    assert result.baselines["majority"]["accuracy"] == 0.5


def test_an_export_answers_raw_samples_as_the_run_does(predictor: Predictor, tmp_path: Path) -> None:
    assert_export_answers_alike(predictor, "audio", SOUNDS, 2300, tmp_path)


def test_padding_never_changes_an_answer(predictor: Predictor) -> None:
    assert_padding_changes_nothing(predictor, "audio", SOUNDS, (2000, 0.0), (2700, None), (2001, np.nan))


def test_what_are_no_samples_is_refused(predictor: Predictor) -> None:
    whole = (SOUNDS[0] * 32768).astype(np.int16)
    for given, told in (
        (whole, "sequence 0: expected samples of -1 to 1; received int16; divide 16 bits by 32768"),
        (whole.astype(np.float32), "expected samples of -1 to 1; received"),
        (SOUNDS[0] * np.nan, "sample 0 .* expected a finite number"),
        (np.zeros((0, 1)), r"expected shape \(T ≥ 1, 1\)"),
        (np.zeros((9, 2)), r"expected shape \(T ≥ 1, 1\)"),
    ):
        with pytest.raises(DataError, match=told):
            predictor.predict([given])
    expected = predictor.predict([SOUNDS[0]])["probabilities"]
    for given in (SOUNDS[0][:, 0], SOUNDS[0][:, 0].tolist()):
        np.testing.assert_allclose(predictor.predict([given])["probabilities"], expected, atol=1e-6)


def test_a_recording_is_predicted_from_its_file(predictor: Predictor, folder: Path) -> None:
    done = command("predict", predictor.run.path, folder / "clips" / "low_0.wav", "--json", folder=folder)
    assert done.code == 0, done.error
    (answer,) = map(json.loads, done.out.splitlines())
    assert (answer["id"], answer["class"]) == ("low_0.wav", "low")
    (folder / "no sound.wav").write_text("x")
    refused = command("predict", predictor.run.path, folder / "no sound.wav", folder=folder)
    assert refused.code == 2
    assert "expected WAV, FLAC or OGG" in refused.error


def test_the_export_says_which_samples_it_takes(predictor: Predictor, folder: Path, tmp_path: Path) -> None:
    done = {
        form: command("export", predictor.run.path, "--format", form, "--output", tmp_path / name, folder=folder)
        for form, name in (("saved_model", "saved"), ("keras", "network.keras"))
    }
    assert "recordings are (batch, samples, 1), float32 of -1 to 1, 8,000 samples a second" in done["saved_model"].out
    assert done["keras"].code == 0, done["keras"].error
    assert "samples a second" not in done["keras"].out


def test_the_specs_of_the_guide_are_accepted(tmp_path: Path) -> None:
    blocks = specs_of("audio")
    assert len(blocks) == 6
    for block in blocks:
        rest = "" if "task:" in block else "task: {kind: classification}\n"
        rest += "" if "model:" in block else "model: {architecture: stacked_rnn}\n"
        rest += "" if "data:" in block else "data: {source: audio, train: clips}\n"
        (tmp_path / "spec.yaml").write_text(block + rest)
        assert load_experiment(tmp_path / "spec.yaml").transforms[0] in map(TRANSFORMS.parse, ("log_mel", MEAN))
