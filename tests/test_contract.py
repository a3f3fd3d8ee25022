"""What every architecture, head, task and export format promises together, read off the registries.

A new file, or a new key in one, is tested here the moment it exists: `variants` makes the configurations from the
pydantic fields. By default they go in pairs, architectures beside heads in turn; the full product is slow.

Axes: B batch, T time, F features, C classes or numbers.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnnlab.network
import rnnlab.preparation
import rnnlab.signature as signature_of
from rnnlab.architectures import ARCHITECTURES, Architecture, Encoded
from rnnlab.errors import UserError
from rnnlab.examples import FlatExamples
from rnnlab.experiment import Experiment
from rnnlab.export import EXPORT_FORMATS, export, largest_difference, samples
from rnnlab.heads import HEADS
from rnnlab.history import read_history
from rnnlab.layers.frames import Pixels
from rnnlab.layers.randomness import random_scope
from rnnlab.network import build_network
from rnnlab.places import Places
from rnnlab.prediction import Predictor, stack
from rnnlab.registry import Registry
from rnnlab.rundir import RunDir
from rnnlab.signature import Signature
from rnnlab.strict import Strict
from rnnlab.tasks import TASKS
from rnnlab.training import train
from rnnlab.vocabulary import MARKS, START

from .made import (
    FEATURES,
    HORIZON,
    LENGTHS,
    NAMES,
    make_examples,
    make_experiment,
    make_labels,
    make_sequences,
    make_series,
    make_signature,
    make_tags,
    make_targets,
    pad_with,
    series_data,
    slow_after,
    worst_padding,
    write_npz,
    write_series,
)
from .variants import Configuration, all_changed, changes, configurations, is_accepted, keys, required

TOLERANCE = 1e-5
WIDTH = max(LENGTHS)
TOKENS = (*MARKS, "a", "b", "c")
FRAME = (4, FEATURES, 1)  # of what architectures that read frames are given
OF_SERIES = {"forecasting", "language_modeling"}
# What a task needs to be asked at all, and for each kind of target what is asked in turn.
NEEDS: dict[str, Configuration] = {"forecasting": {"history": WIDTH, "horizon": HORIZON}}
SEASON = {"season": 2, "seasonal_mean": 2}


@dataclass(frozen=True)
class Question:
    """What is asked: a task, of a kind of target, and how many features are known of the steps to come."""

    task: Configuration
    target: str
    known: int = 0

    @functools.cached_property
    def signature(self) -> Signature:
        return make_signature(self.target, known=self.known)

    def __str__(self) -> str:
        if self.target != "series":
            return self.target
        return ",".join([self.task["output"], *(["known"] if self.known else []), *self.task.keys() & {"season"}])


@dataclass(frozen=True)
class Case:
    """A network to try: two configurations, which name their components, and the question that they answer.

    An architecture that decodes has no head.
    """

    model: Configuration
    head: Configuration | None
    question: Question

    @functools.cached_property
    def experiment(self) -> Experiment:
        return make_experiment(self.question.task, self.model, self.head)

    @property
    def every_step(self) -> bool:
        return self.head is not None and self.experiment.reader.every_step

    @functools.cached_property
    def network(self) -> Any:
        """The network with weights that no initialiser would choose, so that no term hides behind a zero or a one."""
        network = build_network(self.experiment, as_read(self.experiment.model, self.question.signature))
        random = np.random.default_rng(0)
        for variable in network.variables:
            # Of either sign: noise of one sign adds up over a wide layer and drives what follows into saturation.
            noise = random.uniform(-0.1, 0.1, variable.shape)
            variable.assign(variable.numpy() + noise)
        return network

    def __call__(self, given: Batch, **arguments: Any) -> Any:
        return self.network({name: pixels(self.network, given[name]) for name in self.network.input}, **arguments)

    def rows(self, given: Batch) -> list[np.ndarray]:
        """Return each row's outputs, of every valid step where every step is asked; not those of the last row."""
        outputs, lengths = self.steps(given)
        return [row[:length] for row, length in zip(outputs[:-1], lengths, strict=False)]

    def steps(self, given: Batch) -> tuple[np.ndarray, Sequence[int | None]]:
        """Return the outputs of all rows, and how many steps of them are valid where every step is asked."""
        outputs = self(given)
        if isinstance(outputs, dict):
            return np.asarray(outputs["scores"]), np.asarray(outputs["lengths"])
        return np.asarray(outputs), given["lengths"] if self.every_step else [None] * len(given["lengths"])

    def __str__(self) -> str:
        return "+".join(map(str, [*map(_say, filter(None, [self.model, self.head])), self.question]))


