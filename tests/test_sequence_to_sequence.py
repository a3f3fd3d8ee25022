"""Answers in tokens: how they are asked for, written, scored and exported, of every encoder and decoder there is.

Axes: B batch, T time, L tokens of an answer, V vocabulary, N answers.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from rnnlab.architectures import ARCHITECTURES
from rnnlab.batches import loader_of, taught
from rnnlab.cli import inspection
from rnnlab.entities import NOTHING
from rnnlab.errors import DataError, SpecError
from rnnlab.evaluation import evaluate
from rnnlab.evaluation.attention import FEW, _middling
from rnnlab.examples import FlatExamples
from rnnlab.experiment import Experiment, cross_check, load_experiment
from rnnlab.export import export
from rnnlab.layers.randomness import random_scope
from rnnlab.network import build_network
from rnnlab.places import Places
from rnnlab.plan import Batch
from rnnlab.prediction import Predictor
from rnnlab.rundir import RunDir
from rnnlab.signature import Field, Signature
from rnnlab.tasks import TASKS
from rnnlab.training import prepare, train
from rnnlab.vocabulary import END, MARKS, PADDING, START, UNKNOWN

from .training_cases import PAIRS, make_case, write_pairs

DECODERS: dict[str, dict[str, Any]] = {
    "alone": {"attention": "none"},
    "bahdanau": {"attention": "bahdanau", "hidden_units": 6},
    "luong": {"attention": "luong", "tied_embeddings": True},
    "fed": {"attention": "luong", "input_feeding": True, "units": [5, 5]},
}
# Of what reads frames, see test_video.
ENCODERS = [
    name
    for name in ARCHITECTURES.names()
    if not ARCHITECTURES.parse(name).decodes and not ARCHITECTURES.parse(name).reads
]
CASES = list(itertools.product(ENCODERS, DECODERS, ["gru", "lstm"]))
KEPT = [case for number, case in enumerate(CASES) if number % 3 == 0]
every = pytest.mark.parametrize(
    ("encoder", "decoder", "cell"),
    [pytest.param(*each, marks=[] if each in KEPT else pytest.mark.slow) for each in CASES],
)


def make_pairs(folder: Path, **rest: Any) -> Experiment:
    """Write pairs of words into the folder, once, and return an experiment on them; sections are laid over."""
    table = folder / "pairs.tsv"
    if not table.exists():
        write_pairs(table)
    values = {
        "name": "pairs",
        **PAIRS,
        "data": {"source": "parallel", "train": str(table), "test": str(table), "validation": {"by": "fraction"}},
        "training": {"epochs": 2, "batch_size": 8, "buckets": {"shapes": 2}},
    }
    return Experiment.model_validate({**values, **{key: {**values[key], **each} for key, each in rest.items()}})


def decoding(encoder: str, decoder: str, cell: str) -> dict[str, Any]:
    return {
        "architecture": "seq2seq",
        "encoder": {"architecture": encoder, "units": [4]},
        "decoder": {"units": [5], "embedding_units": 4, "cell": cell, **DECODERS[decoder]},
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("pairs")


@pytest.fixture(scope="module")
def run(folder) -> RunDir:
    run = RunDir.create(folder / "run")
    experiment = make_pairs(
        folder,
        task={"label_smoothing": 0.0},
        training={"epochs": 80, "best": None, "optimizer": {"name": "adam", "learning_rate": 0.02}},
        model={"decoder": {"units": [16], "attention": "luong", "embedding_units": 8}},
    )
    train(experiment, run, Places(folder, folder))
    return run


def network_of(folder: Path, model: dict[str, Any], **rest: Any) -> tuple[Any, Any]:
    """Return the prepared data, and a network with weights that no initialiser would choose."""
    experiment = make_pairs(folder, model=model, **rest)
    prepared = prepare(experiment, experiment.data.splits(Places(folder, folder)))
    network = build_network(experiment, prepared.pipeline.signature)
    random = np.random.default_rng(0)
    for variable in network.variables:
        variable.assign(variable.numpy() + random.uniform(-0.3, 0.3, variable.shape))
    return prepared, network


def batch_of(prepared: Any, rows: list[int], width: int = 12) -> dict[str, Any]:
    examples = prepared.splits["train"]
    (loaded,) = loader_of(examples, prepared.pipeline, {}).load([Batch(np.array(rows), width)])
    return loaded


def read(network: Any, batch: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    return network({name: batch[name] for name in network.input}, **arguments)


def without_padding(rows: Any) -> list[list[int]]:
    return [[int(each) for each in row if each != PADDING] for row in np.asarray(rows)]


# How it is asked.


def test_a_step_reads_the_token_before_the_one_that_it_is_asked_for(folder):
    prepared, _ = network_of(folder, decoding("stacked_rnn", "alone", "gru"))
    batch = batch_of(prepared, [0, 1, 2, -1])
    vocabulary = prepared.pipeline.signature.known_target.names
    texts = [text.decode() for text in np.asarray(batch["texts"])[:3]]
    for text, targets, teacher in zip(texts, np.asarray(batch["targets"]), np.asarray(batch["teacher"]), strict=False):
        numbers = [vocabulary.index(letter) for letter in text]
        assert [int(each) for each in targets if each != NOTHING] == [*numbers, END]
        assert [int(each) for each in teacher[: len(numbers) + 1]] == [START, *numbers]
        assert not teacher[len(numbers) + 2 :].any()


def test_answers_are_no_wider_than_the_longest_of_the_batch():
    targets = np.array([[5, 6, END, NOTHING, NOTHING], [5, END, NOTHING, NOTHING, NOTHING]])
    found = taught(tf.constant(targets))
    np.testing.assert_array_equal(found["targets"], targets[:, :3])
    np.testing.assert_array_equal(found["teacher"], [[START, 5, 6], [START, 5, END]])


def test_the_longest_answer_is_that_of_training_unless_it_is_said(folder):
    prepared, _ = network_of(folder, decoding("stacked_rnn", "alone", "gru"))
    texts = np.asarray(prepared.splits["train"].beside["texts"])
    assert prepared.pipeline.signature.known_target.shape == (max(map(len, texts.tolist())),)
    prepared, _ = network_of(folder, decoding("stacked_rnn", "alone", "gru"), task={"max_length": 3})
    assert prepared.pipeline.signature.known_target.shape == (3,)


def test_words_of_answers_that_training_does_not_know_are_one_token(folder):
    experiment = make_pairs(folder)
    raw = experiment.data.splits(Places(folder, folder))["train"]
    learnt = experiment.task.fit(raw)
    flat = FlatExamples.from_sequences(raw.signature, ["0"], [np.zeros(1, np.uint8)], np.array([b"zz"]))
    targets = np.asarray(experiment.task.prepare(flat, learnt).targets)
    np.testing.assert_array_equal(targets[0], [1, 1, END])


# Every encoder beside every decoder.


@every
def test_padding_and_neighbours_change_neither_scores_nor_answers(encoder, decoder, cell, folder):
    prepared, network = network_of(folder, decoding(encoder, decoder, cell), task={"search": {"beam": 2, "answers": 2}})
    rows = [0, 1, 2, 3, -1]
    given = read(network, batch_of(prepared, rows))
    batch = batch_of(prepared, rows)
    asked = np.asarray(batch["targets"])[:4] != NOTHING
    for order, width in (([3, 2, 1, 0], 12), ([0, 1, 2, 3], 31)):
        other = batch_of(prepared, order, width)
        found = read(network, other)
        for place, row in enumerate(order):
            steps = asked[row].sum()
            np.testing.assert_allclose(
                np.asarray(found["scores"])[place, :steps], np.asarray(given["scores"])[row, :steps], atol=1e-5
            )
            assert without_padding(found["tokens"][place]) == without_padding(given["tokens"][row])
            np.testing.assert_allclose(found["ranks"][place], given["ranks"][row], atol=1e-4)
    alone = read(network, batch_of(prepared, [1], 12))
    assert without_padding(alone["tokens"][0]) == without_padding(given["tokens"][1])


@every
def test_every_weight_learns(encoder, decoder, cell, folder):
    prepared, network = network_of(folder, decoding(encoder, decoder, cell))
    batch, task = batch_of(prepared, list(range(8))), make_pairs(folder).task
    with random_scope(tf.constant([0, 0])), tf.GradientTape() as tape:
        losses, weights = task.losses(read(network, batch, training=True), batch, prepared.learnt)
        total = tf.reduce_sum(losses * weights)
    variables = [variable.value for variable in network.trainable_variables]
    for variable, gradient in zip(network.trainable_variables, tape.gradient(total, variables), strict=True):
        assert gradient is not None, variable.path
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, variable.path


def test_a_step_does_not_see_the_tokens_behind_it(folder):
    for decoder in DECODERS:
        prepared, network = network_of(folder, decoding("stacked_rnn", decoder, "gru"))
        batch = batch_of(prepared, [0, 1, 2])
        before = np.asarray(read(network, batch)["scores"])
        teacher = np.asarray(batch["teacher"]).copy()
        teacher[:, 2:] = len(MARKS)
        after = np.asarray(read(network, {**batch, "teacher": tf.constant(teacher)})["scores"])
        np.testing.assert_array_equal(after[:, :2], before[:, :2])


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_network_computes_in_16_bits_and_scores_in_32(decoder, folder):
    prepared, exact = network_of(folder, decoding("stacked_rnn", decoder, "gru"))
    experiment = make_pairs(folder, model=decoding("stacked_rnn", decoder, "gru"))
    rounded = build_network(experiment, prepared.pipeline.signature, "mixed_bfloat16")
    rounded.set_weights(exact.get_weights())
    batch = batch_of(prepared, [0, 1, 2])
    for training in (False, True):
        with random_scope(tf.constant([0, 0])):
            ours, theirs = (read(each, batch, training=training)["scores"] for each in (rounded, exact))
        assert ours.dtype == "float32"
        assert 0 < np.abs(ours - theirs).max() < 0.1 * np.abs(theirs).max()


# What is written.


def test_words_are_spaced_as_they_mostly_are_in_training_answers():
    texts = [
        "a t-shirt, blue.",
        "a dog's (big) ears.",
        "it ends: here.",
        "a lot; and lots!",
        "here is one",
        "on-off",
        "is it 5 - 3?",
    ]
    task = TASKS.parse({"kind": "sequence_to_sequence", "tokens": "words"})
    raw = _answers(texts)
    learnt = task.fit(raw)
    numbers = np.asarray(task.prepare(raw, learnt).targets)
    written = task.written(tf.constant(np.where(numbers == END, PADDING, np.maximum(numbers, PADDING))), learnt)
    assert [text.decode() for text in written.numpy()[:-1]] == texts[:-1]
    (rare,) = _answers(["ears here"]).targets
    numbers = task.prepare(_answers([rare.decode()]), learnt).targets[:, :-1]
    assert task.written(tf.constant(numbers), learnt).numpy() == [rare], "a word is not close to all that follows it"


def _answers(texts: list[str]) -> FlatExamples:
    """Return examples that are to be answered with texts."""
    signature = Signature((Field("text", "text", ()),), Field("target", "string", ()))
    rows = [np.zeros(1, np.uint8)] * len(texts)
    return FlatExamples.from_sequences(signature, [*map(str, range(len(texts)))], rows, np.array(texts, "S"))


def test_the_score_of_an_answer_is_its_log_probability(folder):
    for decoder in DECODERS:
        prepared, network = network_of(folder, decoding("stacked_rnn", decoder, "lstm"))
        batch = batch_of(prepared, [0, 1, 2])
        found = read(network, batch)
        for row, tokens in enumerate(without_padding(np.asarray(found["tokens"])[:, 0])):
            teacher = tf.constant([[START, *tokens]], tf.int32)
            own = batch_of(prepared, [row])
            scores = tf.nn.log_softmax(read(network, {**own, "teacher": teacher})["scores"])[0].numpy()
            expected = sum(scores[step, token] for step, token in enumerate([*tokens, END]))
            assert np.asarray(found["ranks"])[row, 0] == pytest.approx(expected, abs=1e-4)


def test_greedy_answers_are_those_of_a_step_after_another(folder):
    prepared, network = network_of(folder, decoding("stacked_rnn", "fed", "gru"))
    longest = prepared.pipeline.signature.known_target.shape[0]
    for row in range(4):
        batch, teacher, written = batch_of(prepared, [row]), [START], []
        for _ in range(longest):
            scores = read(network, {**batch, "teacher": tf.constant([teacher], tf.int32)})["scores"].numpy()[0, -1]
            scores[[0, 1, 2]] = -np.inf
            if scores.argmax() == END:
                break
            written.append(int(scores.argmax()))
            teacher.append(written[-1])
        assert without_padding(read(network, batch)["tokens"][0]) == [written]


def test_words_turned_round_are_learnt_by_heart(run, folder):
    scores = evaluate(Predictor.load(run.path), Places(folder, folder), "train", figures=False)
    assert scores.metrics["exact_match"] > 0.95
    assert scores.metrics["token_accuracy"] > 0.95
    assert 1 <= scores.metrics["perplexity"] < 1.3
    assert {"copy_source", "most_frequent_target", "nearest_source"} <= scores.baselines.keys()


def test_training_and_evaluation_score_alike(run, folder):
    from rnnlab.history import read_history

    row = read_history(run.history)[-1]
    scores = evaluate(Predictor.load(run.path), Places(folder, folder), "validation", figures=False).metrics
    for name, value in scores.items():
        assert float(row[f"val_{name}"]) == pytest.approx(value, abs=1e-6), name
    assert "exact_match" not in row, "in training nothing is written out"


def test_capitals_are_not_held_against_answers_in_lower_case(folder, tmp_path):
    table = tmp_path / "pairs.tsv"
    table.write_text("".join(f"{a} {b}\tDas IST {a.upper()}, {b}.\n" for a in "abc" for b in "xyz"))
    training = {"epochs": 150, "best": None, "optimizer": {"name": "adam", "learning_rate": 0.02}}
    experiment = make_pairs(
        folder,
        data={"train": str(table), "test": str(table), "validation": {"by": "none"}},
        task={"tokens": "words"},
        training=training,
        model={"decoder": {"units": [16], "attention": "luong", "embedding_units": 8}},
    )
    run = RunDir.create(tmp_path / "run")
    train(experiment, run, Places(tmp_path, tmp_path))
    found = evaluate(Predictor.load(run.path), Places(tmp_path, tmp_path), "train", figures=False)
    assert [found.metrics[name] for name in ("bleu", "chrf", "exact_match")] == pytest.approx([100, 100, 1])
    assert found.search == found.to_json()["search"] == "greedy"


def test_a_token_that_is_not_known_is_never_right(folder):
    task = make_pairs(folder).task
    scores = np.zeros((1, 2, 6), np.float32)
    scores[0, :, 1], scores[0, :, 4] = 9, 5  # above all the unknown token
    batch = {"targets": np.array([[1, 4]]), "weights": np.ones(1, np.float32)}
    learnt = task.fit(make_pairs(folder).data.splits(Places(folder, folder))["train"])
    outputs = {"scores": tf.constant(scores), "tokens": tf.zeros([1, 1, 0], tf.int32)}
    assert task.scored(outputs, batch, learnt)["tags"].numpy().tolist() == [[4, 4]]


def test_the_share_of_answers_that_is_not_known_is_told(folder):
    experiment = make_pairs(folder, task={"tokens": {"name": "characters", "vocabulary": {"size": 1}}})
    prepared = prepare(experiment, experiment.data.splits(Places(folder, folder)))
    targets = np.asarray(prepared.splits["train"].targets)
    share = (targets == UNKNOWN).sum() / (~np.isin(targets, [NOTHING, END])).sum()
    assert 0 < share < 1
    (told,) = [note for note in prepared.notes if note.startswith("answers: ")]
    assert told.startswith(f"answers: 1 tokens and 4 marks; unknown tokens: train {share:.2%}, validation ")


def test_where_steps_were_joined_no_map_is_drawn_of_what_was_looked_at(folder):
    model = decoding("conv_rnn", "luong", "gru")
    model["encoder"]["blocks"] = [{"filters": 4, "stride": 2}]
    assert ARCHITECTURES.parse(model).time_stride == 2
    assert not ARCHITECTURES.parse(model).aligned


def test_one_text_or_many_have_the_same_answers(run):
    predictor = Predictor.load(run.path)
    texts = ["abc", "a", "bbbbbb", "cab" * 5, "", "zzz"]
    together = predictor.predict(texts)
    for number, text in enumerate(texts):
        alone = predictor.predict([text])
        assert alone["texts"][0] == together["texts"][number]
        assert alone["scores"][0] == pytest.approx(together["scores"][number], abs=1e-4)


def test_a_wider_search_gives_more_answers_the_best_first(run):
    wider = load_experiment(run.spec, ["task.search.beam=4", "task.search.answers=3"]).task
    found = Predictor.load(run.path, wider).predict(["abc", "cba"])
    assert found["candidates"].shape == (2, 3)
    assert (np.diff(found["candidate_scores"], axis=1) <= 0).all()
    assert list(found["candidates"][:, 0]) == list(found["texts"])
    assert len(set(found["candidates"][0])) == 3


@pytest.mark.parametrize("beam", [1, 3])
def test_the_export_answers_raw_text_with_text(run, beam, tmp_path):
    settings = [f"task.search.beam={beam}", f"task.search.answers={beam}"]
    predictor = Predictor.load(run.path, load_experiment(run.spec, settings).task)
    path, difference = export(predictor, "saved_model", tmp_path / "export")
    assert difference <= 1e-5
    served = tf.saved_model.load(str(path)).signatures["serving_default"](text=tf.constant(["abc", "bca", ""]))
    expected = predictor.predict(["abc", "bca", ""])
    assert [text.decode() for text in served["texts"].numpy()] == list(expected["texts"])


def test_the_network_that_is_exported_alone_gives_scores_and_answers(run, tmp_path):
    import keras

    path, difference = export(Predictor.load(run.path), "keras", tmp_path / "export.keras")
    assert difference <= 1e-5
    loaded = keras.saving.load_model(path, compile=False)
    assert loaded.get_layer("decoder").search == Predictor.load(run.path).network.get_layer("decoder").search
    assert {"scores", "tokens", "ranks"} <= loaded.output.keys()


def test_answers_that_are_looked_at_are_chosen_by_their_tokens_not_their_bytes(run):
    predictor = Predictor.load(run.path)
    sources = ["a" * 3, *(" ".join("é" * 4) for _ in range(40)), "".join("あ" * 39)]
    values = [np.frombuffer(text.encode(), np.uint8) for text in sources]
    examples = FlatExamples.from_sequences(Signature(predictor.signature.inputs), [*map(str, sources)], values)
    lengths = predictor.pipeline.prepare(examples).lengths
    chosen = lengths[_middling(predictor, examples)]
    order = np.sort(lengths)
    assert chosen.tolist() == order[len(order) // 2 - FEW // 2 : len(order) // 2 + FEW - FEW // 2].tolist()
    # Of 40 tokens and fewer, though of more bytes: it is among those that may be chosen.
    only = FlatExamples.from_sequences(Signature(predictor.signature.inputs), ["0", "1"], [values[0], values[-1]])
    assert len(_middling(predictor, only)) == 2


def test_memory_is_estimated_by_the_length_of_answers(folder, tmp_path, capsys):
    """Two files of the same sources and tokens, whose longest answers differ."""
    estimates, longest, rows = [], (5, 205), 8
    for length in longest:
        table = tmp_path / f"{length}.tsv"
        table.write_text("".join(f"{'ab' * 50}\t{'cd' * 2}{'c' * (length - 4)}\n" for _ in range(40)))
        experiment = make_pairs(folder, data={"train": str(table), "test": None}, training={"batch_size": rows})
        prepared = prepare(experiment, experiment.data.splits(Places(tmp_path, tmp_path)))
        inspection._print_lengths(experiment, prepared)
        told = capsys.readouterr().out.splitlines()[-1]
        assert told == f"Answers of training: {length} tokens (median), {length} in the longest."
        network, memory = inspection._build(experiment, prepared)
        estimates.append(memory)
    inspection._print_network(network, memory, writes=True)
    assert "(batch, tokens, 6)" in capsys.readouterr().out
    # Of each step a score for each token, and the token that is read.
    assert estimates[1] - estimates[0] == pytest.approx(4 * rows * (longest[1] - longest[0]) * (6 + 1) / 2**20)


# What training may read.


def test_scheduled_sampling_reads_what_was_found_most_probable(folder):
    model = decoding("stacked_rnn", "alone", "gru")
    taught_alone, network = network_of(folder, model)
    model["decoder"]["teacher_forcing"] = {"start": 0.0, "end": 0.0}
    _, sampling = network_of(folder, model)
    batch = batch_of(taught_alone, [0, 1, 2])
    with random_scope(tf.constant([0, 0])):
        found = np.asarray(read(sampling, batch, training=True)["scores"])
    teacher = [[START]] * 3
    for step in range(found.shape[1]):
        own = {**batch, "teacher": tf.constant(teacher, tf.int32)}
        scores = np.asarray(read(network, own)["scores"])[:, -1]
        np.testing.assert_allclose(found[:, step], scores, atol=1e-5)
        said = END + scores[:, END:].argmax(axis=1)  # never a mark that no answer holds
        teacher = [[*row, int(each)] for row, each in zip(teacher, said, strict=True)]


def test_scheduled_sampling_goes_beyond_the_most_tokens_that_an_answer_may_have(folder):
    model = decoding("stacked_rnn", "alone", "gru")
    model["decoder"]["teacher_forcing"] = {"start": 0.5, "end": 0.5}
    prepared, network = network_of(folder, model, task={"max_length": 1})
    batch = batch_of(prepared, list(range(8)))
    with random_scope(tf.constant([0, 0])):
        scores = read(network, batch, training=True)["scores"]
    assert scores.shape[1] == np.asarray(batch["targets"]).shape[1] > 3


def test_smoothed_losses_are_those_of_smoothed_targets(folder):
    prepared, network = network_of(folder, decoding("stacked_rnn", "alone", "gru"))
    batch = batch_of(prepared, [0, 1, 2])
    outputs = read(network, batch)
    losses, _ = make_pairs(folder, task={"label_smoothing": 0.3}).task.losses(outputs, batch, prepared.learnt)
    tokens = outputs["scores"].shape[-1]
    wanted = tf.one_hot(tf.maximum(batch["targets"], 0), tokens) * 0.7 + 0.3 / tokens
    expected = tf.nn.softmax_cross_entropy_with_logits(wanted, outputs["scores"])
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


# Mistakes.


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"model": {"architecture": "stacked_rnn", "encoder": None, "decoder": None}}, "needs one that decodes"),
        ({"model": {"decoder": {"feedback": False}}}, "without reading what is written"),
        ({"head": {"name": "classes"}}, "an architecture that decodes answers it; remove the head"),
        ({"training": {"best": {"monitor": "bleu"}}}, "monitor val_bleu"),
        ({"training": {"early_stopping": {"monitor": "exact_match"}}}, "monitor val_exact_match"),
    ],
)
def test_what_can_not_write_is_told(sections, message, folder):
    values = make_pairs(folder).model_dump(mode="json")
    for key, each in sections.items():
        values[key] = {name: value for name, value in {**(values[key] or {}), **each}.items() if value is not None}
    found = cross_check(Experiment.model_validate(values))
    assert any(message in text for _, text in found), found


def test_keys_of_tokens_do_nothing_to_a_forecast(tmp_path):
    experiment = make_case("seq2seq_forced_dropout", tmp_path)
    values = experiment.model_dump(mode="json", exclude_unset=True)
    values["model"]["decoder"]["tied_embeddings"] = True
    found = cross_check(Experiment.model_validate(values))
    assert (("model", "decoder", "tied_embeddings"), "is for answers in tokens; remove it") in found


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"tokens": "standardize"}, "words or characters"),
        ({"tokens": {"name": "words", "marks": True}}, "marks: of no use to answers"),
        ({"tokens": {"name": "words", "characters": {}}}, "characters: of no use to answers"),
        ({"search": {"beam": 2, "answers": 3}}, "expected 2 or fewer"),
    ],
)
def test_what_is_no_way_to_write_an_answer_is_told(task, message, tmp_path):
    spec = tmp_path / "spec.yaml"
    task = json.dumps({"kind": "sequence_to_sequence", **task})
    spec.write_text(
        f"data: {{source: dates}}\ntransforms: [characters]\ntask: {task}\nmodel: {{architecture: seq2seq}}\n"
    )
    with pytest.raises(SpecError, match=message):
        load_experiment(spec)


def test_answers_that_are_all_empty_are_no_data(folder):
    experiment = make_pairs(folder)
    signature = experiment.data.splits(Places(folder, folder))["train"].signature
    flat = FlatExamples.from_sequences(signature, ["0"], [np.zeros(1, np.uint8)], np.array([b" "]))
    with pytest.raises(DataError, match="empty ones alone"):
        experiment.task.fit(flat)


def test_the_task_is_served_by_what_decodes():
    assert TASKS.load("sequence_to_sequence").head is None
    assert any("sequence_to_sequence" in ARCHITECTURES.parse(name).decodes for name in ARCHITECTURES.names())
