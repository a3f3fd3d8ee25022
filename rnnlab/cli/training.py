"""`rnnlab train`: one run, or one for each seed and fold."""

from __future__ import annotations

import json
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from rnnlab.cli.scoring import places_of
from rnnlab.cli.tables import print_evaluation, print_spread
from rnnlab.errors import Interrupted, RunError, UserError, one_line
from rnnlab.experiment import Experiment, load_experiment
from rnnlab.places import Places, default_data_directory
from rnnlab.registry import plugins
from rnnlab.rundir import RunDir
from rnnlab.signals import sigterm_as_sigint
from rnnlab.sources import HeldOut, Validation

MOST_RUNS = 1000
MOST_DIGITS = 40  # of one part of --seeds


@dataclass(frozen=True)
class TrainingRequest:
    """What the user asked for; see the command's options."""

    spec: Path | None
    run: Path | None
    settings: tuple[str, ...]
    resume: bool
    seeds: str | None
    folds: str | None
    weights_from: Path | None
    data: Path | None
    runs_dir: Path


def train_all(request: TrainingRequest) -> None:
    """Train every run that is asked for, and print the validation table.

    Raises:
        Interrupted: SIGINT or SIGTERM; the message has the command that goes on.
    """
    if request.spec is None and not request.resume:
        raise UserError("train: name a spec, such as `rnnlab train configs/japanese_vowels.yaml`")
    with sigterm_as_sigint():
        if request.seeds is not None or request.folds is not None:
            _train_several(request)
        elif request.resume:
            _resume(request)
        else:
            experiment = load_experiment(_spec(request), request.settings)
            _train_one(request, experiment, _new_run(request, experiment.name))


def _train_several(request: TrainingRequest) -> None:
    """Train one run a seed and fold. Resumed, those that are done are left alone, and the others go on or begin."""
    if request.resume and request.run is None:
        raise UserError("--resume with --seeds or --folds: give --run as it was")
    spec = _spec(request)
    experiment = load_experiment(spec, request.settings)
    base = request.run or RunDir.free_name(request.runs_dir, experiment.name)
    if base.name in ("", ".."):
        raise UserError(f"--run {base}: expected a name, to which -seed-0 and the like are added")
    variants = [
        (RunDir(base.with_name(base.name + suffix)), settings) for suffix, settings in _variants(request, experiment)
    ]
    if request.resume and not any(run.path.is_dir() for run, _ in variants):
        raise UserError(f"--run {base}: nothing to go on with: there is no folder {variants[0][0].path}")
    try:
        for run, settings in variants:
            resume = request.resume and run.begun
            variant = replace(request, settings=(*request.settings, *settings), resume=resume)
            if not resume:
                RunDir.create(run.path)
            _train_one(variant, load_experiment(spec, variant.settings), run, summary=False)
    except (Interrupted, KeyboardInterrupt):
        if any(run.begun for run, _ in variants):
            raise Interrupted(f"interrupted. Go on with: {_command_for_several(request, base)}") from None
        raise Interrupted("interrupted before anything was trained") from None
    for number, split in enumerate(_scored(request, experiment)):
        print(end="\n" if number else "")
        print_spread([run.path for run, _ in variants], split)


def _scored(request: TrainingRequest, experiment: Experiment) -> tuple[str, ...]:
    """Return the splits that are scored after training: where folds test in turn, these are what is asked about."""
    validation = experiment.data.validation
    tests = request.folds is not None and isinstance(validation, Validation) and validation.test_fold
    return ("validation", "test") if tests else ("validation",)


def _command_for_several(request: TrainingRequest, base: Path) -> str:
    options = {
        "--seeds": request.seeds,
        "--folds": request.folds,
        "--from": request.weights_from,
        "--data-dir": request.data,
    }
    given = [each for name, value in options.items() if value is not None for each in (name, str(value))]
    given += [each for setting in request.settings for each in ("--set", setting)]
    return _command(base, str(request.spec), *given)


def _command(run: Path, *arguments: str) -> str:
    """Return the command that goes on."""
    code = [each for plugin in plugins() for each in ("--plugin", plugin)]
    return f"rnnlab {shlex.join(['train', '--resume', '--run', str(run), *arguments, *code])}"


def _spec(request: TrainingRequest) -> Path:
    if request.spec is None:
        raise UserError("--resume with --seeds or --folds: name the spec too, as the first time")
    return request.spec


