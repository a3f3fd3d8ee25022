"""Evaluation: scores on a split, beside what simple methods score on the very same split."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import BASELINES, Baseline, NotApplicable
from rnnlab.errors import DataError
from rnnlab.evaluation.alignments import alignments
from rnnlab.evaluation.attention import looking
from rnnlab.evaluation.clips import clips
from rnnlab.evaluation.sketches import sketches
from rnnlab.examples import Examples, Subset
from rnnlab.figures import Evidence, draw_all
from rnnlab.history import read_history
from rnnlab.metrics import Metric
from rnnlab.places import Places
from rnnlab.prediction import Predictor, series_names
from rnnlab.preparation import scratch, stored
from rnnlab.rundir import write_json
from rnnlab.signature import Field
from rnnlab.tasks import TASKS
from rnnlab.windows import Lanes, Windows

Answers = Mapping[str, NDArray[Any]]


@dataclass
class Evaluation:
    """The scores of a run on one split.

    Attributes:
        split: its name.
        examples: how many.
        fingerprint: of the split's data.
        metrics: of the run, by name, the main one first.
        baselines: the same metrics of each baseline; NaN where it gives no probabilities, or no quantiles.
        skipped: why a baseline could not be computed.
        definitions: what each metric is.
        warnings: what to know of a metric's value here, such as how much was left out.
        left_out: how many bad sequences the scores are not of (`data.on_bad: skip`).
        cut: the split was cut off other data, of which they were left out before.
        steps: of forecasts, each metric at each step ahead, (H,).
        baseline_steps: of forecasts, the main metric of each baseline at each step ahead, (H,).
        parts: of each metric that has them, its value for each part, such as each type of entity.
        search: how answers that are texts were looked for, such as `beam 5, length penalty 1`; empty where none were.
    """

    split: str
    examples: int
    fingerprint: str
    metrics: dict[str, float]
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)
    left_out: int = 0
    cut: bool = False
    steps: dict[str, list[float]] = field(default_factory=dict)
    baseline_steps: dict[str, list[float]] = field(default_factory=dict)
    parts: dict[str, dict[str, float]] = field(default_factory=dict)
    search: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what `evaluate --json` prints."""
        return {
            "split": self.split,
            "examples": self.examples,
            "left_out": self.left_out,
            "fingerprint": self.fingerprint,
            **({"search": self.search} if self.search else {}),
            "metrics": _finite(self.metrics),
            "baselines": {name: _finite(scores) for name, scores in self.baselines.items()},
            "skipped": self.skipped,
            **({"steps": self._steps_to_json()} if self.steps else {}),
            **({"parts": {name: _finite(own) for name, own in self.parts.items()}} if self.parts else {}),
        }

    def _steps_to_json(self) -> dict[str, Any]:
        """Return the scores at each step ahead, of the run and, the main one alone, of the baselines."""
        baselines = {name: _finite(dict(enumerate(scores))) for name, scores in self.baseline_steps.items()}
        return {
            "metrics": {name: list(_finite(dict(enumerate(scores))).values()) for name, scores in self.steps.items()},
            "baselines": {name: list(scores.values()) for name, scores in baselines.items()},
        }


def evaluate(predictor: Predictor, places: Places, split: str = "test", *, figures: bool = True) -> Evaluation:
    """Score a run on a split, its baselines beside it; write `metrics/SPLIT.json` and the figures.

    Raises:
        DataError: the source has no such split, it has no labels, or the training split is not the run's own.
    """
    experiment, target = predictor.experiment, predictor.pipeline.signature.known_target
    splits = experiment.data.splits(places)
    _check_same_data(predictor, splits["train"])
    if split not in splits:
        raise DataError(f"data: this source has no {split} split; it has {', '.join(splits)}")
    examples = experiment.task.examples(splits[split])
    if examples.targets is None and not experiment.task.self_supervised:
        raise DataError(f"data: the {split} split has no labels to score against; `rnnlab predict` needs none")
    metrics = experiment.task.metrics(target)
    batch = _batch(predictor, examples)
    answers: dict[str, NDArray[Any]] = {}
    if experiment.task.self_supervised:
        sums = _read_through(predictor, examples, metrics)
    else:
        answers = {**predictor.answers(examples), **experiment.task.constants()}
        sums = _sums(answers, batch, metrics)
        if experiment.task.writes:  # what is asked of each token, given the true ones before it
            taught = {name: metric for name, metric in metrics.items() if metric.needs not in answers}
            sums = {**sums, **_read_through(predictor, examples, taught)}
    result = Evaluation(
        split,
        len(examples),
        examples.fingerprint(),
        _values(sums, metrics),
        definitions={name: metric.full_definition() for name, metric in metrics.items()},
        warnings={name: told for name, own in sums.items() if (told := metrics[name].warning(own)) is not None},
        left_out=len(examples.skipped),
        cut=isinstance(examples, Subset),
        steps=_by_step(answers, batch, metrics),
        parts={name: parts for name, own in sums.items() if (parts := metrics[name].parts(own))},
        search=experiment.task.searching(target),
    )
    train = experiment.task.examples(splits["train"])
    with scratch(experiment.data.on_disk, predictor.run.path) as store:
        simple = _score_baselines(result, predictor, train, examples, batch, metrics, store)
    write_json(predictor.run.scores(split), result.to_json())
    if figures:
        _draw(predictor, target, train, examples, answers, split, simple)
    return result


