"""Transcription: from recordings to their texts, by networks that keep time and by ones that write."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from rnnlab.decoding.ctc import BLANK, UNKNOWN
from rnnlab.entities import NOTHING
from rnnlab.errors import DataError
from rnnlab.evaluation import evaluate
from rnnlab.evaluation.alignments import alignments
from rnnlab.examples import FlatExamples
from rnnlab.experiment import Experiment, cross_check, load_experiment
from rnnlab.export import export
from rnnlab.history import read_history
from rnnlab.network import build_network
from rnnlab.places import Places
from rnnlab.prediction import Predictor, stack
from rnnlab.rundir import RunDir
from rnnlab.signature import Field, Signature
from rnnlab.tasks import TASKS
from rnnlab.training import Prepared, prepare, train

from .guides import DOCS, specs_of

NOWHERE = Places(Path("."), Path("."))
CALLS = {"source": "dial_tones", "train": 16, "validation_examples": 6, "test": 6, "longest": 3}
ENCODER = {
    "architecture": "conv_rnn",
    "cell": "gru",
    "units": [24],
    "bidirectional": True,
    "blocks": [{"filters": 24, "stride": 2}],
}
SEARCH = {"beam": 6, "answers": 3, "language_weight": 0.5}


def make_transcriber(**rest: Any) -> Experiment:
    """Return an experiment on short calls; sections are laid over."""
    values: dict[str, Any] = {
        "name": "calls",
        "data": CALLS,
        "transforms": [{"name": "log_mel", "mels": 20}, {"name": "standardize"}],
        "task": {"kind": "transcription"},
        "model": ENCODER,
        "training": {"epochs": 70, "batch_size": 8, "best": None, "buckets": {"shapes": 1}},
    }
    values["training"]["optimizer"] = {"name": "adam", "learning_rate": 0.01, "clip_global_norm": 1.0}
    laid = {key: {**values.get(key, {}), **each} for key, each in rest.items()}
    if "architecture" in rest.get("model", {}):
        laid["model"] = rest["model"]
    return Experiment.model_validate({**values, **laid})


def task(**keys: Any) -> Any:
    return TASKS.parse({"kind": "transcription", **keys})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    run = RunDir.create(tmp_path_factory.mktemp("calls") / "run")
    train(make_transcriber(task={"language_order": 3}), run, NOWHERE)
    return run


@pytest.fixture(scope="module")
def searching(run: RunDir) -> dict[str, Predictor]:
    """Return the run as it answers by the best path, and by a wide search."""
    wide = task(language_order=3, search=SEARCH)
    return {"best path": Predictor.load(run.path), "beam": Predictor.load(run.path, wide)}


def calls(split: str = "train") -> Any:
    return make_transcriber().data.splits(NOWHERE)[split]


# What it learns, and how it is scored.


def test_calls_are_learnt_by_heart(searching: dict[str, Predictor]) -> None:
    for how, predictor in searching.items():
        found = evaluate(predictor, NOWHERE, "train", figures=False)
        assert found.metrics["character_error_rate"] < 0.1, how
        assert found.metrics["character_error_rate"] < found.baselines["most_frequent_target"]["character_error_rate"]
        assert found.search == ("best path" if how == "best path" else "beam 6, language weight 0.5")


def test_training_and_evaluation_score_alike(run: RunDir, searching: dict[str, Predictor]) -> None:
    row = read_history(run.history)[-1]
    scores = evaluate(searching["best path"], NOWHERE, "validation", figures=False).metrics
    assert list(scores) == ["character_error_rate", "word_error_rate", "exact_match"]
    for name, value in scores.items():
        assert float(row[f"val_{name}"]) == pytest.approx(value, abs=1e-6), name


def test_an_alignment_is_wrong_where_the_metrics_say_so(run: RunDir) -> None:
    lower = Predictor.load(run.path, task(language_order=3, tokens={"name": "characters", "lower": True}))
    examples = replace(calls(), targets=np.array([b"1A", b"2B"] * 8))
    answers = {"texts": np.array([b"1a", b"2x"] * 8, object)}
    found = alignments(lower, examples, answers)
    assert [each.wrong for each in found] == [each.true == "2B" for each in found]
    assert found[0].true == "2B", "one that is answered wrong comes first"


def test_several_answers_are_given_the_best_first(searching: dict[str, Predictor]) -> None:
    found = searching["beam"].final_answers(calls())
    assert found["candidates"].shape == (len(calls()), 3)
    assert (np.diff(found["candidate_scores"], axis=1) <= 0).all()
    np.testing.assert_array_equal(found["texts"], found["candidates"][:, 0])
    assert all(len(set(row)) == 3 for row in found["candidates"].tolist())
    assert "candidates" not in searching["best path"].final_answers(calls())


@pytest.mark.parametrize("how", ["best path", "beam"])
def test_an_answer_depends_on_neither_padding_nor_neighbours(how: str, searching: dict[str, Predictor]) -> None:
    predictor, examples = searching[how], calls()
    expected = predictor.answers(examples)
    for row in (0, 5):
        fields, lengths = stack(examples, np.array([row]))
        garbage = np.random.default_rng(row).normal(size=(1, 777, 1)).astype(np.float32)
        wider = {"audio": np.concatenate([fields["audio"], garbage], axis=1)}
        for given in (fields, wider):
            alone = predictor._compiled(given, lengths, np.zeros(1, np.int32))
            assert np.asarray(alone["texts"])[0] == expected["texts"][row]
            assert float(alone["scores"][0]) == pytest.approx(float(expected["scores"][row]), abs=1e-4)


# The export.

SERVE = """
import json, sys
import numpy as np, tensorflow as tf
given = np.load(sys.argv[2])
served = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
found = served(audio=tf.constant(given["audio"]), lengths=tf.constant(given["lengths"]))
names = [name for name in sys.modules if name.split(".")[0] in ("rnnlab", "keras")]
print(json.dumps({"texts": [each.decode() for each in found["texts"].numpy().tolist()], "modules": names}))
"""


@pytest.mark.parametrize("how", ["beam", pytest.param("best path", marks=pytest.mark.slow)])
def test_an_export_turns_samples_into_texts_with_tensorflow_alone(
    how: str, searching: dict[str, Predictor], tmp_path: Path
) -> None:
    path, difference = export(searching[how], "saved_model", tmp_path / "export")
    assert difference <= 1e-5
    fields, lengths = stack(calls("test"), np.arange(4))
    np.savez(tmp_path / "given.npz", **fields, lengths=lengths)
    command = [sys.executable, "-c", SERVE, str(path), str(tmp_path / "given.npz")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert [name for name in result["modules"] if name.startswith("rnnlab")] == []
    assert result["texts"] == searching[how].final_answers(calls("test"))["texts"][:4].tolist()


def test_the_network_that_is_exported_alone_gives_scores_of_each_step(
    searching: dict[str, Predictor], tmp_path: Path
) -> None:
    _, difference = export(searching["best path"], "keras", tmp_path / "network.keras")
    assert difference <= 1e-5


# What is asked for.


def answers(texts: list[str]) -> FlatExamples:
    signature = Signature((Field("audio", "audio", (1,), rate=8000),), Field("target", "string", ()))
    rows = [np.zeros((1000, 1), np.float32)] * len(texts)
    return FlatExamples.from_sequences(
        signature, [f"call-{n}" for n in range(len(texts))], rows, np.array([text.encode() for text in texts], "S")
    )


@pytest.mark.parametrize("tokens", ["characters", {"name": "words", "lower": False}])
def test_labels_are_written_as_the_texts_that_they_are_of(tokens: Any) -> None:
    texts = ["one two, two", "Ünd drei", "one"]
    asked, raw = task(tokens=tokens), answers(texts)
    learnt = asked.fit(raw)
    prepared = asked.prepare(raw, learnt)
    names = asked.prepared_target(raw.signature.known_target, learnt).names
    labels = np.asarray(prepared.targets)
    assert labels[labels != NOTHING].min() > UNKNOWN
    assert names[labels[0, 0]] == texts[0][: len(names[labels[0, 0]])]
    # Scores by which each label stands for one step, and a blank for another.
    scores = np.full((3, 2 * labels.shape[1], len(names)), -20, np.float32)
    scores[..., BLANK] = 0
    rows, places = np.nonzero(labels != NOTHING)
    scores[rows, 2 * places, labels[rows, places]] = 20
    outputs = {"scores": tf.constant(scores), "lengths": tf.constant([scores.shape[1]] * 3)}
    found = asked.answers(outputs, None, learnt)["texts"].numpy()
    assert [text.decode() for text in found] == texts


def test_a_token_that_training_does_not_know_is_asked_for_and_never_said() -> None:
    asked = task()
    learnt = asked.fit(answers(["ab"]))
    prepared = asked.prepare(answers(["axb"]), learnt)
    assert prepared.targets.tolist() == [[2, UNKNOWN, 3]]
    scores = np.zeros((1, 4, 4), np.float32)
    scores[..., UNKNOWN] = 9
    outputs = {"scores": tf.constant(scores), "lengths": tf.constant([4])}
    batch = {"targets": prepared.targets, "weights": np.ones(1, np.float32)}
    assert np.isfinite(asked.losses(outputs, batch, learnt)[0]).all()
    for search in ({}, {"beam": 3}):
        (text,) = task(search=search).answers(outputs, None, learnt)["texts"].numpy()
        assert set(text.decode()) <= {"a", "b"}
    (note,) = asked.notes(learnt, {"validation": prepared})
    assert "answers: 2 tokens and 4 marks; unknown tokens: validation 33.33%" in note


# What can't be trained on is told before it is.


@cache
def prepared_calls() -> Prepared:
    experiment = make_transcriber()
    return prepare(experiment, experiment.data.splits(NOWHERE))


def network_of(**block: Any) -> Any:
    """Return a network with one block of these keys."""
    return build_network(make_transcriber(model={"blocks": [block]}), prepared_calls().pipeline.signature)


def check(network: Any, change: Callable[[FlatExamples], FlatExamples]) -> None:
    """Check a network on validation calls that were changed."""
    splits = prepared_calls().splits
    task().check(network, {**splits, "validation": change(splits["validation"])})


def labelled(number: int, labels: list[int]) -> Callable[[FlatExamples], FlatExamples]:
    """Return what gives one example these labels."""

    def change(examples: FlatExamples) -> FlatExamples:
        targets = np.full((len(examples), max(len(labels), examples.targets.shape[1])), NOTHING, np.int32)
        targets[:, : examples.targets.shape[1]] = examples.targets
        targets[number] = NOTHING
        targets[number, : len(labels)] = labels
        ids = [f"call-{each}" for each in range(len(examples))]
        return replace(examples, targets=targets, ids=ids)

    return change


@pytest.mark.parametrize(
    "block", [{"stride": 1}, {"stride": 3}, {"stride": 2, "pool_size": 2}, {"padding": "valid", "stride": 2}]
)
def test_a_text_is_refused_where_one_step_more_would_do(block: dict[str, Any]) -> None:
    """The steps that are left are counted as the loss counts them."""
    network, examples = network_of(**block), prepared_calls().splits["validation"]
    width = int(examples.lengths.max())
    given = {"audio": np.zeros((1, width, 20), np.float32), "lengths": examples.lengths[2:3].astype(np.int32)}
    outputs = network(given)
    (steps,) = np.asarray(outputs["lengths"])
    enough, too_long = (([2, 3] * width)[:count] for count in (steps, steps + 1))
    weights = []
    for labels in (enough, too_long):
        batch = {"targets": np.array([labels], np.int32), "weights": np.ones(1, np.float32)}
        weights.append(float(task().losses(outputs, batch, {})[1][0]))
    assert weights == [steps, 0]
    check(network, labelled(2, enough))
    with pytest.raises(DataError, match=rf"needs {steps + 1} steps; received {steps}, which"):
        check(network, labelled(2, too_long))


def test_a_text_too_long_for_its_steps_is_told_by_its_example() -> None:
    with pytest.raises(DataError) as error:
        check(network_of(), labelled(1, [2] * 60))
    told = str(error.value)
    assert "data: the validation split's example 'call-1': its text of 60 tokens, and 59 between equal ones," in told
    assert "needs 119 steps; received" in told
    assert "Use smaller strides" in told


def test_an_empty_text_is_told_by_its_example() -> None:
    with pytest.raises(
        DataError, match="the validation split's example 'call-4': expected a text of one token or more"
    ):
        check(network_of(), labelled(4, []))


@pytest.mark.parametrize(
    ("sections", "place", "message"),
    [
        ({"model": {"architecture": "seq2seq"}}, ("model", "architecture"), "'seq2seq' does not serve transcription"),
        ({"head": {"name": "classes"}}, ("head", "name"), "'classes' does not serve transcription; use ctc"),
        ({"task": {"kind": "classification"}, "head": {"name": "ctc"}}, ("head", "name"), "'ctc' does not serve class"),
    ],
)
def test_what_can_not_transcribe_is_told(sections: dict[str, Any], place: tuple[str, ...], message: str) -> None:
    ((where, told),) = cross_check(make_transcriber(**sections))
    assert where == place
    assert message in told


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"search": {"beam": 4, "language_weight": 0.5}}, "needs a language model: set language_order"),
        ({"search": {"language_weight": 0.5}, "language_order": 3}, "does nothing while 'beam' is 1"),
        ({"search": {"beam": 2, "answers": 3}}, "answers: expected 2 or fewer"),
        ({"tokens": "standardize"}, "expected words or characters"),
    ],
)
def test_keys_that_do_not_go_together_are_told(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        task(**keys)


# What the guide shows.


def test_the_specs_of_the_guide_are_specs(tmp_path: Path) -> None:
    whole, other = specs_of("transcription")
    for spec in (whole, f"data: {{source: dial_tones}}\n{other}"):
        (tmp_path / "speech.yaml").write_text(spec, "utf-8")
        load_experiment(tmp_path / "speech.yaml")


def test_the_message_of_the_guide_is_the_one_that_is_given() -> None:
    guide = (DOCS / "transcription.md").read_text("utf-8")
    (shown,) = re.findall(r"```\n(data: the .*?)\n```", guide)
    with pytest.raises(DataError) as error:
        check(network_of(), labelled(1, [2] * 60))
    parts = [re.split(r"\d+|train|validation|; \d+ more are like it", text) for text in (shown, str(error.value))]
    assert [part for part in parts[0] if part] == [part for part in parts[1] if part]


# Speech by attention.


@pytest.mark.slow
def test_a_network_with_attention_writes_what_is_dialled(tmp_path: Path) -> None:
    decoder = {"cell": "gru", "units": [24], "attention": "bahdanau", "embedding_units": 8}
    experiment = make_transcriber(
        task={"kind": "sequence_to_sequence", "tokens": "characters", "main_metric": "character_error_rate"},
        model={"architecture": "seq2seq", "encoder": ENCODER, "decoder": decoder},
        training={"epochs": 60},
    )
    run = RunDir.create(tmp_path / "run")
    train(experiment, run, NOWHERE)
    found = evaluate(Predictor.load(run.path), NOWHERE, "train")
    assert next(iter(found.metrics)) == "character_error_rate"
    assert found.metrics["character_error_rate"] < 0.7 * found.baselines["most_frequent_target"]["character_error_rate"]
    export(Predictor.load(run.path), "saved_model", tmp_path / "export")
