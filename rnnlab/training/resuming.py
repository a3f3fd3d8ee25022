"""Beginning a run, and going on with one: exactly, or not at all."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from numpy.typing import NDArray

from rnnlab import yamlfile
from rnnlab.errors import RunError
from rnnlab.examples import Examples
from rnnlab.experiment import Experiment, load_experiment
from rnnlab.manifest import versions
from rnnlab.preparation import to_arrays
from rnnlab.registry import plugin_digests
from rnnlab.rundir import RunDir, read_arrays, write_arrays
from rnnlab.windows import Windows

if TYPE_CHECKING:
    from rnnlab.training import Prepared
    from rnnlab.training.loop import Loop

SAMPLES = 8
MOST_BYTES = 2000  # of a text among them


def check_resumable(
    run: RunDir,
    manifest: Mapping[str, Any],
    experiment: Experiment,
    data: Mapping[str, Any],
    weights_from: RunDir | None,
) -> None:
    """Refuse a resume that could not be exact, showing the difference to what the run's manifest says.

    Raises:
        RunError: spec, data, versions, plugins or the starting weights are not what the run was started with.
    """
    differences = _spec_differences(run, experiment)
    for name in sorted({*manifest["data"]["splits"], *data["splits"]}):
        then, today = (each["splits"].get(name, {}).get("fingerprint") for each in (manifest["data"], data))
        if then != today:
            differences.append(f"data, {name} split: fingerprint {str(then)[:12]} then, {str(today)[:12]} now")
    differences += _changed("version of", manifest["versions"], versions())
    digests = {name: digest[:12] for name, digest in manifest.get("plugin_digests", {}).items()}
    differences += _changed("code of", digests, {name: digest[:12] for name, digest in plugin_digests().items()})
    if weights_from is not None and str(weights_from.path.absolute()) != manifest.get("weights_from"):
        differences.append(f"--from: {manifest.get('weights_from')} then, {weights_from.path} now")
    if differences:
        text = "\n".join(differences)
        raise RunError(f"{run.path}: resuming would not be exact:\n{text}\nTrain in a new run folder, or put it back")


def _changed(what: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    names = sorted({*before, *after})
    return [
        f"{what} {name}: {before.get(name)} then, {after.get(name)} now"
        for name in names
        if before.get(name) != after.get(name)
    ]


def nothing_left(manifest: Mapping[str, Any], experiment: Experiment) -> str | None:
    """Return how the run ended, where there is nothing left to train, or None."""
    finished = manifest.get("finished")
    if finished is None or not (finished["stopped_early"] or finished["epochs"] >= experiment.training.epochs):
        return None
    return str(finished["reason"])


def _spec_differences(run: RunDir, experiment: Experiment) -> list[str]:
    """Return what differs from the run's spec; more epochs may be asked for."""
    epochs_then, epochs_today = load_experiment(run.spec).training.epochs, experiment.training.epochs
    then = yamlfile.load(run.spec).values
    today = yamlfile.parse(experiment.to_yaml(), "spec now").values
    for each in (then, today):
        each.get("training", {}).pop("epochs", None)
    differences = []
    if epochs_today < epochs_then:
        differences.append(f"training.epochs: {epochs_then} then, {epochs_today} now")
    before, after = (yaml.safe_dump(each, sort_keys=False).splitlines() for each in (then, today))
    return [*differences, *difflib.unified_diff(before, after, "spec then", "spec now", n=1, lineterm="")]