def _check_same_data(predictor: Predictor, train: Examples) -> None:
    """Refuse data whose training split is not the one that the run was trained on.

    Names of features and classes come from it, baselines are fitted on it, and what it does not hold any more may
    stand in the split that is scored.

    Raises:
        DataError: the training split differs.
    """
    then = predictor.run.read_manifest()["data"]["splits"]["train"]["fingerprint"]
    today = train.fingerprint()
    if then != today:
        raise DataError(
            f"data: the training split is not the one that {predictor.run.path} was trained on: fingerprint "
            f"{then[:12]} then, {today[:12]} now. Features, classes and baselines come from it; put the file back, or "
            "name where it is now with --set data.…. To answer for another file, use `rnnlab predict`"
        )


def score(answers: Answers, batch: Mapping[str, NDArray[Any]], metrics: Mapping[str, Metric]) -> dict[str, float]:
    """Return each metric of answers; NaN where they lack the one that it needs, such as quantiles.

    Args:
        answers: (N, …) each, by name.
        batch: `targets` (N, …), `weights` (N,), and what else metrics read: see `Metric.sums`.
        metrics: by name.
    """
    return _values(_sums(answers, batch, metrics), metrics)


def _batch(predictor: Predictor, examples: Examples) -> dict[str, NDArray[Any]]:
    """Return a whole split as the one batch that answers are scored against."""
    series = predictor.series_numbers(series_names(examples), len(examples))
    beside = predictor.experiment.task.per_series(predictor.learnt)
    target = examples.signature.target
    asked = "texts" if target is not None and target.kind == "string" else "targets"
    targets = {} if examples.targets is None else {asked: np.asarray(examples.targets)}
    weights = {"weights": np.ones(len(examples), np.float32)}
    return {**targets, **weights, **{name: values[series] for name, values in beside.items()}}


