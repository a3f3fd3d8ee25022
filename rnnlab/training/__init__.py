"""Training: from an experiment to a run folder that holds all that is needed to answer."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from rnnlab.errors import DataError, RunError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.experiment import Experiment
from rnnlab.manifest import command, describe_data, now, versions
from rnnlab.places import Places
from rnnlab.plan import Batching, choose_widths
from rnnlab.preparation import Pipeline, require_examples, to_arrays
from rnnlab.quiet import load_tensorflow
from rnnlab.registry import plugins
from rnnlab.rundir import RunDir, read_arrays, write_arrays, write_json, write_text
from rnnlab.settings import Training
from rnnlab.tasks import Learnt
from rnnlab.training.reporting import Reporter, Silent

SAMPLES = 8


@dataclass(frozen=True)
class Prepared:
    """An experiment's data, opened, checked, and prepared.

    Attributes:
        raw: the splits as the source gives them.
        splits: the splits after every transform.
        pipeline: the transforms, fitted on the training split.
        learnt: what the task learnt from the training targets.
        widths: the bucket boundaries.
    """

    raw: dict[str, Examples]
    splits: dict[str, FlatExamples]
    pipeline: Pipeline
    learnt: Learnt
    widths: tuple[int, ...]


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
    from rnnlab.training.devices import build_strategy, describe_devices, prepare_devices

    reporter = reporter or Silent()
    load_tensorflow()
    prepare_devices(experiment.training)
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    raw = experiment.data.splits(places)
    check_target(experiment, raw)
    data = describe_data(raw, raw["train"].signature)
    strategy = build_strategy(experiment.training)
    if resume:
        finished = _check_resumable(run, experiment, data)
        if finished is not None and (finished["stopped_early"] or finished["epochs"] >= experiment.training.epochs):
            return f"nothing to do: {finished['reason']}"
        write_text(run.spec, experiment.to_yaml())
    prepared = prepare(experiment, raw, run.path / "cache")
    loop = _build_loop(experiment, run, prepared, strategy, reporter)
    manifest = {
        "name": experiment.name,
        "status": "training",
        "started": run.read_manifest()["started"] if resume else now(),
        "command": command(),
        "seed": experiment.seed,
        "versions": versions(),
        "plugins": plugins(),
        "spec_folder": str(places.spec),
        "data_folder": str(places.data),
        "data": data,
        "hardware": describe_devices(strategy),
        "determinism": "op determinism on",
        "widths": list(prepared.widths),
        "parameters": int(sum(np.prod(each.shape) for each in loop.stepper.network.trainable_variables)),
    }
    if resume:
        _restore(loop, experiment)
    else:
        if weights_from is not None:
            reporter.say(_take_weights(loop, weights_from))
            manifest["weights_from"] = str(weights_from.path)
        _write_new_run(run, experiment, prepared, loop)
    write_json(run.manifest, manifest)
    loop.train_to_the_end()
    return _finish(run, loop, manifest)


def prepare(experiment: Experiment, raw: dict[str, Examples], cache: Path | None = None) -> Prepared:
    """Fit transforms and task on the training split, and apply the transforms to every split."""
    train = raw["train"]
    if train.targets is None:
        raise DataError("data: the training split has no labels")
    pipeline = Pipeline.fit(experiment.transforms, train)
    on_disk = experiment.data.cache == "disk" and cache is not None
    splits = {
        name: pipeline.prepare(examples, cache / f"{name}.float32" if on_disk and cache else None)
        for name, examples in raw.items()
        if name != "test"
    }
    learnt = experiment.task.fit(train.signature.known_target, train.targets)
    widths = choose_widths(splits["train"].lengths, experiment.training.buckets.shapes)
    return Prepared(raw, splits, pipeline, learnt, widths)


def batching(training: Training, widths: tuple[int, ...], replicas: int = 1) -> Batching:
    """Return how a spec forms batches of these widths."""
    return Batching(widths, training.batch_size, training.batch_steps, replicas)


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
    target = prepared.raw["train"].signature.known_target
    objective = Objective(experiment.task, prepared.learnt, experiment.task.metrics(target))
    with strategy.scope():
        network = build_network(experiment, prepared.pipeline.signature)
        optimizer = training.optimizer.build()
        optimizer.build(network.trainable_variables)
    stepper = Stepper(
        network, optimizer, objective, training.optimizer, strategy, experiment.seed, experiment.model.static_widths
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


def _write_new_run(run: RunDir, experiment: Experiment, prepared: Prepared, loop: Any) -> None:
    """Write what never changes during training, and state 0, before the first step."""
    write_text(run.spec, experiment.to_yaml())
    write_arrays(run.prepared, to_arrays(prepared.pipeline, prepared.learnt))
    write_arrays(run.samples, _samples(prepared.raw))
    loop.save_weights()
    loop.save()


def _samples(raw: Mapping[str, Examples]) -> dict[str, Any]:
    """Return a few raw examples of different lengths, flat values and lengths, to check exports with."""
    examples = raw.get("validation", raw["train"])
    order = np.argsort(examples.lengths, kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, SAMPLES).round().astype(int))]
    name = examples.signature.inputs[0].name
    sequences = [examples.read(int(index))[name] for index in chosen]
    return {"values": np.concatenate(sequences), "lengths": examples.lengths[chosen]}


def _restore(loop: Any, experiment: Experiment) -> None:
    from rnnlab.training.state import load_state

    try:
        arrays, sums, progress, warning = load_state(loop.run)
    except FileNotFoundError:
        loop.reporter.say(f"{loop.run.path}: no state was saved; starting from the beginning")
        loop.save_weights()
        loop.save()
        return
    if warning:
        loop.reporter.say(warning)
    if not progress.stopped_early and progress.epoch < experiment.training.epochs:
        progress.finished = None
    loop.restore(arrays, sums, progress)
    at = f"epoch {progress.epoch + 1}, step {progress.step}"
    loop.reporter.say(f"going on from {at}" if progress.finished is None else "going on at the end")


def _take_weights(loop: Any, other: RunDir) -> str:
    """Assign the other run's weights of the same name and shape; say how many fitted."""
    arrays = read_arrays(other.weights)
    model = {name: each for name, each in loop.variables.items() if name.startswith("model/")}
    fitting = {
        name: variable
        for name, variable in model.items()
        if name in arrays and arrays[name].shape == tuple(variable.shape)
    }
    if not fitting:
        raise RunError(f"--from {other.path}: no weight has the same name and shape; is it the same architecture?")
    for name, variable in fitting.items():
        variable.assign(arrays[name])
    new = sorted(set(model) - set(fitting))
    rest = f"; new: {', '.join(name.removeprefix('model/') for name in new)}" if new else ""
    return f"{len(fitting)} of {len(model)} weights from {other.path}{rest}"


