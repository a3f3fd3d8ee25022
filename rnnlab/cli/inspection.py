"""`rnnlab check`, `list` and `runs`: what there is, without training."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import numpy as np
from pydantic_core import PydanticUndefined

from rnnlab.cli.tables import print_table, skipped_lines
from rnnlab.entities import NOTHING
from rnnlab.errors import RunError, UserError, did_you_mean
from rnnlab.examples import Examples, skipped_by_split
from rnnlab.experiment import Experiment, load_experiment
from rnnlab.panel import stamp_text
from rnnlab.places import Places
from rnnlab.plan import padding_share
from rnnlab.preparation import scratch
from rnnlab.registry import REGISTRIES, Registry
from rnnlab.rundir import RunDir
from rnnlab.strict import Strict
from rnnlab.windows import SeriesExamples

MEGABYTE = 2**20
OF_ANSWERS = ("teacher", "decoder")  # layers whose steps are tokens of an answer, where a task writes
FEW = 5  # bad sequences that are shown of each split


def check_spec(spec: Path, settings: tuple[str, ...], data: Path) -> None:
    """Open and prepare the data, build the network, and print what training would see."""
    from rnnlab.quiet import load_tensorflow

    experiment = load_experiment(spec, settings)
    load_tensorflow()
    from rnnlab.training import check_target, prepare

    raw = experiment.data.splits(Places(spec.parent.absolute(), data))
    check_target(experiment, raw)
    with scratch(experiment.data.on_disk) as store:
        prepared = prepare(experiment, raw, store)
        _print_data(raw, experiment)
        for note in prepared.notes:
            print(f"\n  {note}")
        _print_lengths(experiment, prepared)
        network, memory = _build(experiment, prepared)
        experiment.task.check(network, prepared.splits)
    _print_network(network, memory, experiment.task.writes)
    _print_recurrence(network)
    print("\nNothing wrong found.")


def _print_data(raw: dict[str, Examples], experiment: Experiment) -> None:
    target = raw["train"].signature.target
    field = raw["train"].signature.inputs[0]
    asked = ", ".join(target.names) if target is not None and target.kind == "series" else getattr(target, "name", None)
    print(f"Data: {field.name} of ({', '.join(['time', *map(str, field.shape)])}); target '{asked}'\n")
    for note in raw["train"].notes:
        print(f"  {note}")
    rows = []
    raw = {name: raw[name] for name in ("train", "validation", "test") if name in raw}
    series = {name: each for name, each in raw.items() if isinstance(each, SeriesExamples)}
    if series:
        _print_series(series, experiment)
    for name, examples in raw.items() if not series else ():
        lengths = examples.lengths
        rows.append(
            [
                name,
                str(len(examples)),
                *(f"{value:.0f}" for value in (lengths.min(), np.median(lengths), lengths.max())),
            ]
        )
    if rows:
        print_table(["split", "examples", "shortest", "median", "longest"], rows)
    for name, skipped in skipped_by_split(raw).items():
        print(f"\n{name}: {len(skipped)} bad sequence(s) left out")
        print("\n".join(skipped_lines(skipped, FEW)))
    if target is not None and target.kind in ("class", "tags"):
        given = {
            name: np.asarray(examples.targets, np.int64)
            for name, examples in raw.items()
            if examples.targets is not None
        }
        # Tags are padded with -1.
        counts = {name: np.bincount(each[each >= 0], minlength=len(target.names)) for name, each in given.items()}
        print()
        shown = range(min(len(target.names), 30))
        print_table(
            ["tag" if target.kind == "tags" else "class", *counts],
            [[target.names[index], *(str(each[index]) for each in counts.values())] for index in shown],
        )
        if len(target.names) > len(shown):
            print(f"… and {len(target.names) - len(shown)} more {'tags' if target.kind == 'tags' else 'classes'}")


def _print_series(splits: dict[str, SeriesExamples], experiment: Experiment) -> None:
    """Print what was found out about series, and what each split has for its own: its time, and windows in it."""
    train = splits["train"]
    found = {key.replace("_", " "): value for key, value in train.found}
    print(f"  {'; '.join(f'{key} {value}' for key, value in found.items())}")
    for field in train.signature.inputs[1:]:
        names = dict.fromkeys(name.partition("=")[0] for name in field.names)  # of classes, their category
        print(f"  known of days to come: {', '.join(names)}")
    print()
    rows = []
    for name, series in splits.items():
        windows = experiment.task.examples(series, train=name == "train")
        panel = series.panel
        own = np.flatnonzero(panel.lengths > series.begins)
        first = panel.clock(panel.step.stamps(panel.first[own], series.begins[own])).min()
        last = panel.clock(panel.step.stamps(panel.first[own], panel.lengths[own] - 1)).max()
        rows.append([name, str(len(own)), stamp_text(first), stamp_text(last), f"{len(windows):,}"])
    print_table(["split", "series", "from", "to", "windows"], rows)


def _print_lengths(experiment: Experiment, prepared: Any) -> None:
    from rnnlab.training import batching
    from rnnlab.training.loop import plan_training

    training = experiment.training
    lengths = prepared.splits["train"].lengths
    bucketed, padded = (
        plan_training(training, lengths, batching(training, widths), experiment.seed, 0)
        for widths in (prepared.widths, (int(lengths.max()),))
    )
    if training.tbptt is not None:
        print(
            f"\nPadding: {padding_share(lengths, bucketed):.0%} of all steps, in segments of {training.tbptt.steps} of "
            f"{training.batch_size} places side by side. {len(bucketed)} batches an epoch."
        )
        return
    print(
        f"\nPadding: {padding_share(lengths, padded):.0%} of all steps with one width, "
        f"{padding_share(lengths, bucketed):.0%} with {len(prepared.widths)} widths: "
        f"{', '.join(map(str, prepared.widths))}. {len(bucketed)} batches an epoch."
    )
    if experiment.task.writes:
        answers = (np.asarray(prepared.splits["train"].targets) != NOTHING).sum(axis=1) - 1  # the end mark is the last
        print(f"Answers of training: {np.median(answers):.0f} tokens (median), {answers.max()} in the longest.")


def _build(experiment: Experiment, prepared: Any) -> tuple[Any, float]:
    """Return the network, and an estimate of training's memory in MB: weights, optimizer, kept activations."""
    from rnnlab.network import build_network

    network = build_network(experiment, prepared.pipeline.signature)
    rows = experiment.training.batch_size
    width = max(prepared.widths) if experiment.training.tbptt is None else experiment.training.tbptt.steps
    if experiment.training.batch_steps is not None:
        rows = max(1, experiment.training.batch_steps // width)
    kept = 0
    for layer in network.layers:
        answers = experiment.task.writes and layer.name in OF_ANSWERS
        steps = _answer_width(prepared) if answers else width
        kept += np.prod([rows if axis == 0 else size or steps for axis, size in enumerate(_shape(layer))]) * _kept(
            layer
        )
    return network, float(4 * (4 * network.count_params() + kept)) / MEGABYTE


def _answer_width(prepared: Any) -> int:
    """Return the most tokens of an answer, and its end mark."""
    return int(prepared.pipeline.signature.known_target.shape[0]) + 1


def _shape(layer: Any) -> tuple[int | None, ...]:
    """Return the shape of a layer's output; where it has several, of the scores that it learns by."""
    import keras

    outputs = [each for each in keras.tree.flatten(layer.output) if each.dtype != "int32"]
    largest = max(outputs or keras.tree.flatten(layer.output), key=lambda each: len(each.shape))
    return tuple(largest.shape)


def _kept(layer: Any) -> int:
    """Arrays of its output's size that a layer keeps for the backward pass: of a recurrence, each gate and state."""
    from rnnlab.layers.recurrent import GATES, Recurrent

    return 2 + GATES[layer.cell] if isinstance(layer, Recurrent) else 1


def _print_network(network: Any, memory: float, writes: bool) -> None:
    rows = []
    for layer in network.layers:
        shape = _shape(layer)
        answers = writes and layer.name in OF_ANSWERS
        axes = ["batch", *(["tokens"] if answers else ["time"] if len(shape) >= 3 else [])]
        known = [axes[axis] if size is None and axis < len(axes) else str(size) for axis, size in enumerate(shape)]
        sees = "lengths" if _takes_lengths(layer) else ""
        rows.append([layer.name, type(layer).__name__, f"({', '.join(known)})", f"{layer.count_params():,}", sees])
    print(f"\nNetwork: shapes are (batch, time, features){', of answers (batch, tokens, scores)' if writes else ''}\n")
    print_table(["layer", "kind", "output", "parameters", "knows"], rows)
    print(f"\n{network.count_params():,} parameters; about {memory:,.0f} MB for training at the widest batch")


def _takes_lengths(layer: Any) -> bool:
    return "lengths" in inspect.signature(layer.call).parameters


def _print_recurrence(network: Any) -> None:
    """Say which recurrent layers a GPU would run in cuDNN, and why the others not."""
    from rnnlab.layers.recurrent import Recurrent

    for layer in network.layers:
        if not isinstance(layer, Recurrent):
            continue
        reasons = [
            reason
            for reason, holds in (
                ("simple cells have no cuDNN kernel in Keras", layer.cell == "simple"),
                ("recurrent_dropout", layer.recurrent_dropout > 0),
                ("layer_normalization", layer.layer_normalization),
                ("unroll", layer.unroll),
            )
            if holds
        ]
        print(f"{layer.name}: " + (f"no cuDNN on a GPU ({', '.join(reasons)})" if reasons else "cuDNN on a GPU"))


def list_components(kind: str | None) -> None:
    """Print every component of a kind, or of all kinds, with its keys."""
    for package in (
        "sources",
        "transforms",
        "augmentations",
        "stems",
        "architectures",
        "heads",
        "tasks",
        "metrics",
        "baselines",
        "figures",
        "export",
    ):
        importlib.import_module(f"rnnlab.{package}")
    import rnnlab.optimizers  # noqa: F401 - registers optimizers and schedules

    if kind is not None and kind not in REGISTRIES:
        raise UserError(f"list: no kind '{kind}'{did_you_mean(kind, REGISTRIES)}")
    for name in [kind] if kind else sorted(REGISTRIES):
        registry = REGISTRIES[name]
        in_specs = name not in ("metrics", "baselines", "figures", "export")
        print(f"{name} ({registry.key}: …)" if in_specs else name)
        for component in registry.names():
            _print_component(registry, component, detailed=kind is not None)
        print()


def _print_component(registry: Registry[Any], name: str, *, detailed: bool) -> None:
    cls: type[Strict] = registry.load(name)
    summary = (inspect.getdoc(cls) or "").partition("\n\n")[0].replace("\n", " ")
    print(f"  {name}: {summary}")
    for key, field in cls.model_fields.items() if detailed else ():
        default = field.get_default(call_default_factory=True)
        shown = "required" if default is PydanticUndefined else f"default {_shown(default)}"
        print(f"    {key} ({shown}): {field.description or ''}".rstrip(": "))


def _shown(value: Any) -> str:
    if isinstance(value, Strict):
        return "{" + ", ".join(f"{key}: {_shown(getattr(value, key))}" for key in type(value).model_fields) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_shown(each) for each in value) + "]"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return str(value)


def list_runs(folder: Path) -> None:
    """Print a row for each run: how it stands, and its main scores."""
    rows = []
    for run in RunDir.all(folder):
        try:
            manifest = run.read_manifest()
        except RunError:
            rows.append([run.path.name, "damaged", *[""] * 4])
            continue
        finished = manifest.get("finished") or {}
        rows.append(
            [
                run.path.name,
                str(manifest.get("status", "?")),
                str(manifest.get("started", "?"))[:16].replace("T", " "),
                str(finished.get("epochs", "")),
                _main_score(run, "validation"),
                _main_score(run, "test"),
            ]
        )
    if not rows:
        print(f"no runs in {folder}")
        return
    print_table(["run", "status", "started", "epochs", "validation", "test"], rows)


def _main_score(run: RunDir, split: str) -> str:
    try:
        evaluation = run.read_evaluation(split)
    except RunError:
        return "damaged"
    if evaluation is None or not evaluation["metrics"]:
        return ""
    name, value = next(iter(evaluation["metrics"].items()))
    return f"{name} {value:.4f}" if value is not None else f"{name} —"