def _say(value: Any) -> str:
    """Return a configuration in a few characters."""
    if isinstance(value, dict):
        return ",".join(
            str(each) if key in ("architecture", "name") else f"{key}={_say(each)}" for key, each in value.items()
        )
    return f"[{' '.join(_say(each) for each in value)}]" if isinstance(value, list) else str(value)


def questions(tasks: frozenset[str]) -> list[Question]:
    """Return every question of some tasks: each kind of target, of series each kind of forecast."""
    found = []
    for name in TASKS.names():
        if name in tasks:
            own = {"kind": name, **NEEDS.get(name, {})}
            # Of a text a network is asked for tokens, which are no series: see test_language_modeling; and of one that
            # is written token by token see test_sequence_to_sequence.
            without_head = {"string"} if TASKS.load(name).head is None else set()
            for kind in sorted(TASKS.load(name).targets & set(NAMES) - without_head):
                found += forecasts(own) if kind == "series" else [Question(own, kind)]
    return found


def forecasts(own: Configuration) -> list[Question]:
    """Return questions for each kind of forecast: alone, with what is known of the future, and with seasons."""
    kinds = get_args(TASKS.load(own["kind"]).model_fields["output"].annotation)
    asked = itertools.product(({}, SEASON), (0, 1), kinds)
    found = [Question({**own, "output": kind, **season}, "series", known) for season, known, kind in asked]
    return found[::5] + [each for number, each in enumerate(found) if number % 5]  # the first ones differ in all


def models(which: Any, decodes: bool = False) -> list[Configuration]:
    """Return configurations of encoders, or of architectures that decode."""
    return [
        {"architecture": name, **each}
        for name in ARCHITECTURES.names()
        if bool(needed(name).decodes) == decodes
        for each in which(ARCHITECTURES.load(name))
    ]


def needed(name: str) -> Architecture:
    """Return the smallest architecture of a name."""
    return ARCHITECTURES.parse({"architecture": name, **required(ARCHITECTURES.load(name))})


def heads(which: Any) -> list[tuple[Configuration, Question]]:
    """Return (configuration, question), heads and questions in turn."""
    found = [[{"name": name, **each} for each in which(HEADS.load(name))] for name in HEADS.names()]
    mixed = [each for group in itertools.zip_longest(*found) for each in group if each is not None]
    asked = {name: itertools.cycle(questions(HEADS.load(name).tasks)) for name in HEADS.names()}
    return [(each, next(asked[each["name"]])) for each in mixed]


def fit(model: Configuration, head: Configuration) -> bool:
    parsed = ARCHITECTURES.parse(model)
    if parsed.reads and HEADS.load(head["name"]).tasks & OF_SERIES:
        return False
    return HEADS.parse(head).mistake(parsed) is None


def as_read(model: Architecture, signature: Signature) -> Signature:
    """Return the signature, with frames in place of a series where the architecture reads them."""
    if not model.reads:
        return signature
    assert model.reads == {"frames"}, "teach this how to make another kind"
    return replace(signature, inputs=(signature_of.Field("sequence", "frames", FRAME),))


def pixels(network: Any, values: Any) -> Any:
    """Return values (B, T, F) as frames (B, T, H, W, C) where the network reads these, of like differences."""
    values = tf.convert_to_tensor(values)
    if not any(each.shape[2:] == FRAME for each in network.inputs) or values.shape.rank != 3:
        return values
    return filmed(values)


def filmed(values: Any) -> Any:
    """Return values (…, F) of standard units as grey frames (…, H, W, C)."""
    shares = tf.range(1.0, FRAME[0] + 1) / FRAME[0]
    grown = 128 + 40 * values[..., tf.newaxis, :] * shares[:, tf.newaxis]  # (…, H, F)
    bounded = tf.clip_by_value(tf.where(tf.math.is_finite(grown), grown, 77), 0, 255)
    return tf.cast(tf.round(bounded), tf.uint8)[..., tf.newaxis]


def in_turn() -> list[Case]:
    """Return cases in which every configuration of an architecture and of a head comes once or more."""
    left, waiting, cases = models(configurations), heads(configurations), []
    never = [each for each, _ in waiting]
    while len(cases) < len(left) or never:
        model = left[len(cases) % len(left)]
        place = next(number for number, (head, _) in enumerate(waiting) if fit(model, head))
        waiting.append(waiting.pop(place))
        never = [each for each in never if each is not waiting[-1][0]]
        cases.append(Case(model, *waiting[-1]))
    return [*cases, *decoding(configurations)]


