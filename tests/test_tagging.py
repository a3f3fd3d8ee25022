"""Tagging, end to end: words and their characters, tags of every step, scores of entities, exports.

Axes: B batch, N sentences, T tokens, L characters, C tags.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import rnnlab
from rnnlab.baselines import BASELINES
from rnnlab.batches import BatchLoader
from rnnlab.entities import FORBIDDEN, Scheme
from rnnlab.errors import DataError, SpecError
from rnnlab.evaluation import evaluate
from rnnlab.examples import FlatExamples, Subset
from rnnlab.experiment import Experiment, load_experiment
from rnnlab.export import EXPORT_FORMATS, export
from rnnlab.history import read_history
from rnnlab.layers.spelling import Spelling
from rnnlab.metrics import METRICS
from rnnlab.places import Places
from rnnlab.plan import Batch
from rnnlab.prediction import Predictor
from rnnlab.preparation import Pipeline
from rnnlab.rundir import RunDir
from rnnlab.signature import Field, Signature
from rnnlab.tasks import TASKS
from rnnlab.training import train
from rnnlab.transforms import TRANSFORMS

from . import conlleval
from .made import slow_after

EIGHT = """\
Anna B-person|Smith I-person|lives O|in O|Paris B-place
Paris B-person|Hilton I-person|sings O
in O|New B-place|York I-place|it O|rains O|today O
Zoë B-person
nobody O|knows O|Ann B-person|Smith B-person
London B-place|calls O|Bob B-person|Dylan I-person|back O
we O|saw O|it O
Rome B-place|and O|Bonn B-place|are O|far O|away O|Sir O
"""
WORDS: dict[str, Any] = {"name": "words", "characters": {"length": 6}}
GRU: dict[str, Any] = {"architecture": "stacked_rnn", "cell": "gru", "units": [16], "bidirectional": True}
OF_BIO = ("B-x", "B-y", "I-x", "I-y", "O")
OF_IOBES = ("B-x", "B-y", "E-x", "E-y", "I-x", "I-y", "O", "S-x", "S-y")


def write(path: Path, text: str = EIGHT) -> Path:
    path.write_text(text.replace(" ", "\t").replace("\n", "\n\n").replace("|", "\n"))
    return path


def make(folder: Path, **rest: Any) -> Experiment:
    data = write(folder / "train.conll")
    own = {"source": "conll", "train": str(data), "test": str(data), "validation_file": str(data)}
    training = {"epochs": 60, "batch_size": 4, "optimizer": {"name": "adam", "learning_rate": 0.02}}
    values = {"data": {**own, "validation": {"by": "given"}}, "transforms": [WORDS], "task": "tagging", "model": GRU}
    return Experiment.model_validate({"name": "made", **values, "training": training, **rest})


def trained(folder: Path, **rest: Any) -> Predictor:
    run = RunDir.create(folder / "run")
    train(make(folder, **rest), run, Places())
    return Predictor.load(run.path)


CASES = {
    "crf": {"head": {"name": "crf", "hidden_units": 8}},
    "softmax": {"head": "tags"},
    "softmax constrained": {"head": "tags", "task": {"kind": "tagging", "constrained": True}},
    "crf, words alone": {"head": "crf", "transforms": [{"name": "words"}]},
    "crf, recurrent spelling, convolution": {
        "head": "crf",
        "stem": {"name": "word_characters", "network": "lstm", "character_features": 8},
        "model": {"architecture": "conv_rnn", "units": [16], "bidirectional": True},
    },
}


@pytest.fixture(scope="module", params=slow_after(1, CASES))
def predictor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return trained(tmp_path_factory.mktemp("run"), **CASES[request.param])


def given(predictor: Predictor) -> FlatExamples:
    examples = predictor.experiment.data.splits(Places())["test"]
    assert isinstance(examples, FlatExamples)
    return examples


def sentences() -> list[list[str]]:
    return [[token.split(" ")[0] for token in line.split("|")] for line in EIGHT.splitlines()]


def true_tags() -> list[list[str]]:
    return [[token.split(" ")[1] for token in line.split("|")] for line in EIGHT.splitlines()]


def test_eight_sentences_are_learnt_by_heart(predictor: Predictor) -> None:
    history = read_history(predictor.run.history)
    assert history[-1]["loss"] < 0.1 * history[0]["loss"]
    assert history[-1]["entity_f1"] > 0.9
    found = predictor.predict(sentences())["tag_names"]
    assert [list(row[: len(tags)]) for row, tags in zip(found, true_tags(), strict=True)] == true_tags()


def test_training_and_evaluation_score_alike_and_beside_the_baseline(predictor: Predictor) -> None:
    found = evaluate(predictor, Places(), "validation", figures=False)
    best = (predictor.run.read_manifest()["finished"])["best_epoch"]
    row = read_history(predictor.run.history)[best - 1]
    for name, value in found.metrics.items():
        assert value == pytest.approx(row[f"val_{name}"], abs=1e-6)
    assert list(found.parts["entity_recall"]) == ["person", "place"]
    assert 0 < found.baselines["most_frequent_tag"]["entity_f1"] < 1
    written = json.loads(predictor.run.scores("validation").read_text())
    assert written["parts"]["entity_f1"].keys() == {"person", "place"}


def test_neither_padding_nor_neighbours_change_an_answer(predictor: Predictor) -> None:
    together = predictor.predict(sentences())
    for row, words in enumerate(sentences()):
        alone = predictor.predict([words])
        for name, values in alone.items():
            expected = together[name][row, : len(words)]
            if values.dtype.kind == "f":
                np.testing.assert_allclose(values[0], expected, atol=1e-5)
            else:
                np.testing.assert_array_equal(values[0], expected)
    garbage = np.full((len(sentences()), 11), b"garbage", object)
    for row, words in zip(garbage, sentences(), strict=True):
        row[: len(words)] = [word.encode() for word in words]
    lengths = np.array([len(words) for words in sentences()], np.int32)
    inputs = [predictor.network_inputs({"words": tf.constant(garbage[:, :width])}, lengths) for width in (7, 11)]
    outputs = [np.asarray(predictor.network(each)) for each in inputs]
    for row, length in enumerate(lengths):
        np.testing.assert_allclose(outputs[1][row, :length], outputs[0][row, :length], atol=1e-5)


def test_what_is_not_there_has_no_answer(predictor: Predictor) -> None:
    found = predictor.predict(sentences())
    padding = np.arange(7) >= np.array([[len(words)] for words in sentences()])
    assert (found["tags"][padding] == -1).all()
    assert (found["tag_names"][padding] == "").all()
    assert (found["tags"][~padding] >= 0).all()
    if "probabilities" in found:
        np.testing.assert_allclose(found["probabilities"].sum(axis=-1), ~padding, atol=1e-5)


@pytest.mark.parametrize("name", EXPORT_FORMATS.names())
def test_an_export_answers_like_the_run(name: str, predictor: Predictor) -> None:
    path, difference = export(predictor, name)
    assert path.exists()
    assert difference <= 1e-5


ALONE = """
import json, sys
import tensorflow as tf
words, lengths = json.loads(sys.argv[2])
answers = tf.saved_model.load(sys.argv[1]).signatures["serving_default"](
    words=tf.constant(words), lengths=tf.constant(lengths)
)
assert "rnnlab" not in sys.modules
print(json.dumps([[tag.decode() for tag in row] for row in answers["tag_names"].numpy().tolist()]))
"""


def test_an_export_needs_tensorflow_alone(tmp_path: Path, predictor: Predictor) -> None:
    path, _ = export(predictor, "saved_model", tmp_path / "alone")
    lengths = [len(words) for words in sentences()]
    words = [each + ["behind"] * (9 - len(each)) for each in sentences()]
    program = [sys.executable, "-c", ALONE, str(path), json.dumps([words, lengths])]
    done = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found == [tags + [""] * (9 - len(tags)) for tags in true_tags()]


def test_a_file_is_answered_token_by_token(tmp_path: Path, predictor: Predictor) -> None:
    from rnnlab.cli.scoring import predict_file

    (tmp_path / "asked.conll").write_text("Paris\nHilton\nsings\n\nwe\nsaw\nit\n")
    predict_file(predictor.run.path, tmp_path / "asked.conll", tmp_path / "answers.csv", False, None)
    with (tmp_path / "answers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["sentence"], row["token"]) for row in rows] == [
        ("0", "Paris"), ("0", "Hilton"), ("0", "sings"), ("1", "we"), ("1", "saw"), ("1", "it"),
    ]  # fmt: skip
    assert [row["tag"] for row in rows] == ["B-person", "I-person", "O", "O", "O", "O"]
    assert ("probability" in rows[0]) == (predictor.experiment.reader.__class__.__name__ == "Tags")


def test_a_list_of_words_is_asked_for(predictor: Predictor) -> None:
    for wrong in ("Anna Smith", [], ["Anna", 3]):
        with pytest.raises(DataError, match="sequence 0: expected a list of one or more words"):
            predictor.predict([wrong])
    assert rnnlab.load(predictor.run.path).predict([["Anna"]])["tag_names"].shape == (1, 1)


# Losses and gradients.


def random_batch(names: tuple[str, ...], lengths: tuple[int, ...] = (3, 1, 4, 0), width: int = 4) -> dict[str, Any]:
    random = np.random.default_rng(0)
    tags = random.integers(0, len(names), (len(lengths), 4))
    tags = np.pad(
        np.where(np.arange(4) < np.array(lengths)[:, None], tags, -1), [(0, 0), (0, width - 4)], constant_values=-1
    )
    weights = np.array([1, 1, 1, 0], np.float32)
    return {"targets": tf.constant(tags), "lengths": tf.constant(lengths), "weights": tf.constant(weights)}


@pytest.mark.parametrize("head", ["tags", "crf"])
def test_the_loss_is_a_mean_over_tokens_however_they_are_batched(head: str) -> None:
    task = TASKS.parse("tagging")
    rank = (5,) if head == "tags" else (5, 5)
    outputs = np.random.default_rng(1).normal(size=(4, 4, *rank)).astype(np.float32)

    def sums(rows: slice, width: int = 4) -> tuple[float, float]:
        batch = {name: each[rows] for name, each in random_batch(OF_BIO, width=width).items()}
        wider = np.pad(outputs[rows], [(0, 0), (0, width - 4), *[(0, 0)] * len(rank)], constant_values=7)
        losses, weights = task.losses(tf.constant(wider), batch, {})
        return float(tf.reduce_sum(losses * weights)), float(tf.reduce_sum(weights))

    whole = sums(slice(None))
    assert whole[1] == 8
    np.testing.assert_allclose(np.sum([sums(slice(row, row + 1)) for row in range(4)], axis=0), whole, rtol=1e-5)
    np.testing.assert_allclose(sums(slice(None), width=9), whole, rtol=1e-5)


@pytest.mark.parametrize("network", ["cnn", "gru", "lstm"])
@pytest.mark.parametrize("head", ["tags", "crf"])
def test_every_trainable_weight_gets_a_gradient(tmp_path: Path, head: str, network: str) -> None:
    from rnnlab.network import build_network
    from rnnlab.training import prepare

    stem = {"name": "word_characters", "network": network}
    experiment = make(tmp_path, head={"name": head, "hidden_units": 4}, stem=stem)
    prepared = prepare(experiment, experiment.data.splits(Places()))
    built = build_network(experiment, prepared.pipeline.signature)
    examples = prepared.splits["train"]
    assert isinstance(examples, FlatExamples)
    (batch,) = BatchLoader(examples).load([Batch(np.arange(8), 7)])
    with tf.GradientTape() as tape:
        losses, weights = experiment.task.losses(built({name: batch[name] for name in built.input}), batch, {})
        total = tf.reduce_sum(losses * weights)
    found = tape.gradient(total, [weight.value for weight in built.trainable_weights])
    for weight, gradient in zip(built.trainable_weights, found, strict=True):
        assert gradient is not None, weight.path
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, weight.path


def test_a_batch_of_tags_is_as_wide_as_its_words(tmp_path: Path) -> None:
    experiment = make(tmp_path)
    raw = experiment.data.splits(Places())["train"]
    prepared = Pipeline.fit(experiment.transforms, raw).prepare(Subset(raw, np.array([0, 6])))
    for width in (5, 9):
        (batch,) = BatchLoader(prepared).load([Batch(np.array([1, 0, -1]), width)])
        assert batch["targets"].shape == (3, width)
        np.testing.assert_array_equal(batch["targets"][:2] == -1, np.arange(width) >= np.array([[3], [5]]))
        assert batch["words"].shape == (3, width, 7)


# Words and their characters.


def words_of(*sequences: list[str]) -> FlatExamples:
    values = [np.array([word.encode() for word in words]) for words in sequences]
    ids = [str(number) for number in range(len(values))]
    return FlatExamples.from_sequences(Signature((Field("words", "words", ()),)), ids, values)


def test_words_that_come_cut_stay_as_they_are() -> None:
    examples = words_of(["New York", "it's"], ["IT'S", "new york", "Zoë"])
    pipeline = Pipeline.fit([TRANSFORMS.parse("words")], examples)
    prepared = pipeline.prepare(examples)
    names = pipeline.signature.inputs[0].names
    assert [[names[int(each)] for each in prepared.read(row)["words"][:, 0]] for row in range(2)] == [
        ["new york", "it's"],
        ["it's", "new york", "zoë"],
    ]


def test_characters_are_those_that_are_written_and_no_more_than_asked_for() -> None:
    examples = words_of(["Abc", "abcdefgh"], ["Zoë"])
    pipeline = Pipeline.fit([TRANSFORMS.parse(WORDS)], examples)
    field, prepared = pipeline.signature.inputs[0], pipeline.prepare(examples)
    assert field.kind == "spelled"
    assert field.shape == prepared.values.shape[1:] == (7,)
    rows = np.concatenate([prepared.read(number)["words"] for number in range(2)])
    spelled = [[field.characters[each] for each in row if each] for row in rows[:, 1:]]
    assert list(map("".join, spelled)) == ["Abc", "abcdef", "Zoë"]
    unseen, _ = pipeline.apply({"words": tf.constant([["xbx", ""]])}, tf.constant([1]))
    b = field.characters.index("b")
    assert unseen["words"].numpy().tolist() == [[[1, 1, b, 1, 0, 0, 0], [0] * 7]]


def test_text_has_characters_too() -> None:
    field = Field("text", "text", ())
    texts = [np.frombuffer(text.encode(), np.uint8) for text in ("Hello, World", "", "world")]
    examples = FlatExamples.from_sequences(Signature((field,)), ["0", "1", "2"], texts)
    pipeline = Pipeline.fit([TRANSFORMS.parse({**WORDS, "marks": True})], examples)
    prepared, after = pipeline.prepare(examples), pipeline.signature.inputs[0]
    first = prepared.read(0)["text"]
    assert [after.names[int(each)] for each in first[:, 0]] == ["<start>", "hello", ",", "world", "<end>"]
    assert ["".join(after.characters[each] for each in row if each) for row in first[:, 1:]] == [
        "", "Hello", ",", "World", "",
    ]  # fmt: skip


@pytest.mark.parametrize("network", ["cnn", "gru", "lstm"])
def test_what_stands_behind_a_word_never_matters(network: Any) -> None:
    layer = Spelling(9, 3, 4, network)
    short = np.array([[[4, 5, 0], [6, 0, 0]], [[7, 8, 4], [0, 0, 0]]], np.int32)
    expected = np.asarray(layer(short))
    assert expected.shape == (2, 2, 4 if network == "cnn" else 8)
    np.testing.assert_allclose(layer(np.pad(short, [(0, 0), (0, 3), (0, 5)]))[:, :2], expected, atol=1e-6)
    assert np.abs(expected[0, 0] - expected[0, 1]).max() > 1e-3


# Entities.


def random_tags(names: tuple[str, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return true and answered tags (N, T), which often agree; -1 in the padding."""
    random = np.random.default_rng(seed)
    true = random.integers(0, len(names), (40, 12))
    answered = np.where(random.random(true.shape) < 0.75, true, random.integers(0, len(names), true.shape))
    padding = np.arange(12) >= random.integers(1, 13, 40)[:, None]
    return np.where(padding, -1, true), np.where(padding, -1, answered)