def _variants(request: TrainingRequest, experiment: Experiment) -> list[tuple[str, tuple[str, ...]]]:
    """Return (suffix of the run's name, settings) for each seed and fold asked for.

    Asking for folds is asking for `data.validation.by: folds`, whatever the spec cuts off otherwise.
    """
    validation = experiment.data.validation
    seeds = [None] if request.seeds is None else _numbers(request.seeds, "--seeds")
    folds: list[int | None] = [None]
    if request.folds is not None:
        wanted = range(validation.folds) if request.folds == "all" else _numbers(request.folds, "--folds")
        if max(wanted) >= validation.folds:
            raise UserError(f"--folds {request.folds}: there are folds 0 to {validation.folds - 1}")
        folds = list(wanted)
    variants = []
    for seed in seeds:
        for fold in folds:
            suffix = ("" if seed is None else f"-seed-{seed}") + ("" if fold is None else f"-fold-{fold}")
            settings = [] if seed is None else [f"seed={seed}"]
            settings += [] if fold is None else _fold_settings(validation, fold)
            variants.append((suffix, tuple(settings)))
    return variants


def _fold_settings(validation: HeldOut, fold: int) -> list[str]:
    """Return the settings that ask for a fold; what the spec says of another way goes back to its default."""
    settings = ["data.validation.by=folds", f"data.validation.fold={fold}"]
    for key, (other, matters) in validation.idle_unless.items():
        default = type(validation).model_fields[key].get_default(call_default_factory=True)
        if other == "by" and not matters("folds") and getattr(validation, key) != default:
            settings.append(f"data.validation.{key}={json.dumps(default)}")
    return settings


def _numbers(text: str, option: str) -> list[int]:
    """Return the numbers of `0-2`, `3` or `0,2,5`, ascending."""
    numbers: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        digits = first.isdecimal() and (not dash or last.isdecimal()) and len(part) <= MOST_DIGITS
        if not digits or (dash and int(last) < int(first)):
            raise UserError(one_line(f"{option} {text}: expected numbers such as 0-2 or 0,3", 200))
        if len(numbers) + int(last or first) - int(first) >= MOST_RUNS:
            raise UserError(one_line(f"{option} {text}: {MOST_RUNS} runs at once are the most", 200))
        numbers |= set(range(int(first), int(last or first) + 1))
    return sorted(numbers)


def _new_run(request: TrainingRequest, name: str) -> RunDir:
    if request.run is not None:
        return RunDir.create(request.run)
    return RunDir.create(RunDir.free_name(request.runs_dir, name))


def _train_one(request: TrainingRequest, experiment: Experiment, run: RunDir, *, summary: bool = True) -> None:
    from rnnlab.training import train
    from rnnlab.training.reporting import Lines

    print(f"run folder: {run.path}", file=sys.stderr)
    try:
        places = _places(request, run)
        weights_from = None if request.weights_from is None else RunDir.open(request.weights_from)
        reason = train(experiment, run, places, Lines(), resume=request.resume, weights_from=weights_from)
        print(reason, file=sys.stderr)
        for split in _scored(request, experiment):
            if summary or not run.is_scored(split):
                _score(run, experiment, places, split, summary)
    except (Interrupted, KeyboardInterrupt) as error:
        what = str(error) or "interrupted"
        if run.begun:
            raise Interrupted(f"{what}. Go on with: {_command(run.path)}") from None
        raise Interrupted(f"{what} before anything was trained") from None
    finally:
        _remove_if_empty(run)


def _remove_if_empty(run: RunDir) -> None:
    """A run that never began leaves no folder behind; another process's, which is about to begin, stays."""
    with suppress(RunError):
        if run.path.is_dir():
            with run.locked():
                if not any(run.path.iterdir()):
                    run.path.rmdir()


def _score(run: RunDir, experiment: Experiment, places: Places, split: str, summary: bool) -> None:
    from rnnlab.evaluation import evaluate
    from rnnlab.prediction import Predictor

    if experiment.data.validation.by == "none":
        print("no validation split: `rnnlab evaluate` prints the test scores", file=sys.stderr)
        return
    evaluation = evaluate(Predictor.load(run.path), places, split)
    if summary:
        print_evaluation(evaluation, run.path)


def _resume(request: TrainingRequest) -> None:
    if request.run is None:
        raise UserError("--resume: name the run folder with --run")
    run = RunDir(request.run)
    if request.spec is None:
        run = RunDir.open(request.run)
    spec = request.spec or run.spec
    if not run.path.is_dir():
        raise UserError(f"--run {run.path}: no such folder")
    _train_one(request, load_experiment(spec, request.settings), run)


def _places(request: TrainingRequest, run: RunDir) -> Places:
    if request.spec is None or (request.resume and request.data is None and run.begun):
        known = places_of(run, request.data)
        return known if request.spec is None else replace(known, spec=request.spec.parent.absolute())
    return Places(request.spec.parent.absolute(), request.data or default_data_directory())
