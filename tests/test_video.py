"""Videos: what networks of frames compute, how clips are varied, and whole runs of each architecture that reads frames.

What every architecture promises, padding that changes nothing above all, is tested in test_contract.

Axes: B batch, T time, H height, W width, C channels.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import affine_transform

import rnnlab
from rnnlab.architectures import ARCHITECTURES
from rnnlab.augmentations import AUGMENTATIONS
from rnnlab.baselines import _neighbours
from rnnlab.baselines.nearest_clip import NearestClip
from rnnlab.entities import NOTHING
from rnnlab.errors import DataError
from rnnlab.evaluation import Evaluation, _score_baselines, evaluate
from rnnlab.examples import FlatExamples
from rnnlab.experiment import Experiment
from rnnlab.export import EXPORT_FORMATS, export
from rnnlab.figures import Clip
from rnnlab.figures._clips import drawn_classes, looks_of
from rnnlab.layers.convolution import TimePooling
from rnnlab.layers.frames import FrameDifferences, FrameTimeConvolution, Pixels
from rnnlab.network import build_network
from rnnlab.places import Places
from rnnlab.prediction import Predictor
from rnnlab.preparation import Pipeline
from rnnlab.rundir import RunDir
from rnnlab.signature import Field, Signature
from rnnlab.stems import STEMS
from rnnlab.training import train
from rnnlab.transforms import TRANSFORMS

from .made import pad_with, slow_after

LENGTHS = np.array([3, 1, 0, 5], np.int32)
SHAPE = (6, 5, 2)
SIGNATURE = Signature((Field("frames", "frames", SHAPE),), Field("label", "class", (), ("a", "b")))
READERS = [
    name for name in ARCHITECTURES.names() if ARCHITECTURES.parse(name).reads and not ARCHITECTURES.parse(name).decodes
]
OF_FRAMES = [name for name in AUGMENTATIONS.names() if "frames" in AUGMENTATIONS.load(name).kinds]
SEED = [3, 7]


def make_clips(lengths: Any = LENGTHS, seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.integers(1, 256, (length, *SHAPE)).astype(np.uint8) for length in lengths]


# Layers.


def test_pixels_become_shares_and_padding_zeros() -> None:
    clips = make_clips()
    found = np.asarray(Pixels()(pad_with(clips, 6, np.nan), LENGTHS))
    np.testing.assert_allclose(found, pad_with(clips, 6) / np.float32(255), atol=1e-7)


@pytest.mark.parametrize(("time", "size"), [(3, 3), (1, 3), (2, 2), (5, 1)])
def test_each_clip_is_convolved_as_if_it_were_alone(time: int, size: int) -> None:
    layer = FrameTimeConvolution(4, time, size)
    clips = [clip / np.float32(255) for clip in make_clips()]
    found = np.asarray(layer(pad_with(clips, 8, np.nan), LENGTHS))
    assert found.shape == layer.compute_output_shape((4, 8, *SHAPE))
    reference = keras.layers.Conv3D(4, (time, size, size), padding="same")
    reference.build((None, None, *SHAPE))
    reference.set_weights(layer.get_weights())
    for row, clip in zip(found, clips, strict=True):
        if len(clip):
            np.testing.assert_allclose(row[: len(clip)], reference(clip[np.newaxis])[0], atol=1e-5)


def test_differences_are_from_one_frame_to_the_next() -> None:
    clips = [clip / np.float32(255) for clip in make_clips()]
    found = np.asarray(FrameDifferences()(pad_with(clips, 6, np.nan), LENGTHS))
    for row, clip in zip(found, clips, strict=True):
        np.testing.assert_allclose(row[1 : len(clip)], np.diff(clip, axis=0)[: max(len(clip) - 1, 0)], atol=1e-6)
        assert not row[:1].any()
        assert not row[len(clip) :].any()


@pytest.mark.parametrize("kind", ["max", "mean"])
def test_frames_are_pooled_over_time_by_those_that_are_there(kind: str) -> None:
    clips = [clip / np.float32(255) for clip in make_clips()]
    found = np.asarray(TimePooling(2, kind)(pad_with(clips, 6, np.nan), LENGTHS))
    for row, clip in zip(found, clips, strict=True):
        for place in range(0, len(clip), 2):
            expected = getattr(clip[place : place + 2], kind)(axis=0)
            np.testing.assert_allclose(row[place // 2], expected, atol=1e-6)


def test_no_layer_of_keras_wraps_another_over_time() -> None:
    package = Path(rnnlab.__file__).parent
    assert not [path for path in package.rglob("*.py") if "TimeDistributed" in path.read_text("utf-8")]


# Clips as they might also have been.


def batch_of(clips: list[np.ndarray], width: int = 6) -> dict[str, Any]:
    frames = tf.constant(pad_with(clips, width).astype(np.uint8))
    return {"frames": frames, "lengths": tf.constant([len(clip) for clip in clips], tf.int32)}


def varied(name: str, clips: list[np.ndarray], seed: Any = SEED, **keys: Any) -> tuple[np.ndarray, np.ndarray]:
    found = AUGMENTATIONS.parse({"name": name, **keys}).apply(batch_of(clips), SIGNATURE, tf.constant(seed))
    assert found["frames"].dtype == tf.uint8
    return np.asarray(found["frames"]), np.asarray(found["lengths"])


@pytest.mark.parametrize("name", OF_FRAMES)
def test_what_is_drawn_is_a_function_of_the_seed_and_padding_stays_empty(name: str) -> None:
    clips = make_clips([5, 4, 6, 0, 1, 3])
    one, lengths = varied(name, clips)
    np.testing.assert_array_equal(one, varied(name, clips)[0])
    others = [varied(name, clips, [seed, 0])[0] for seed in range(4)]
    assert any(not np.array_equal(one, other) for other in others)
    for row, length in zip(one, lengths, strict=True):
        assert not row[length:].any()


@pytest.mark.parametrize("name", ["flip", "crop", "brightness", "zoom", "erase"])
def test_all_frames_of_a_clip_are_changed_alike(name: str) -> None:
    still = [np.repeat(clip[:1], 4, axis=0) for clip in make_clips([1] * 6)]
    found, lengths = varied(name, still)
    np.testing.assert_array_equal(lengths, 4)
    for clip in found:
        np.testing.assert_array_equal(clip[:4], np.broadcast_to(clip[:1], clip[:4].shape))


def test_a_flipped_clip_is_a_mirror_image() -> None:
    clips = make_clips([4] * 20)
    for axis, place in (("horizontal", 2), ("vertical", 1)):
        found, _ = varied("flip", clips, axis=axis)
        same = [np.array_equal(row[:4], clip) for row, clip in zip(found, clips, strict=True)]
        turned = [np.array_equal(row[:4], np.flip(clip, place)) for row, clip in zip(found, clips, strict=True)]
        assert all(one != other for one, other in zip(same, turned, strict=True))
        assert 0 < sum(same) < 20


def test_a_cropped_clip_is_shifted_by_no_more_than_is_said() -> None:
    clips = make_clips([2] * 20)
    found, _ = varied("crop", clips, pixels=2)
    shifts = set()
    for row, clip in zip(found, clips, strict=True):
        bordered = np.pad(clip, [(0, 0), (2, 2), (2, 2), (0, 0)])
        places = [
            (down, right)
            for down in range(5)
            for right in range(5)
            if np.array_equal(bordered[:, down : down + 6, right : right + 5], row[:2])
        ]
        assert len(places) == 1
        shifts |= set(places)
    assert len(shifts) > 8


def test_a_zoomed_clip_is_larger_or_smaller_about_its_middle() -> None:
    clips = make_clips([1] * 12)
    found, _ = varied("zoom", clips, factor=1.5)
    scales = np.geomspace(1 / 1.5, 1.5, 801)
    best = []
    for row, clip in zip(found, clips, strict=True):
        frame, middle = clip[0, ..., 0].astype(float), (np.array(SHAPE[:2]) - 1) / 2
        others = [
            affine_transform(frame, [1 / scale] * 2, middle * (1 - 1 / scale), order=1, mode="grid-constant")
            for scale in scales
        ]
        off = np.abs(np.stack(others) - row[0, ..., 0]).max(axis=(1, 2))
        assert off.min() < 1.5, "but for rounding, as scipy scales it"
        best.append(scales[off.argmin()])
    assert min(best) < 0.9 < 1.1 < max(best)


def test_one_rectangle_of_a_clip_is_black_and_no_larger_than_is_said() -> None:
    clips = [np.maximum(clip, 1) for clip in make_clips([2] * 40)]
    found, _ = varied("erase", clips, largest=0.6)
    sizes = []
    for row, clip in zip(found, clips, strict=True):
        black = row[0, ..., 0] == 0
        rows, columns = black.any(axis=1), black.any(axis=0)
        np.testing.assert_array_equal(black, rows[:, None] & columns)
        np.testing.assert_array_equal(row[:2], np.where(black[..., None], 0, clip))
        for hidden in (rows, columns):
            (places,) = np.nonzero(hidden)
            assert (np.diff(places) == 1).all()
        sizes.append((rows.sum(), columns.sum()))
    assert np.max(sizes, axis=0).tolist() == [4, 3], "of six rows and five columns"
    assert len(set(sizes)) > 4


def test_brightness_multiplies_and_stays_within_what_pixels_are() -> None:
    clips = make_clips([3] * 10)
    found, _ = varied("brightness", clips, change=0.5)
    factors = []
    for row, clip in zip(found, clips, strict=True):
        dark = (clip > 60) & (clip < 160)  # neither rounded by much, nor as bright as pixels get
        factor = float(np.median(row[:3][dark] / clip[dark]))
        np.testing.assert_allclose(row[:3], np.clip(clip * factor, 0, 255), atol=2.5)
        factors.append(factor)
    assert 0.5 <= min(factors) < 0.9 < 1.1 < max(factors) <= 1.5


def test_a_piece_of_a_clip_is_as_long_as_is_said_and_whole() -> None:
    clips = make_clips([6] * 30)
    found, lengths = varied("time_crop", clips, shortest=0.5)
    assert set(lengths) == {4, 5, 6}, "more than half of six"
    begins = set()
    for row, clip, length in zip(found, clips, lengths, strict=True):
        (begin,) = [k for k in range(7 - length) if np.array_equal(row[:length], clip[k : k + length])]
        begins.add(begin)
    assert len(begins) > 2


def test_a_faster_clip_leaves_frames_out_and_a_slower_one_shows_some_twice() -> None:
    clips = make_clips([4] * 40)
    found, lengths = varied("speed", clips, factor=2.0)
    assert lengths.min() == 3, "not quite twice as fast"
    assert lengths.max() == 6, "a slower clip ends where its batch does"
    for row, clip, length in zip(found, clips, lengths, strict=True):
        steps = [next(k for k in range(4) if np.array_equal(frame, clip[k])) for frame in row[:length]]
        assert steps[0] == 0
        assert steps == sorted(steps)
        assert set(np.diff(steps)) <= ({1, 2} if length < 4 else {0, 1})


@pytest.mark.parametrize("name", ["time_crop", "speed"])
def test_tags_go_with_their_frames(name: str) -> None:
    clips = [np.broadcast_to(np.arange(1, 7, dtype=np.uint8)[:, None, None, None], (6, *SHAPE)) for _ in range(9)]
    signature = Signature(SIGNATURE.inputs, Field("tags", "tags", (), tuple("abcdef")))
    batch = {**batch_of(clips, 8), "targets": tf.constant(np.tile([0, 1, 2, 3, 4, 5, -1, -1], (9, 1)))}
    found = AUGMENTATIONS.parse(name).apply(batch, signature, tf.constant(SEED))
    frames, tags = np.asarray(found["frames"])[..., 0, 0, 0], np.asarray(found["targets"])
    for row, own, length in zip(frames, tags, np.asarray(found["lengths"]), strict=True):
        np.testing.assert_array_equal(own[:length], row[:length].astype(int) - 1)
        assert (own[length:] == NOTHING).all()


# Clips brought to the middle.


def test_what_is_bright_comes_to_stand_in_the_middle_of_each_frame() -> None:
    random = np.random.default_rng(0)
    spot = random.integers(1, 256, (3, 3, 1)).astype(np.uint8)
    clips = np.zeros((4, 5, 11, 9, 1), np.uint8)
    for clip in clips:
        for frame in clip[:4]:  # the last one stays black
            row, column = random.integers(0, 8), random.integers(0, 6)
            frame[row : row + 3, column : column + 3] = spot
    centered, lengths = TRANSFORMS.parse("center").apply(clips, np.array([5, 5, 4, 1]), {})
    found = np.asarray(centered)
    assert centered.dtype == tf.uint8
    np.testing.assert_array_equal(lengths, [5, 5, 4, 1])
    for frame in found[:, :4].reshape(-1, 11, 9):
        np.testing.assert_array_equal(frame, found[0, 0, ..., 0])
        rows, columns = (frame.sum(axis=axis) @ np.arange(size) / frame.sum() for axis, size in ((1, 11), (0, 9)))
        assert abs(rows - 5) <= 0.5
        assert abs(columns - 4) <= 0.5
    assert not found[:, 4].any()


def test_a_window_holds_what_centering_the_whole_frame_leaves_about_its_middle() -> None:
    random = np.random.default_rng(0)
    clips = np.zeros((1, 20, 11, 9, 1), np.uint8)
    for frame in clips[0]:
        row, column = random.integers(0, 9), random.integers(0, 7)
        frame[row : row + 3, column : column + 3] = random.integers(1, 256, (3, 3, 1))
    whole, smaller, larger = (
        np.asarray(TRANSFORMS.parse({"name": "center", "size": size}).apply(clips, np.array([20]), {})[0])
        for size in (None, [5, 7], [15, 11])
    )
    np.testing.assert_array_equal(smaller, whole[:, :, 3:8, 1:8])
    np.testing.assert_array_equal(larger[:, :, 2:13, 1:10], whole)
    assert larger.sum() == clips.sum()


@pytest.mark.parametrize("size", [None, [9, 9], [8, 10]], ids=str)
@pytest.mark.parametrize("bar", [1, 2, 3])
def test_what_moves_by_a_pixel_a_frame_stands_still_once_it_is_centered(bar: int, size: list[int] | None) -> None:
    clip = np.zeros((1, 6, 11, 11, 1), np.uint8)
    for step in range(6):
        clip[0, step, step : step + bar, step + 1 : step + 3] = 255
    found = np.asarray(TRANSFORMS.parse({"name": "center", "size": size}).apply(clip, np.array([6]), {})[0])
    assert found.any()
    np.testing.assert_array_equal(found, np.broadcast_to(found[:, :1], found.shape))


# Networks of pictures.


def backbone(**keys: Any) -> Experiment:
    cnn = {"name": "backbone", "network": "MobileNetV3Small", "weights": None, **keys}
    return Experiment.model_validate(
        {
            "name": "backbone",
            "data": {"source": "moving_digits", "train": 16, "validation_examples": 8, "test": 8, "size": 32},
            "transforms": [],
            "task": {"kind": "classification"},
            "model": {"architecture": "cnn_rnn", "cell": "gru", "units": [4], "cnn": cnn},
            "training": {"epochs": 1, "batch_size": 8},
        }
    )


OF_32 = Signature((Field("frames", "frames", (32, 32, 1)),), Field("label", "class", (), ("a", "b")))


def test_a_backbone_sees_each_frame_alone_and_trains_as_many_layers_as_is_said(tmp_path: Path) -> None:
    network = build_network(backbone(), OF_32)
    clips = [np.random.default_rng(0).integers(0, 256, (length, 32, 32, 1)) for length in (2, 4)]
    given = {"frames": tf.constant(pad_with(clips, 4).astype(np.uint8)), "lengths": tf.constant([2, 4])}
    alone = {"frames": given["frames"][:1, :2], "lengths": given["lengths"][:1]}
    np.testing.assert_allclose(network(given)[:1], network(alone), atol=1e-5)
    own = network.get_layer("frame_backbone")
    assert own.trainable_weights
    own.save_weights(tmp_path / "own.weights.h5")
    path = str(tmp_path / "own.weights.h5")
    frozen = build_network(backbone(weights=path), OF_32).get_layer("frame_backbone")
    assert not frozen.trainable_weights
    for count in (12, len(own.layers)):
        some = build_network(backbone(weights=path, trained_layers=count), OF_32).get_layer("frame_backbone")
        assert [layer.trainable for layer in some.layers] == [False] * (len(own.layers) - count) + [True] * count
    with pytest.raises(DataError, match=f"expected at most {len(own.layers)}, .*; received {len(own.layers) + 1}"):
        build_network(backbone(weights=path, trained_layers=len(own.layers) + 1), OF_32)


def test_a_backbone_begins_with_the_weights_of_a_file(tmp_path: Path) -> None:
    network = build_network(backbone(), OF_32)
    network.get_layer("frame_backbone").save_weights(tmp_path / "own.weights.h5")
    experiment = backbone(weights=str(tmp_path / "own.weights.h5")).model_copy(update={"seed": 1})
    other = build_network(experiment, OF_32)
    one, before = (each.get_layer("frame_backbone").get_weights()[0] for each in (network, other))
    assert not np.array_equal(one, before)
    (note,) = experiment.model.begin(other, Places(tmp_path, tmp_path))
    assert "MobileNetV3Small begins with weights of" in note
    np.testing.assert_array_equal(other.get_layer("frame_backbone").get_weights()[0], one)


def test_weights_that_can_not_be_had_are_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.weights.h5").write_bytes(b"nothing")
    experiment = backbone(weights="bad.weights.h5")
    network = build_network(experiment, OF_32)
    with pytest.raises(DataError, match="the weights of MobileNetV3Small can't be had"):
        experiment.model.begin(network, Places(tmp_path, tmp_path))

    network = build_network(backbone(weights="imagenet"), OF_32)

    def begin_with(fault: Exception, given: Collection[str] = ()) -> Any:
        def refuse(**_: Any) -> Any:
            raise fault

        monkeypatch.setattr(keras.applications, "MobileNetV3Small", refuse)
        return backbone(weights="imagenet").model.begin(network, Places(tmp_path, tmp_path), given)

    for fault in (OSError("no network"), Exception("no network")):
        with pytest.raises(DataError, match="no network; without a network, give a file of weights"):
            begin_with(fault)
    with pytest.raises(AttributeError):  # no such fault, but a mistake of ours
        begin_with(AttributeError())
    assert begin_with(OSError(), {"frame_backbone"}) == []  # what another run gives is not fetched


def test_pixels_are_brought_to_what_a_backbone_was_trained_on() -> None:
    stem = STEMS.parse({"name": "backbone", "network": "VGG16", "weights": None})
    frames = keras.Input((None, 32, 32, 3))
    vectors = stem.vectors(frames, keras.Input((), dtype="int32"))
    own = next(layer for layer in keras.Model(frames, vectors).layers if layer.name == "frame_backbone")
    clip = np.random.default_rng(0).integers(0, 256, (1, 2, 32, 32, 3)).astype(np.float32)
    expected = own(keras.applications.vgg16.preprocess_input(clip[0].copy()), training=False)
    found = keras.Model(frames, vectors)(clip / 255)
    np.testing.assert_allclose(found[0], expected, rtol=1e-3, atol=1e-4)


# Whole runs.


def spec_of(architecture: str, **rest: Any) -> Experiment:
    values = {
        "name": "video",
        "data": {"source": "moving_digits", "train": 48, "validation_examples": 16, "test": 16, "size": 12},
        "transforms": [],
        "task": {"kind": "classification"},
        "model": {"architecture": architecture},
        "training": {"epochs": 2, "batch_size": 16},
    }
    return Experiment.model_validate({**values, **{key: {**values.get(key, {}), **each} for key, each in rest.items()}})


CAPTION = {
    "data": {"asks": "caption"},
    "task": {"kind": "sequence_to_sequence"},
    "model": {"encoder": {"architecture": "cnn_rnn", "units": [8]}, "decoder": {"units": [8]}},
}
RUNS: dict[str, Experiment] = {
    **{name: spec_of(name) for name in READERS},
    "augmented": spec_of("cnn_rnn", data={"cache": "disk"}).model_copy(
        update={"augmentations": [AUGMENTATIONS.parse(name) for name in OF_FRAMES]}
    ),
    "captions": spec_of("seq2seq", **{**CAPTION, "data": {"asks": "caption", "cache": "disk"}}),
    "both": spec_of("cnn_rnn", data={"asks": "both"}),
    "actions": spec_of("cnn_rnn", data={"asks": "actions"}, task={"kind": "tagging"}),
}


@pytest.fixture(scope="module", params=slow_after(4, RUNS))
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    folder = tmp_path_factory.mktemp(request.param)
    run = RunDir.create(folder / "run")
    train(RUNS[request.param], run, Places(folder, folder))
    return run


@pytest.fixture(scope="module")
def scored(run: RunDir) -> tuple[Evaluation, list[Path | None]]:
    """Return the run's scores of what was held back, and for each whole split that was prepared its store."""
    stores: list[Path | None] = []
    real = Pipeline.prepare

    def prepare(self: Pipeline, examples: Any, store: Path | None = None) -> FlatExamples:
        if len(examples) >= 16:
            stores.append(store)
        return real(self, examples, store)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Pipeline, "prepare", prepare)
        return evaluate(Predictor.load(run.path), Places(run.path, run.path), "test"), stores