def as_text(tags: np.ndarray, names: tuple[str, ...]) -> list[list[str]]:
    return [[names[each] for each in row if each >= 0] for row in tags]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("names", [OF_BIO, OF_IOBES, ("I-x", "I-y", "O")], ids=["BIO", "IOBES", "IO"])
def test_entities_are_counted_as_conlleval_counts_them(names: tuple[str, ...], seed: int) -> None:
    true, answered = random_tags(names, seed)
    text = as_text(true, names), as_text(answered, names)
    expected, counted = conlleval.evaluate(*text), conlleval.count(*text)
    for name in ("entity_precision", "entity_recall", "entity_f1"):
        metric = METRICS.parse({"metric": name, "tags": names})
        sums = metric.sums({"tags": answered}, {"targets": true, "weights": np.ones(40, np.float32)})
        sums = {key: np.asarray(each) for key, each in sums.items()}
        assert metric.value(sums) == pytest.approx(expected[name], rel=1e-12)
        for kind, value in metric.parts(sums).items():
            own = conlleval.scores(*(counted[key][kind] for key in ("hits", "predicted", "actual")))
            assert value == pytest.approx(own[name], rel=1e-12)


def test_nothing_found_is_no_precision_and_nothing_there_is_no_number() -> None:
    metric = METRICS.parse({"metric": "entity_precision", "tags": OF_BIO})
    nothing, something = np.full((1, 3), 4), np.array([[0, 2, 4]])
    weights = np.ones(1, np.float32)
    for answered, true, expected in ((nothing, something, 0), (something, nothing, 0), (nothing, nothing, np.nan)):
        sums = metric.sums({"tags": answered}, {"targets": true, "weights": weights})
        np.testing.assert_equal(metric.value({key: np.asarray(each) for key, each in sums.items()}), expected)


