"""No dead keys: each one that a spec accepts, changed, changes the model, the data or the run.

`EFFECTS` has an entry for every key of the classes below; a new key without one fails the first test. The keys of
architectures, heads, transforms and sources are held by their own tests, an optimizer's own by `test_optimizers`.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from rnnlab.errors import DataError
from rnnlab.examples import FlatExamples
from rnnlab.experiment import Experiment, load_experiment
from rnnlab.places import Places
from rnnlab.rundir import RunDir, read_arrays
from rnnlab.settings import Training
from rnnlab.signature import Field, Signature
from rnnlab.sources import SequenceSource, Validation
from rnnlab.strict import Strict
from rnnlab.tasks import TASKS
from rnnlab.windows import Windows

SPEC = """\
data: {source: npz, train: train.npz, test: test.npz}
task: {kind: classification}
model: {architecture: stacked_rnn, cell: simple, units: [4]}
training: {epochs: 1, batch_size: 8}
"""
REGRESSION = ("data.train=numbers.npz", "data.test=", "task={kind: regression}")
SERIES = "data={source: series, file: series.csv, time: time, target: y, test: none, validation: {by: none}}"
FORECAST = (SERIES, "transforms=[impute]", "training.best=null", "task={kind: forecasting, history: 6, horizon: 3}")
DECODER = (*FORECAST, "model={architecture: seq2seq}")
TEXT = ("data={source: text, train: text.csv}", "transforms=[words]")
TAGGING = ("data={source: conll, train: train.conll}", "transforms=[words]", "task={kind: tagging}")
PAIRS = (
    "data={source: parallel, train: pairs.tsv}",
    "transforms=[characters]",
    "task={kind: sequence_to_sequence}",
    "model={architecture: seq2seq}",
)
CALLS = ("data={source: dial_tones, train: 12, validation_examples: 4, test: 1}", "task={kind: transcription}")
FOLDS = "data.validation.by=folds"
SERIES = (
    "data={source: series, dataset: co2}",
    "task={kind: forecasting, history: all, horizon: 3}",
    "head={name: per_step}",
)


def strict_classes(annotation: Any) -> Iterator[type[Strict]]:
    """Return the classes of keys that an annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        yield annotation
    for each in typing.get_args(annotation):
        yield from strict_classes(each)


def with_nested(cls: type[Strict]) -> Iterator[type[Strict]]:
    yield cls
    for field in cls.model_fields.values():
        for each in strict_classes(field.annotation):
            yield from with_nested(each)


def classes() -> list[type[Strict]]:
    found = [
        Experiment,
        *with_nested(SequenceSource),
        *with_nested(Training),
        *(each for name in TASKS.names() for each in with_nested(TASKS.load(name)) if not inspect.isabstract(each)),
    ]
    return [each for each in dict.fromkeys(found) if each.__name__ != "Schedule"]  # a schedule's are Keras's own


def all_keys() -> set[str]:
    return {f"{cls.__name__}.{key}" for cls in classes() for key in cls.model_fields}


# What a key can change. Each look returns something that can be compared.