def test_a_run_is_scored(run: RunDir, scored: tuple[Evaluation, list[Path | None]]) -> None:
    """And to be scored, whole splits are prepared in files where the spec says so."""
    scores, stores = scored
    assert scores.examples == 16
    assert scores.baselines
    on_disk = Predictor.load(run.path).experiment.data.on_disk
    assert stores or not on_disk
    assert all((store is not None) == on_disk for store in stores)
    assert not list(run.path.glob("cache*"))


def test_a_run_is_exported_from_raw_frames(run: RunDir) -> None:
    predictor = Predictor.load(run.path)
    for form in ("saved_model", "keras"):
        _, difference = export(predictor, form)
        assert difference <= EXPORT_FORMATS.load(form)().tolerance
    served = tf.saved_model.load(str(run.path / "export" / "saved_model")).signatures["serving_default"]
    assert served.structured_input_signature[1]["frames"].dtype == tf.uint8


@pytest.mark.usefixtures("scored")
def test_film_strips_are_drawn_where_classes_are_asked_for(run: RunDir) -> None:
    drawn = {path.stem for path in (run.figures / "test").iterdir()}
    of_class = Predictor.load(run.path).pipeline.signature.known_target.kind == "class"
    assert ({"film_strips", "hardest_clips"} <= drawn) == of_class