def decoding(which: Any) -> list[Case]:
    """Return every configuration of an architecture that decodes, with questions in turn, and every question."""
    cases = []
    for name in ARCHITECTURES.names():
        # Of what only writes texts, see test_sequence_to_sequence and test_vec2seq.
        if questions(needed(name).decodes):
            # Encoders' slow loops are tried beside the other tasks; shares of truth change only what training reads;
            # and answers in tokens have tests of their own.
            slow = ("unroll", "layer_normalization", "recurrent_dropout", "teacher_forcing")
            tried = [without(each, *slow, "embedding") for each in which(ARCHITECTURES.load(name))]
            left = [{"architecture": name, **each} for number, each in enumerate(tried) if each not in tried[:number]]
            left = [each for each in left if each.get("decoder", True) and not ARCHITECTURES.parse(each).reads]
            asked = questions(needed(name).decodes)
            count = max(len(left), len(asked))
            cases += [Case(left[n % len(left)], None, asked[n % len(asked)]) for n in range(count)]
    return cases


def extremes(cls: type[Strict]) -> list[Configuration]:
    return [required(cls), all_changed(cls)]


def without(value: Any, *parts: str) -> Any:
    """Return a configuration less the keys whose names have one of these parts: what has dropout can't learn by heart.

    Loops that are written out take long to compile; those of encoders are tried beside the other tasks.
    """
    if isinstance(value, list):
        return [without(each, *parts) for each in value]
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if not any(part in key for part in parts)}
        return {key: without(each, *parts) for key, each in kept.items()}
    return value


def few() -> list[Case]:
    """Return every encoder beside every head, with the defaults and with all other keys by turns, and decoders."""
    cases = []
    # What reads frames comes with the slow runs, and has quick ones of its own in test_video.
    encoders = [name for name in ARCHITECTURES.names() if not needed(name).decodes and not needed(name).reads]
    for (i, model), (j, head) in itertools.product(enumerate(encoders), enumerate(HEADS.names())):
        changed = (i + j) % 2
        left_out = ("dropout", "unroll") if HEADS.load(head).tasks & set(NEEDS) else ("dropout",)
        right = without({"name": head, **extremes(HEADS.load(head))[(changed + i) % 2]}, "dropout")
        cls = ARCHITECTURES.load(model)
        tried = [extremes(cls)[changed], *reversed(configurations(cls))]
        all_left = [without({"architecture": model, **each}, *left_out) for each in tried]
        left = next((each for each in all_left if fit(each, right)), None)
        asked = questions(HEADS.load(head).tasks)
        if left is not None:
            cases.append(Case(left, right, asked[(i + j) % len(asked)]))
    for case in decoding(extremes)[:3]:
        cases.append(Case(without(case.model, "dropout"), None, case.question))
    return cases


def many() -> Iterator[Case]:
    """Yield a third of the product of the configurations, each beside every third of the others."""
    pairs = itertools.product(enumerate(models(configurations)), enumerate(heads(configurations)))
    for (i, left), (j, (right, question)) in pairs:
        # Those that read frames come once in `in_turn`.
        if (i + j) % 3 == 0 and fit(left, right) and not ARCHITECTURES.parse(left).reads:
            yield Case(left, right, question)
    for left in models(configurations, decodes=True):
        if ARCHITECTURES.parse(left).reads:
            continue
        yield from (Case(left, None, question) for question in questions(ARCHITECTURES.parse(left).decodes))


def repeats(model: Configuration) -> bool:
    """Return whether it reads frames and changes keys of `stacked_rnn` alone, beside which they are tried as well."""
    own = model.keys() - {"architecture"} - ARCHITECTURES.load("stacked_rnn").model_fields.keys()
    return bool(needed(model["architecture"]).reads) and len(model) > 1 and not own


def quick() -> Iterator[Any]:
    """Yield the cases in turn, as slow ones those whose architecture repeats others; every head configuration comes."""
    cases = in_turn()
    asked = [case.head for case in cases if not repeats(case.model)]
    for case in cases:
        slow = repeats(case.model) and case.head in asked
        yield pytest.param(case, marks=pytest.mark.slow if slow else [])


light = pytest.mark.parametrize(
    "case", [*quick(), *(pytest.param(each, marks=pytest.mark.slow) for each in many())], ids=str
)

Batch = dict[str, np.ndarray]


