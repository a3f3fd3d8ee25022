"""What every architecture, head, task and export format promises together, read off the registries.

A new file, or a new key in one, is tested here the moment it exists: `variants` makes the configurations from the
pydantic fields. By default they go in pairs, architectures beside heads in turn; the full product is slow.

Axes: B batch, T time, F features, C classes or numbers.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnnlab.network
from rnnlab.architectures import ARCHITECTURES, Architecture, Encoded
from rnnlab.errors import UserError
from rnnlab.experiment import Experiment
from rnnlab.export import EXPORT_FORMATS, export, largest_difference, samples
from rnnlab.heads import HEADS
from rnnlab.history import read_history
from rnnlab.layers.randomness import random_scope
from rnnlab.network import build_network
from rnnlab.places import Places
from rnnlab.prediction import Predictor
from rnnlab.registry import Registry
from rnnlab.rundir import RunDir
from rnnlab.strict import Strict
from rnnlab.tasks import TASKS
from rnnlab.training import train

from .made import (
    FEATURES,
    LENGTHS,
    make_examples,
    make_experiment,
    make_sequences,
    make_signature,
    make_targets,
    pad_with,
    write_npz,
)
from .variants import Configuration, all_changed, changes, configurations, is_accepted, keys, required

TOLERANCE = 1e-5
WIDTH = max(LENGTHS)


@dataclass(frozen=True)
class Case:
    """A network to try: two configurations, which name their components, and the question that they answer."""

    model: Configuration
    head: Configuration
    task: str
    target: str

    @functools.cached_property
    def experiment(self) -> Experiment:
        return make_experiment(self.task, self.model, self.head)

    @functools.cached_property
    def network(self) -> Any:
        """The network with weights that no initialiser would choose, so that no term hides behind a zero or a one."""
        network = build_network(self.experiment, make_signature(self.target))
        random = np.random.default_rng(0)
        for variable in network.variables:
            # Of either sign: noise of one sign adds up over a wide layer and drives what follows into saturation.
            noise = random.uniform(-0.1, 0.1, variable.shape)
            variable.assign(variable.numpy() + noise)
        return network

    def __call__(self, inputs: np.ndarray, lengths: Any, **arguments: Any) -> Any:
        return self.network({"sequence": inputs, "lengths": np.asarray(lengths, np.int32)}, **arguments)

    def __str__(self) -> str:
        return f"{_say(self.model)}+{_say(self.head)}+{self.target}"


def _say(value: Any) -> str:
    """Return a configuration in a few characters."""
    if isinstance(value, dict):
        return ",".join(
            str(each) if key in ("architecture", "name") else f"{key}={_say(each)}" for key, each in value.items()
        )
    return f"[{' '.join(_say(each) for each in value)}]" if isinstance(value, list) else str(value)


def questions(head: str) -> list[tuple[str, str]]:
    """Return every (task, kind of target) that a head serves."""
    tasks = [name for name in TASKS.names() if name in HEADS.load(head).tasks]
    return [(name, kind) for name in tasks for kind in sorted(TASKS.load(name).targets)]


def models(which: Any) -> list[Configuration]:
    return [
        {"architecture": name, **each} for name in ARCHITECTURES.names() for each in which(ARCHITECTURES.load(name))
    ]


def heads(which: Any) -> list[tuple[Configuration, str, str]]:
    """Return (configuration, task, kind of target), heads and questions in turn."""
    found = [[{"name": name, **each} for each in which(HEADS.load(name))] for name in HEADS.names()]
    mixed = [each for group in itertools.zip_longest(*found) for each in group if each is not None]
    asked = {name: itertools.cycle(questions(name)) for name in HEADS.names()}
    return [(each, *next(asked[each["name"]])) for each in mixed]


def in_turn() -> list[Case]:
    """Return cases in which every configuration of an architecture and of a head comes once or more."""
    left, right = models(configurations), heads(configurations)
    count = max(len(left), len(right))
    return [Case(left[number % len(left)], *right[number % len(right)]) for number in range(count)]


def extremes(cls: type[Strict]) -> list[Configuration]:
    return [required(cls), all_changed(cls)]


def without_dropout(value: Any) -> Any:
    """Return a configuration that can learn by heart."""
    if isinstance(value, list):
        return [without_dropout(each) for each in value]
    if isinstance(value, dict):
        return {key: without_dropout(each) for key, each in value.items() if "dropout" not in key}
    return value


def few() -> list[Case]:
    """Return every architecture beside every head, with the defaults and with all other keys by turns."""
    cases = []
    for (i, model), (j, head) in itertools.product(enumerate(ARCHITECTURES.names()), enumerate(HEADS.names())):
        changed = (i + j) % 2
        left = without_dropout({"architecture": model, **extremes(ARCHITECTURES.load(model))[changed]})
        right = without_dropout({"name": head, **extremes(HEADS.load(head))[(changed + i) % 2]})
        asked = questions(head)
        cases.append(Case(left, right, *asked[(i + j) % len(asked)]))
    return cases


def many() -> Iterator[Case]:
    """Yield the full product of the configurations."""
    for left, (right, *question) in itertools.product(models(configurations), heads(configurations)):
        yield Case(left, right, *question)


light = pytest.mark.parametrize(
    "case", [*in_turn(), *(pytest.param(each, marks=pytest.mark.slow) for each in many())], ids=str
)


def batch(seed: int = 0, width: int = WIDTH, garbage: float | None = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return sequences and lengths of a batch; its last row only fills it."""
    lengths = np.array([*LENGTHS, 0], np.int32)
    return pad_with(make_sequences(lengths, seed=seed), width, garbage, seed), lengths