def begin_or_go_on(
    loop: Loop,
    prepared: Prepared,
    manifest: Mapping[str, Any],
    begin: Callable[[Collection[str]], Sequence[str]],
    *,
    resume: bool,
) -> None:
    """Restore the saved state, or where none was saved write what never changes, and state 0, before the first step.

    Args:
        loop: about to train.
        prepared: the data.
        manifest: of the run.
        begin: gives a new network its first weights, but for layers of these names, and returns what the user should
            know of them.
        resume: go on from the state that was saved.
    """
    from rnnlab.training.state import load_state

    state = load_state(loop.run) if resume else None
    if state is None:
        if resume:
            loop.reporter.say(f"{loop.run.path}: no state was saved; starting from the beginning")
        _begin(loop, begin, RunDir.open(Path(manifest["weights_from"])) if "weights_from" in manifest else None)
        write_arrays(loop.run.prepared, to_arrays(prepared.pipeline, prepared.learnt))
        write_arrays(loop.run.samples, _samples(prepared.raw))
        loop.note_weights()
        loop.save()
        return
    _check_prepared(loop.run, prepared)
    if state.warning:
        loop.reporter.say(state.warning)
    progress = state.progress
    if not progress.stopped_early and progress.epoch < loop.settings.epochs:
        progress.finished = None
    loop.restore(state)
    at = f"epoch {progress.epoch + 1}, step {progress.step}"
    loop.reporter.say(f"going on from {at}" if progress.finished is None else "going on at the end")


def _check_prepared(run: RunDir, prepared: Prepared) -> None:
    """Refuse to go on where transforms or task learn today what they did not then.

    Raises:
        RunError: they do; spec, data and versions are the same, so what computes it is not.
    """
    then, today = read_arrays(run.prepared), to_arrays(prepared.pipeline, prepared.learnt)
    same = then.keys() == today.keys() and all(_equal(then[name], each) for name, each in today.items())
    if not same:
        raise RunError(
            f"{run.prepared}: transforms or task learn something else from the same data than when the run began. "
            "Is a plugin, or the machine, another? Train in a new run folder"
        )


def _equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two arrays are the same; a NaN, such as the scale of a series that training has not seen, is itself."""
    return np.array_equal(one, other, equal_nan=one.dtype.kind == other.dtype.kind == "f")


def _samples(raw: Mapping[str, Examples]) -> dict[str, Any]:
    """Return a few raw examples of different lengths, flat values and lengths, to check exports with."""
    examples = raw.get("validation", raw["train"])
    order = np.argsort(examples.lengths, kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, SAMPLES).round().astype(int))]
    main, *others = examples.signature.inputs
    fields = [examples.read(int(index)) for index in chosen]
    values = [_beginning(each[main.name]) if main.kind == "text" else each[main.name] for each in fields]
    samples = {
        "values": np.concatenate(values),
        "lengths": np.array([len(each) for each in values], np.int64),
        **{f"beside/{other.name}": np.stack([each[other.name] for each in fields]) for other in others},
    }
    if isinstance(examples, Windows):
        samples["series"] = np.array([examples.series.ids[examples.place(int(index))[0]] for index in chosen], np.str_)
    return samples


def _beginning(text: NDArray[Any]) -> NDArray[Any]:
    """Return the first bytes of a text, whole characters: a book would take long to compare."""
    return np.frombuffer(text[:MOST_BYTES].tobytes().decode(errors="ignore").encode(), np.uint8)


def _begin(loop: Loop, begin: Callable[[Collection[str]], Sequence[str]], other: RunDir | None) -> None:
    """Give the network its first weights; those of the same name and shape are the other run's, where there is one."""
    arrays = {} if other is None else _fitting(loop, other)
    new = sorted(set(loop.weights) - set(arrays))
    for note in begin({*map(_layer, arrays)} - {*map(_layer, new)}):
        loop.reporter.say(note)
    if other is None:
        return
    for name, values in arrays.items():
        loop.weights[name].assign(values)
    rest = f"; new: {', '.join(name.removeprefix('model/') for name in new)}" if new else ""
    loop.reporter.say(f"{len(arrays)} of {len(loop.weights)} weights from {other.path}{rest}")


def _layer(name: str) -> str:
    """Return the name of the layer that a weight is of; see `named_variables`."""
    return name.removeprefix("model/").rpartition("/")[0]


def _fitting(loop: Loop, other: RunDir) -> dict[str, NDArray[Any]]:
    """Return the other run's weights of the same name and shape.

    Raises:
        RunError: there are none.
    """
    arrays = read_arrays(other.weights)
    fitting = {
        name: arrays[name]
        for name, variable in loop.weights.items()
        if name in arrays and arrays[name].shape == tuple(variable.shape)
    }
    if not fitting:
        raise RunError(f"--from {other.path}: no weight has the same name and shape; is it the same architecture?")
    return fitting