def batch(seed: int = 0, width: int = WIDTH, garbage: float | None = 0.0, lengths: Any = LENGTHS) -> Batch:
    """Return what a network, whichever it is, reads; its last row only fills the batch."""
    lengths, random = np.array([*lengths, 0], np.int32), np.random.default_rng(seed)
    return {
        "sequence": pad_with(make_sequences(lengths, seed=seed), width, garbage, seed),
        "lengths": lengths,
        "future": random.normal(size=(len(lengths), HORIZON, 1)).astype(np.float32),
        "teacher": random.normal(size=(len(lengths), HORIZON, 2)).astype(np.float32),
    }


def taken(given: Batch, rows: Any) -> Batch:
    return {name: values[rows] for name, values in given.items()}


def compared(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=TOLERANCE)


@light
def test_outputs_are_one_row_for_each_sequence_and_finite(case: Case) -> None:
    outputs, lengths = case.steps(batch())
    # An encoder may shorten what is transcribed.
    width = outputs.shape[1] if case.question.target == "string" else WIDTH
    assert not case.every_step or max(lengths) <= width <= WIDTH
    rows = (len(LENGTHS) + 1, *([width] if case.every_step else []))
    shape = case.experiment.task.shape(case.question.signature.known_target)
    pairs = case.head is not None and case.head["name"] == "crf"
    assert outputs.shape == (*rows, *(2 * shape if pairs else shape))
    assert outputs.dtype == np.float32
    assert np.isfinite(outputs).all()


@light
def test_padding_and_neighbours_never_change_an_answer(case: Case) -> None:
    given = batch()
    expected = case.rows(given)
    last = np.stack([each[-1] for each in expected] if case.every_step else expected)
    assert np.ptp(last, axis=0).min() > 100 * TOLERANCE, "the answers hardly depend on the sequence"
    for width, garbage in ((WIDTH, None), (WIDTH + 5, np.nan), (2 * WIDTH + 1, None)):
        compared(case.rows({**given, "sequence": batch(width=width, garbage=garbage)["sequence"]}), expected)
    order = [*reversed(range(len(LENGTHS))), len(LENGTHS)]
    compared(case.rows(taken(given, order))[::-1], expected)
    for row in np.argsort(LENGTHS)[[0, 1, 3]]:
        alone = taken(given, [row, row])
        alone["sequence"] = alone["sequence"][:, : LENGTHS[row]]
        compared(case.rows(alone), [expected[row]])


def asked(case: Case, given: Batch, seed: int) -> Batch:
    """Return a batch with its questions; the last row's weight is 0, and of forecasts not everything is known."""
    count, random = len(given["lengths"]), np.random.default_rng(seed)
    weights = np.ones(count, np.float32)
    weights[-1] = 0
    if case.question.target == "tags":
        return {**given, "weights": weights, "targets": make_tags(given["lengths"], given["sequence"].shape[1], seed)}
    if case.question.target == "string":
        return {**given, "weights": weights, "targets": make_labels(count, seed=seed)}
    if case.question.target != "series":
        return {**given, "weights": weights, "targets": make_targets(case.question.target, count, seed)}
    ahead = np.where(random.random(given["teacher"].shape) < 0.2, np.nan, given["teacher"]).astype(np.float32)
    known = random.random((*given["sequence"].shape[:2], 2)) < 0.8
    truth = {"ahead": ahead, "teacher": ahead, "targets": ahead, "observed": given["sequence"][..., :2], "known": known}
    return {**given, "weights": weights, **truth}


def learnt_of(case: Case) -> dict[str, Any]:
    """Return what the task learns from eight examples; what is learnt of series no loss needs."""
    target = case.question.target
    return {} if target in ("series", "string") else case.experiment.task.fit(make_examples(target))


def gradients(case: Case, seed: int) -> list[Any]:
    """Return the gradient of the batch's loss for every trainable weight."""
    # Long enough that strides and pooling leave several steps: attention over a single one has nothing to learn.
    given = asked(case, batch(seed, 8 * WIDTH, lengths=[8 * length for length in LENGTHS]), seed)
    given = {name: tf.constant(values) for name, values in given.items()}
    with random_scope(tf.constant([seed, 0])), tf.GradientTape() as tape:
        outputs = case(given, training=True)
        losses, weights = case.experiment.task.losses(outputs, given, learnt_of(case))
        assert losses.shape == weights.shape
        assert losses.dtype == weights.dtype == "float32"
        assert not weights[-1].numpy().any(), "a row that only fills the batch counts"
        total = tf.reduce_sum(losses * weights)
    return tape.gradient(total, [weight.value for weight in case.network.trainable_weights])