@light
def test_outputs_are_one_row_for_each_sequence_and_finite(case: Case) -> None:
    outputs = np.asarray(case(*batch()))
    expected = case.experiment.task.outputs(make_signature(case.target).known_target)
    assert outputs.shape == (len(LENGTHS) + 1, expected)
    assert outputs.dtype == np.float32
    assert np.isfinite(outputs).all()


@light
def test_padding_and_neighbours_never_change_an_answer(case: Case) -> None:
    inputs, lengths = batch()
    expected = np.asarray(case(inputs, lengths))[:-1]
    assert np.ptp(expected, axis=0).min() > 100 * TOLERANCE, "the answers hardly depend on the sequence"
    for width, garbage in ((WIDTH, None), (WIDTH + 5, np.nan), (2 * WIDTH + 1, None)):
        padded, _ = batch(width=width, garbage=garbage)
        np.testing.assert_allclose(np.asarray(case(padded, lengths))[:-1], expected, rtol=1e-6, atol=TOLERANCE)
    turned = np.asarray(case(inputs[::-1].copy(), lengths[::-1].copy()))[:0:-1]
    np.testing.assert_allclose(turned, expected, rtol=1e-6, atol=TOLERANCE)
    for row in np.argsort(LENGTHS)[[0, 1, 3]]:
        alone = case(inputs[row : row + 1, : lengths[row]], lengths[row : row + 1])
        np.testing.assert_allclose(alone[0], expected[row], rtol=1e-6, atol=TOLERANCE)


def gradients(case: Case, seed: int) -> list[Any]:
    """Return the gradient of the batch's loss for every trainable weight."""
    task, target = case.experiment.task, make_signature(case.target).known_target
    targets = make_targets(case.target, len(LENGTHS) + 1, seed)
    # Long enough that strides and pooling leave several steps: attention over a single one has nothing to learn.
    lengths = np.array([*(8 * length for length in LENGTHS), 0], np.int32)
    padded = pad_with(make_sequences(lengths, seed=seed), 8 * WIDTH, 0.0, seed)
    with random_scope(tf.constant([seed, 0])), tf.GradientTape() as tape:
        outputs = case(padded, lengths, training=True)
        losses = task.losses(outputs, tf.constant(targets), task.fit(target, targets))
        total = tf.reduce_sum(losses[:-1])  # the last row's weight is 0
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


# What an encoder says of itself.

encoders = pytest.mark.parametrize("model", models(configurations), ids=_say)


def encode(model: Configuration) -> tuple[Architecture, dict[str, Any], Encoded]:
    """Return an architecture, its symbolic inputs, and what it makes of them."""
    architecture = ARCHITECTURES.parse(model)
    sequence = keras.Input((None, FEATURES), name="sequence")
    lengths = keras.Input((), name="lengths", dtype="int32")
    return (
        architecture,
        {"sequence": sequence, "lengths": lengths},
        architecture.encode({"sequence": sequence}, lengths),
    )