def _read_through(
    predictor: Predictor, examples: Examples, metrics: Mapping[str, Metric]
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return the sums of each metric of a network that is asked every step, as training's validation makes them.

    So nothing larger than a batch is kept of what it answers, however long the examples are.
    """
    import tensorflow as tf

    from rnnlab.batches import loader_of, plan_scoring
    from rnnlab.training import batching
    from rnnlab.training.step import Objective, Stepper

    experiment = predictor.experiment
    settings, learnt, pipeline = experiment.training, predictor.learnt, predictor.pipeline
    objective = Objective(experiment.task, learnt, metrics, pipeline)
    network = predictor.network if settings.tbptt is None else predictor.stateful
    stepper = Stepper(network, None, objective, settings, tf.distribute.get_strategy(), experiment.seed)
    with scratch(experiment.data.on_disk, predictor.run.path) as store:
        prepared = experiment.task.prepare(pipeline.prepare(examples, stored(store, "asked")), learnt)
        asked = Lanes(prepared) if settings.tbptt is not None else prepared
        plan = plan_scoring(settings, asked, batching(settings, predictor.widths))
        return objective.sums_of_metrics(stepper.score_all(loader_of(asked, pipeline, {}).load(plan)))


def _sums(
    answers: Answers, batch: Mapping[str, NDArray[Any]], metrics: Mapping[str, Metric]
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return the sums of each metric whose answer is there."""
    given = {name: np.asarray(values) for name, values in answers.items()}
    return {
        name: {key: np.asarray(value, np.float64) for key, value in metric.sums(given, batch).items()}
        for name, metric in metrics.items()
        if metric.needs in given
    }


def _by_step(
    answers: Answers, batch: Mapping[str, NDArray[Any]], metrics: Mapping[str, Metric]
) -> dict[str, list[float]]:
    """Return each metric at each step of a forecast's horizon; nothing of other answers."""
    if "targets" not in batch or batch["targets"].ndim != 3:
        return {}
    ahead = ("values", "quantiles")
    found: dict[str, list[float]] = {name: [] for name in metrics}
    for step in range(batch["targets"].shape[1]):
        own = {name: values[:, step : step + 1] if name in ahead else values for name, values in answers.items()}
        scores = score(own, {**batch, "targets": batch["targets"][:, step : step + 1]}, metrics)
        for name, value in scores.items():
            found[name].append(value)
    return found


def _values(sums: Mapping[str, Mapping[str, NDArray[np.float64]]], metrics: Mapping[str, Metric]) -> dict[str, float]:
    """Return each metric's value; NaN where it has no sums."""
    return {name: metric.value(sums[name]) if name in sums else math.nan for name, metric in metrics.items()}


def _score_baselines(
    result: Evaluation,
    predictor: Predictor,
    train: Examples,
    examples: Examples,
    batch: Mapping[str, NDArray[Any]],
    metrics: Mapping[str, Metric],
    store: Path | None,
) -> dict[str, Answers]:
    """Score the baselines of this task, and return what they answer, by title; a store is for prepared splits."""
    simple: dict[str, Answers] = {}
    kind = TASKS.name_of(predictor.experiment.task)
    prepared: tuple[Examples, Examples] | None = None
    kinds = [each.inputs[0].kind for each in (examples.signature, predictor.pipeline.signature)]
    for name in BASELINES.names():
        baseline: Baseline = BASELINES.load(name)()
        if kind not in baseline.tasks:
            continue
        # Tokens, of which a likelihood can be compared with the network's, and what sound has in place of a series; to
        # prepare whole splits takes its time.
        as_prepared = baseline.prepared or (kinds[0] == "audio" and "audio" not in baseline.inputs)
        if kinds[as_prepared] not in baseline.inputs:
            continue
        given = train, examples
        try:
            baseline.check(train, examples, (predictor.pipeline if as_prepared else examples).signature.inputs[0])
            if as_prepared:
                given = prepared = prepared or (
                    _prepared(predictor, train, stored(store, "train")),
                    _prepared(predictor, examples, stored(store, "asked")),
                )
            answers = baseline.answers(*given, predictor.experiment.seed)
        except NotApplicable as reason:
            result.skipped[name] = str(reason)
            continue
        own = {key: metric for key, metric in metrics.items() if baseline.calibrated or not metric.calibrated}
        scores = score(answers, batch, own)
        result.baselines[name] = {key: scores.get(key, math.nan) for key in metrics}
        simple[baseline.title] = answers
        main = next(iter(metrics))
        for steps in _by_step(answers, batch, {main: metrics[main]}).values():
            result.baseline_steps[name] = steps
    return simple


def _prepared(predictor: Predictor, examples: Examples, store: Path | None) -> Examples:
    """Return examples as the network is asked about them."""
    prepared = predictor.experiment.task.prepare(predictor.pipeline.prepare(examples, store), predictor.learnt)
    return replace(prepared, signature=predictor.pipeline.signature)


def _draw(
    predictor: Predictor,
    target: Field,
    train: Examples,
    examples: Examples,
    answers: Answers,
    split: str,
    simple: Mapping[str, Answers],
) -> None:
    evidence = Evidence(
        split=split,
        targets=examples.targets,
        answers=dict(answers),
        lowercase=predictor.experiment.task.lowercase,
        lengths=examples.lengths,
        target=target,
        ids=list(examples.ids),
        history=read_history(predictor.run.history),
        train_lengths=train.lengths,
        widths=list(predictor.widths),
        title=predictor.experiment.name,
        windows=examples if isinstance(examples, Windows) else None,
        baselines={title: own["values"] for title, own in simple.items() if "values" in own},
        looking=looking(predictor, examples) if predictor.experiment.task.writes else (),
        clips=clips(predictor, examples, answers),
        alignments=alignments(predictor, examples, answers),
        sketches=sketches(examples),
        best_epoch=(predictor.run.read_manifest().get("finished") or {}).get("best_epoch"),
    )
    draw_all(evidence, TASKS.name_of(predictor.experiment.task), predictor.run.figures / split)


def _finite(scores: Mapping[Any, float]) -> dict[Any, float | None]:
    """JSON has no NaN."""
    return {name: value if math.isfinite(value) else None for name, value in scores.items()}