@light
def test_every_trainable_weight_learns(case: Case) -> None:
    waiting = {weight.path for weight in case.network.trainable_weights}
    assert len(waiting) == len(case.network.trainable_weights)
    for seed in range(4):
        found = gradients(case, seed)
        for weight, gradient in zip(case.network.trainable_weights, found, strict=True):
            assert gradient is not None, f"{weight.path} takes no part"
            assert np.isfinite(gradient).all(), weight.path
        sizes = [np.abs(gradient).max() for gradient in found]
        # Rounding gives even an idle weight, such as a bias that a normalisation takes off again, a tiny gradient.
        idle = 1e-6 * max(sizes)
        waiting -= {
            weight.path for weight, size in zip(case.network.trainable_weights, sizes, strict=True) if size > idle
        }
        if not waiting:
            return
    assert not waiting, "no input gives these a gradient"


def of_every_step() -> list[Case]:
    """Return every configuration of a causal encoder, with a head that forecasts at every step."""
    head, asked = {"name": "per_step"}, questions(HEADS.load("per_step").tasks)
    causal = [model for model in models(configurations) if ARCHITECTURES.parse(model).causal and fit(model, head)]
    return [Case(model, head, asked[number % len(asked)]) for number, model in enumerate(causal)]


@pytest.mark.parametrize("case", of_every_step(), ids=str)
def test_a_later_step_never_changes_what_an_earlier_one_forecasts(case: Case) -> None:
    given = batch()
    now = WIDTH // 2
    other = given["sequence"].copy()
    known = FEATURES - case.question.known
    other[:, now + 1 :, :known] += np.random.default_rng(1).normal(size=other[:, now + 1 :, :known].shape)
    before, after = (np.asarray(case({**given, "sequence": each})) for each in (given["sequence"], other))
    np.testing.assert_allclose(after[:, : now + 1], before[:, : now + 1], atol=TOLERANCE)
    row = int(np.argmax(LENGTHS))
    assert np.abs(after[row, now + 1 :] - before[row, now + 1 :]).max() > 100 * TOLERANCE


# All ways in which a decoder may look, beside what is known of the steps to come.

LOOKS = [{"attention": "none"}, {"attention": "bahdanau"}, {"attention": "luong"}]
LOOKS += [{"attention": "luong", "input_feeding": True}]


@pytest.mark.parametrize("known", [0, 1])
@pytest.mark.parametrize("feedback", [True, False])
@pytest.mark.parametrize("look", LOOKS, ids=_say)
def test_every_weight_of_every_kind_of_decoder_learns(look: Configuration, feedback: bool, known: int) -> None:
    model = {"architecture": "seq2seq", "decoder": {**look, "units": [5], "feedback": feedback}}
    task = {"kind": "forecasting", **NEEDS["forecasting"]}
    test_every_trainable_weight_learns(Case(model, None, Question(task, "series", known)))


# What an encoder says of itself.

encoders = pytest.mark.parametrize(
    "model",
    [pytest.param(each, marks=pytest.mark.slow if repeats(each) else []) for each in models(configurations)],
    ids=_say,
)


def encode(model: Configuration) -> tuple[Architecture, dict[str, Any], Encoded]:
    """Return an architecture, its symbolic inputs, and what it makes of them."""
    architecture = ARCHITECTURES.parse(model)
    inputs = {
        "sequence": keras.Input((None, *(FRAME if architecture.reads else (FEATURES,))), name="sequence"),
        "lengths": keras.Input((), name="lengths", dtype="int32"),
    }
    sequence = Pixels()(*inputs.values()) if architecture.reads else inputs["sequence"]
    return architecture, inputs, architecture.encode({"sequence": sequence}, inputs["lengths"])


def read_by(network: Any, given: Mapping[str, Any]) -> Any:
    named = {"frames": given["sequence"], **given}  # as `npz` calls what is no series
    return network({name: pixels(network, named[name]) for name in network.input})


@encoders
def test_encoded_lengths_are_those_of_the_encoded_sequence(model: Configuration) -> None:
    architecture, inputs, encoded = encode(model)
    given = batch()
    network = keras.Model(inputs, [encoded.sequence, encoded.lengths + 0, encoded.final])
    sequence, lengths, final = read_by(network, given)
    before = given["lengths"]
    assert lengths.dtype == "int32"
    assert sequence.shape[0] == final.shape[0] == len(before)
    assert sequence.shape[1] >= np.max(lengths)
    np.testing.assert_array_equal(np.asarray(lengths) > 0, before > 0)
    assert (np.asarray(lengths) <= np.ceil(before / architecture.time_stride)).all()