@pytest.mark.parametrize("names", [OF_BIO, OF_IOBES], ids=["BIO", "IOBES"])
def test_a_constrained_answer_keeps_to_the_scheme(names: tuple[str, ...]) -> None:
    task = TASKS.parse({"kind": "tagging", "constrained": True})
    transitions, first, last = Scheme.of(names).transitions()  # type: ignore[union-attr]
    learnt = {"transitions": transitions, "first": first, "last": last}
    lengths = np.random.default_rng(0).integers(1, 13, 40).astype(np.int32)
    for shape in ((len(names),), (len(names), len(names))):
        scores = np.random.default_rng(1).normal(size=(40, 12, *shape)).astype(np.float32)
        found = np.asarray(task.answers(tf.constant(scores), tf.constant(lengths), learnt)["tags"])
        for row, length in zip(found, lengths, strict=True):
            tags = row[:length]
            assert (row[length:] == -1).all()
            assert first[tags[0]] == last[tags[-1]] == 0
            assert (transitions[tags[:-1], tags[1:]] == 0).all()


def test_the_rules_of_the_schemes() -> None:
    bio, iobes = (Scheme.of(names).transitions() for names in (OF_BIO, OF_IOBES))  # type: ignore[union-attr]
    for names, (follows, first, last), allowed in (
        (OF_BIO, bio, {("B-x", "I-x"), ("I-x", "B-y"), ("O", "O"), ("I-x", "O")}),
        (OF_IOBES, iobes, {("B-x", "E-x"), ("I-x", "E-x"), ("B-x", "I-x"), ("S-x", "S-y"), ("E-x", "B-x")}),
    ):
        assert all(follows[names.index(one), names.index(other)] == 0 for one, other in allowed)
        assert follows[names.index("B-x"), names.index("I-y")] == follows[names.index("O"), names.index("I-x")]
        assert first[names.index("I-x")] == FORBIDDEN
        assert last[names.index("B-x")] == (FORBIDDEN if names is OF_IOBES else 0)
    assert iobes[0][OF_IOBES.index("B-x"), OF_IOBES.index("O")] == FORBIDDEN
    assert Scheme.of(("NN", "VB")) is Scheme.of(("O",)) is None