def _check_resumable(run: RunDir, experiment: Experiment, data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Refuse a resume that could not be exact, showing the difference. Returns how the run ended, if it did.

    Raises:
        RunError: spec, data or versions are not what the run was started with.
    """
    manifest = run.read_manifest()
    differences: list[str] = []
    old_spec, new_spec = yaml.safe_load(run.spec.read_text("utf-8")), yaml.safe_load(experiment.to_yaml())
    more_epochs = new_spec["training"]["epochs"] - old_spec["training"]["epochs"]
    if more_epochs < 0:
        differences.append(
            f"training.epochs: {old_spec['training']['epochs']} then, {new_spec['training']['epochs']} now"
        )
    for each in (old_spec, new_spec):
        each["training"].pop("epochs")
    before, after = (yaml.safe_dump(each, sort_keys=False).splitlines() for each in (old_spec, new_spec))
    differences += difflib.unified_diff(before, after, "spec then", "spec now", n=1, lineterm="")
    for name in sorted({*manifest["data"]["splits"], *data["splits"]}):
        then, today = (each["splits"].get(name, {}).get("fingerprint") for each in (manifest["data"], data))
        if then != today:
            differences.append(f"data, {name} split: fingerprint {str(then)[:12]} then, {str(today)[:12]} now")
    for name, today in versions().items():
        then = manifest["versions"].get(name)
        if then != today:
            differences.append(f"version of {name}: {then} then, {today} now")
    if differences:
        text = "\n".join(differences)
        raise RunError(f"{run.path}: resuming would not be exact:\n{text}\nTrain in a new run folder, or put it back")
    return manifest.get("finished")


def _finish(run: RunDir, loop: Any, manifest: dict[str, Any]) -> str:
    import shutil

    from rnnlab.history import write_history
    from rnnlab.training.state import digest, read_variables

    reason = str(loop.progress.finished)
    write_history(run.history, loop.progress.history)
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