@encoders
def test_the_stride_over_time_is_the_one_declared(model: Configuration) -> None:
    architecture, inputs, encoded = encode(model)
    count = keras.Model(inputs, encoded.lengths + 0)
    before = np.array([100, 100 + 60 * architecture.time_stride], np.int32)
    given = {"sequence": np.zeros((2, before.max(), FEATURES), np.float32), "lengths": before}
    one, other = np.asarray(read_by(count, given))
    assert other - one == 60


@encoders
def test_a_causal_encoder_sees_no_later_step_and_another_one_does(model: Configuration) -> None:
    architecture, inputs, encoded = encode(model)
    if architecture.time_stride > 1:
        pytest.skip("a step of a shortened sequence stands for several")
    network = keras.Model(inputs, encoded.sequence)
    (one,), (other,) = make_sequences([WIDTH]), make_sequences([WIDTH], seed=1)
    now = WIDTH // 2
    changed = np.concatenate([one[: now + 1], other[now + 1 :]])
    answers = read_by(network, {"sequence": np.stack([one, changed]), "lengths": np.array([WIDTH, WIDTH])})
    difference = np.abs(np.asarray(answers[0] - answers[1]))[: now + 1].max()
    assert (difference <= TOLERANCE) == architecture.causal


# Invariant 5: no dead keys.


def all_keys() -> list[Any]:
    """Return (registry, name, before, after) for every key of every architecture and head; see `repeats`."""
    return [
        pytest.param(
            registry,
            name,
            before,
            after,
            id=f"{name}-{path}-{_say(after)}",
            marks=pytest.mark.slow if registry is ARCHITECTURES and repeats({"architecture": name, **after}) else [],
        )
        for registry in (ARCHITECTURES, HEADS)
        for name in registry.names()
        for path, before, after in keys(registry.load(name))
    ]


@dataclass(frozen=True)
class Tried:
    """A network as its spec's seed makes it, and what it does with one batch."""

    network: Any

    @functools.cached_property
    def shapes(self) -> list[tuple[int, ...]]:
        return [tuple(weight.shape) for weight in self.network.weights]

    @functools.cached_property
    def answers(self) -> list[np.ndarray]:
        return [self._answer(training).numpy()[:-1] for training in (False, True)]

    @functools.cached_property
    def later_answers(self) -> list[np.ndarray]:
        """What it does in training some epochs later, where it follows a schedule; of many draws."""
        if "teacher" not in self.network.input:
            return []
        return [self._answer(True, epoch, many=40).numpy() for epoch in (2.0, 5.0)]

    @functools.cached_property
    def operations(self) -> Counter[str]:
        """What a training step is made of, its loops included."""
        graph = tf.function(lambda: self._answer(True)).get_concrete_function().graph
        bodies = [node.op for function in graph.as_graph_def().library.function for node in function.node_def]
        return Counter([*(operation.type for operation in graph.get_operations()), *bodies])

    def _answer(self, training: bool, epoch: float = 0.0, many: int = 1) -> Any:
        given = taken(batch(), np.tile(np.arange(len(LENGTHS) + 1), many))
        if self.writes:
            given["teacher"] = np.random.default_rng(0).integers(
                START, len(TOKENS), (len(given["lengths"]), 5), np.int32
            )
        with random_scope(tf.constant([0, 0]), epoch):
            read = {name: pixels(self.network, given[name]) for name in self.network.input}
            result = self.network(read, training=training)
        return result["scores"] if self.writes else result

    @property
    def writes(self) -> bool:
        """Whether it answers in tokens."""
        return isinstance(self.network.output, dict)

    def differs(self, other: Tried) -> bool:
        if self.shapes != other.shapes or not np.array_equal(self.answers, other.answers):
            return True
        return self.operations != other.operations or not np.array_equal(self.later_answers, other.later_answers)


@functools.lru_cache(maxsize=16)
def tried(model: str, head: str, in_tokens: bool = False) -> Tried:
    left, right = json.loads(model), json.loads(head)
    if in_tokens:
        signature = replace(make_signature("class"), target=signature_of.Field("target", "string", (5,), TOKENS))
        experiment = make_experiment({"kind": "sequence_to_sequence"}, left)
        return Tried(build_network(experiment, as_read(experiment.model, signature)))
    tasks = HEADS.load(right["name"]).tasks if right else ARCHITECTURES.parse(left).decodes
    question = questions(tasks)[0]
    experiment = make_experiment(question.task, left, right)
    return Tried(build_network(experiment, as_read(experiment.model, question.signature)))


