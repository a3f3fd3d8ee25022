"""`rnnlab evaluate`, `predict` and `export`: what a run folder is asked for."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from rnnlab.cli.tables import print_evaluation, print_splits, print_spread, skipped_lines
from rnnlab.decoding.search import NEVER
from rnnlab.errors import UserError
from rnnlab.examples import Examples
from rnnlab.experiment import Experiment, load_experiment
from rnnlab.panel import stamp_text
from rnnlab.places import Places, default_data_directory
from rnnlab.rundir import RunDir, write_text
from rnnlab.windows import Windows

SEARCH = "task.search."  # begins the keys that may change after training


def evaluate_runs(
    paths: Sequence[Path], split: str, settings: tuple[str, ...], as_json: bool, data: Path | None, runs_dir: Path
) -> None:
    """Score runs on a split, and print one table: of the run with its baselines, or of several runs' spread."""
    from rnnlab.evaluation import evaluate

    runs = [RunDir.open(path) for path in paths] or [RunDir.latest(runs_dir)]
    if as_json and len(runs) > 1:
        raise UserError("--json prints one run; name one")
    _check_settings(settings, ("data.", SEARCH), "evaluating takes data.KEY and task.search.KEY")
    evaluations = []
    for run in runs:
        predictor = load_predictor(run, settings)
        evaluations.append(evaluate(predictor, places_of(run, data), split))
    if as_json:
        print(json.dumps(evaluations[0].to_json()))
    elif len(runs) == 1:
        print_evaluation(evaluations[0], runs[0].path)
    else:
        print_spread([run.path for run in runs], split)


def backtest_run(path: Path | None, data: Path | None, runs_dir: Path) -> None:
    """Score a run that was trained on the first folds of a series on the block that validated, and on those behind."""
    from rnnlab.evaluation import evaluate
    from rnnlab.sources.series import Series

    run = RunDir.latest(runs_dir) if path is None else RunDir.open(path)
    predictor = load_predictor(run, ())
    validation = predictor.experiment.data.validation
    if not isinstance(predictor.experiment.data, Series) or validation.by != "folds":
        raise UserError(
            f"{run.path}: expected a run on series that was trained on a fold (rnnlab train SPEC --folds 0), so that "
            "there are blocks of time behind those that it has seen"
        )
    splits = ["validation", *(f"fold-{number}" for number in range(validation.fold + 1, validation.folds))]
    places = places_of(run, data)
    print_splits(run.path, [evaluate(predictor, places, split, figures=split == "validation") for split in splits])


def predict_file(
    path: Path, source: Path, output: Path | None, as_json: bool, from_date: str | None, settings: tuple[str, ...] = ()
) -> None:
    """Answer for a file, as CSV or as JSON lines."""
    if not source.is_file() and not source.is_dir():
        raise UserError(f"{source}: {'expected a file or a folder' if source.exists() else 'no such file'}")
    if output is not None and output.suffix not in (".csv", ".jsonl"):
        raise UserError(f"--output {output}: expected .csv or .jsonl")
    _check_settings(settings, (SEARCH,), "predicting takes task.search.KEY")
    predictor = load_predictor(RunDir.open(path), settings)
    given = predictor.experiment.data.read_input(source, predictor.signature)
    examples = predictor.experiment.task.to_answer(given, from_date)
    for note in given.notes:
        print(f"{source}: {note}", file=sys.stderr)
    if examples.skipped:
        print(f"{source}: {len(examples.skipped)} bad sequence(s) left out, without an answer:", file=sys.stderr)
        print("\n".join(skipped_lines(examples.skipped, len(examples.skipped))), file=sys.stderr)
    answers = predictor.final_answers(examples)
    if predictor.experiment.task.self_supervised:
        del answers["probabilities"]  # of a whole vocabulary: more than a table holds
    names = predictor.signature.known_target.names
    if isinstance(examples, Windows):
        if examples.left_out:
            count, names_of = len(examples.left_out), _few(examples.left_out)
            why = "too short to forecast from, or ended before --from-date"
            print(f"{source}: {count} series left out ({why}): {names_of}", file=sys.stderr)
        unseen = predictor.unseen_series(examples)
        if unseen:
            print(
                f"{source}: {len(unseen)} series that training has not seen, scaled as all of them together were: "
                f"{_few(unseen)}",
                file=sys.stderr,
            )
        rows = [row for index in range(len(examples)) for row in _forecast_rows(examples, index, answers, names)]
    elif "tag_names" in answers:
        rows = [row for index in range(len(examples)) for row in _tag_rows(examples, index, answers)]
    elif "texts" in answers:
        rows = [row for index in range(len(examples)) for row in _text_rows(examples.ids[index], index, answers)]
    else:
        rows = [_row(identity, index, answers, names) for index, identity in enumerate(examples.ids)]
    lines = as_json or (output is not None and output.suffix == ".jsonl")
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows) if lines else _csv(rows)
    if output is None:
        print(text, end="")
    else:
        write_text(output, text)
        print(f"{len(examples)} answer{'s' if len(examples) != 1 else ''} in {output}", file=sys.stderr)


