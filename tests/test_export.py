"""What is exported answers like what was trained, from raw input, and nothing is handed over that does not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnnlab
from rnnlab.errors import ExportError, UserError
from rnnlab.export import EXPORT_FORMATS, export, largest_difference, samples
from rnnlab.export.saved_model import SavedModel
from rnnlab.places import Places
from rnnlab.prediction import Predictor
from rnnlab.rundir import RunDir
from rnnlab.training import train

from .made import LENGTHS, NAMES, make_examples, make_experiment, make_sequences, pad_with, write_npz

TASKS = {"class": "classification", "labels": "classification", "numbers": "regression"}
FORMATS = EXPORT_FORMATS.names()
# Far from mean 0 and deviation 1: an export that forgot the scaling, or a scaled answer, would be far off.
RAW = {"scale": 40.0, "offset": 300.0}


def train_briefly(kind: str, folder: Path, **rest: Any) -> Predictor:
    data = write_npz(folder / "train.npz", make_examples(kind, **RAW))
    rest = {"model": {"architecture": "stacked_rnn", "units": [5], "bidirectional": True}, **rest}
    training = {"epochs": 2, "optimizer": {"name": "adam", "learning_rate": 0.05}}
    run = RunDir.create(folder / "run")
    train(make_experiment(TASKS[kind], train=data, training=training, **rest), run, Places())
    return rnnlab.load(run.path)


@pytest.fixture(scope="module", params=TASKS)
def predictor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return train_briefly(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def saved(predictor: Predictor) -> Path:
    return export(predictor, "saved_model")[0]


def raw_sequences(seed: int = 5) -> list[np.ndarray]:
    return [each * np.float32(RAW["scale"]) + np.float32(RAW["offset"]) for each in make_sequences(LENGTHS, seed=seed)]


def kind_of(predictor: Predictor) -> str:
    return predictor.signature.known_target.kind


ALONE = """
import json, sys
import numpy as np
import tensorflow as tf
given = np.load(sys.argv[2])
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
answers = serve(sequence=tf.constant(given["sequence"]), lengths=tf.constant(given["lengths"]))
answers = {name: value.numpy().tolist() for name, value in answers.items()}
if "classes" in answers:
    answers["classes"] = [each.decode() for each in answers["classes"]]
print(json.dumps({"answers": answers, "modules": [each for each in sys.modules if "rnnlab" in each]}))
"""


def test_a_saved_model_answers_raw_input_where_rnnlab_is_not(predictor: Predictor, saved: Path, tmp_path: Path) -> None:
    sequences = raw_sequences()
    given = tmp_path / "given.npz"
    np.savez(given, sequence=pad_with(sequences, 20, np.nan), lengths=np.array(LENGTHS, np.int32))
    command = [sys.executable, "-c", ALONE, str(saved), str(given)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["modules"] == []
    expected = predictor.predict(sequences)
    assert result["answers"].keys() == expected.keys()
    for name, values in expected.items():
        if name == "classes":
            assert result["answers"][name] == values.tolist()
        else:
            np.testing.assert_allclose(result["answers"][name], values, rtol=1e-5, atol=1e-5)


def test_the_signature_has_the_promised_names_and_types(predictor: Predictor, saved: Path) -> None:
    signature = tf.saved_model.load(str(saved)).signatures["serving_default"]
    inputs = signature.structured_input_signature[1]
    assert {name: (spec.dtype.name, spec.shape.as_list()) for name, spec in inputs.items()} == {
        "sequence": ("float32", [None, None, 3]),
        "lengths": ("int32", [None]),
    }
    outputs = {name: spec.dtype.name for name, spec in signature.structured_outputs.items()}
    numbers = {"values": "float32"}
    assert outputs == (
        numbers if kind_of(predictor) == "numbers" else {"probabilities": "float32", "classes": "string"}
    )


def test_the_answers_are_in_the_terms_of_the_target(predictor: Predictor, saved: Path) -> None:
    serve = tf.saved_model.load(str(saved)).signatures["serving_default"]
    inputs = {"sequence": pad_with(raw_sequences(), 12), "lengths": np.array(LENGTHS, np.int32)}
    answers = {name: value.numpy() for name, value in serve(**inputs).items()}
    kind = kind_of(predictor)
    names = np.array(NAMES[kind])
    if kind == "class":
        np.testing.assert_allclose(answers["probabilities"].sum(axis=1), 1, atol=1e-6)
        chosen = names[answers["probabilities"].argmax(axis=1)].tolist()
    elif kind == "labels":
        chosen = ["|".join(names[row >= 0.5]) for row in answers["probabilities"]]
    else:
        targets = predictor.learnt
        assert np.abs(answers["values"] - targets["mean"]).max() < 10 * targets["scale"].max()
        return
    assert [each.decode() for each in answers["classes"]] == chosen


@pytest.mark.parametrize("name", FORMATS)
def test_a_path_that_is_taken_is_refused(name: str, predictor: Predictor, tmp_path: Path) -> None:
    taken = tmp_path / "mine"
    taken.write_text("precious")
    with pytest.raises(UserError, match="exists already"):
        export(predictor, name, taken)
    assert taken.read_text() == "precious"


def test_an_unknown_format_is_refused_with_a_suggestion(predictor: Predictor) -> None:
    with pytest.raises(UserError, match="did you mean 'saved_model'"):
        export(predictor, "savedmodel")


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_that_answers_otherwise_is_refused(
    name: str, predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer writes a network with one weight changed by a thousandth."""
    exporter = EXPORT_FORMATS.load(name)
    write = exporter.write

    def write_another(self: Any, predictor: Predictor, path: Path) -> None:
        weight = predictor.network.trainable_weights[-1]
        before = weight.numpy()
        weight.assign(before + 1e-3 * np.arange(1, before.size + 1, dtype=np.float32).reshape(before.shape))
        try:
            write(self, predictor, path)
        finally:
            weight.assign(before)

    monkeypatch.setattr(exporter, "write", write_another)
    with pytest.raises(ExportError, match="differs from the run"):
        export(predictor, name, tmp_path / f"wrong{exporter.suffix}")