def test_what_marks_no_entity_is_scored_by_tokens(tmp_path: Path) -> None:
    task = TASKS.parse("tagging")
    assert list(task.metrics(Field("tags", "tags", (), ("NN", "VB")))) == ["token_accuracy"]
    assert next(iter(task.metrics(Field("tags", "tags", (), OF_BIO)))) == "entity_f1"


def test_the_baseline_gives_each_word_its_commonest_tag() -> None:
    signature = Signature((Field("words", "words", ()),), Field("tags", "tags", (), ("A", "B", "C")))
    targets = np.array([[2, 1, -1], [2, 0, 1], [1, 1, 1]])
    examples = replace(words_of(["a", "b"], ["a", "b", "c"], ["a", "c", "d"]), signature=signature, targets=targets)
    asked = words_of(["a", "b", "c", "never"], ["d"])
    found = BASELINES.load("most_frequent_tag")().answers(examples, asked, 0)
    assert found["tags"].tolist() == [[2, 0, 1, 1], [1, -1, -1, -1]]


# Mistakes.

SPEC = """\
data: {source: conll, train: train.conll}
task: tagging
model: {architecture: stacked_rnn, units: [4]}
"""


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["model={architecture: conv_rnn, blocks: [{pool_size: 2}]}"], "tags needs every step"),
        (["model={architecture: conv_rnn, blocks: [{padding: valid}]}", "head=crf"], "crf needs every step"),
        (["transforms=[{name: words, marks: true}]"], "words, as it is set, changes the number of steps"),
        (["head=classes"], "'classes' does not serve tagging; use crf, tags"),
        (["training.best={monitor: val_entity_f}"], "did you mean 'val_entity_f1'"),
        (["stem={name: word_characters, network: gru, kernel_size: 5}"], "does nothing while 'network' is 'gru'"),
        (["data.tag=0"], "data.tag: expected"),
    ],
)
def test_what_does_not_fit_together_is_told_before_data_is_read(tmp_path: Path, settings: list[str], told: str) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    with pytest.raises(SpecError) as error:
        load_experiment(tmp_path / "spec.yaml", settings)
    assert told in str(error.value)


