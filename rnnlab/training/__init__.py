"""Training: from an experiment to a run folder that holds all that is needed to answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rnnlab.augmentations import staged
from rnnlab.errors import DataError, NonFiniteError, RunError
from rnnlab.examples import Examples, FlatExamples, skipped_by_split
from rnnlab.experiment import Experiment
from rnnlab.manifest import command, describe_data, now, versions, write_skipped
from rnnlab.places import Places
from rnnlab.plan import Batching, choose_widths
from rnnlab.preparation import Pipeline, Unfinished, check_filled, require_examples, stored
from rnnlab.quiet import load_tensorflow
from rnnlab.registry import plugin_digests, plugins
from rnnlab.rundir import RunDir, write_json
from rnnlab.settings import Training
from rnnlab.signature import Field
from rnnlab.tasks import Learnt, Task
from rnnlab.training.reporting import Reporter, Silent
from rnnlab.training.resuming import begin_or_go_on, check_resumable, nothing_left
from rnnlab.windows import Lanes, SeriesLanes, Windows


@dataclass(frozen=True)
class Prepared:
    """An experiment's data, opened, checked, and prepared.

    Attributes:
        task: what is asked.
        raw: the examples of each split that are asked about.
        splits: the same after every transform; windows are prepared when their batch is made, and what is varied before
            a transform (`Unfinished`) when it has been.
        pipeline: the transforms, fitted on the training split.
        learnt: what the task learnt from the training targets.
        widths: the bucket boundaries.
    """

    task: Task
    raw: dict[str, Examples]
    splits: dict[str, Examples]
    pipeline: Pipeline
    learnt: Learnt
    widths: tuple[int, ...]

    @property
    def notes(self) -> list[str]:
        """What the user should know of how the splits came out, one line each."""
        inner = (Lanes, Unfinished)
        flat = {name: each.prepared if isinstance(each, inner) else each for name, each in self.splits.items()}
        whole = {name: each for name, each in flat.items() if isinstance(each, FlatExamples)}
        pairs = zip(self.pipeline.transforms, self.pipeline.learnt, strict=True)
        own = [note for transform, learnt in pairs for note in transform.notes(learnt, whole)]
        return [*own, *self.task.notes(self.learnt, whole)]


def train(
    experiment: Experiment,
    run: RunDir,
    places: Places,
    reporter: Reporter | None = None,
    *,
    resume: bool = False,
    weights_from: RunDir | None = None,
) -> str:
    """Train, and leave everything in the run folder. Returns why the training ended.

    Args:
        experiment: the spec.
        run: a new run folder, or with `resume` the one to go on in.
        places: where the spec's paths are looked for.
        reporter: is told of the course.
        resume: go on from the run's state instead of beginning.
        weights_from: another run, whose weights of the same name and shape are the starting point.

    Raises:
        UserError: the data does not fit the spec, or the run can't be resumed exactly.
        Interrupted, NonFiniteError: see `Loop.train_to_the_end`.
    """
    from rnnlab.training.devices import build_strategy, prepare_devices

    reporter = reporter or Silent()
    load_tensorflow()
    prepare_devices(experiment.training)
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    raw = experiment.data.splits(places)
    check_target(experiment, raw)
    data = describe_data(raw, raw["train"].signature)
    strategy = build_strategy(experiment.training)
    with run.locked():
        known: dict[str, Any] = {}
        if run.begun:
            if not resume:  # another process was quicker
                raise RunError(f"{run.path}: not empty; choose another --run, or --resume to go on with it")
            known = run.read_manifest()
            check_resumable(run, known, experiment, data, weights_from)
            reason = nothing_left(known, experiment)
            if reason is not None:
                return f"nothing to do: {reason}"
        prepared = prepare(experiment, raw, run.path / "cache")
        loop = _build_loop(experiment, run, prepared, strategy, reporter)
        experiment.task.check(loop.stepper.network, prepared.splits)
        manifest = _manifest(experiment, places, data, known, loop, weights_from)
        # Before anything is trained, so that whatever is killed from here on can be resumed by the folder's name
        # alone. The manifest comes last: a folder without one was not begun.
        run.write_spec(experiment.to_yaml())
        write_json(run.manifest, manifest)
        run.forget_scores()  # of an earlier end; they would stand beside other weights
        _say_skipped(raw, run, reporter)
        try:
            begin = partial(_begin, experiment, loop.stepper.network, prepared, places)
            begin_or_go_on(loop, prepared, manifest, begin, resume=resume)
            loop.train_to_the_end()
        except NonFiniteError as error:
            write_json(run.manifest, {**manifest, "status": "not finite", "failure": error.record})
            raise
        return _finish(run, loop, manifest)


def _manifest(
    experiment: Experiment,
    places: Places,
    data: dict[str, Any],
    known: dict[str, Any],
    loop: Any,
    weights_from: RunDir | None,
) -> dict[str, Any]:
    """Return the manifest of a training that begins, or of one that goes on: `known` is what it was."""
    from rnnlab.training.devices import describe_devices

    variables = loop.stepper.network.trainable_variables
    manifest = {
        "name": experiment.name,
        "status": "training",
        "started": known.get("started") or now(),
        "command": command(),
        "seed": experiment.seed,
        "versions": versions(),
        "plugins": plugins(),
        "plugin_digests": plugin_digests(),
        "spec_folder": str(places.spec),
        "data_folder": str(places.data),
        "data": data,
        "hardware": describe_devices(loop.stepper.strategy),
        "determinism": "op determinism on",
        "widths": list(loop.batching.widths),
        "parameters": int(sum(np.prod(each.shape) for each in variables)),
    }
    origin = known.get("weights_from") if weights_from is None else str(weights_from.path.absolute())
    return manifest if origin is None else {**manifest, "weights_from": origin}


def _begin(
    experiment: Experiment, network: Any, prepared: Prepared, places: Places, given: Collection[str]
) -> list[str]:
    """Give a new network the weights that a stem has; return what the user should know of them, and of the data."""
    notes = prepared.notes
    for field in prepared.pipeline.signature.inputs:
        stem = experiment.stem_for(field)
        if stem is not None:
            notes += stem.begin(network, field, places, given)
    notes += experiment.model.begin(network, places, given)
    return notes


def _say_skipped(raw: dict[str, Examples], run: RunDir, reporter: Reporter) -> None:
    skipped = skipped_by_split(raw)
    if skipped:
        write_skipped(run.skipped, skipped)
    for note in raw["train"].notes:
        reporter.say(f"data: {note}")
    for split, sequences in skipped.items():
        reporter.say(f"{split}: {len(sequences)} bad sequence(s) left out; {run.skipped} lists them")


def prepare(experiment: Experiment, raw: dict[str, Examples], cache: Path | None = None) -> Prepared:
    """Fit transforms and task on the training split, and apply the transforms to every split."""
    task = experiment.task
    wanted = [name for name in raw if name in ("train", "validation")]
    asked = {name: task.examples(raw[name], train=name == "train") for name in wanted}
    check_filled(experiment.transforms, raw)
    train = asked["train"]
    on_disk = experiment.data.on_disk
    store = cache if on_disk else None
    pipeline = Pipeline.fit(experiment.transforms, task.to_fit(train), stored(store, "fit"))
    stages = staged(experiment.augmentations, pipeline)
    splits: dict[str, Examples] = {
        name: examples
        if isinstance(examples, Windows)
        else pipeline.prepare(examples, stored(store, name), copied=not on_disk)
        for name, examples in asked.items()
    }
    learnt = task.fit(train)
    pipeline = pipeline.asked_for(task.prepared_target(pipeline.signature.known_target, learnt))
    splits = {
        name: task.prepare(each, learnt) if isinstance(each, FlatExamples) else each for name, each in splits.items()
    }
    widths = choose_widths(splits["train"].lengths, experiment.training.buckets.shapes)
    finished = splits["train"]
    if stages and stages[0][0] < len(pipeline.transforms) and isinstance(finished, FlatExamples):
        begun = pipeline.part(0, stages[0][0]).prepare(train, stored(store, "begun"), copied=not on_disk)
        splits["train"] = Unfinished(finished, begun)
    if experiment.training.tbptt is not None and isinstance(train, Windows):
        lost = sum(transform.lost for transform in experiment.transforms)
        splits["train"] = SeriesLanes(pipeline.prepare(train.series), train.series, train.horizon, lost)
    elif experiment.training.tbptt is not None:
        splits = {name: Lanes(each) for name, each in splits.items() if isinstance(each, FlatExamples)}
    return Prepared(task, asked, splits, pipeline, learnt, widths)


def batching(training: Training, widths: tuple[int, ...], replicas: int = 1) -> Batching:
    """Return how a spec forms batches of these widths: every replica gets an equal share of every part."""
    return Batching(widths, training.batch_size, training.batch_steps, replicas * training.accumulate)


def check_target(experiment: Experiment, raw: dict[str, Examples]) -> None:
    """Refuse data that the task can't be asked of.

    Raises:
        DataError: a split is empty, the target is of another kind than the task's, or a monitored metric is of another
            kind of target.
    """
    require_examples(raw)
    target = raw["train"].signature.target
    if target is None or target.kind not in experiment.task.targets:
        from rnnlab.tasks import TASKS

        kind = TASKS.name_of(experiment.task)
        fitting = [name for name in TASKS.names() if target is not None and target.kind in TASKS.load(name).targets]
        found = "no target" if target is None else f"'{target.name}', which is {target.kind}"
        raise DataError(f"task.kind: {kind} does not fit the data's target ({found}); use {', '.join(fitting) or '—'}")
    check_monitored(experiment, target)


def check_monitored(experiment: Experiment, target: Field) -> None:
    """Refuse to monitor what is no metric of this target.

    Raises:
        DataError: a monitored metric is of another kind of target.
    """
    known = ["loss", *experiment.task.metric_names(target)]
    for key in ("best", "early_stopping", "reduce_on_plateau"):
        monitored = getattr(experiment.training, key)
        if monitored is not None and monitored.monitor.removeprefix("val_") not in known:
            raise DataError(
                f"training.{key}.monitor: '{monitored.monitor}' is no metric of this data's target, which is "
                f"{target.kind}; known: {', '.join(known)}, each with or without val_"
            )


def _build_loop(experiment: Experiment, run: RunDir, prepared: Prepared, strategy: Any, reporter: Reporter) -> Any:
    from rnnlab.network import build_network
    from rnnlab.training.loop import Loop
    from rnnlab.training.state import Progress
    from rnnlab.training.step import Objective, Stepper

    training = experiment.training
    target = prepared.pipeline.signature.known_target
    check_monitored(experiment, target)  # what a token is, a vocabulary says
    objective = Objective(
        experiment.task, prepared.learnt, experiment.task.metrics(target), prepared.pipeline, experiment.augmentations
    )
    with strategy.scope():
        network = build_network(
            experiment, prepared.pipeline.signature, training.precision, stateful=training.tbptt is not None
        )
        optimizer = training.build_optimizer()
        optimizer.build(network.trainable_variables)
    stepper = Stepper(
        network, optimizer, objective, training, strategy, experiment.seed, experiment.model.static_widths
    )
    return Loop(
        run,
        training,
        experiment.seed,
        stepper,
        objective,
        prepared.splits["train"],
        prepared.splits.get("validation"),
        batching(training, prepared.widths, strategy.num_replicas_in_sync),
        reporter,
        Progress(),
    )


def _finish(run: RunDir, loop: Any, manifest: dict[str, Any]) -> str:
    import shutil

    from rnnlab.training.state import digest, read_variables

    reason = str(loop.progress.finished)
    best = loop.progress.watches.get("best", {})
    manifest |= {
        "status": "finished",
        "finished": {
            "at": now(),
            "reason": reason,
            "epochs": loop.progress.epoch,
            "best_epoch": best.get("epoch"),
            "stopped_early": loop.progress.stopped_early,
        },
        "training_seconds": round(sum(row["seconds"] for row in loop.progress.history), 3),
        "state_sha256": digest(read_variables(loop.variables)),
    }
    write_json(run.manifest, manifest)
    shutil.rmtree(run.path / "cache", ignore_errors=True)
    return reason