class Bench:
    """A folder with data, and what experiments in it come to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.places = folder, Places(folder, folder)
        (folder / "spec.yaml").write_text(SPEC)
        random = np.random.default_rng(0)
        lengths = random.integers(3, 20, 50)
        values = random.normal(size=(lengths.sum(), 2)).astype(np.float32)
        common = {"values": values, "lengths": lengths, "groups": np.arange(50) // 4}
        labels = np.array(["a", "b", "b"])[np.arange(50) % 3]
        np.savez(folder / "train.npz", **common, labels=labels)
        np.savez(folder / "test.npz", **common, labels=labels)
        np.savez(folder / "numbers.npz", **common, labels=random.normal(size=50))
        days = np.datetime64("2021-01-01") + np.arange(60)
        rows = (f"{day},{value}" for day, value in zip(days, random.normal(size=60), strict=True))
        (folder / "series.csv").write_text("\n".join(["time,y", *rows]) + "\n")
        (folder / "text.csv").write_text("text,label\n" + "one two,a\nthree,b\n" * 20)
        (folder / "pairs.tsv").write_text("one two\teins zwei\nthree\tdrei\n" * 20)
        holes = np.where(np.arange(len(values))[:, None] == 0, np.nan, values)  # in the first sequence
        np.savez(folder / "holes.npz", **{**common, "values": holes}, labels=labels)

    @functools.cache  # noqa: B019 - one bench, gone with the module
    def trained(self, settings: tuple[str, ...]) -> RunDir:
        from rnnlab.training import train

        experiment = self.experiment(settings)
        run = RunDir.create(self.folder / "runs" / hashlib.sha256("|".join(settings).encode()).hexdigest()[:12])
        train(experiment, run, self.places)
        return run

    def experiment(self, settings: tuple[str, ...]) -> Experiment:
        return load_experiment(self.folder / "spec.yaml", settings)


def split(bench: Bench, settings: tuple[str, ...]) -> object:
    splits = bench.experiment(settings).data.splits(bench.places)
    return {name: examples.fingerprint() for name, examples in splits.items()}


def left(bench: Bench, settings: tuple[str, ...]) -> object:
    """Return how many sequences are left of a file with a bad one, or that it is refused."""
    try:
        splits = bench.experiment(("data.train=holes.npz", "data.validation.by=none", *settings)).data.splits(
            bench.places
        )
    except DataError:
        return "refused"
    return len(splits["train"])


def prepared(bench: Bench, settings: tuple[str, ...]) -> Any:
    from rnnlab.training import prepare

    experiment = bench.experiment(settings)
    return prepare(experiment, experiment.data.splits(bench.places), bench.folder / "cache")


def kept_values(bench: Bench, settings: tuple[str, ...]) -> object:
    train = prepared(bench, settings).splits["train"]
    return train.values[:5].tolist()


def kept_on_disk(bench: Bench, settings: tuple[str, ...]) -> object:
    values = prepared(bench, settings).splits["train"].values
    while getattr(values, "base", None) is not None and not isinstance(values, np.memmap):
        values = values.base
    return isinstance(values, np.memmap)


def plan(bench: Bench, settings: tuple[str, ...]) -> object:
    from rnnlab.training import batching
    from rnnlab.training.loop import plan_training

    experiment, ready = bench.experiment(settings), prepared(bench, settings)
    how = batching(experiment.training, ready.widths)
    batches = plan_training(experiment.training, ready.splits["train"].lengths, how, experiment.seed, 0)
    return [(batch.width, batch.indices.tolist()) for batch in batches]


def lanes(bench: Bench, settings: tuple[str, ...]) -> object:
    """Return the segments of an epoch of three series."""
    from rnnlab.plan import Batching
    from rnnlab.training.loop import plan_training

    training = bench.experiment((*SERIES, *settings)).training
    batches = plan_training(training, np.array([30, 20, 9]), Batching((30,), training.batch_size), 0, 0)
    return [(batch.width, batch.indices.tolist()) for batch in batches]


def losses(bench: Bench, settings: tuple[str, ...]) -> object:
    experiment = bench.experiment(settings)
    train = experiment.data.splits(bench.places)["train"]
    task = experiment.task
    asked = task.examples(train, train=True)
    assert asked.targets is not None
    shape = task.shape(train.signature.known_target)
    outputs = np.random.default_rng(1).normal(size=(len(asked), *shape)).astype(np.float32)
    ahead = np.asarray(asked.targets, np.float32)
    batch = {"targets": asked.targets, "ahead": ahead, "weights": np.ones(len(asked), np.float32)}
    found, weights = task.losses(outputs, batch, task.fit(asked))
    return np.asarray(found * weights).tolist()


def tags(bench: Bench, settings: tuple[str, ...]) -> object:
    """Return the answer to scores that ask for an I-x without a B-x before it."""
    task, names = bench.experiment(settings).task, ("B-x", "I-x", "O")
    signature = Signature((Field("words", "words", ()),), Field("tags", "tags", (), names))
    words = [np.array([b"one", b"two", b"three"])]
    learnt = task.fit(FlatExamples.from_sequences(signature, ["0"], words, np.array([[2, 0, 1]])))
    scores = np.array([[[0, 1, 5], [0, 2, 1], [0, 1, 3]]], np.float32)
    return np.asarray(task.answers(tf.constant(scores), tf.constant([3]), learnt)["tags"]).tolist()


def asked_for(bench: Bench, settings: tuple[str, ...]) -> object:
    return prepared(bench, settings).pipeline.signature.known_target


def written_losses(bench: Bench, settings: tuple[str, ...]) -> object:
    """Return the losses of scores of three tokens."""
    scores = np.array([[[0.0, 1.0, 2.0]]], np.float32)
    batch = {"targets": np.array([[2]]), "weights": np.ones(1, np.float32)}
    return np.asarray(bench.experiment(settings).task.losses({"scores": scores}, batch, {})[0]).tolist()


def told(bench: Bench, settings: tuple[str, ...]) -> object:
    """Return what each score is, the main one first."""
    metrics = bench.experiment(settings).task.metrics(Field("target", "string", (3,), ("a", "b")))
    return [(name, metric.full_definition()) for name, metric in metrics.items()]


def searched(bench: Bench, settings: tuple[str, ...]) -> object:
    """Return how the network looks for an answer."""
    from rnnlab.network import build_network

    experiment = bench.experiment(settings)
    return build_network(experiment, prepared(bench, settings).pipeline.signature).get_layer("decoder").search


def learnt(bench: Bench, settings: tuple[str, ...]) -> object:
    return prepared(bench, settings).learnt.keys()


def transcribed(bench: Bench, settings: tuple[str, ...]) -> object:
    """Return the answers to scores of three steps, of which a blank is the most probable one at each."""
    ready = prepared(bench, settings)
    scores = np.log(np.linspace(0.1, 1, len(ready.pipeline.signature.known_target.names)) / 6)
    scores[0] = np.log(0.3)
    outputs = {"scores": tf.constant(np.tile(scores, (1, 3, 1)), tf.float32), "lengths": tf.constant([3])}
    found = bench.experiment(settings).task.answers(outputs, None, ready.learnt)
    return {name: np.asarray(each).tolist() for name, each in found.items()}


def windows(bench: Bench, settings: tuple[str, ...]) -> object:
    """Return where each training window begins and ends, and how far its horizon reaches."""
    experiment = bench.experiment(settings)
    asked = experiment.task.examples(experiment.data.splits(bench.places)["train"], train=True)
    assert isinstance(asked, Windows)
    return asked.origins.tolist(), asked.lengths.tolist(), asked.horizon


def seasons(bench: Bench, settings: tuple[str, ...]) -> object:
    """Return what an error is measured by: the mean change from a season before."""
    experiment = bench.experiment(settings)
    return experiment.task.fit(experiment.task.examples(experiment.data.splits(bench.places)["train"]))[
        "error"
    ].tolist()


def levels(bench: Bench, settings: tuple[str, ...]) -> object:
    return bench.experiment(settings).task.constants()["levels"].tolist()


def network(bench: Bench, settings: tuple[str, ...]) -> object:
    from rnnlab.network import build_network

    built = build_network(bench.experiment(settings), prepared(bench, settings).pipeline.signature)
    return [(layer.name, type(layer).__name__, layer.count_params()) for layer in built.layers]


def optimizer(bench: Bench, settings: tuple[str, ...]) -> object:
    return str(bench.experiment(settings).training.optimizer.build().get_config())


ROWS = [
    {"epoch": epoch, "val_loss": loss, "loss": 1 / epoch, "val_accuracy": accuracy, "val_macro_f1": 0.5}
    for epoch, (loss, accuracy) in enumerate(
        [(1.0, 0.3), (0.9, 0.4), (0.89, 0.4), (0.95, 0.3), (0.94, 0.5), (0.96, 0.6), (0.97, 0.6), (0.98, 0.6)], start=1
    )
]


def course(bench: Bench, settings: tuple[str, ...]) -> object:
    """Return what is the best epoch, when training stops, and its learning rates, over a given history."""
    from rnnlab.training.watching import Watches

    watches = Watches(bench.experiment(settings).training, {})
    rates = [0.1]
    best, stops = [], []
    for row in ROWS:
        best.append(watches.is_best(row))
        stops.append(watches.stop(row) is not None)
        rates.append(watches.lowered(row, rates[-1]))
    return best, stops, rates


def weights(bench: Bench, settings: tuple[str, ...]) -> object:
    arrays = read_arrays(bench.trained(settings).weights)
    return {name: values.tolist() for name, values in arrays.items()}


def history(bench: Bench, settings: tuple[str, ...]) -> object:
    """Return the history but for its seconds."""
    lines = bench.trained(settings).history.read_text().splitlines()
    return [line.rpartition(",")[0] for line in lines]


def files(bench: Bench, settings: tuple[str, ...]) -> object:
    return sorted(path.name for path in bench.trained(settings).path.iterdir())


@functools.cache
def saves(bench: Bench, settings: tuple[str, ...]) -> object:
    """Return after how many steps the state was saved."""
    from rnnlab.training import loop

    steps: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "save_state", lambda *arguments: steps.append(arguments[-1].update))
        patch.setattr(loop, "SHARE_OF_SAVING", float("inf"))  # as often as the key says, whatever it costs
        bench.trained(settings)
    return steps


def parts(bench: Bench, settings: tuple[str, ...]) -> object:
    """Return in how many parts a batch is computed."""
    from rnnlab.training.step import Stepper

    calls, gradients = [], Stepper._gradients
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stepper, "_gradients", lambda *arguments: calls.append(1) or gradients(*arguments))
        bench.trained(settings)
    return len(calls)


def devices(bench: Bench, settings: tuple[str, ...]) -> object:
    """Return what a machine with one GPU would be asked for."""
    import tensorflow as tf

    from rnnlab.training.devices import build_strategy, prepare_devices

    asked: list[object] = []
    fake = types.SimpleNamespace(name="fake")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf.config, "list_physical_devices", lambda kind=None: [fake])
        patch.setattr(tf.config, "list_logical_devices", lambda kind=None: [fake] * 16)
        patch.setattr(tf.config, "set_logical_device_configuration", lambda _, each: asked.append(len(each)))
        patch.setattr(tf.distribute, "OneDeviceStrategy", asked.append)
        patch.setattr(tf.distribute, "MirroredStrategy", asked.append)
        training = bench.experiment(settings).training
        prepare_devices(training)
        build_strategy(training)
    return asked


def run_name(bench: Bench, settings: tuple[str, ...]) -> object:
    from rnnlab.cli.training import TrainingRequest, _new_run

    request = TrainingRequest(None, None, settings, False, None, None, None, None, bench.folder / "named")
    return _new_run(request, bench.experiment(settings).name).path.name.rpartition("-")[0]


Look = Callable[[Bench, tuple[str, ...]], object]
Settings = tuple[str, ...] | str


def watching(section: str, key: str, one: str, other: str, rest: str = "") -> tuple[Look, Settings, Settings]:
    """Return an effect of a key of a watching section on a given history."""
    return course, f"training.{section}={{{rest}{key}: {one}}}", f"training.{section}={{{rest}{key}: {other}}}"


STOP, PLATEAU = "monitor: val_loss, patience: 2, ", "monitor: val_loss, patience: 1, "

# For each key what shows its effect, and two settings between which only this key differs.
EFFECTS: dict[str, tuple[Look, Settings, Settings]] = {
    "Experiment.name": (run_name, "name=a", "name=b"),
    "Experiment.data": (split, (), "data={test: null}"),
    "Experiment.transforms": (kept_values, "transforms=[]", "transforms=[min_max]"),
    "Experiment.augmentations": (weights, "augmentations=[]", "augmentations=[jitter]"),
    "Experiment.task": (losses, (), REGRESSION),
    "Experiment.model": (network, "model={units: [4]}", "model={architecture: conv_rnn}"),
    "Experiment.head": (network, "head={name: classes}", "head={name: classes, readout: attention}"),
    "Experiment.training": (history, (), "training={batch_size: 16}"),
    "Experiment.seed": (weights, "seed=0", "seed=1"),
    "SequenceSource.validation": (split, (), "data.validation={by: none}"),
    "SequenceSource.on_bad": (left, "data.on_bad=error", "data.on_bad=skip"),
    "SequenceSource.cache": (kept_on_disk, "data.cache=memory", "data.cache=disk"),
    "Validation.by": (split, "data.validation.by=fraction", FOLDS),
    "Validation.fraction": (split, "data.validation.fraction=0.2", "data.validation.fraction=0.4"),
    "Validation.folds": (split, (FOLDS, "data.validation.folds=3"), (FOLDS, "data.validation.folds=4")),
    "Validation.fold": (split, (FOLDS, "data.validation.fold=0"), (FOLDS, "data.validation.fold=1")),
    "Validation.stratify": (split, "data.validation.stratify=true", "data.validation.stratify=false"),
    "Validation.grouped": (split, "data.validation.grouped=true", "data.validation.grouped=false"),
    "Validation.seed": (split, "data.validation.seed=0", "data.validation.seed=1"),
    "Validation.test_fold": (split, (FOLDS, "data.test="), (FOLDS, "data.test=", "data.validation.test_fold=true")),
    "Training.epochs": (history, "training.epochs=1", "training.epochs=2"),
    "Training.batch_size": (plan, "training.batch_size=8", "training.batch_size=16"),
    "Training.batch_steps": (plan, "training={batch_size: 32}", "training={batch_size: 32, batch_steps: 100}"),
    "Training.examples_per_epoch": (plan, (), "training.examples_per_epoch=17"),
    "Training.tbptt": (lanes, (), "training.tbptt={steps: 4}"),
    "Truncated.steps": (lanes, "training.tbptt={steps: 4}", "training.tbptt={steps: 5}"),
    "Training.accumulate": (parts, "training={epochs: 1, accumulate: 1}", "training={epochs: 1, accumulate: 2}"),
    "Training.precision": (history, "training.precision=float32", "training.precision=mixed_bfloat16"),
    "Training.buckets": (plan, "training.buckets={shapes: 1}", "training.buckets={}"),
    "Training.optimizer": (optimizer, "training.optimizer=adam", "training.optimizer=sgd"),
    "Training.early_stopping": (
        history, "training={epochs: 3}", "training={epochs: 3, early_stopping: {patience: 1, min_delta: 100}}",
    ),
    "Training.reduce_on_plateau": (
        history, "training={epochs: 3}", "training={epochs: 3, reduce_on_plateau: {patience: 1, min_delta: 100}}",
    ),
    "Training.best": (
        weights, "training={epochs: 3, best: null}", "training={epochs: 3, best: {monitor: loss, mode: max}}",
    ),
    "Training.devices": (devices, "training.devices=auto", "training.devices=cpu"),
    "Training.save_every": (saves, "training.save_every={steps: 3}", "training.save_every={steps: 2}"),
    "Training.tensorboard": (files, "training.tensorboard=false", "training.tensorboard=true"),
    "Buckets.shapes": (plan, "training.buckets.shapes=2", "training.buckets.shapes=4"),
    "Replicas.replicas": (devices, "training.devices={replicas: 2}", "training.devices={replicas: 3}"),
    "SaveEvery.steps": (saves, "training.save_every={steps: 3}", "training.save_every={steps: 2}"),
    "SaveEvery.seconds": (saves, "training.save_every={seconds: 1000}", "training.save_every={seconds: 0.000001}"),
    "Monitored.monitor": watching("best", "monitor", "val_loss", "val_accuracy"),
    "Monitored.mode": watching("best", "mode", "min", "max"),
    "EarlyStopping.monitor": watching("early_stopping", "monitor", "val_loss", "val_macro_f1", "patience: 3, "),
    "EarlyStopping.mode": watching("early_stopping", "mode", "auto", "max", STOP),
    "EarlyStopping.patience": watching("early_stopping", "patience", "2", "3"),
    "EarlyStopping.min_delta": watching("early_stopping", "min_delta", "0.0", "0.05", STOP),
    "ReduceOnPlateau.monitor": watching("reduce_on_plateau", "monitor", "val_loss", "val_accuracy", "patience: 1, "),
    "ReduceOnPlateau.mode": watching("reduce_on_plateau", "mode", "auto", "max", PLATEAU),
    "ReduceOnPlateau.patience": watching("reduce_on_plateau", "patience", "1", "2"),
    "ReduceOnPlateau.factor": watching("reduce_on_plateau", "factor", "0.5", "0.1", PLATEAU),
    "ReduceOnPlateau.min_learning_rate": watching("reduce_on_plateau", "min_learning_rate", "0.0", "0.05", PLATEAU),
    "ReduceOnPlateau.min_delta": watching("reduce_on_plateau", "min_delta", "0.0", "0.05", PLATEAU),
    "Optimizer.learning_rate": (weights, (), "training.optimizer={name: adam, learning_rate: 0.1}"),
    "Optimizer.weight_decay": (weights, (), "training.optimizer={name: adam, weight_decay: 0.5}"),
    "Optimizer.clip_value": (weights, (), "training.optimizer={name: adam, clip_value: 0.0001}"),
    "Optimizer.clip_norm": (weights, (), "training.optimizer={name: adam, clip_norm: 0.0001}"),
    "Optimizer.clip_global_norm": (weights, (), "training.optimizer={name: adam, clip_global_norm: 0.0001}"),
    "Classification.class_weights": (losses, "task.class_weights=none", "task.class_weights=balanced"),
    "Classification.label_smoothing": (losses, "task.label_smoothing=0.0", "task.label_smoothing=0.1"),
    "Forecasting.history": (windows, FORECAST, (*FORECAST, "task.history=7")),
    "Forecasting.horizon": (windows, FORECAST, (*FORECAST, "task.horizon=4")),
    "Forecasting.stride": (windows, FORECAST, (*FORECAST, "task.stride=2")),
    "Forecasting.min_history": (windows, FORECAST, (*FORECAST, "task.min_history=2")),
    "Forecasting.season": (seasons, FORECAST, (*FORECAST, "task.season=5")),
    "Forecasting.seasonal_mean": (
        network, (*FORECAST, "task.season=5"), (*FORECAST, "task.season=5", "task.seasonal_mean=2"),
    ),
    "Experiment.stem": (network, TEXT, (*TEXT, "stem={name: embedding, units: 5}")),
    "Forecasting.output": (losses, FORECAST, (*FORECAST, "task.output=normal")),
    "Forecasting.loss": (losses, FORECAST, (*FORECAST, "task.loss=huber")),
    "Forecasting.levels": (
        levels, (*FORECAST, "task.output=quantiles"), (*FORECAST, "task.output=quantiles", "task.levels=[0.1, 0.5]"),
    ),
    "Tagging.constrained": (tags, TAGGING, (*TAGGING, "task.constrained=true")),
    "SequenceToSequence.tokens": (asked_for, PAIRS, (*PAIRS, "task.tokens=characters")),
    "SequenceToSequence.max_length": (asked_for, PAIRS, (*PAIRS, "task.max_length=7")),
    "SequenceToSequence.label_smoothing": (written_losses, PAIRS, (*PAIRS, "task.label_smoothing=0.2")),
    "SequenceToSequence.search": (searched, PAIRS, (*PAIRS, "task.search={beam: 2}")),
    "SequenceToSequence.bleu_tokenizer": (told, PAIRS, (*PAIRS, "task.bleu_tokenizer=intl")),
    "SequenceToSequence.main_metric": (told, PAIRS, (*PAIRS, "task.main_metric=chrf")),
    "BeamSearch.beam": (searched, PAIRS, (*PAIRS, "task.search.beam=3")),
    "BeamSearch.length_penalty": (
        searched, (*PAIRS, "task.search.beam=3"), (*PAIRS, "task.search.beam=3", "task.search.length_penalty=0.6"),
    ),
    "BeamSearch.answers": (
        searched, (*PAIRS, "task.search.beam=3"), (*PAIRS, "task.search.beam=3", "task.search.answers=2"),
    ),
    "Transcription.tokens": (asked_for, CALLS, (*CALLS, "task.tokens=words")),
    "Transcription.language_order": (learnt, CALLS, (*CALLS, "task.language_order=2")),
    "Transcription.search": (transcribed, CALLS, (*CALLS, "task.search={beam: 3}")),
    "Transcription.main_metric": (told, CALLS, (*CALLS, "task.main_metric=exact_match")),
    "PrefixSearch.beam": (transcribed, CALLS, (*CALLS, "task.search.beam=3")),
    "PrefixSearch.language_weight": (
        transcribed,
        (*CALLS, "task={language_order: 2, search: {beam: 3}}"),
        (*CALLS, "task={language_order: 2, search: {beam: 3, language_weight: 0.5}}"),
    ),
    "PrefixSearch.answers": (
        transcribed, (*CALLS, "task.search.beam=3"), (*CALLS, "task.search={beam: 3, answers: 2}"),
    ),
    "Regression.loss": (losses, (*REGRESSION, "task.loss=squared"), (*REGRESSION, "task.loss=huber")),
}  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    from rnnlab.quiet import load_tensorflow

    load_tensorflow()
    return Bench(tmp_path_factory.mktemp("bench"))


def test_every_key_has_a_test_that_it_does_something() -> None:
    for key in sorted(all_keys() - set(EFFECTS)):
        pytest.fail(f"key {key} has no test that it does something: give it an entry in EFFECTS")
    assert set(EFFECTS) <= all_keys()


def test_a_new_key_would_be_noticed() -> None:
    class Deeper(Strict):
        depth: int = 1

    class Extended(Training):
        deeper: list[Deeper] | None = None

    assert {"Extended", "Deeper", "EarlyStopping"} <= {each.__name__ for each in with_nested(Extended)}
    assert "deeper" in Extended.model_fields


def settings_of(settings: Settings) -> tuple[str, ...]:
    return (settings,) if isinstance(settings, str) else settings


@pytest.mark.parametrize("key", sorted(EFFECTS))
def test_a_key_changes_the_model_the_data_or_the_run(bench: Bench, key: str) -> None:
    look, one, other = EFFECTS[key]
    assert look(bench, settings_of(one)) != look(bench, settings_of(other))


@pytest.mark.parametrize("kind", ["absolute", "huber"])
def test_every_kind_of_regression_loss_is_its_own(bench: Bench, kind: str) -> None:
    others = {"squared", "absolute", "huber"} - {kind}
    found = losses(bench, (*REGRESSION, f"task.loss={kind}"))
    assert all(losses(bench, (*REGRESSION, f"task.loss={other}")) != found for other in others)


def test_class_weights_by_name_weigh_those_classes(bench: Bench) -> None:
    plain, weighted = (
        losses(bench, (f"task.class_weights={weights}",)) for weights in ("{a: 1.0, b: 1.0}", "{a: 3.0}")
    )
    assert plain == losses(bench, ())
    assert weighted != plain


def test_the_same_settings_train_the_same_weights(bench: Bench) -> None:
    """Else every look at a trained run would find a difference, whatever the key."""
    assert weights(bench, ()) == weights(bench, ("seed=0",))
    assert history(bench, ()) == history(bench, ("seed=0",))


def test_by_given_takes_the_source_own_split_and_none_takes_none(bench: Bench) -> None:
    given = split(bench, ("data={validation: {by: given}, validation_file: test.npz}",))
    assert given["validation"] == given["test"]  # type: ignore[index]
    assert set(split(bench, ("data.validation.by=none",))) == {"train", "test"}  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("teacher_forcing: {}", "teacher_forcing: {start: 0.0}"),
        ("teacher_forcing: {epochs: 2}", "teacher_forcing: {epochs: 2, end: 0.9}"),
        ("teacher_forcing: {epochs: 2}", "teacher_forcing: {epochs: 3}"),
        pytest.param("feedback: true", "feedback: false", marks=pytest.mark.slow),
        pytest.param("dropout: 0.0", "dropout: 0.3", marks=pytest.mark.slow),
        pytest.param("attention: luong", "attention: luong, input_feeding: true", marks=pytest.mark.slow),
    ],
)
def test_a_key_of_a_decoder_changes_its_training(bench: Bench, one: str, other: str) -> None:
    """Those of networks are held by the contract tests; some only change what is read in training."""
    found = [
        history(bench, (*DECODER, f"model.decoder={{units: [3], {each}}}", "training.epochs=2"))
        for each in (one, other)
    ]
    assert found[0] != found[1]


@pytest.mark.parametrize("kind", ["absolute", "squared", "huber"])
def test_every_kind_of_loss_of_forecasts_is_its_own(bench: Bench, kind: str) -> None:
    others = {"squared", "absolute", "huber"} - {kind}
    found = losses(bench, (*FORECAST, f"task.loss={kind}"))
    assert all(losses(bench, (*FORECAST, f"task.loss={other}")) != found for other in others)


IDLE = [
    ("task={kind: forecasting, history: 6, horizon: 3, output: normal, loss: huber}", "task.loss"),
    ("task={kind: forecasting, history: 6, horizon: 3, levels: [0.5]}", "task.levels"),
    ("model={architecture: seq2seq, decoder: {input_feeding: true}}", "model.decoder.input_feeding"),
    (
        "model={architecture: seq2seq, decoder: {feedback: false, teacher_forcing: {start: 0.5}}}",
        "model.decoder.teacher_forcing",
    ),
    (
        "model={architecture: seq2seq, decoder: {teacher_forcing: {start: 1.0, end: 1.0, epochs: 7}}}",
        "model.decoder.teacher_forcing.epochs",
    ),
    ("training={batch_steps: 100, batch_size: 4}", "training.batch_size"),
    ("training={tbptt: {steps: 4}, examples_per_epoch: 9}", "training.examples_per_epoch"),
    ("head={name: classes, readout: mean, attention_units: 4}", "head.attention_units"),
    ("model={architecture: conv_rnn, blocks: [{pool_kind: mean}]}", "model.blocks.0.pool_kind"),
    ("training.optimizer={name: sgd, nesterov: true}", "training.optimizer.nesterov"),
]


@pytest.mark.parametrize(("setting", "key"), IDLE)
def test_a_key_that_would_do_nothing_beside_another_is_refused(bench: Bench, setting: str, key: str) -> None:
    from rnnlab.errors import SpecError

    with pytest.raises(SpecError, match="does nothing while") as error:
        bench.experiment((setting,))
    assert f"{key}: " in str(error.value)


def test_validation_is_the_class_that_the_source_uses() -> None:
    assert Validation in classes()
