"""The transform `strokes` and what changes its steps in training: references, padding, exports, memory.

Axes: B batch, T points.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import rnnlab
from rnnlab.augmentations import AUGMENTATIONS
from rnnlab.errors import DataError, SpecError
from rnnlab.examples import FlatExamples
from rnnlab.experiment import load_experiment
from rnnlab.places import Places
from rnnlab.prediction import Predictor
from rnnlab.preparation import Pipeline, from_arrays, to_arrays
from rnnlab.rundir import RunDir
from rnnlab.signature import Field, Signature
from rnnlab.training import prepare, train
from rnnlab.transforms import TRANSFORMS
from rnnlab.transforms.strokes import NAMES
from tests.made import pad_with
from tests.promises import assert_export_answers_alike, assert_padding_changes_nothing

FORMS = ("stroke_3", "stroke_5")
OF_STROKES = [name for name in AUGMENTATIONS.names() if AUGMENTATIONS.load(name).after == "strokes"]
FIELD = Field("strokes", "strokes", (3,), ("x", "y", "end"))
SPEC = """\
data: {source: quickdraw, train: made.ndjson, test_fraction: 0.3}
task: {kind: classification}
model: {architecture: stacked_rnn, cell: gru, units: [4]}
training: {epochs: 2, batch_size: 8}
"""


def make_points(lengths: Sequence[int], seed: int = 0) -> list[np.ndarray]:
    """Return drawings (T, 3) in strokes of about four points."""
    random = np.random.default_rng(seed)
    drawings = []
    for length in lengths:
        points = random.uniform(-300, 900, (length, 3))
        points[:, 2] = random.random(length) < 0.25
        points[-1, 2] = 1
        drawings.append(points.astype(np.float32))
    return drawings


LENGTHS = (2, 30, 7, 12, 3, 19)
POINTS = make_points(LENGTHS)


def made(form: str) -> Pipeline:
    examples = FlatExamples.from_sequences(Signature((FIELD,)), [str(each) for each in LENGTHS], POINTS)
    return Pipeline.fit([TRANSFORMS.parse({"name": "strokes", "form": form})], examples)


def applied(pipeline: Pipeline, padded: Any, lengths: Any) -> list[np.ndarray]:
    fields, after = pipeline.apply({"strokes": padded}, lengths)
    return [row[:length] for row, length in zip(np.asarray(fields["strokes"]), np.asarray(after), strict=True)]


def reference(points: np.ndarray, form: str) -> np.ndarray:
    """Return what NumPy makes of a drawing, point by point."""
    x, y, ends = points.astype(np.float64).T
    side = max(x.max() - x.min(), y.max() - y.min()) or 1
    rows = []
    for at in range(len(points)):
        dx, dy = ((x[at] - x[at - 1]) / side, (y[at] - y[at - 1]) / side) if at else (0, 0)
        rows.append([dx, dy, ends[at]] if form == "stroke_3" else [dx, dy, 1 - ends[at], ends[at], 0])
    return np.array(rows if form == "stroke_3" else [*rows, [0, 0, 0, 0, 1]])


# The transform


@pytest.mark.parametrize("form", FORMS)
def test_the_steps_are_those_of_numpy(form: str) -> None:
    for found, points in zip(applied(made(form), pad_with(POINTS, 30), LENGTHS), POINTS, strict=True):
        np.testing.assert_allclose(found, reference(points, form), atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_the_size_and_place_of_the_paper_do_not_matter_and_its_shape_does(form: str) -> None:
    pipeline, factor = made(form), np.array([8, 8, 1], np.float32)
    expected = applied(pipeline, pad_with(POINTS, 30), LENGTHS)
    moved = applied(pipeline, pad_with([each * factor + np.float32([500, -70, 0]) for each in POINTS], 30), LENGTHS)
    wider = applied(pipeline, pad_with([each * np.float32([8, 1, 1]) for each in POINTS], 30), LENGTHS)
    for one, other, another in zip(expected, moved, wider, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
        assert np.abs(one - another).max() > 0.1


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("width", "garbage"), [(30, np.nan), (30, None), (31, np.inf), (70, None)])
def test_what_stands_in_the_padding_never_matters(form: str, width: int, garbage: float | None) -> None:
    pipeline = made(form)
    alone = [applied(pipeline, each[np.newaxis], [len(each)])[0] for each in POINTS]
    for one, other in zip(applied(pipeline, pad_with(POINTS, width, garbage), LENGTHS), alone, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("form", FORMS)
def test_a_graph_prepares_as_eager_execution_does(form: str) -> None:
    pipeline = made(form)
    graph = tf.function(
        lambda values, lengths: pipeline.apply({"strokes": values}, lengths),
        input_signature=[tf.TensorSpec([None, None, 3]), tf.TensorSpec([None], tf.int32)],
    )
    values, lengths = pad_with(POINTS, 34, None), np.array(LENGTHS, np.int32)
    (eager, _), (fields, _) = pipeline.apply({"strokes": values}, lengths), graph(values, lengths)
    np.testing.assert_allclose(fields["strokes"], eager["strokes"], atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_what_comes_out_is_a_series_as_the_signature_says(form: str) -> None:
    pipeline = made(form)
    field = pipeline.signature.inputs[0]
    assert (field.kind, field.names, field.shape) == ("series", NAMES[form], (len(NAMES[form]),))
    assert applied(pipeline, pad_with(POINTS, 30), LENGTHS)[0].shape == (2 + (form == "stroke_5"), *field.shape)
    again, _ = from_arrays(to_arrays(pipeline, {}), pipeline.transforms, pipeline.raw)
    assert again.signature == pipeline.signature


@pytest.mark.parametrize("form", FORMS)
def test_dots_and_the_largest_numbers_make_finite_steps(form: str) -> None:
    dot = np.float32([[5, 5, 0], [5, 5, 1]])
    point = np.float32([[5, 5, 1]])
    huge = np.float32([[-3e38, 3e38, 0], [3e38, -3e38, 1]])
    found = applied(made(form), pad_with([dot, point, huge], 2), [2, 1, 2])
    assert all(np.isfinite(each).all() for each in found)
    np.testing.assert_array_equal(found[0][:2, :2], 0)
    np.testing.assert_allclose(found[2][1, :2], [1, -1])


def test_truncate_keeps_the_first_points_of_a_drawing() -> None:
    transforms = [TRANSFORMS.parse({"name": "truncate", "max_length": 5}), TRANSFORMS.parse("strokes")]
    examples = FlatExamples.from_sequences(Signature((FIELD,)), [str(each) for each in LENGTHS], POINTS)
    found = Pipeline.fit(transforms, examples).prepare(examples)
    np.testing.assert_allclose(found.read(1)["strokes"], reference(POINTS[1][:5], "stroke_3"), atol=1e-6)


# Specs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec, and drawings of boxes and waves."""
    folder = tmp_path_factory.mktemp("drawings")
    random = np.random.default_rng(0)
    rows = []
    for number in range(60):
        x = np.linspace(0, 200, 9) if number % 2 else np.array([0, 0, 200, 200, 0])
        y = 50 * np.sin(x / 20) if number % 2 else np.array([0, 200, 200, 0, 0])
        noise = random.normal(scale=5, size=(2, len(x)))
        drawing = [(np.stack([x, y]) + noise).round(1).tolist(), [[0, 10], [0, 10]]]
        rows.append({"key_id": str(number), "word": "wave" if number % 2 else "box", "drawing": drawing})
    (folder / "made.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "spec.yaml").write_text(SPEC)
    return folder


def prepared(folder: Path, *settings: str) -> Any:
    experiment = load_experiment(folder / "spec.yaml", settings)
    return prepare(experiment, experiment.data.splits(Places(folder, folder)))


def test_strokes_is_the_transform_unless_the_spec_says_otherwise(folder: Path) -> None:
    assert prepared(folder).pipeline.signature.inputs[0].names == NAMES["stroke_3"]


@pytest.mark.parametrize(
    ("transforms", "told"),
    [
        ("[standardize]", r"transforms\.0: standardize takes series; 'strokes' is strokes; put `strokes` before it"),
        ("[strokes, words]", r"transforms\.1: words takes text and words; 'strokes' is series; remove it"),
        ("[strokes, strokes]", r"transforms\.1: strokes takes strokes; 'strokes' is series; remove it"),
    ],
)
def test_a_transform_that_does_not_fit_is_told_with_what_to_do(folder: Path, transforms: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        prepared(folder, f"transforms={transforms}")


def test_a_spec_without_the_transform_is_told_to_add_it(folder: Path) -> None:
    from rnnlab.network import build_network

    experiment = load_experiment(folder / "spec.yaml", ["transforms=[]"])
    ready = prepare(experiment, experiment.data.splits(Places(folder, folder)))
    with pytest.raises(DataError, match="'strokes' is strokes; add `- strokes`"):
        build_network(experiment, ready.pipeline.signature)


@pytest.mark.parametrize("name", OF_STROKES)
def test_an_augmentation_of_strokes_needs_them_made_last(folder: Path, name: str) -> None:
    for transforms, last in (("[strokes, standardize]", "standardize"), ("[]", "none")):
        with pytest.raises(
            SpecError, match=rf"augmentations\.0: {name} changes what .* strokes makes.* received {last}"
        ):
            load_experiment(folder / "spec.yaml", [f"augmentations=[{name}]", f"transforms={transforms}"])
    load_experiment(folder / "spec.yaml", [f"augmentations=[{name}]"])


# Augmentations


def augmented(name: str, form: str, seed: int = 0, **keys: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a batch of 300 drawings, padded with zeros, before and after."""
    lengths = np.random.default_rng(1).integers(2, 40, 300)
    pipeline = made(form)
    fields, after = pipeline.apply({"strokes": pad_with(make_points(lengths, 5), 40)}, lengths)
    valid = np.arange(fields["strokes"].shape[1]) < np.asarray(after)[:, np.newaxis]
    values = np.where(valid[..., np.newaxis], fields["strokes"], 0)
    batch = {"strokes": tf.constant(values), "lengths": after, "weights": tf.ones(300)}
    changed = AUGMENTATIONS.parse({"name": name, **keys}).apply(batch, pipeline.signature, tf.constant([seed, 1]))
    return ({key: np.asarray(each) for key, each in given.items()} for given in (batch, changed))  # type: ignore[return-value]


every = pytest.mark.parametrize(("name", "form"), [(n, f) for n in OF_STROKES for f in FORMS])


@every
def test_the_same_seed_draws_the_same_and_another_something_else(name: str, form: str) -> None:
    (_, one), (_, same), (_, other) = (augmented(name, form, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one["strokes"], same["strokes"])
    assert not np.array_equal(one["strokes"], other["strokes"])


@every
def test_all_other_than_the_drawing_stays(name: str, form: str) -> None:
    before, after = augmented(name, form)
    assert before.keys() == after.keys()
    np.testing.assert_array_equal(before["weights"], after["weights"])
    assert before["strokes"].shape == after["strokes"].shape
    valid = np.arange(after["strokes"].shape[1]) < after["lengths"][:, np.newaxis]
    assert (after["strokes"][~valid] == 0).all()


def test_stretching_multiplies_dx_and_dy_by_a_number_each() -> None:
    for form in FORMS:
        before, after = augmented("stretch_strokes", form, most=0.2)
        ends = [given["strokes"][..., :2].sum(axis=1) for given in (before, after)]
        factors = ends[1] / ends[0]
        assert factors.min() >= 0.799
        assert factors.max() <= 1.201
        assert factors.std(axis=0) == pytest.approx([0.4 / np.sqrt(12)] * 2, rel=0.1)
        assert abs(np.corrcoef(factors.T)[0, 1]) < 0.2
        expected = before["strokes"][..., :2] * factors[:, np.newaxis]
        np.testing.assert_allclose(after["strokes"][..., :2], expected, atol=1e-3)
        np.testing.assert_array_equal(after["strokes"][..., 2:], before["strokes"][..., 2:])
        np.testing.assert_array_equal(after["lengths"], before["lengths"])


def test_turning_keeps_all_lengths_and_turns_every_step_by_one_angle() -> None:
    before, after = augmented("turn_strokes", "stroke_3", degrees=20.0)
    one, other = (given["strokes"][..., 0] + 1j * given["strokes"][..., 1] for given in (before, after))
    np.testing.assert_allclose(np.abs(one), np.abs(other), atol=1e-5)
    turns = (other * one.conj()).sum(axis=1)
    np.testing.assert_allclose(one * (turns / np.abs(turns))[:, np.newaxis], other, atol=1e-5)
    angles = np.degrees(np.angle(turns))
    assert np.abs(angles).max() <= 20.001
    assert angles.std() == pytest.approx(40 / np.sqrt(12), rel=0.1)
    np.testing.assert_array_equal(after["strokes"][..., 2], before["strokes"][..., 2])


def places_of(row: np.ndarray, length: int, form: str) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the places of each stroke, and where the pen was at last."""
    count = length - (form == "stroke_5")
    places = np.cumsum(row[:count, :2], axis=0)
    ends = np.flatnonzero(row[:count, 2 if form == "stroke_3" else 3] > 0.5)
    return np.split(places, ends[:-1] + 1), row[:length, :2].sum(axis=0)


@pytest.mark.parametrize("form", FORMS)
def test_dropping_keeps_every_stroke_where_it_begins_and_ends(form: str) -> None:
    before, after = augmented("drop_points", form, share=0.5)
    for one, other, length, left in zip(
        before["strokes"], after["strokes"], before["lengths"], after["lengths"], strict=True
    ):
        (strokes, end), (kept, kept_end) = places_of(one, length, form), places_of(other, left, form)
        np.testing.assert_allclose(end, kept_end, atol=1e-5)
        assert len(strokes) == len(kept)
        for stroke, rest in zip(strokes, kept, strict=True):
            np.testing.assert_allclose(stroke[[0, -1]], rest[[0, -1]], atol=1e-5)
            distances = np.abs(stroke[np.newaxis] - rest[:, np.newaxis]).max(axis=2).min(axis=1)
            assert distances.max() < 1e-5  # a part of the points, and no new ones
        if form == "stroke_5":
            np.testing.assert_array_equal(other[left - 1], [0, 0, 0, 0, 1])


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_dropping_leaves_out_the_share_of_the_points_within_strokes(share: float) -> None:
    before, after = augmented("drop_points", "stroke_3", share=share)
    inner = sum(
        max(len(stroke) - 2, 0)
        for row, length in zip(before["strokes"], before["lengths"], strict=True)
        for stroke in places_of(row, length, "stroke_3")[0]
    )
    dropped = (before["lengths"] - after["lengths"]).sum()
    assert dropped / inner == pytest.approx(share, rel=0.1)
    assert (after["lengths"] >= 2).all()


def test_a_drawing_that_was_cut_off_keeps_its_last_point() -> None:
    steps = np.float32([[[0, 0, 0]] + [[1, 2, 0]] * 5 + [[9, 9, 9]]])
    batch = {"strokes": tf.constant(steps), "lengths": tf.constant([6])}
    signature = made("stroke_3").signature
    found = AUGMENTATIONS.parse({"name": "drop_points", "share": 0.9}).apply(batch, signature, tf.constant([0, 0]))
    assert found["lengths"] < 6
    np.testing.assert_allclose(np.sum(found["strokes"], axis=1)[0, :2], [5, 10])


def test_a_row_that_only_fills_a_batch_stays_empty() -> None:
    batch = {"strokes": tf.zeros([1, 4, 3]), "lengths": tf.constant([0])}
    found = AUGMENTATIONS.parse("drop_points").apply(batch, made("stroke_3").signature, tf.constant([0, 0]))
    assert found["lengths"] == 0


# A run


@pytest.fixture(scope="module", params=FORMS)
def predictor(request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    settings = [
        f"transforms=[{{name: strokes, form: {request.param}}}]",
        "augmentations=[stretch_strokes, drop_points]",
    ]
    run = RunDir.create(tmp_path_factory.mktemp("runs") / request.param)
    train(load_experiment(folder / "spec.yaml", settings), run, Places(folder, folder))
    return rnnlab.load(run.path)


def test_an_export_answers_raw_strokes_as_the_run_does(predictor: Predictor, tmp_path: Path) -> None:
    assert_export_answers_alike(predictor, "strokes", POINTS, 33, tmp_path)


def test_evaluation_draws_sketches_beside_the_nearest_one(predictor: Predictor, folder: Path) -> None:
    from rnnlab.evaluation import evaluate

    result = evaluate(predictor, Places(folder, folder))
    assert set(result.baselines) == {"majority", "nearest_sketch"}
    assert result.baselines["nearest_sketch"]["accuracy"] > 0.9
    assert (predictor.run.figures / "test" / "sketches.png").stat().st_size > 5000


def test_points_that_are_no_strokes_are_refused(predictor: Predictor) -> None:
    with pytest.raises(DataError, match="sequence 1: expected x, y, and 1 at the last point of each stroke"):
        predictor.predict([POINTS[0], POINTS[1] * 2])
    with pytest.raises(DataError, match=r"expected shape \(T ≥ 1, 3\); received \(4, 2\)"):
        predictor.predict([np.zeros((4, 2))])
    with pytest.raises(DataError, match="a value is not a finite number"):
        predictor.predict([POINTS[0] * np.nan])


def test_padding_never_changes_an_answer(predictor: Predictor) -> None:
    assert_padding_changes_nothing(predictor, "strokes", POINTS, (30, 0.0), (41, None), (35, np.nan))


# Memory

STREAM = """
import resource, sys
from pathlib import Path
from rnnlab.quiet import load_tensorflow
load_tensorflow()
from rnnlab.batches import BatchLoader
from rnnlab.experiment import load_experiment
from rnnlab.places import Places
from rnnlab.plan import Batch
from rnnlab.training import prepare
import numpy as np

folder, cache = Path(sys.argv[1]), sys.argv[2]

def read(name):
    experiment = load_experiment(folder / "spec.yaml", [f"data.train={name}", f"data.cache={cache}"])
    splits = experiment.data.splits(Places(folder, folder))
    for examples in splits.values():
        examples.fingerprint()
    ready = prepare(experiment, splits, folder / f"cache-{name}")
    plan = [Batch(np.array([index]), int(ready.splits["train"].lengths[index])) for index in range(9)]
    return sum(float(np.abs(each["strokes"]).sum()) for each in BatchLoader(ready.splits["train"]).load(plan))

read("small.tfrecord")
(used,) = [int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmData")]
resource.setrlimit(resource.RLIMIT_DATA, (used + int(sys.argv[3]), resource.RLIM_INFINITY))
print(read("large.tfrecord") > 0)
"""


def write_large(path: Path, drawings: int, points: int) -> None:
    """Write drawings of many points as the QuickDraw tutorial does; all have the same steps."""
    steps = np.random.default_rng(0).normal(size=(points, 3)).astype(np.float32)
    ink = tf.train.Feature(float_list=tf.train.FloatList(value=steps.ravel()))
    shape = tf.train.Feature(int64_list=tf.train.Int64List(value=steps.shape))
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number in range(drawings):
            index = tf.train.Feature(int64_list=tf.train.Int64List(value=[number % 2]))
            features = {"ink": ink, "shape": shape, "class_index": index}
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits and tells the memory of data alone")
def test_records_larger_than_the_memory_stream_to_a_memory_map(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC.replace("made.ndjson", "small.tfrecord"))
    write_large(tmp_path / "small.tfrecord", 40, 100)
    write_large(tmp_path / "large.tfrecord", 320, 50_000)
    size = (tmp_path / "large.tfrecord").stat().st_size
    allowed = size // 3
    done = {
        cache: subprocess.run(
            [sys.executable, "-c", STREAM, str(tmp_path), cache, str(allowed)],
            capture_output=True, text=True, cwd=Path(rnnlab.__file__).parents[1], timeout=300,
        )
        for cache in ("disk", "memory")
    }  # fmt: skip
    assert done["disk"].returncode == 0, done["disk"].stderr[-2000:]
    assert done["disk"].stdout.strip().endswith("True")
    assert done["memory"].returncode != 0, "the limit allows what it should not; the test could not fail"