@encoders
def test_encoded_lengths_are_those_of_the_encoded_sequence(model: Configuration) -> None:
    architecture, inputs, encoded = encode(model)
    sequence, lengths, final = keras.Model(inputs, [encoded.sequence, encoded.lengths + 0, encoded.final])(
        dict(zip(inputs, batch(), strict=True))
    )
    _, before = batch()
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
    one, other = np.asarray(count({"sequence": np.zeros((2, before.max(), FEATURES), np.float32), "lengths": before}))
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
    answers = network({"sequence": np.stack([one, changed]), "lengths": np.array([WIDTH, WIDTH])})
    difference = np.abs(np.asarray(answers[0] - answers[1]))[: now + 1].max()
    assert (difference <= TOLERANCE) == architecture.causal


# Invariant 5: no dead keys.


def all_keys() -> list[Any]:
    """Return (registry, name, before, after) for every key of every architecture and head."""
    return [
        pytest.param(registry, name, before, after, id=f"{name}-{path}-{_say(after)}")
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
    def operations(self) -> Counter[str]:
        """What a training step is made of, its loops included."""
        graph = tf.function(lambda: self._answer(True)).get_concrete_function().graph
        bodies = [node.op for function in graph.as_graph_def().library.function for node in function.node_def]
        return Counter([*(operation.type for operation in graph.get_operations()), *bodies])

    def _answer(self, training: bool) -> Any:
        inputs, lengths = batch()
        with random_scope(tf.constant([0, 0])):
            given = {"sequence": tf.constant(inputs), "lengths": tf.constant(lengths)}
            return self.network(given, training=training)

    def differs(self, other: Tried) -> bool:
        if self.shapes != other.shapes or not np.array_equal(self.answers, other.answers):
            return True
        return self.operations != other.operations


@functools.lru_cache(maxsize=16)
def tried(model: str, head: str) -> Tried:
    left, right = json.loads(model), json.loads(head)
    task, target = questions(right["name"])[0]
    return Tried(build_network(make_experiment(task, left, right), make_signature(target)))


def try_out(registry: Registry[Any], name: str, configuration: Configuration) -> Tried:
    """Return a component of this configuration beside the first component of the other kind."""
    model = {"architecture": name, **configuration} if registry is ARCHITECTURES else models(extremes)[0]
    head = {"name": name, **configuration} if registry is HEADS else heads(extremes)[0][0]
    return tried(json.dumps(model), json.dumps(head))


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
        if try_out(registry, name, left).differs(try_out(registry, name, right)):
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
    rest = [each for each in in_turn() if each not in few()]
    return [*few(), *(pytest.param(each, marks=pytest.mark.slow) for each in rest)]


@pytest.fixture(scope="module", params=runs(), ids=str)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train a case on raw examples far from standard units; they validate too."""
    case, folder = request.param, tmp_path_factory.mktemp("runs")
    data = write_npz(folder / "train.npz", make_examples(case.target, SHORT, scale=40, offset=300))
    training = {"epochs": 60, "batch_size": 4, "buckets": {"shapes": 1}, "best": None}
    training["optimizer"] = {"name": "adam", "learning_rate": 0.01}
    experiment = make_experiment(case.task, case.model, case.head, train=data, training=training)
    run = RunDir.create(folder / "run")
    built = []

    def build_and_keep(*arguments: Any) -> Any:
        built.append(build_network(*arguments))
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
    assert history[-1]["loss"] < 0.1 * history[0]["loss"]


def test_a_loaded_run_answers_as_the_network_in_memory(trained: Trained) -> None:
    assert trained.predictor.network is not trained.network
    inputs, lengths = batch()
    given = {"sequence": inputs, "lengths": lengths}
    np.testing.assert_allclose(trained.predictor.network(given), trained.network(given), atol=1e-6)


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
    module = importlib.import_module(type(exporter).__module__)
    for more, garbage in ((0, None), (5, np.nan), (11, None)):
        monkeypatch.setattr(module, "pad", functools.partial(pad_longer, more=more, garbage=garbage))
        found, _ = exporter.ask(predictor, path, samples(predictor))
        assert largest_difference(found, expected) <= exporter.tolerance, (more, garbage)


def pad_longer(sequences: list[np.ndarray], more: int, garbage: float | None) -> np.ndarray:
    return pad_with(sequences, max(map(len, sequences)) + more, garbage)
