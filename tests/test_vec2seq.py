"""Texts from a vector: names of a list, captions of pictures; what frames are made of, and answers that are drawn.

Axes: B batch, T time, H height, W width, C channels, L tokens of an answer, V vocabulary.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnnlab import evaluation, generation, preparation
from rnnlab.architectures import ARCHITECTURES
from rnnlab.baselines import NotApplicable
from rnnlab.baselines.nearest_picture import NearestPicture
from rnnlab.baselines.ngram_by_source import Mixture, NgramBySource
from rnnlab.cli import generating
from rnnlab.cli.generating import GenerationRequest
from rnnlab.decoding.sampling import Sampler
from rnnlab.errors import DataError, UserError
from rnnlab.evaluation import evaluate
from rnnlab.examples import FlatExamples
from rnnlab.experiment import Experiment
from rnnlab.export import EXPORT_FORMATS, export, samples
from rnnlab.generation import AnswerWriter, nearest_texts
from rnnlab.history import read_history
from rnnlab.layers.frames import FrameConvolution, FramePooling, Pixels
from rnnlab.layers.normalization import MaskedBatchNormalization
from rnnlab.layers.randomness import random_scope
from rnnlab.network import build_network
from rnnlab.places import Places
from rnnlab.prediction import Predictor
from rnnlab.rundir import RunDir
from rnnlab.signature import Field, Signature
from rnnlab.sources.digit_captions import DigitCaptions
from rnnlab.stems import STEMS
from rnnlab.training import train
from rnnlab.vocabulary import END, MARKS, START

from .made import pad_with
from .test_cli import Result, rnnlab
from .variants import configurations, keys

LENGTHS = np.array([3, 1, 0, 5], np.int32)
FRAMES = Field("frames", "frames", (6, 5, 2))
BOTH = ("irish", "welsh")


def make_frames(lengths: Any = LENGTHS, seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.integers(0, 256, (length, *FRAMES.shape)).astype(np.uint8) for length in lengths]


# Frames.


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (2, 1), (3, 2), (5, 3), (1, 1)])
def test_each_frame_is_convolved_as_if_it_were_alone(size: int, stride: int) -> None:
    layer, frames = FrameConvolution(4, size, stride), pad_with(make_frames(), 5) / np.float32(255)
    found = np.asarray(layer(frames))
    assert found.shape == layer.compute_output_shape(frames.shape)
    reference = keras.layers.Conv2D(4, size, stride, padding="same")
    reference.build((None, *FRAMES.shape))
    reference.set_weights(layer.get_weights())
    for row, expected in zip(found, frames, strict=True):
        np.testing.assert_allclose(row, reference(expected), atol=1e-5)


@pytest.mark.parametrize("size", [2, 3, 7])
def test_the_maximum_of_each_window_of_a_frame_is_kept(size: int) -> None:
    frames = pad_with(make_frames(), 5)
    layer = FramePooling(size)
    found = np.asarray(layer(frames))
    assert found.shape == layer.compute_output_shape(frames.shape)
    for row, expected in zip(found, frames, strict=True):
        np.testing.assert_allclose(row, keras.layers.MaxPooling2D(size, padding="same")(expected))


def test_frames_are_normalised_by_the_pixels_of_valid_frames_alone() -> None:
    frames, layer = [each / np.float32(255) for each in make_frames()], MaskedBatchNormalization(0.0)
    layer(pad_with(frames, 7, np.nan), LENGTHS, training=True)
    pixels = np.concatenate(frames).reshape(-1, FRAMES.shape[-1])
    np.testing.assert_allclose(layer.moving_mean, pixels.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, pixels.var(axis=0), atol=1e-5)


def stem_network(configuration: Mapping[str, Any]) -> Any:
    values = keras.Input((None, *FRAMES.shape), name="frames")
    lengths = keras.Input((), name="lengths", dtype="int32")
    vectors = STEMS.parse({"name": "cnn", **configuration}).embed(Pixels()(values, lengths), lengths, FRAMES, FRAMES)
    return keras.Model({"frames": values, "lengths": lengths}, vectors)


STEM_CASES = configurations(STEMS.load("cnn"))


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("configuration", STEM_CASES, ids=str)
def test_padding_frames_change_nothing(configuration: dict[str, Any], training: bool) -> None:
    if training and "dropout" in configuration:
        pytest.skip("what is dropped depends on the width, as of every layer")
    keras.utils.set_random_seed(0)
    network = stem_network(configuration)
    found = []
    for width, garbage in ((5, 0.0), (5, np.nan), (8, None)):
        given = {"frames": pad_with(make_frames(), width, garbage), "lengths": LENGTHS}
        with random_scope(tf.constant([0, 0])):
            vectors = np.asarray(network(given, training=training))
        found.append(np.concatenate([row[:length] for row, length in zip(vectors, LENGTHS, strict=True)]))
    assert found[0].std() > 1e-3
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-5)


def test_no_frame_sees_another() -> None:
    network, (frames,) = stem_network({}), make_frames([4])
    changed = frames.copy()
    changed[2] = 255 - changed[2]
    before, after = (
        np.asarray(network({"frames": each[None], "lengths": np.array([4])}))[0] for each in (frames, changed)
    )
    np.testing.assert_allclose(np.delete(after, 2, axis=0), np.delete(before, 2, axis=0), atol=1e-6)
    assert np.abs(after[2] - before[2]).max() > 1e-3


def test_a_gradient_of_padding_is_zero_whatever_stands_there() -> None:
    network, lengths = stem_network({}), tf.constant(LENGTHS)
    frames = tf.constant(pad_with(make_frames(), 6, np.nan))
    with tf.GradientTape() as tape:
        tape.watch(frames)
        total = tf.reduce_sum(network({"frames": frames, "lengths": lengths})[:2, 0] ** 2)
    gradient = np.asarray(tape.gradient(total, frames))
    assert np.isfinite(gradient).all()
    assert not gradient[0, 3:].any()
    assert gradient[0, 0].any()


@pytest.mark.parametrize(("before", "after"), [(one, other) for _, one, other in keys(STEMS.load("cnn"))], ids=str)
def test_every_key_of_the_stem_changes_the_network(before: Any, after: Any) -> None:
    def looked(configuration: Any) -> tuple[Any, list[Any]]:
        keras.utils.set_random_seed(0)
        network = stem_network(configuration)
        given = {"frames": pad_with(make_frames(), 5), "lengths": LENGTHS}
        with random_scope(tf.constant([0, 0])):
            answers = [np.asarray(network(given, training=each)) for each in (False, True)]
        return [tuple(weight.shape) for weight in network.weights], answers

    (shapes, one), (others, two) = looked(before), looked(after)
    assert shapes != others or not all(map(np.array_equal, one, two))


# The network.


def write_lists(folder: Path) -> Path:
    """Write two lists of names that end as their list says, once."""
    lists = folder / "lists"
    if not lists.exists():
        lists.mkdir()
        random = np.random.default_rng(0)
        for name, letters, ending in ((BOTH[0], "abc", "x"), (BOTH[1], "bcd", "yz")):
            names = {"".join(random.choice(list(letters), random.integers(2, 5))) + ending for _ in range(80)}
            (lists / f"{name}.txt").write_text("\n".join(sorted(names)) + "\n")
    return lists


def experiment(folder: Path, pictures: bool = False, **sections: Any) -> Experiment:
    """Return an experiment on lists or on pictures; sections are laid over."""
    captions = {"source": "digit_captions", "train": 24, "validation_examples": 8, "test": 8, "digits": 2, "size": 18}
    values: dict[str, Any] = {
        "data": captions if pictures else {"source": "lists", "folder": str(write_lists(folder))},
        "task": {"kind": "sequence_to_sequence", "tokens": {"name": "words" if pictures else "characters"}},
        "stem": {"name": "cnn", "blocks": [{"filters": 6}], "units": 24}
        if pictures
        else {"name": "embedding", "units": 6},
        "model": {"architecture": "vec2seq", "decoder": {"units": [32], "embedding_units": 8}},
        "training": {
            "epochs": 60,
            "batch_size": 8 if pictures else 32,
            "best": None,
            "optimizer": {"name": "adam", "learning_rate": 0.01, "clip_global_norm": 1.0},
        },
    }
    values = {key: {**each, **sections.get(key, {})} for key, each in values.items()}
    return Experiment.model_validate({"name": "made", "transforms": [] if pictures else [{"name": "words"}], **values})


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunDir]:
    folder = tmp_path_factory.mktemp("vec2seq")
    found = {}
    for name in ("names", "captions"):
        found[name] = RunDir.create(folder / name)
        made = experiment(folder, name == "captions", training={"epochs": 60 if name == "captions" else 15})
        train(made, found[name], Places(folder, folder))
    return found


def predictor(runs: Mapping[str, RunDir], name: str) -> Predictor:
    return Predictor.load(runs[name].path)


TOKENS = Field("text", "tokens", (1,), (*MARKS, "one", "two", "three"))
ANSWER = Field("target", "string", (4,), (*MARKS, "a", "b"))


def network_of(model: Mapping[str, Any]) -> Any:
    made = Experiment.model_validate(
        {
            "name": "made",
            "data": {"source": "lists", "folder": "lists"},
            "transforms": ["words"],
            "task": {"kind": "sequence_to_sequence", "tokens": "characters"},
            "stem": {"name": "embedding", "units": 5},
            "model": {"architecture": "vec2seq", **model},
        }
    )
    return build_network(made, Signature((TOKENS,), ANSWER))


def asked(rows: list[list[int]], width: int = 3, garbage: int = 0) -> dict[str, Any]:
    tokens = np.full((len(rows), width, 1), garbage, np.int32)
    for row, numbers in zip(tokens, rows, strict=True):
        row[: len(numbers), 0] = numbers
    teacher = np.tile([[START, 4, 5, 4]], (len(rows), 1)).astype(np.int32)
    return {"text": tokens, "lengths": np.array([len(row) for row in rows], np.int32), "teacher": teacher}


MODELS = configurations(ARCHITECTURES.load("vec2seq"))


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_the_mean_of_the_steps_starts_the_decoder_whatever_their_order_and_the_padding(model: dict[str, Any]) -> None:
    network = network_of(model)
    rows = [[4, 5], [6], [5, 4], [4]]
    expected = np.asarray(network(asked(rows))["scores"])
    np.testing.assert_allclose(expected[0], expected[2], atol=1e-6)
    assert np.abs(expected[0] - expected[3]).max() > 1e-6
    for width, garbage in ((3, 6), (9, 5)):
        np.testing.assert_allclose(network(asked(rows, width, garbage))["scores"], expected, atol=1e-6)
    alone = network(asked([rows[1]], 1))["scores"]
    np.testing.assert_allclose(alone[0], expected[1], atol=1e-6)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_every_weight_learns(model: dict[str, Any]) -> None:
    network = network_of(model)
    given = {name: tf.constant(values) for name, values in asked([[4, 5], [6], [5, 4]]).items()}
    with random_scope(tf.constant([0, 0])), tf.GradientTape() as tape:
        total = tf.reduce_sum(tf.square(network(given, training=True)["scores"] - 1.0))
    for weight, gradient in zip(
        network.trainable_weights, tape.gradient(total, network.trainable_weights), strict=True
    ):
        assert gradient is not None, weight.path
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, weight.path


# From raw input to answers.


def test_captions_are_learnt_by_heart_and_every_way_to_ask_gives_one_answer(runs, monkeypatch) -> None:
    run = predictor(runs, "captions")
    history = read_history(run.run.history)
    assert history[-1]["loss"] < 0.2 * history[0]["loss"]
    kept = samples(run)
    pictures = [kept.read(index)["frames"] for index in range(len(kept))]
    expected = run.predict(pictures)["texts"].tolist()
    assert run.predict([frame for (frame,) in pictures])["texts"].tolist() == expected
    assert [run.predict([each])["texts"][0] for each in pictures] == expected
    assert len(set(expected)) > 3
    monkeypatch.setattr(preparation, "pad", functools.partial(padded, more=3))
    assert run.predict(pictures)["texts"].tolist() == expected


def padded(sequences: list[np.ndarray], more: int) -> np.ndarray:
    return pad_with(sequences, max(map(len, sequences)) + more, 77)


@pytest.mark.parametrize("form", EXPORT_FORMATS.names())
@pytest.mark.parametrize("name", ["names", "captions"])
def test_an_export_answers_raw_input_like_the_run(name: str, form: str, runs) -> None:
    run = predictor(runs, name)
    exporter = EXPORT_FORMATS.load(form)()
    try:
        path, difference = export(run, form)
    except UserError as error:
        pytest.skip(str(error))
    assert difference <= exporter.tolerance
    if form != "saved_model":
        return
    served = tf.saved_model.load(str(path)).signatures["serving_default"]
    if name == "names":
        answers = served(text=tf.constant(list(BOTH)))
        expected = run.predict(list(BOTH))
    else:
        frames = np.stack([samples(run).read(index)["frames"] for index in range(4)])
        answers = served(frames=tf.constant(frames), lengths=tf.ones(4, tf.int32))
        expected = run.predict(list(frames))
    assert [text.decode() for text in answers["texts"].numpy()] == expected["texts"].tolist()


def test_a_picture_of_shares_or_of_another_size_is_refused(runs) -> None:
    run = predictor(runs, "captions")
    told = (
        "sequence 0: expected pixels, whole numbers of 0 to 255; received float32 of 0 to 1; multiply by 255 and round"
    )
    with pytest.raises(DataError, match=told):
        run.predict([np.linspace(0, 1, 18 * 18).reshape(18, 18, 1)])
    with pytest.raises(DataError, match="received float32 of 0 to 256"):
        run.predict([np.arange(18 * 18).reshape(18, 18, 1) % 257])
    with pytest.raises(DataError, match=r"expected shape \(T ≥ 1, 18, 18, 1\); received \(17, 18, 1\)"):
        run.predict([np.zeros((17, 18, 1))])


def test_pictures_in_an_archive_are_answered(runs, tmp_path: Path) -> None:
    examples = DigitCaptions(digits=2, size=18, train=24, validation_examples=8, test=8).open(Places())["test"]
    np.savez(tmp_path / "pictures.npz", frames=np.stack([examples.read(i)["frames"][0, ..., 0] for i in range(3)]))
    result = rnnlab("predict", runs["captions"].path, "pictures.npz", folder=tmp_path)
    assert result.code == 0, result.error
    assert len(result.out.splitlines()) == 4


def test_names_end_as_their_list_says(runs) -> None:
    irish, welsh = predictor(runs, "names").predict(list(BOTH))["texts"]
    assert irish.endswith("x")
    assert welsh.endswith("yz")


# What pictures that look alike are called.


def make_pictures(count: int, seed: int = 0) -> FlatExamples:
    targets = np.array([f"picture {number}".encode() for number in range(count)], np.bytes_)
    signature = Signature((FRAMES,), Field("target", "string", ()))
    return FlatExamples.from_sequences(signature, [""] * count, make_frames([1] * count, seed), targets)


def test_the_nearest_picture_is_that_of_all_distances() -> None:
    train_, test = make_pictures(30), make_pictures(250, seed=1)
    found = NearestPicture().answers(train_, test, seed=0)["texts"]
    for index, text in enumerate(found.tolist()):
        distances = [
            np.square(test.read(index)["frames"] - train_.read(n)["frames"].astype(float)).sum() for n in range(30)
        ]
        assert text == f"picture {int(np.argmin(distances))}".encode()
    assert NearestPicture().answers(train_, train_, seed=0)["texts"].tolist() == np.asarray(train_.targets).tolist()


def test_videos_are_no_pictures_to_compare() -> None:
    video = FlatExamples.from_sequences(Signature((FRAMES,)), [""], make_frames([2]))
    with pytest.raises(NotApplicable, match="some of these have several frames"):
        NearestPicture().check(make_pictures(3), video, FRAMES)


# How probable answers are, beside what counts alone say.


def test_a_likelihood_stands_in_the_same_table_as_that_of_counts(runs) -> None:
    run = predictor(runs, "names")
    found = evaluate(run, Places(run.run.path.parent, run.run.path.parent), "test", figures=False)
    counted = found.baselines["ngram_by_source"]
    for scores in (found.metrics, counted):
        np.testing.assert_allclose(np.exp(scores["negative_log_likelihood"]), scores["perplexity"], rtol=1e-6)
    assert 0 < counted["negative_log_likelihood"] < np.log(7)  # of a uniform guess among the letters and the end
    assert np.isnan(counted["exact_match"])
    assert "end mark" in found.definitions["negative_log_likelihood"]


def test_nothing_is_prepared_for_a_baseline_of_another_kind_of_input(runs, monkeypatch) -> None:
    run = predictor(runs, "captions")
    monkeypatch.setattr(evaluation, "_prepared", lambda *_: pytest.fail("whole splits are prepared for nothing"))
    found = evaluate(run, Places(run.run.path.parent, run.run.path.parent), "test", figures=False)
    assert "nearest_picture" in found.baselines
    assert "ngram_by_source" not in {**found.baselines, **found.skipped}


KEYS = [b"a"] * 40 + [b"b"] * 40


def make_answers(seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    letters = [random.integers(4, 7, random.integers(1, 6)) + (number >= 40) for number in range(80)]
    return [np.array([START, *each, END], np.int64) for each in letters]


@pytest.mark.parametrize("key", [b"a", b"b", b"never seen"])
def test_the_probabilities_of_all_continuations_sum_to_one(key: bytes) -> None:
    size = 9
    model = Mixture.fit(KEYS, make_answers(), size, 4, seed=0)
    for begun in ([START], [START, 4], [START, 6, 5], [START, 7, 7, 7, 7, 4], [START, 8]):
        continued = [np.array([*begun, token], np.int64) for token in range(size)]
        found = model.probabilities([key] * size, continued)
        last = np.array([each[-1] for each in found])
        assert (last > 0).all()
        np.testing.assert_allclose(last.sum(), 1, rtol=1e-9)


def test_an_answer_is_as_probable_alone_as_among_others() -> None:
    model, answers = Mixture.fit(KEYS, make_answers(), 9, 4, seed=0), make_answers(1)
    together = model.probabilities(KEYS, answers)
    for key, answer, expected in zip(KEYS, answers, together, strict=True):
        assert len(expected) == len(answer) - 1
        np.testing.assert_allclose(model.probabilities([key], [answer])[0], expected, rtol=1e-12)


def test_what_a_source_is_told_of_makes_its_answers_more_probable() -> None:
    model, answers = Mixture.fit(KEYS, make_answers(), 9, 4, seed=0), make_answers(1)
    own, other, unknown = (
        np.mean(np.concatenate([np.log(each) for each in model.probabilities(keys_of, answers)]))
        for keys_of in (KEYS, KEYS[::-1], [b"?"] * 80)
    )
    assert own > unknown > other


def prepared(keys_of: list[bytes], answers: list[np.ndarray]) -> FlatExamples:
    """Return examples as a network is asked about them."""
    field, target = Field("text", "tokens", (1,), ("x",)), Field("target", "string", (9,), (*MARKS, *"abcde"))
    targets = np.full((len(answers), max(map(len, answers))), -1, np.int32)
    for row, answer in zip(targets, answers, strict=True):
        row[: len(answer) - 1] = answer[1:]
    rows = [np.frombuffer(key, np.uint8).astype(np.int32)[:, np.newaxis] for key in keys_of]
    return FlatExamples.from_sequences(Signature((field,), target), [""] * len(rows), rows, targets)


def test_the_surprisal_of_counts_is_of_every_token_and_the_end() -> None:
    train_, test = prepared(KEYS, make_answers()), prepared(KEYS, make_answers(1))
    found = NgramBySource().answers(train_, test, seed=0)
    model = Mixture.fit(KEYS, make_answers(), 9, 6, seed=0)
    expected = [-np.log(each).sum() for each in model.probabilities(KEYS, make_answers(1))]
    np.testing.assert_allclose(found["surprisal"], expected)
    assert found["asked"].tolist() == [len(each) - 1 for each in make_answers(1)]


def test_sources_that_do_not_come_back_are_refused() -> None:
    many = [f"{number:02}".encode() for number in range(80)]
    with pytest.raises(NotApplicable, match="10 answers to each; there are 80 among 80 training examples"):
        NgramBySource().answers(prepared(many, make_answers()), prepared(KEYS, make_answers()), seed=0)
    with pytest.raises(NotApplicable, match="no training examples with targets"):
        NgramBySource().answers(prepared(KEYS, make_answers()).without_targets(), prepared(KEYS, make_answers()), 0)


# Answers that are drawn.


def test_drawn_without_chance_an_answer_is_the_greedy_one(runs) -> None:
    run = predictor(runs, "names")
    for name in BOTH:
        assert set(AnswerWriter(run).write(name, 3, None, Sampler(0), seed=1)) == {run.predict([name])["texts"][0]}


def test_answers_are_drawn_as_often_as_the_network_says(runs) -> None:
    run, count = predictor(runs, "names"), 3000
    texts = AnswerWriter(run).write(BOTH[0], count, 1, Sampler(), seed=0)
    given = np.array([BOTH[0].encode()], object)
    scores = run.network(run.network_inputs({"text": given}, [5]), training=False)["scores"][0, 0].numpy()
    expected = Sampler().probabilities(scores, (0, 1, 2))
    names = run.pipeline.signature.known_target.names
    for token in range(END, len(names)):
        share = np.mean([text == ("" if token == END else names[token]) for text in texts])
        assert abs(share - expected[token]) < 4 * np.sqrt(0.25 / count)


def test_the_first_answers_are_the_same_however_many_are_drawn(runs) -> None:
    writer = AnswerWriter(predictor(runs, "names"))
    many = writer.write(BOTH[0], 8, None, Sampler(), seed=3)
    assert writer.write(BOTH[0], 3, None, Sampler(), seed=3) == many[:3]
    assert writer.write(BOTH[0], 8, None, Sampler(), seed=4) != many
    assert len(set(many)) > 3
    assert max(map(len, writer.write(BOTH[0], 20, 2, Sampler(), seed=3))) == 2


def test_answers_are_the_same_however_many_are_drawn_together(runs, monkeypatch) -> None:
    writer = AnswerWriter(predictor(runs, "names"))
    expected = writer.write(BOTH[0], 7, None, Sampler(), seed=3)
    monkeypatch.setattr(generation, "TOGETHER", 3)
    assert writer.write(BOTH[0], 7, None, Sampler(), seed=3) == expected
    assert writer.write(BOTH[0], 4, 0, Sampler(), seed=3) == [""] * 4


def distance(one: str, other: str) -> int:
    """Return how many edits lead from one text to another, by the definition."""

    @functools.cache
    def edits(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        return min(edits(i - 1, j) + 1, edits(i, j - 1) + 1, edits(i - 1, j - 1) + (one[i - 1] != other[j - 1]))

    return edits(len(one), len(other))


def test_the_nearest_text_takes_the_fewest_edits() -> None:
    random = np.random.default_rng(0)
    known, texts = (
        ["".join(random.choice(list("abcé"), random.integers(0, 8))) for _ in range(count)] for count in (60, 25)
    )
    for text, (near, edits) in zip(texts, nearest_texts(texts, known), strict=True):
        every = [distance(text, each) for each in known]
        assert (near, edits) == (known[int(np.argmin(every))], min(every))
    assert nearest_texts(["", "abc"], ["abc", "x"]) == [("x", 1), ("abc", 0)]


def test_the_nearest_text_is_the_same_however_many_are_compared_at_once(monkeypatch) -> None:
    known, texts = ["c", "a" * 40, "abc", "b", "abcd"], ["a", "abd", "a" * 30]
    expected = nearest_texts(texts, known)
    monkeypatch.setattr(generation, "TOGETHER", 2)
    assert nearest_texts(texts, known) == expected == [("c", 1), ("abc", 1), ("a" * 40, 10)]


def generate(run: RunDir, *arguments: str) -> Result:
    return rnnlab("generate", run.path, *arguments, folder=run.path.parent)


def test_answers_stand_beside_the_nearest_of_training(runs, tmp_path: Path) -> None:
    result = generate(runs["names"], "--prompt", "Irish", "--count", "5", "--temperature", "0.8", "--seed", "2")
    assert result.code == 0, result.error
    header, _, *rows = result.out.splitlines()
    assert header.split() == ["answer", "nearest", "in", "training", "edits"]
    assert len(rows) == 5
    for row in rows:
        answer, near, edits = row.split()
        assert distance(answer, near) == int(edits)
    written = generate(
        runs["names"],
        *("--prompt", "Irish", "--count", "5", "--temperature", "0.8", "--seed", "2"),
        *("--output", str(tmp_path / "names.txt")),
    )
    assert written.out == ""
    assert (tmp_path / "names.txt").read_text().splitlines() == [row.split()[0] for row in rows]


def test_capitals_are_no_edits_where_answers_have_none(tmp_path: Path) -> None:
    run = RunDir.create(tmp_path / "run")
    made = experiment(tmp_path, task={"tokens": {"name": "characters", "lower": True}}, training={"epochs": 1})
    for file in write_lists(tmp_path).iterdir():
        file.write_text(file.read_text().upper())
    train(made, run, Places(tmp_path, tmp_path))
    result = generate(run, "--prompt", "irish", "--count", "20")
    assert result.code == 0, result.error
    for row in result.out.splitlines()[2:]:
        *answer, near, edits = row.split()
        assert (near, int(edits)) == (near.lower(), distance("".join(answer), near))


def test_answers_that_would_take_minutes_to_compare_are_written_alone(runs, monkeypatch, capsys) -> None:
    request = GenerationRequest(runs["names"].path, "irish", None, 1.0, None, None, 0, None, count=2)
    monkeypatch.setattr(generating, "MOST_COMPARED", 200)
    generating.generate(request)
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 2
    assert "to compare with all of them would take minutes" in captured.err


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("names", (), "--prompt: expected text to answer"),
        ("names", ("--prompt", " "), "--prompt: expected text to answer; received nothing"),
        ("names", ("--prompt", "Frisian"), "tokens of the run's vocabulary: 'frisian'; known: irish, welsh"),
        ("names", ("--prompt", "irish", "--count", "0"), "--count: expected 1 or more; received 0"),
        ("names", ("--prompt", "irish", "--count", "2000000000"), "--count: expected at most 10,000 answers"),
        ("names", ("--prompt", "irish", "--length", "2000000000"), "--length: expected at most 10,000 tokens"),
        ("names", ("--prompt", "irish", "--data-dir", ".", "--output", "a.txt"), "--data-dir does nothing with --out"),
        ("captions", ("--prompt", "irish"), "`rnnlab predict` answers all others"),
    ],
)
def test_what_can_not_be_answered_is_one_clear_message(name: str, arguments: Any, message: str, runs) -> None:
    result = generate(runs[name], *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.error
    assert len(result.error.strip().splitlines()) == 1


def test_without_its_data_a_run_still_writes(runs, tmp_path: Path) -> None:
    run = RunDir.create(tmp_path / "run")
    made = experiment(tmp_path, training={"epochs": 1})
    train(made, run, Places(tmp_path, tmp_path))
    lists = tmp_path / "lists"
    (lists / "irish.txt").write_text("other\nnames\nthan\nbefore\nare\nhere\nnow\nin\nthis\nlist\n")
    other = generate(run, "--prompt", "welsh", "--count", "3")
    lists.rename(tmp_path / "gone")
    gone = generate(run, "--prompt", "welsh", "--count", "3")
    assert (other.code, gone.code) == (0, 0)
    assert other.out == gone.out
    assert len(gone.out.splitlines()) == 3
    assert "the data is not what the run was trained on" in other.error
    assert "the data can't be read" in gone.error