def test_an_export_that_answers_nan_is_refused(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(self: Any, *arguments: Any) -> Any:
        return {"values": np.array([[np.nan]])}, {"values": np.array([[1.0]])}

    monkeypatch.setattr(SavedModel, "ask", ask)
    with pytest.raises(ExportError, match="nan"):
        export(predictor, "saved_model", tmp_path / "wrong")


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        ({"values": [[1.0, 2.0]]}, {"values": [[1.0, 2.5]]}, 0.2),  # of a column whose largest is 2.5
        ({"values": [[0.1]]}, {"values": [[0.2]]}, 0.1),
        ({"values": [[1e6 + 1], [0.0]]}, {"values": [[1e6], [0.0]]}, 1e-6),
        ({"values": [[1e6, 1.0]]}, {"values": [[1e6, 0.0]]}, 1.0),  # one column's unit is not another's
        ({"values": [[1.0]]}, {"values": [[1.0], [2.0]]}, np.inf),
        ({"values": [[1.0]]}, {"answers": [[1.0]]}, np.inf),
        ({"values": [[1.0]], "more": [[1.0]]}, {"values": [[1.0]]}, np.inf),
        ({"classes": ["a", "b"]}, {"classes": ["a", "b"]}, 0.0),
        ({"classes": ["a", "b"]}, {"classes": ["a", "c"]}, np.inf),
    ],
)
def test_differences_are_told_by_number_shape_name_and_text(theirs: Any, ours: Any, expected: float) -> None:
    arrays = [{name: np.array(values) for name, values in each.items()} for each in (theirs, ours)]
    assert largest_difference(*arrays) == pytest.approx(expected)


def test_targets_in_large_units_can_be_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = train_briefly("numbers", tmp_path)
    predictor.learnt["scale"] *= np.float32(1e6)
    ask = SavedModel.ask

    def ask_with_rounding(self: Any, *arguments: Any) -> Any:
        theirs, ours = ask(self, *arguments)
        return {"values": np.nextafter(theirs["values"], np.inf, dtype=np.float32)}, ours

    monkeypatch.setattr(SavedModel, "ask", ask_with_rounding)
    export(predictor, "saved_model")


def test_a_keras_file_loads_in_safe_mode_and_gives_the_outputs(predictor: Predictor) -> None:
    path, _ = export(predictor, "keras")
    loaded = keras.saving.load_model(path, compile=False, safe_mode=True)
    inputs = {"sequence": pad_with(make_sequences(LENGTHS), 15, None), "lengths": np.array(LENGTHS, np.int32)}
    np.testing.assert_allclose(loaded(inputs), predictor.network(inputs), atol=1e-6)


def test_samples_are_raw_and_of_different_lengths(predictor: Predictor) -> None:
    kept = samples(predictor)
    assert len(set(kept.lengths.tolist())) > 3
    assert kept.values.mean() == pytest.approx(RAW["offset"], abs=RAW["scale"])


def test_names_of_classes_beyond_ascii_are_answered_and_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("ä", "日本", "c")
    monkeypatch.setitem(NAMES, "class", names)
    predictor = train_briefly("class", tmp_path)
    assert set(predictor.predict(raw_sequences())["classes"].tolist()) <= set(names)
    export(predictor, "saved_model")


def test_a_transform_that_shortens_is_inside_the_saved_model(tmp_path: Path) -> None:
    transforms = [{"name": "truncate", "max_length": 4, "keep": "end"}, {"name": "standardize"}]
    predictor = train_briefly("class", tmp_path, transforms=transforms)
    path, _ = export(predictor, "saved_model")
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    padded, lengths = pad_with(raw_sequences(), 14, np.nan), np.array(LENGTHS, np.int32)
    whole = serve(sequence=padded, lengths=lengths)["probabilities"]
    ends = [each[-4:] for each in raw_sequences()]
    shortened = serve(sequence=pad_with(ends, 4), lengths=np.minimum(lengths, 4))["probabilities"]
    np.testing.assert_allclose(whole, shortened, atol=1e-6)