def try_out(registry: Registry[Any], name: str, configuration: Configuration, in_tokens: bool = False) -> Tried:
    """Return a component of this configuration beside the first that it fits of the other kind."""
    if in_tokens:
        return tried(json.dumps({"architecture": name, **configuration}), "null", True)
    if registry is HEADS:
        right: Configuration | None = {"name": name, **configuration}
        left = next(each for each in models(extremes) if fit(each, right))
    else:
        left = {"architecture": name, **configuration}
        decodes = ARCHITECTURES.parse(left).decodes
        right = None if decodes else next(each for each, _ in heads(extremes) if fit(left, each))
    return tried(json.dumps(left), json.dumps(right))


def ways_of_answering(registry: Registry[Any], name: str, configurations: Sequence[Configuration]) -> list[bool]:
    """Return whether a component is to be tried with answers in tokens: False, True, or both."""
    if registry is HEADS:
        return [False]
    found = [ARCHITECTURES.parse({"architecture": name, **each}) for each in configurations]
    kinds = {False: "forecasting", True: "sequence_to_sequence"}
    if not found[0].decodes:
        return [False]
    return [
        way for way, kind in kinds.items() if kind in found[0].decodes and not any(each.unused(kind) for each in found)
    ]


@pytest.mark.parametrize(("registry", "name", "before", "after"), all_keys())
def test_every_key_changes_the_network(
    registry: Registry[Any], name: str, before: Configuration, after: Configuration
) -> None:
    """By itself, or else beside another key: `residual` needs two layers of one size."""
    cls = registry.load(name)
    for beside in ({}, *(configuration for _, configuration in changes(cls))):
        left, right = {**beside, **before}, {**beside, **after}
        if not (is_accepted(cls, left) and is_accepted(cls, right)):
            continue
        for in_tokens in ways_of_answering(registry, name, (left, right)):
            if try_out(registry, name, left, in_tokens).differs(try_out(registry, name, right, in_tokens)):
                return
    pytest.fail(f"{name}: {before} and {after} make the same network")


def test_the_same_configuration_makes_the_same_network() -> None:
    """Or else the test above could not fail."""
    first = try_out(ARCHITECTURES, ARCHITECTURES.names()[0], {})
    tried.cache_clear()
    assert not first.differs(try_out(ARCHITECTURES, ARCHITECTURES.names()[0], {}))


# From training to the export.


@dataclass(frozen=True)
class Trained:
    """A run that learnt eight examples by heart, and the network as it stood at the end, still in memory."""

    case: Case
    run: RunDir
    network: Any

    @functools.cached_property
    def predictor(self) -> Predictor:
        return Predictor.load(self.run.path)


SHORT = (6, 1, 5, 2, 4, 3, 6, 2)  # an unrolled loop over more takes long to trace


def runs() -> list[Any]:
    """Return cases to train; those of music, taggers, which are asked about words, and texts have runs of their own.

    In the default suite each head comes once, beside the encoders by turns, and an architecture that decodes.
    """
    own = ("notes", "tags", "string")
    short, everything = ([each for each in cases if each.question.target not in own] for cases in (few(), in_turn()))
    by_head: dict[str, list[Case]] = {}
    for case in short:
        by_head.setdefault(case.head["name"] if case.head else "", []).append(case)
    first = [cases[number % len(cases)] for number, cases in enumerate(by_head.values())]
    rest = [*(each for each in short if each not in first), *(each for each in everything if each not in short)]
    return slow_after(len(first), [*first, *rest])


def forecaster(case: Case, folder: Path, training: Configuration) -> Experiment:
    """Return an experiment on eight windows of 2 to 6 steps, with gaps."""
    values = make_series([6 + HORIZON + 3], scale=40, offset=300, gaps=0.15)
    data = series_data(write_series(folder / "series.csv", values), case.question.known)
    task = {**case.question.task, "history": 6, "min_history": 2}
    transforms = [{"name": "impute"}, {"name": "standardize"}]
    optimizer = {**training["optimizer"], "clip_global_norm": 1.0}
    training = {**training, "epochs": 400, "batch_size": 8, "optimizer": optimizer}
    return make_experiment(task, case.model, case.head, data=data, transforms=transforms, training=training)


