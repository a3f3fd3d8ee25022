"""The experiment: a whole spec, joined and cross-checked.

Every mistake of a spec is found at once, before any data is read, and named by file, line and column.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from rnnlab import signature, yamlfile
from rnnlab.architectures import ARCHITECTURES, Architecture
from rnnlab.augmentations import AUGMENTATIONS, Augmentation
from rnnlab.errors import DataError, SpecError, did_you_mean
from rnnlab.heads import HEADS, Head
from rnnlab.metrics import METRICS
from rnnlab.optimizers import OPTIMIZERS, SCHEDULES
from rnnlab.registry import Choice
from rnnlab.settings import Monitored, Training
from rnnlab.sources import SOURCES, Source
from rnnlab.stems import DEFAULTS, STEMS, Stem
from rnnlab.strict import Strict
from rnnlab.tasks import TASKS, Task
from rnnlab.transforms import TRANSFORMS, Transform
from rnnlab.yamlfile import dotted

NAMING_KEYS = frozenset(
    registry.key
    for registry in (SOURCES, TRANSFORMS, AUGMENTATIONS, STEMS, ARCHITECTURES, HEADS, TASKS, OPTIMIZERS, SCHEDULES)
)

Mistakes = list[tuple[tuple[int | str, ...], str]]  # where in the spec, and what


class Experiment(Strict):
    """A spec: the data, the question, the network and how it is trained."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100, description="names the run folder; default: the file's"
    )
    data: Annotated[Source, Choice(SOURCES)] = Field(description="where the examples come from")
    transforms: list[Annotated[Transform, Choice(TRANSFORMS)]] = Field(
        default_factory=lambda: [TRANSFORMS.load("standardize")()],
        description="how examples are prepared, in order; fitted on the training split alone. Default: standardize, "
        "and before a forecast impute; of text, words, or to model language characters; of drawings strokes; of sound "
        "log_mel and standardize; of notes and frames none",
    )
    augmentations: list[Annotated[Augmentation, Choice(AUGMENTATIONS)]] = Field(
        default_factory=list,
        description="how training examples are varied, in order, after the transforms, and sound before log_mel; "
        "default: not at all",
    )
    task: Annotated[Task, Choice(TASKS)] = Field(description="the question")
    model: Annotated[Architecture, Choice(ARCHITECTURES)] = Field(description="the network")
    stem: Annotated[Stem, Choice(STEMS)] | None = Field(
        None,
        description="how what holds no numbers becomes vectors; default: of tokens, embedding; of words with their "
        "characters, word_characters; of frames, cnn; of series none",
    )
    head: Annotated[Head, Choice(HEADS)] | None = Field(
        None, description="what reads the network; default: the head that serves the task"
    )
    training: Training = Field(default_factory=Training, description="how the network is trained")
    seed: int = Field(0, ge=0, lt=2**31, description="seed of weights, order and dropout")

    def stem_for(self, field: signature.Field) -> Stem | None:
        """Return the stem of a prepared input field, or None where the encoder takes it as it is.

        Raises:
            DataError: the stem that the spec names does not take it, or nothing does.
        """
        if self.model.reads:
            self._check_reads(field)
            return None
        if self.stem is not None and field.kind in self.stem.kinds:
            return self.stem
        if self.stem is not None:
            kinds = " and ".join(sorted(self.stem.kinds))
            raise DataError(
                f"stem: {STEMS.name_of(self.stem)} takes {kinds}; '{field.name}' is {field.kind}; remove it"
            )
        if field.kind == "text":
            raise DataError(f"transforms: '{field.name}' is text; add `- words` or `- characters`")
        if field.kind == "words":
            raise DataError(f"transforms: '{field.name}' is words; add `- words`, which gives them numbers")
        if field.kind == "strokes":
            raise DataError(f"transforms: '{field.name}' is strokes; add `- strokes`, which makes steps of them")
        if field.kind == "audio":
            raise DataError(f"transforms: '{field.name}' is audio; add `- log_mel`, which makes frames of its samples")
        return STEMS.load(DEFAULTS[field.kind])() if field.kind in DEFAULTS else None

    def _check_reads(self, field: signature.Field) -> None:
        """Refuse an input that the architecture, which has no stem before it, does not read; and a stem."""
        name, kinds = ARCHITECTURES.name_of(self.model), " and ".join(sorted(self.model.reads))
        if self.stem is not None:
            raise DataError(f"stem: {name} reads {kinds} without a stem before it; remove it")
        if field.kind not in self.model.reads:
            raise DataError(f"model: {name} reads {kinds}; '{field.name}' is {field.kind}; use another architecture")

    @property
    def reader(self) -> Head:
        """The head: the one named, or the task's own."""
        return self.head or HEADS.load(str(self.task.head))()

    def to_yaml(self) -> str:
        """Return the spec with every default written out; reading it gives an equal experiment."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def load_experiment(path: Path, settings: Iterable[str] = ()) -> Experiment:
    """Read a spec and `KEY=VALUE` settings on top of it.

    Raises:
        SpecError: every mistake, one a line.
    """
    document = yamlfile.load(path, settings, NAMING_KEYS)
    values = document.values
    values.setdefault("name", re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem)[:100].strip("-._") or "run")
    _resolve_defaults(values)
    try:
        experiment = Experiment.model_validate(values)
    except ValidationError as error:
        raise SpecError(_mistake_lines(document, error)) from None
    found = [(document.where(location), location, text) for location, text in cross_check(experiment)]
    if found:
        found.sort(key=lambda each: _place_order(each[0]))
        raise SpecError([f"{place}: {dotted(location)}: {text}" for place, location, text in found])
    return experiment


def _resolve_defaults(values: dict[str, Any]) -> None:
    """Fill in the defaults that depend on another key."""
    task, data = values.get("task"), values.get("data")
    kind = task.get("kind") if isinstance(task, dict) else task
    if values.get("head") is None and isinstance(kind, str) and kind in TASKS.names() and not _decodes(values):
        head = TASKS.load(kind).head
        if head is not None:
            values["head"] = {HEADS.key: head}
    if "transforms" not in values:
        values["transforms"] = _default_transforms(kind, data)
    validation = data.get("validation") if isinstance(data, dict) else None
    training = values.setdefault("training", {})
    if isinstance(validation, dict) and validation.get("by") == "none" and isinstance(training, dict):
        training.setdefault("best", None)


def _default_transforms(kind: object, data: object) -> list[dict[str, str]]:
    source = data.get(SOURCES.key) if isinstance(data, dict) else data
    known = isinstance(source, str) and source in SOURCES.names()
    if known and SOURCES.load(str(source)).gives_text(data):
        return [{TRANSFORMS.key: "characters" if kind == "language_modeling" else "words"}]
    if known and SOURCES.load(str(source)).gives_strokes(data):
        return [{TRANSFORMS.key: "strokes"}]
    if known and SOURCES.load(str(source)).gives_audio(data):
        return [{TRANSFORMS.key: "log_mel"}, {TRANSFORMS.key: "standardize"}]
    if kind == "language_modeling" or (known and SOURCES.load(str(source)).gives_frames(data)):
        return []
    before = [{TRANSFORMS.key: "impute"}] if kind == "forecasting" else []
    return [*before, {TRANSFORMS.key: "standardize"}]


def _decodes(values: dict[str, Any]) -> bool:
    """Whether the architecture that a spec names answers by itself; mistakes in it are found later."""
    try:
        return bool(ARCHITECTURES.parse(values.get("model")).decodes)
    except ValidationError:
        return False


def cross_check(experiment: Experiment) -> Mistakes:
    """Return what does not fit together, as (location, message)."""
    found: Mistakes = []
    kind = TASKS.name_of(experiment.task)
    if experiment.head is not None and kind not in experiment.head.tasks:
        fitting = [name for name in HEADS.names() if kind in HEADS.load(name).tasks]
        remedy = f"use {', '.join(fitting)}" if fitting else "an architecture that decodes answers it; remove the head"
        found.append((("head", "name"), f"'{HEADS.name_of(experiment.head)}' does not serve {kind}; {remedy}"))
    found += _architecture_mistakes(experiment, kind)
    found += _transform_mistakes(experiment, kind)
    found += _augmentation_mistakes(experiment)
    found += _truncation_mistakes(experiment)
    for key in ("best", "early_stopping", "reduce_on_plateau"):
        monitored = getattr(experiment.training, key)
        if monitored is not None:
            message = _monitor_mistake(monitored, experiment)
            if message:
                found.append((("training", key, "monitor"), message))
    return found


def _architecture_mistakes(experiment: Experiment, kind: str) -> Mistakes:
    """Return where architecture and head, or architecture and task, do not fit together."""
    model, head = experiment.model, experiment.head
    name = ARCHITECTURES.name_of(model)
    if model.decodes and kind not in model.decodes:
        return [(("model", "architecture"), f"'{name}' does not serve {kind}, but {', '.join(sorted(model.decodes))}")]
    if model.decodes and head is not None and kind in head.tasks:
        return [(("head",), f"'{name}' decodes by itself; remove the head")]
    unused: Mistakes = [(("model", *key), text) for key, text in model.unused(kind)]
    if unused:
        return unused
    if not model.decodes and experiment.task.head is None:
        return [(("model", "architecture"), f"{kind} needs one that decodes, such as seq2seq; received '{name}'")]
    wanting = None if model.decodes else experiment.reader.mistake(model)
    return [] if wanting is None else [(("model",), wanting)]


def _transform_mistakes(experiment: Experiment, kind: str) -> Mistakes:
    """Return where a transform does not fit the task, or the head."""
    if experiment.task.self_supervised:
        text = "what comes next is asked for in tokens alone; remove `characters`"
        return [(("transforms", number), text) for number, each in enumerate(experiment.transforms) if each.spells]
    if kind != "forecasting":
        return _misaligned(experiment)
    every_step = not experiment.model.decodes and experiment.reader.every_step
    found: Mistakes = []
    for number, transform in enumerate(experiment.transforms):
        name = TRANSFORMS.name_of(transform)
        if transform.fills and any(before.lost for before in experiment.transforms[:number]):
            text = f"{name} comes too late: what stands before it computes with values that are missing; put it first"
            found.append((("transforms", number), text))
        if experiment.task.spread and transform.adds_up(experiment.task.steps_ahead):
            text = (
                f"{name} adds the steps of a forecast up, and quantiles of a sum are no sums of quantiles; "
                "use `task.output: point`, a lag of the horizon or more, or another transform"
            )
            found.append((("transforms", number), text))
        if not transform.forecasts:
            found.append((("transforms", number), f"{name}, as it is set, can't prepare what is forecast; remove it"))
        elif every_step and not transform.causal:
            text = (
                f"{name}, as it is set, lets a step see what follows it, which {HEADS.name_of(experiment.reader)} "
                "forecasts at every step; use `over: training` or `series`, `method: forward`, or another head"
            )
            found.append((("transforms", number), text))
    least = left = experiment.task.shortest
    for transform in experiment.transforms:
        left = transform.remaining(left)
    if left < 1:
        if any(transform.shortens for transform in experiment.transforms):
            longer = "keep more of it"
        else:
            longer = (
                f"ask for {'min_history' if experiment.task.continuous else 'a history'} of {least - left + 1} or more"
            )
        text = f"the transforms leave nothing of a window, which may have {least} steps; {longer}"
        found.append((("task",), text))
    return found


def _augmentation_mistakes(experiment: Experiment) -> Mistakes:
    """Return which augmentations change what only one transform makes, and do not find it made last."""
    last = TRANSFORMS.name_of(experiment.transforms[-1]) if experiment.transforms else "none"
    return [
        (
            ("augmentations", number),
            f"{AUGMENTATIONS.name_of(each)} changes what the transform {each.after} makes; expected it as the last of "
            f"`transforms`; received {last}",
        )
        for number, each in enumerate(experiment.augmentations)
        if each.after is not None and each.after != last
    ]


def _misaligned(experiment: Experiment) -> Mistakes:
    """Return which transforms add or take steps, where each step has its own answer."""
    if not experiment.task.aligned:
        return []
    text = "as it is set, changes the number of steps, and every step has its tag; "
    return [
        (("transforms", number), f"{TRANSFORMS.name_of(transform)}, {text}remove what adds or takes steps")
        for number, transform in enumerate(experiment.transforms)
        if not transform.aligned
    ]


def _truncation_mistakes(experiment: Experiment) -> Mistakes:
    """Return what truncated back-propagation needs and does not find."""
    if experiment.training.tbptt is None:
        return []
    place = ("training", "tbptt")
    if not experiment.task.continuous:
        return [(place, "needs language_modeling, or forecasting with history: all, which read from the beginning")]
    model, name = experiment.model, ARCHITECTURES.name_of(experiment.model)
    found: Mistakes = []
    if model.decodes:
        found.append((place, f"'{name}' does not forecast at every step; use stacked_rnn and the head per_step"))
    elif not experiment.reader.every_step:
        found.append((place, "needs a head that asks every step, such as per_step"))
    elif not model.state_sizes and experiment.reader.mistake(model) is None:
        found.append((place, f"'{name}', as it is set, carries no state; use stacked_rnn, and bidirectional: false"))
    for number, transform in enumerate(experiment.transforms):
        if transform.shortens:
            text = f"{TRANSFORMS.name_of(transform)} leaves steps out that training.tbptt reads; remove one of the two"
            found.append((("transforms", number), text))
    for number, augmentation in enumerate(experiment.augmentations):
        if augmentation.whole:
            text = f"{AUGMENTATIONS.name_of(augmentation)} changes whole sequences, and training.tbptt reads segments"
            found.append((("augmentations", number), f"{text}; remove one of the two"))
    if experiment.task.seasons is not None:
        text = "would look back within a segment of training.tbptt alone; remove one of the two"
        found.append((("task", "seasonal_mean"), text))
    if experiment.task.skips_steps:
        found.append((("task", "stride"), "does nothing beside training.tbptt, which asks every step; remove it"))
    if experiment.training.batch_steps is not None:
        text = "does nothing beside tbptt, which takes batch_size places side by side; remove it"
        found.append((("training", "batch_steps"), text))
    return found


def _monitor_mistake(monitored: Monitored, experiment: Experiment) -> str | None:
    column = monitored.monitor.removeprefix("val_")
    task = experiment.task
    targets = [signature.Field("target", kind, ()) for kind in sorted(task.targets)]  # type: ignore[arg-type]
    known = ["loss", *(name for target in targets for name in task.metric_names(target))]
    if column in METRICS.names() and not METRICS.load(column).ranks:
        return f"{column} tells no better from worse; monitor {_with_val(known)[0]}, say"
    if column in METRICS.names() and METRICS.load(column).needs == "texts" and column == monitored.monitor:
        return f"in training nothing is written out, so {column} is known of validation alone; monitor val_{column}"
    if column not in known:
        return f"no column '{monitored.monitor}' in the history{did_you_mean(monitored.monitor, _with_val(known))}"
    if monitored.monitor.startswith("val_") and experiment.data.validation.by == "none":
        return f"'{monitored.monitor}' needs a validation split, and data.validation.by is none"
    return None


def _with_val(names: list[str]) -> list[str]:
    return [*(f"val_{name}" for name in names), *names]


def _mistake_lines(document: yamlfile.Document, error: ValidationError) -> list[str]:
    """Return one line for each location, in the file's order; alternatives of a union are joined."""
    messages: dict[tuple[int | str, ...], list[str]] = {}
    for each in error.errors():
        text = str(each["msg"])
        messages.setdefault(_in_document(document.values, each["loc"], text), []).append(text)
    lines = []
    deeper = {location[:size] for location in messages for size in range(len(location))}
    for location, texts in messages.items():
        # Where one alternative of a union went deeper, the others only say that they are another kind.
        if location in deeper and all("; received" in text for text in texts):
            continue
        place = document.where(location, key=texts[0].startswith("unknown key"))
        lines.append((place, f"{place}: {dotted(location)}: {_alternatives(texts)}"))
    return [line for _, line in sorted(lines, key=lambda pair: _place_order(pair[0]))]