def test_no_two_classes_of_film_strips_look_alike() -> None:
    random = np.random.default_rng(0)
    frames, seen = np.zeros((2, *SHAPE), np.uint8), np.array([2])
    clips = [Clip(str(true), frames, seen, random.random((1, 40), np.float32), true, hard=False) for true in range(4)]
    drawn = {place for clip in clips for place in drawn_classes(clip)}
    assert len({tuple(looks_of(clips)[place].values()) for place in drawn}) == len(drawn) > 7


def test_a_stem_or_a_series_is_refused_where_frames_are_read(tmp_path: Path) -> None:
    experiment = spec_of("cnn_rnn").model_copy(update={"stem": STEMS.parse("cnn")})
    with pytest.raises(DataError, match="stem: cnn_rnn reads frames without a stem before it; remove it"):
        build_network(experiment, OF_32)
    series = Signature((Field("sequence", "series", (3,)),), OF_32.target)
    with pytest.raises(DataError, match="model: cnn_rnn reads frames; 'sequence' is series"):
        build_network(spec_of("cnn_rnn"), series)


# Clips that look alike.


def test_a_baseline_that_would_take_too_long_has_nothing_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_neighbours, "MOST_PRODUCTS", 0)
    experiment, clips = spec_of("cnn_rnn"), examples_of(make_clips([3, 2]), [0, 1])
    result = Evaluation("test", 2, "", {})
    predictor: Any = SimpleNamespace(experiment=experiment, pipeline=SimpleNamespace(signature=SIGNATURE))
    batch = {"targets": np.array([0, 1]), "weights": np.ones(2, np.float32)}
    metrics = experiment.task.metrics(SIGNATURE.known_target)
    _score_baselines(result, predictor, clips, clips, batch, metrics, None)
    assert "would multiply" in result.skipped["nearest_clip"]


def examples_of(clips: list[np.ndarray], classes: list[int]) -> FlatExamples:
    ids = [str(number) for number in range(len(clips))]
    return FlatExamples.from_sequences(SIGNATURE, ids, clips, np.array(classes))


def test_the_nearest_clip_is_that_of_all_distances_of_mean_and_difference() -> None:
    seen, asked = make_clips([3, 5, 1, 4, 2], seed=1), make_clips([2, 1, 6], seed=2)
    classes = [0, 1, 0, 1, 1]

    def look(clip: np.ndarray) -> np.ndarray:
        frames = clip / 255
        change = np.abs(frames[1:] - frames[:-1]).mean(axis=0) if len(clip) > 1 else np.zeros(SHAPE)
        return np.stack([each / max(np.linalg.norm(each), 1e-6) for each in (frames.mean(axis=0), change)])

    found = NearestClip().answers(examples_of(seen, classes), examples_of(asked, [0, 0, 0]), seed=0)["probabilities"]
    for row, clip in zip(found, asked, strict=True):
        distances = [np.square(look(clip) - look(other)).sum() for other in seen]
        assert row.argmax() == classes[int(np.argmin(distances))]