def export_run(path: Path, form: str, output: Path | None) -> None:
    """Export a run and print where it is, what it is, and how far it differs from the run."""
    from rnnlab.export import EXPORT_FORMATS, export

    exporter, predictor = EXPORT_FORMATS.load(form), load_predictor(RunDir.open(path), ())
    written, difference = export(predictor, form, output)
    print(f"{written}")
    print(f"loaded and compared with the run: largest difference {difference:.2g} (allowed {exporter.tolerance:g})")
    print(exporter.note)
    field = predictor.signature.inputs[0]
    if field.kind == "audio" and not exporter.prepared:
        print(f"recordings are (batch, samples, 1), float32 of -1 to 1, {field.rate:,} samples a second")


def load_predictor(run: RunDir, settings: tuple[str, ...]) -> Any:
    """Load a run, and say so where its training is not finished.

    Args:
        run: its folder.
        settings: where its data are now, and how answers in tokens are looked for.
    """
    from rnnlab.prediction import Predictor

    changed = load_experiment(run.spec, settings) if settings else None
    searching = any(setting.startswith(SEARCH) for setting in settings)
    predictor = Predictor.load(run.path, changed.task if changed is not None and searching else None)
    status = run.read_manifest().get("status")
    if status != "finished":
        print(
            f"{run.path}: the training is not finished (status: {status}); its weights so far answer", file=sys.stderr
        )
    if changed is None:
        return predictor
    values = {**_values(predictor.experiment), "data": _values(changed)["data"]}
    return replace(predictor, experiment=Experiment.model_validate(values))


def _check_settings(settings: Sequence[str], allowed: tuple[str, ...], what: str) -> None:
    """Refuse to change what a run was trained with.

    Raises:
        UserError: a key is none of these.
    """
    for setting in settings:
        if not setting.startswith(allowed):
            raise UserError(f"--set {setting}: {what} only; anything else is another training")


def _values(experiment: Experiment) -> dict[str, Any]:
    values = yaml.safe_load(experiment.to_yaml())
    return dict(values)


def places_of(run: RunDir, data: Path | None) -> Places:
    """Return the folders that a run's paths are looked for in: its own data directory where none is named."""
    manifest = run.read_manifest()
    if data is None:
        known = manifest.get("data_folder")
        data = Path(str(known)) if known else default_data_directory()
    return Places(Path(str(manifest.get("spec_folder", "."))), data)


def _row(identity: str, index: int, answers: dict[str, NDArray[Any]], names: Sequence[str]) -> dict[str, Any]:
    """Return one answer: the id, what is text, then each number by its class's or target's name."""
    row: dict[str, Any] = {"id": identity}
    for key, values in answers.items():
        if values.dtype.kind == "U":
            row[key.removesuffix("es") if key == "classes" else key] = str(values[index])
    for key, values in answers.items():
        if values.dtype.kind != "U":
            # A number that is itself called like one of the columns before must not take its place.
            prefix = "p_" if key == "probabilities" else "value_" if row.keys() & set(names) else ""
            row |= {f"{prefix}{name}": _short(each) for name, each in zip(names, values[index], strict=True)}
    return row


def _forecast_rows(
    windows: Windows, index: int, answers: dict[str, NDArray[Any]], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Return one row for each step ahead: the series, its date, each target's value, and the quantiles behind it."""
    series = windows.series.ids[windows.place(index)[0]]
    rows = []
    for step, stamp in enumerate(windows.stamps(index)):
        row: dict[str, Any] = {"series": series, "time": stamp_text(stamp)}
        for number, name in enumerate(names):
            name = f"value_{name}" if name in ("series", "time") else name
            row[name] = _short(answers["values"][index, step, number])
            if "quantiles" in answers:
                quantiles = zip(answers["levels"], answers["quantiles"][index, step, number], strict=True)
                row |= {f"{name} {level:g}": _short(each) for level, each in quantiles}
        rows.append(row)
    return rows


def _tag_rows(examples: Examples, index: int, answers: dict[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """Return one row for each token: its sentence, itself, its tag, and how probable that is where this is known."""
    rows: list[dict[str, Any]] = []
    for step, word in enumerate(examples.read(index)[examples.signature.inputs[0].name].tolist()):
        row = {"sentence": examples.ids[index], "token": word.decode(), "tag": str(answers["tag_names"][index, step])}
        if "probabilities" in answers:
            row["probability"] = _short(answers["probabilities"][index, step, answers["tags"][index, step]])
        rows.append(row)
    return rows


def _text_rows(identity: str, index: int, answers: dict[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """Return one row for each answer, the best first: the id, the text, and the score by which it is ranked."""
    if "candidates" not in answers:
        return [{"id": identity, "text": str(answers["texts"][index]), "score": _short(answers["scores"][index])}]
    pairs = zip(answers["candidates"][index], answers["candidate_scores"][index], strict=True)
    return [
        {"id": identity, "rank": rank, "text": str(text), "score": _short(score)}
        for rank, (text, score) in enumerate(pairs, start=1)
        if score > NEVER / 2
    ]


def _short(value: Any) -> float:
    """Return a number with no more digits than it takes to tell it from others of 32 bits."""
    return float(str(np.float32(value)))


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")


def _csv(rows: list[dict[str, Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]) if rows else ["id"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