def examples_for(case: Case) -> FlatExamples:
    """Return eight raw examples far from standard units; of frames where the architecture reads these."""
    model = ARCHITECTURES.parse(case.model)
    if not model.reads:
        return make_examples(case.question.target, SHORT, scale=40, offset=300)
    examples = make_examples(case.question.target, SHORT)
    return replace(examples, signature=as_read(model, examples.signature), values=filmed(examples.values).numpy())


@pytest.fixture(scope="module", params=runs(), ids=str)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train a case on raw examples; they validate too."""
    case, folder = request.param, tmp_path_factory.mktemp("runs")
    training = {"epochs": 60, "batch_size": 4, "buckets": {"shapes": 1}, "best": None}
    training["optimizer"] = {"name": "adam", "learning_rate": 0.01}
    if case.question.target == "series":
        experiment = forecaster(case, folder, training)
    else:
        data = write_npz(folder / "train.npz", examples_for(case))
        rest = {"transforms": []} if ARCHITECTURES.parse(case.model).reads else {}
        experiment = make_experiment(case.question.task, case.model, case.head, train=data, training=training, **rest)
    run = RunDir.create(folder / "run")
    built = []

    def build_and_keep(*arguments: Any, **named: Any) -> Any:
        built.append(build_network(*arguments, **named))
        return built[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rnnlab.network, "build_network", build_and_keep)
        train(experiment, run, Places())
    (network,) = built
    return Trained(case, run, network)


def test_eight_examples_are_learnt_by_heart(trained: Trained) -> None:
    if "dropout" in str(trained.case):
        pytest.skip("dropout keeps it from learning by heart")
    history = read_history(trained.run.history)
    assert min(row["loss"] for row in history[-20:]) < 0.1 * history[0]["loss"]


def test_a_loaded_run_answers_as_the_network_in_memory(trained: Trained) -> None:
    assert trained.predictor.network is not trained.network
    answers = read_by(trained.predictor.network, batch())
    np.testing.assert_allclose(answers, read_by(trained.network, batch()), atol=1e-6)


PADDINGS = ((0, None), (5, np.nan), (11, None))


def test_a_run_answers_raw_input_alike_whatever_stands_in_the_padding(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Transforms and the way back to raw units included; alone, and beside others."""
    kept = samples(trained.predictor)
    expected = trained.predictor.answers(kept)
    for more, garbage in PADDINGS:
        monkeypatch.setattr(rnnlab.preparation, "pad", functools.partial(pad_longer, more=more, garbage=garbage))
        assert largest_difference(trained.predictor.answers(kept), expected) <= TOLERANCE
    for row in range(len(kept)):
        fields, lengths = stack(kept, np.array([row]))
        alone = trained.predictor.forward(fields, lengths, np.zeros(1, np.int32))
        rows = {name: values[row : row + 1] for name, values in expected.items()}
        assert largest_difference({name: np.asarray(each) for name, each in alone.items()}, rows) <= TOLERANCE


@pytest.mark.parametrize("name", EXPORT_FORMATS.names())
def test_an_export_answers_like_the_run_whatever_stands_in_the_padding(
    name: str, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the format refuses, and says why."""
    exporter, predictor = EXPORT_FORMATS.load(name)(), trained.predictor
    try:
        path, _ = export(predictor, name)
    except UserError as error:
        pytest.skip(str(error))
    expected, _ = exporter.ask(predictor, path, samples(predictor))
    for more, garbage in PADDINGS:
        monkeypatch.setattr(rnnlab.preparation, "pad", functools.partial(pad_longer, more=more, garbage=garbage))
        found, _ = exporter.ask(predictor, path, samples(predictor))
        found, wanted = valid_outputs(trained, name, found), valid_outputs(trained, name, expected)
        assert largest_difference(found, wanted) <= exporter.tolerance, (more, garbage)


def valid_outputs(trained: Trained, name: str, answers: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return answers without the outputs of padded steps, which an export of the network alone has, too."""
    if name != "keras" or not trained.case.every_step:
        return answers
    lengths = samples(trained.predictor).lengths
    rows = [row[:length] for row, length in zip(answers["outputs"], lengths, strict=True)]
    return {"outputs": np.concatenate(rows)}


def pad_longer(sequences: list[np.ndarray], more: int, garbage: float | None) -> np.ndarray:
    value = garbage if garbage is None else worst_padding(sequences)
    return pad_with(sequences, max(map(len, sequences)) + more, value)