def test_a_stem_that_reads_no_characters_refuses_them(tmp_path: Path) -> None:
    from rnnlab.network import build_network
    from rnnlab.training import prepare

    for transform, stem, told in (
        (WORDS, "embedding", "embedding takes tokens; 'words' is spelled"),
        ({"name": "words"}, "word_characters", "word_characters takes spelled; 'words' is tokens"),
    ):
        experiment = make(tmp_path, transforms=[transform], stem=stem)
        prepared = prepare(experiment, experiment.data.splits(Places()))
        with pytest.raises(DataError, match=told):
            build_network(experiment, prepared.pipeline.signature)


@pytest.mark.parametrize(
    ("text", "task", "told"),
    [
        ("a O|b O\nc O\n", {}, "two or more tags; received 3 tokens, all of tag 'O'"),
        ("a O|b I-x\n", {"constrained": True}, "the training split has I-x after O"),
        ("a I-x|b O\n", {"constrained": True}, "the training split has I-x as the first tag"),
        ("a DT|b NN\n", {"constrained": True}, "task.constrained: the tags are no entities"),
    ],
)
def test_tags_that_can_not_be_learnt_are_told(tmp_path: Path, text: str, task: dict[str, Any], told: str) -> None:
    experiment = make(tmp_path, task={"kind": "tagging", **task})
    write(tmp_path / "train.conll", text)
    with pytest.raises(DataError, match=told):
        experiment.task.fit(experiment.data.splits(Places())["train"])


def test_punctuation_of_words_that_come_cut_does_nothing_and_is_refused() -> None:
    with pytest.raises(DataError, match="punctuation does nothing to words that come cut"):
        Pipeline.fit([TRANSFORMS.parse({"name": "words", "punctuation": "keep"})], words_of(["a"]))
    with pytest.raises(DataError, match="characters takes text; 'words' is words; put `words` in its place"):
        Pipeline.fit([TRANSFORMS.parse("characters")], words_of(["a"]))