def _in_document(values: Any, location: tuple[int | str, ...], text: str) -> tuple[int | str, ...]:
    """Drop what pydantic adds to a location: the names of a union's alternatives."""
    result: list[int | str] = []
    for part in location:
        inside_list = isinstance(values, list) and isinstance(part, int) and part < len(values)
        if inside_list or (isinstance(values, dict) and part in values):
            result.append(part)
            values = values[part]
    if text.endswith("missing") and location:
        result.append(location[-1])
    return tuple(result)


_ALTERNATIVE = re.compile(r"expected (?P<expected>.*); received (?P<received>.*?)(?P<hint>(?:; did you mean .*)?)")


def _alternatives(texts: list[str]) -> str:
    """Join what each alternative of a union expected, the received value said once."""
    unique = list(dict.fromkeys(texts))
    parts = [_ALTERNATIVE.fullmatch(text) for text in unique]
    if len(unique) > 1 and all(parts) and len({part["received"] for part in parts if part}) == 1:
        expected = " or ".join(part["expected"] for part in parts if part)
        hints = "".join(part["hint"] for part in parts if part)
        return f"expected {expected}; received {parts[0]['received'] if parts[0] else ''}{hints}"
    return "; or ".join(unique)


def _place_order(place: str) -> tuple[str, list[int]]:
    name, _, column = place.rpartition(":")
    name, _, line = name.rpartition(":")
    return (name, [int(line), int(column)]) if line.isdecimal() and column.isdecimal() else (place, [])


def schema() -> str:
    """Return the JSON Schema of a spec, for editors."""
    result = Experiment.model_json_schema()
    result["required"] = [key for key in result["required"] if key != "name"]
    result["properties"]["extends"] = {"type": "string", "description": "another spec that this one is laid over"}
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **result}, indent=2)
