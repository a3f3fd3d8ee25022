"""Language modelling: what is asked, how it is trained and scored, and what comparisons it stands beside.

Axes: B batch, T time, V vocabulary, K keys, N documents.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.augmentations.transpose import Transpose
from rnnlab.baselines import BASELINES
from rnnlab.baselines.ngram import KneserNey
from rnnlab.errors import DataError, SpecError
from rnnlab.evaluation import evaluate
from rnnlab.examples import FlatExamples
from rnnlab.experiment import cross_check, load_experiment
from rnnlab.history import read_history
from rnnlab.places import Places
from rnnlab.plan import FILLER, plan_lanes, plan_reading
from rnnlab.prediction import Predictor
from rnnlab.rundir import RunDir, read_arrays
from rnnlab.signature import Field, Signature
from rnnlab.sources.chords import NOTES
from rnnlab.training import prepare, train
from rnnlab.vocabulary import MARKS

from .language_cases import HELD_OUT, LENGTHS, make_language_case, train_in_a_process
from .test_replicas import largest_difference
from .test_resume import CutAfter, PowerCut, assert_same_result

lengths_of_texts = st.lists(st.integers(0, 40), min_size=1, max_size=8).map(lambda each: np.array(each, np.int64))


def trained(folder: Path, name: str = "run", **rest: Any) -> RunDir:
    run = RunDir.create(folder / name)
    train(make_language_case(folder, **rest), run, Places(folder, folder))
    return run


@pytest.fixture(scope="module")
def text_run(tmp_path_factory) -> RunDir:
    return trained(tmp_path_factory.mktemp("text"), training={"epochs": 3}, model={"cell": "lstm"})


@pytest.fixture(scope="module")
def music_run(tmp_path_factory) -> RunDir:
    return trained(tmp_path_factory.mktemp("music"), music=True, training={"epochs": 3})


def nats_of(logits: np.ndarray, steps: np.ndarray) -> float:
    """Return −ln of the probability of tokens, or of frames of keys, summed; in NumPy, one step after another."""
    total = 0.0
    for scores, following in zip(np.asarray(logits, np.float64), steps, strict=True):
        if len(following) == 1:
            total += np.log(np.exp(scores).sum()) - scores[int(following[0])]
        else:
            total += sum(
                math.log1p(math.exp(-score if on else score)) for score, on in zip(scores, following, strict=True)
            )
    return total


# The plan of reading.


@given(lengths_of_texts, st.integers(1, 9), st.integers(1, 50), st.integers(1, 4))
def test_every_text_is_read_once_from_its_beginning_to_its_end(
    lengths: np.ndarray, lanes: int, steps: int, multiple: int
) -> None:
    reached = np.zeros(len(lengths), int)
    plan = plan_reading(lengths, lanes, steps, multiple)
    held: dict[int, int] = {}  # by row, the text that its state is of
    assert len({len(batch.indices) for batch in plan}) <= 1
    for batch in plan:
        assert len(batch.indices) % multiple == 0
        for row, (text, begin, length, reset) in enumerate(
            zip(batch.indices, batch.begins, batch.lengths, batch.resets, strict=True)
        ):
            if text == FILLER:
                continue
            assert reset == (begin == 0)
            assert reset or held[row] == text, "a state goes on into another text"
            assert begin == reached[text], "a text is not read in order"
            assert length == min(steps, lengths[text] - begin)
            reached[text] += length
            held[row] = text
    np.testing.assert_array_equal(reached, lengths)


# What is asked.


def test_each_step_is_asked_for_the_next_and_the_last_of_a_segment_for_the_one_behind(tmp_path) -> None:
    experiment = make_language_case(tmp_path)
    prepared = prepare(experiment, experiment.data.splits(Places(tmp_path, tmp_path)))
    from rnnlab.batches import loader_of
    from rnnlab.tasks.language_modeling import next_steps

    lanes, asked = prepared.splits["train"], dict.fromkeys(range(len(LENGTHS)), 0)
    plan = plan_lanes(lanes.lengths, 3, 8, 2, 0, 0)
    for batch, loaded in zip(plan, loader_of(lanes, prepared.pipeline, {}).load(plan), strict=True):
        following, counted = (np.asarray(each) for each in next_steps(loaded, "text"))
        for row, (text, begin, length) in enumerate(zip(batch.indices, batch.begins, batch.lengths, strict=True)):
            if text == FILLER:
                assert not counted[row].any()
                continue
            tokens = lanes.read(text)["text"][:, 0]
            there = min(length, len(tokens) - 1 - begin)
            np.testing.assert_array_equal(counted[row], np.arange(8) < there)
            np.testing.assert_array_equal(following[row, :there, 0], tokens[begin + 1 : begin + 1 + there])
            asked[int(text)] += int(counted[row].sum())
    assert asked == {number: length - 1 for number, length in enumerate(LENGTHS)}


@pytest.mark.parametrize("music", [False, True])
def test_padding_never_changes_a_score(music: bool, tmp_path) -> None:
    import tensorflow as tf

    from rnnlab.network import build_network

    experiment = make_language_case(tmp_path, music=music, training={"tbptt": None})
    prepared = prepare(experiment, experiment.data.splits(Places(tmp_path, tmp_path)))
    network = build_network(experiment, prepared.pipeline.signature)
    field, examples = prepared.pipeline.signature.inputs[0], prepared.splits["validation"]
    found = []
    for more, garbage in ((0, 0), (3, 1), (11, 0)):
        width = int(examples.lengths.max()) + more
        steps = np.full((len(examples), width, *field.shape), garbage, field.dtype)
        for row in range(len(examples)):
            steps[row, : examples.lengths[row]] = examples.read(row)[field.name]
        batch = {field.name: steps, "lengths": examples.lengths.astype(np.int32)}
        batch = {name: tf.constant(each) for name, each in batch.items()} | {"weights": tf.ones(len(examples))}
        outputs = network({name: batch[name] for name in network.input})
        found.append(
            {name: np.asarray(each) for name, each in experiment.task.scored(outputs, batch, prepared.learnt).items()}
        )
    for other in found[1:]:
        np.testing.assert_allclose(other["surprisal"], found[0]["surprisal"], rtol=1e-5)
        np.testing.assert_array_equal(other["asked"], examples.lengths - 1)


# The training.


def plain_epoch(lanes: Any, plan: list[Any], weights: list[np.ndarray], rate: float) -> list[np.ndarray]:
    """Train an epoch by the book: one row and one token at a time, the state a constant between segments."""
    import keras
    import tensorflow as tf

    embedding, layer = keras.layers.Embedding(weights[0].shape[0], 3), keras.layers.GRU(5, return_state=True)
    dense = keras.layers.Dense(weights[0].shape[0])
    for each, shape in ((embedding, (None, None)), (layer, (None, None, 3)), (dense, (None, 5))):
        each.build(shape)
    parts = (embedding, layer, dense)
    for each, values in zip(parts, (weights[:1], weights[1:4], weights[4:]), strict=True):
        each.set_weights(values)
    states = [tf.zeros((1, 5))] * len(plan[0].indices)
    for batch in plan:
        with tf.GradientTape() as tape:
            total, count = 0.0, 0
            for row, (text, begin, length) in enumerate(zip(batch.indices, batch.begins, batch.lengths, strict=True)):
                if text == FILLER:
                    continue
                tokens = lanes.read(text)["text"][:, 0]
                state = tf.zeros((1, 5)) if batch.resets[row] else states[row]
                for step in range(begin, begin + length):
                    _, state = layer(embedding(tokens[step : step + 1])[np.newaxis], initial_state=state)
                    if step + 1 < len(tokens):
                        total -= tf.nn.log_softmax(dense(state))[0, int(tokens[step + 1])]
                        count += 1
                states[row] = tf.stop_gradient(state)
            mean = total / count
        variables = [weight.value for part in parts for weight in part.weights]
        gradients = [tf.convert_to_tensor(each) for each in tape.gradient(mean, variables)]
        for variable, gradient in zip([w for part in parts for w in part.weights], gradients, strict=True):
            variable.assign(variable - rate * gradient)
    return [each for part in parts for each in part.get_weights()]


def test_an_epoch_is_that_of_a_plain_loop(tmp_path) -> None:
    from rnnlab.network import build_network

    experiment = make_language_case(tmp_path, training={"epochs": 1})
    prepared = prepare(experiment, experiment.data.splits(Places(tmp_path, tmp_path)))
    start = build_network(experiment, prepared.pipeline.signature, stateful=True).get_weights()
    run = trained(tmp_path, training={"epochs": 1})
    lanes = prepared.splits["train"]
    expected = plain_epoch(lanes, plan_lanes(lanes.lengths, 4, 8, 1, experiment.seed, 0), start, 0.1)
    for ours, theirs, before in zip(Predictor.load(run.path).network.get_weights(), expected, start, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
        assert np.abs(ours - before).max() > 1e-3


RANDOM = {
    "model": {"cell": "lstm", "units": [4], "dropout": 0.3},
    "training": {"epochs": 3, "save_every": {"steps": 2}, "optimizer": {"name": "adam", "learning_rate": 0.01}},
}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory) -> RunDir:
    return trained(tmp_path_factory.mktemp("unbroken"), **RANDOM)


@pytest.mark.parametrize("cuts", [[3], [9, 5]], ids=str)
def test_a_cut_training_goes_on_with_what_it_remembered(cuts: list[int], unbroken: RunDir, tmp_path) -> None:
    run, experiment = RunDir.create(tmp_path / "run"), make_language_case(tmp_path, **RANDOM)
    for number, cut in enumerate(cuts):
        with pytest.raises(PowerCut):
            train(experiment, run, Places(tmp_path, tmp_path), CutAfter(cut), resume=number > 0)
    if cuts == [3]:
        carried = [values for name, values in read_arrays(run.state).items() if name.startswith("carried/")]
        assert [np.abs(each).max() > 0 for each in carried] == [True, True]
    train(experiment, run, Places(tmp_path, tmp_path), resume=True)
    assert_same_result(run, unbroken)


@pytest.mark.slow
def test_a_killed_process_goes_on_with_what_it_remembered(unbroken: RunDir, tmp_path) -> None:
    request = {"folder": str(tmp_path), "run": str(tmp_path / "run"), "sections": RANDOM}
    assert train_in_a_process({**request, "kill_after": 12}).returncode == -9
    finished = train_in_a_process({**request, "resume": True})
    assert finished.returncode == 0, finished.stderr
    assert_same_result(RunDir(tmp_path / "run"), unbroken)


@pytest.mark.slow
@pytest.mark.parametrize("music", [False, True])
def test_replicas_train_the_same_weights_and_score_the_same(music: bool, tmp_path) -> None:
    one = trained(tmp_path, "one", music=music, training={"batch_size": 3, "devices": "cpu"})
    sections = {"music": music, "training": {"batch_size": 3, "devices": {"replicas": 2}}}
    result = train_in_a_process({"folder": str(tmp_path), "run": str(tmp_path / "two"), "sections": sections})
    assert result.returncode == 0, result.stderr
    two = RunDir(tmp_path / "two")
    assert largest_difference(read_arrays(two.state), read_arrays(one.state)) <= 1e-6
    for ours, theirs in zip(read_history(two.history), read_history(one.history), strict=True):
        assert ours["val_loss"] == pytest.approx(theirs["val_loss"], rel=1e-5)


def test_parts_of_a_batch_train_the_same_weights_as_the_whole(tmp_path) -> None:
    whole, parts = (trained(tmp_path, str(count), training={"accumulate": count}) for count in (1, 2))
    assert largest_difference(read_arrays(parts.state), read_arrays(whole.state)) <= 1e-6


# The scores.


def single_pass(predictor: Predictor, examples: Any) -> tuple[float, int]:
    """Return the nats of all that is asked of raw examples, and how much that is: each read whole, alone."""
    prepared, field = predictor.pipeline.prepare(examples), predictor.pipeline.signature.inputs[0]
    total = 0.0
    for index in range(len(prepared)):
        steps = prepared.read(index)[field.name]
        outputs = predictor.network({field.name: steps[np.newaxis], "lengths": np.array([len(steps)])}).numpy()[0]
        total += nats_of(outputs[:-1], steps[1:])
    return total, int(prepared.lengths.sum()) - len(prepared)


@pytest.mark.parametrize(("steps", "rows"), [(1, 2), (5, 1), (8, 4), (1000, 2), (None, 2)])
def test_scores_are_those_of_a_single_pass_however_it_is_cut(steps: int | None, rows: int, text_run: RunDir) -> None:
    folder, predictor = text_run.path.parent, Predictor.load(text_run.path)
    splits = predictor.experiment.data.splits(Places(folder, folder))
    total, count = single_pass(predictor, splits["validation"])
    assert count == sum(HELD_OUT) - len(HELD_OUT)
    training = {"batch_size": rows, "tbptt": None if steps is None else {"steps": steps}}
    changed = make_language_case(folder, model={"cell": "lstm"}, training=training)
    found = evaluate(replace(predictor, experiment=changed), Places(folder, folder), "validation", figures=False)
    assert found.metrics["negative_log_likelihood"] == pytest.approx(total / count, rel=1e-5)
    assert found.metrics["bits_per_character"] == pytest.approx(total / count / math.log(2), rel=1e-5)
    assert found.metrics["perplexity"] == pytest.approx(math.exp(total / count), rel=1e-5)


def test_training_validates_as_evaluate_does(text_run: RunDir, music_run: RunDir) -> None:
    for run in (text_run, music_run):
        folder = run.path.parent
        found = evaluate(Predictor.load(run.path), Places(folder, folder), "validation")
        last = read_history(run.history)[-1]
        assert last["val_loss"] == pytest.approx(found.metrics["negative_log_likelihood"], rel=1e-6)
        assert {name.removeprefix("val_") for name in last if name.startswith("val_")} == {"loss", *found.metrics}


def test_music_is_scored_frame_by_frame_but_for_the_first(music_run: RunDir) -> None:
    folder, predictor = music_run.path.parent, Predictor.load(music_run.path)
    total, count = single_pass(predictor, predictor.experiment.data.splits(Places(folder, folder))["test"])
    found = evaluate(predictor, Places(folder, folder), "test")
    assert found.metrics == {"negative_log_likelihood": pytest.approx(total / count, rel=1e-5)}
    assert set(found.baselines) == {"unigram", "repeated_frame"}


def test_a_uniform_model_is_as_perplexed_as_the_vocabulary_is_large(text_run: RunDir) -> None:
    folder, predictor = text_run.path.parent, Predictor.load(text_run.path)
    predictor.network.set_weights([0 * each for each in predictor.network.get_weights()])
    found = evaluate(predictor, Places(folder, folder), "validation", figures=False)
    assert found.metrics["perplexity"] == pytest.approx(len(predictor.pipeline.signature.inputs[0].names), rel=1e-6)


def test_words_are_scored_by_token_and_characters_by_character(tmp_path) -> None:
    run = trained(tmp_path, transforms=[{"name": "words"}], training={"epochs": 1})
    assert "val_bits_per_token" in read_history(run.history)[0]
    found = evaluate(Predictor.load(run.path), Places(tmp_path, tmp_path), "validation").metrics
    assert list(found) == ["perplexity", "bits_per_token", "negative_log_likelihood"]
    monitored = make_language_case(tmp_path, training={"early_stopping": {"monitor": "val_bits_per_token"}})
    with pytest.raises(DataError, match=r"'val_bits_per_token' is no metric of this data's target"):
        train(monitored, RunDir.create(tmp_path / "other"), Places(tmp_path, tmp_path))


# Baselines.

texts_of_tokens = st.lists(
    st.lists(st.integers(0, 4), min_size=1, max_size=30).map(lambda each: np.array(each, np.int64)),
    min_size=1,
    max_size=4,
)


@given(texts_of_tokens, st.lists(st.integers(0, 5), max_size=6), st.integers(1, 5))
def test_an_n_gram_model_sums_to_one_after_whatever_comes_before(
    texts: list[np.ndarray], before: list[int], order: int
) -> None:
    model = KneserNey.fit(texts, 6, order)
    found = [model.probabilities(np.array([*before, token]))[-1] for token in range(6)]
    assert sum(found) == pytest.approx(1)
    assert min(found) > 0


def counted_bigram(texts: list[np.ndarray], size: int, before: int, token: int) -> float:
    """Return an interpolated Kneser-Ney probability of a bigram, by counting in dictionaries (Chen & Goodman 1999)."""
    pairs = [(int(a), int(b)) for text in texts for a, b in pairwise(text)]
    counts = {pair: pairs.count(pair) for pair in pairs}
    endings = {b: {a for a, other in counts if other == b} for _, b in counts}
    beginnings = {int(text[0]) for text in texts}
    kinds = {b: len(endings.get(b, ())) + (b in beginnings) for b in range(size)}

    def discount(values: list[int]) -> float:
        once, twice = values.count(1), values.count(2)
        return min(once / (once + 2 * twice), 0.95) if once else 0.5

    off, total = discount([each for each in kinds.values() if each]), sum(kinds.values())
    different = sum(each > 0 for each in kinds.values())
    unigram = (max(kinds[token] - off, 0) + off * different / size) / total
    after = {b: count for (a, b), count in counts.items() if a == before}
    if not after:
        return unigram
    off = discount(list(counts.values()))
    return (max(after.get(token, 0) - off, 0) + off * len(after) * unigram) / sum(after.values())


@given(texts_of_tokens, st.integers(0, 4), st.integers(0, 4))
def test_a_bigram_model_is_what_counting_gives(texts: list[np.ndarray], before: int, token: int) -> None:
    found = KneserNey.fit(texts, 6, 2).probabilities(np.array([before, token]))[1]
    assert found == pytest.approx(counted_bigram(texts, 6, before, token))


def test_grams_that_64_bits_do_not_hold_are_shorter() -> None:
    model = KneserNey.fit([np.arange(100_000)], 100_000, 6)
    assert len(model.levels) == 3
    assert model.probabilities(np.array([5, 6]))[1] > 0.01


def token_examples(texts: list[str]) -> FlatExamples:
    field = Field("text", "tokens", (1,), (*MARKS, "a", "b", "c"))
    steps = [np.array([[field.names.index(letter)] for letter in text], np.int32) for text in texts]
    return FlatExamples.from_sequences(Signature((field,), field), [str(each) for each in range(len(texts))], steps)


def test_a_unigram_answers_with_frequencies() -> None:
    found = BASELINES.load("unigram")().answers(token_examples(["aab", "a"]), token_examples(["cab", "a"]), 0)
    np.testing.assert_allclose(found["surprisal"], [-math.log(4 / 11) - math.log(2 / 11), 0])
    np.testing.assert_array_equal(found["asked"], [2, 0])


def note_examples(pieces: list[list[list[int]]]) -> FlatExamples:
    rolls = [np.array([[key in frame for key in range(88)] for frame in piece], np.float32) for piece in pieces]
    return FlatExamples.from_sequences(Signature((NOTES,), NOTES), [str(each) for each in range(len(pieces))], rolls)


def test_simple_answers_to_music_are_frequencies_of_keys_and_of_what_they_do_next() -> None:
    train_pieces, piece = note_examples([[[3], [3], [3], []]]), note_examples([[[3], []]])
    unigram = BASELINES.load("unigram")().answers(train_pieces, piece, 0)["surprisal"][0]
    assert unigram == pytest.approx(-math.log(1 - 4 / 6) - 87 * math.log(1 - 1 / 6))
    repeated = BASELINES.load("repeated_frame")().answers(train_pieces, piece, 0)["surprisal"][0]
    assert repeated == pytest.approx(-math.log(1 - 3 / 5) - 87 * math.log(1 - 1 / 5))


def test_a_network_stands_beside_what_only_counts(text_run: RunDir) -> None:
    folder = text_run.path.parent
    found = evaluate(Predictor.load(text_run.path), Places(folder, folder), "validation", figures=False)
    assert set(found.baselines) == {"unigram", "ngram"}
    scores = {name: each["bits_per_character"] for name, each in found.baselines.items()}
    assert scores["ngram"] < scores["unigram"] < math.log2(10)


# Transposition.


def test_pieces_are_shifted_whole_and_by_every_interval() -> None:
    import tensorflow as tf

    frames = np.zeros((300, 4, 88), np.float32)
    frames[:, np.arange(4), [10, 40, 40, 87]] = 1
    found = Transpose().apply({"notes": tf.constant(frames)}, Signature((NOTES,), NOTES), tf.constant([1, 2]))["notes"]
    shifts = set()
    for row in np.asarray(found):
        (shift,) = {int(key) - before for key, before in zip(row[:3].argmax(axis=1), [10, 40, 40], strict=True)}
        np.testing.assert_array_equal(np.flatnonzero(row[3]), [87 + shift] if shift <= 0 else [])
        shifts.add(shift)
    assert shifts == set(range(-5, 7))


def test_an_augmentation_of_something_else_is_refused(tmp_path) -> None:
    for music, name in ((False, "transpose"), (True, "jitter"), (False, "jitter")):
        experiment = make_language_case(tmp_path, music=music, augmentations=[name])
        with pytest.raises(DataError, match=rf"augmentations.0: {name} takes "):
            prepare(experiment, experiment.data.splits(Places(tmp_path, tmp_path)))


# Mistakes in specs.


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"model": {"bidirectional": True}, "training": {"tbptt": None}},
            "next_step needs steps that see no later one",
        ),
        ({"model": {"bidirectional": True}}, "next_step needs steps that see no later one"),
        ({"augmentations": ["transpose"]}, "transpose changes whole sequences, and training.tbptt reads segments"),
        ({"transforms": [{"name": "words", "characters": {}}]}, "what comes next is asked for in tokens alone"),
        ({"head": {"name": "per_step"}}, "'per_step' does not serve language_modeling; use next_step"),
        ({"training": {"batch_steps": 100, "batch_size": 32}}, "does nothing beside tbptt"),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_a_mistake(sections: dict[str, Any], message: str, tmp_path) -> None:
    try:
        found = "\n".join(text for _, text in cross_check(make_language_case(tmp_path, **sections)))
    except ValueError as error:
        found = str(error)
    assert message in found


def test_text_without_tokens_is_refused(tmp_path) -> None:
    experiment = make_language_case(tmp_path, transforms=[])
    with pytest.raises(DataError, match="embedding takes tokens; 'text' is text"):
        train(experiment, RunDir.create(tmp_path / "run"), Places(tmp_path, tmp_path))


def test_what_is_asked_decides_the_default_transforms(tmp_path) -> None:
    spec = "task: {kind: language_modeling}\nmodel: stacked_rnn\ndata: {source: %s}\n"
    for source, expected in (("plain_text, files: a.txt", ["characters"]), ("chords, file: a.json", [])):
        (tmp_path / "spec.yaml").write_text(spec % source)
        names = [
            each["name"] for each in json.loads(load_experiment(tmp_path / "spec.yaml").model_dump_json())["transforms"]
        ]
        assert names == expected
    (tmp_path / "spec.yaml").write_text(spec % "plain_text, files: a.txt" + "head: {name: next_stop}\n")
    with pytest.raises(SpecError, match="did you mean 'next_step'"):
        load_experiment(tmp_path / "spec.yaml")
