"""Prediction: a run folder answers. It needs nothing else: not the data, not the spec's folder.

Axes: N examples, T time, F features, C classes or numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.entities import NOTHING
from rnnlab.errors import DataError, RunError, told
from rnnlab.examples import Examples, FlatExamples
from rnnlab.experiment import Experiment, load_experiment
from rnnlab.pixels import as_pixels
from rnnlab.plan import Batching, plan_evaluation
from rnnlab.preparation import Pipeline, batch_of, from_arrays
from rnnlab.quiet import load_tensorflow
from rnnlab.rundir import RunDir, read_arrays
from rnnlab.signature import Field, Signature
from rnnlab.strict import shown
from rnnlab.tasks import Learnt, Task
from rnnlab.vocabulary import START
from rnnlab.waveforms import fault_of
from rnnlab.windows import Windows


@dataclass(frozen=True)
class Predictor:
    """A trained network with its preparation and its task.

    Attributes:
        run: the folder that it was loaded from.
        experiment: its spec.
        signature: the raw input fields and the target that it was trained on.
        pipeline: its fitted transforms.
        learnt: what its task learnt.
        network: the `keras.Model` from prepared fields and lengths to outputs.
        widths: the bucket boundaries of its training.
    """

    run: RunDir
    experiment: Experiment
    signature: Signature
    pipeline: Pipeline
    learnt: Learnt
    network: Any
    widths: tuple[int, ...]

    @classmethod
    def load(cls, path: str | Path, task: Task | None = None) -> Predictor:
        """Load a run folder.

        Args:
            path: of the run.
            task: in place of the spec's own, where it answers otherwise, such as by a wider search.

        Raises:
            RunError: there is no trained run in it, or it is damaged.
        """
        load_tensorflow()
        from rnnlab.network import build_network, named_variables

        run = RunDir.open(Path(path))
        manifest = run.read_manifest()
        experiment = load_experiment(run.spec)
        if task is not None:
            experiment = experiment.model_copy(update={"task": task})
        signature = Signature.from_json(manifest["data"]["signature"])
        pipeline, learnt = from_arrays(read_arrays(run.prepared), experiment.transforms, signature)
        pipeline = pipeline.asked_for(experiment.task.prepared_target(pipeline.signature.known_target, learnt))
        network = build_network(experiment, pipeline.signature)
        weights = read_arrays(run.weights)
        for name, variable in named_variables(network).items():
            values = weights.get(f"model/{name}")
            if values is None or values.shape != tuple(variable.shape) or values.dtype.kind not in "biuf":
                received = "none" if values is None else f"{values.dtype} of shape {values.shape}"
                expected = f"'{name}', numbers of shape {tuple(variable.shape)}"
                raise RunError(f"{run.weights}: expected {expected}; received {received}; it is of another model")
            variable.assign(values)
        _check_learnt(run, experiment, pipeline, learnt, network)
        return cls(run, experiment, signature, pipeline, learnt, network, tuple(manifest["widths"]))

    def forward(self, fields: Mapping[str, Any], lengths: Any, series: Any = None) -> dict[str, Any]:
        """Return the answers of raw fields, such as (B, T, F), and lengths (B,), as tensors; usable in a graph.

        Args:
            fields: by name.
            lengths: (B,) int32.
            series: (B,) int32, the numbers of the training series, see `Pipeline.apply`.
        """
        fields, lengths = self.experiment.task.read_part(fields, lengths)
        inputs = self.network_inputs(fields, lengths, series)
        if self.experiment.task.self_supervised:  # to go on with what is given, it must not be closed
            inputs["lengths"] -= sum(transform.closing for transform in self.pipeline.transforms)
        outputs = self.network(inputs, training=False)
        answers = self.experiment.task.answers(outputs, inputs["lengths"], self.learnt)
        raw = {"raw": fields[self.signature.inputs[0].name], "raw_lengths": lengths, "series": series}
        return self.pipeline.restore(answers, raw)

    def network_inputs(self, fields: Mapping[str, Any], lengths: Any, series: Any = None) -> dict[str, Any]:
        """Return what the network reads, of what `forward` takes."""
        import tensorflow as tf

        prepared, lengths = self.pipeline.apply(fields, lengths, series)
        inputs = {**prepared, "lengths": lengths}
        if "teacher" in self.network.input:  # there is none outside of training
            teacher = self.network.input["teacher"]
            if teacher.dtype == "int32":
                inputs["teacher"] = tf.fill([tf.shape(lengths)[0], 1], START)
            else:
                inputs["teacher"] = tf.fill([tf.shape(lengths)[0], *teacher.shape[1:]], np.float32(np.nan))
        return {name: inputs[name] for name in self.network.input}

    @cached_property
    def stateful(self) -> Any:
        """The network that goes on from states, see `build_network`, of the same weights."""
        from rnnlab.network import build_network, named_variables

        network = build_network(self.experiment, self.pipeline.signature, stateful=True)
        weights = named_variables(self.network)
        for name, variable in named_variables(network).items():
            variable.assign(weights[name].numpy())
        return network

    def series_numbers(self, names: Sequence[str] | None, count: int) -> NDArray[np.int32]:
        """Return the numbers of training series of these names, (N,); of one that training has not seen, one more."""
        known = {str(name): number for number, name in enumerate(self.learnt.get("series", ()))}
        found = [len(known)] * count if names is None else [known.get(str(name), len(known)) for name in names]
        return np.array(found, np.int32)

    def unseen_series(self, windows: Windows) -> list[str]:
        """Return the series that are asked about, and that transforms know nothing of though they know each series."""
        if not self.pipeline.per_series:
            return []
        names = list(dict.fromkeys(series_names(windows) or ()))
        numbers = self.series_numbers(names, len(names))
        return [name for name, number in zip(names, numbers, strict=True) if number == len(self.learnt["series"])]

    def answers(self, examples: Examples) -> dict[str, NDArray[Any]]:
        """Return the answers for all examples, in their order.

        By the task: `probabilities` (N, C), `values` (N, C), or of forecasts `values` (N, H, C) and, unless they are
        points, `quantiles` (N, H, C, Q); of every step `tags` (N, T), -1 in the padding, and of a softmax
        `probabilities` (N, T, C), there 0; `texts` (N,), bytes, and what else the task gives of answers in tokens.
        """
        collected: dict[str, NDArray[Any]] = {}
        longest = int(examples.lengths.max(initial=0)) if self.experiment.task.aligned else None
        series = self.series_numbers(series_names(examples), len(examples))
        training = self.experiment.training
        batching = Batching(self.widths, training.batch_size, training.batch_steps)
        for batch in plan_evaluation(examples.lengths, batching):
            fields, lengths = stack(examples, batch.indices)
            result = self._compiled(fields, lengths, series[batch.indices])
            for key, value in result.items():
                rows = np.asarray(value)
                if longest is not None:
                    rows = _widened(rows, longest)
                collected.setdefault(key, np.zeros((len(examples), *rows.shape[1:]), rows.dtype))[batch.indices] = rows
        for rows in collected.values():
            if rows.dtype == object:
                continue
            unknown = np.flatnonzero(np.isnan(rows).reshape(len(rows), -1).any(axis=1))
            if len(unknown):
                raise DataError(
                    f"{examples.ids[int(unknown[0])]}: there is no answer (not a number), and {len(unknown) - 1} more "
                    "like it; is a value missing in what it reads? A run whose transforms have `impute` fills it in"
                )
        return collected

    @property
    def shapes(self) -> dict[str, tuple[int | None, ...]]:
        """The shape of one row of each raw field, by name; None where it differs from row to row."""
        return _shapes(self.signature, self.experiment)

    @property
    def reads_text(self) -> bool:
        """Whether what goes in is text, which has its length in itself."""
        return self.signature.inputs[0].kind == "text"

    @cached_property
    def _compiled(self) -> Any:
        """`forward` as one graph for every batch size and width."""
        import tensorflow as tf

        number = tf.TensorSpec([None], tf.int32)
        return tf.function(self.forward, input_signature=[self.specs, number, number])

    @property
    def specs(self) -> dict[str, Any]:
        """What a graph takes of each raw field, by name: a batch of any size."""
        import tensorflow as tf

        strings = ("text", "words")
        kinds = {field.name: tf.string if field.kind in strings else field.dtype for field in self.signature.inputs}
        return {name: tf.TensorSpec([None, *shape], kinds[name], name) for name, shape in self.shapes.items()}

    def predict(
        self, sequences: Sequence[Any], future: Sequence[Any] | None = None, series: Sequence[str] | None = None
    ) -> dict[str, NDArray[Any]]:
        """Return the answers for raw sequences.

        Args:
            sequences: arrays (T, F), or pandas frames with the columns that the run was trained on; or texts; or lists
                of words; or frames (T, H, W, C), or pictures (H, W, C), whole numbers of 0 to 255; or drawings (T, 3):
                x, y, and 1 at the last point of each stroke; or sound (T,) of -1 to 1, at the rate of training. To
                forecast, what came before; a missing value is NaN.
            future: to forecast where something is known of the steps to come: of each sequence an array (H, K), or a
                frame with these columns.
            series: to forecast, the name of each sequence's series, where transforms know each of them.

        Returns:
            `probabilities` (N, C) and `classes` (N,) of text, or `values` (N, C), or of forecasts `values` (N, H, C)
            and, unless they are points, `quantiles` (N, H, C, Q) with their `levels` (Q,); of every step `tags` (N, T),
            -1 in the padding, and `tag_names` (N, T), there empty; of answers in tokens `texts` (N,), `scores` (N,)
            and of several answers `candidates` and `candidate_scores` (N, K), the best first.

        Raises:
            DataError: a sequence has another number of features, no steps, or values that are not finite.
        """
        if not len(sequences):
            raise DataError("predict: no sequences were given")
        if self.pipeline.per_series and series is None:
            raise DataError("predict: a transform is over series: say with `series` which one each sequence is of")
        main, *others = self.signature.inputs
        arrays = [self._to_array(sequence, main, f"sequence {number}") for number, sequence in enumerate(sequences)]
        beside = {}
        for other in others:
            if future is None or len(future) != len(sequences):
                raise DataError(f"predict: expected the {other.name} of each sequence: {', '.join(other.names)}")
            beside[other.name] = np.stack(
                [self._to_array(each, other, f"{other.name} {number}") for number, each in enumerate(future)]
            )
        ids = [str(position) for position in range(len(arrays))]
        examples = FlatExamples.from_sequences(Signature(self.signature.inputs), ids, arrays)
        return self.final_answers(replace(examples, beside=beside, series=series))

    def final_answers(self, examples: Examples) -> dict[str, NDArray[Any]]:
        """Return `answers` with what the task adds, such as the names of the classes."""
        answers = self.answers(examples)
        final = self.experiment.task.final_answers(answers, self.pipeline.signature.known_target)
        return {name: to_numpy(value) for name, value in {**answers, **final}.items()}

    def _to_array(self, sequence: Any, field: Field, where: str) -> NDArray[Any]:
        """Return (T, F), of text its bytes, of words (T,), of frames (T, H, W, C).

        A picture may come as (H, W, C). Where steps to come are described, T must be the horizon.
        """
        if field.kind == "text":
            if not isinstance(sequence, str):
                raise DataError(f"{where}: expected text; received {type(sequence).__name__}")
            return np.frombuffer(sequence.encode(errors="replace"), np.uint8)
        if field.kind == "words":
            if isinstance(sequence, str) or not len(sequence) or not all(isinstance(each, str) for each in sequence):
                raise DataError(f"{where}: expected a list of one or more words; received {shown(sequence)}")
            return np.array([each.encode() for each in sequence], np.bytes_)
        columns = getattr(sequence, "columns", None)
        if columns is not None:
            missing = [name for name in field.names if name not in columns]
            if missing:
                raise DataError(f"{where}: no column {', '.join(missing)}; it has {', '.join(columns)}")
            sequence = sequence[list(field.names)].to_numpy()
        try:
            array = np.asarray(sequence, np.float32)
        except (ValueError, TypeError) as error:
            raise DataError(f"{where}: expected numbers (time, features): {error}") from None
        fault = fault_of(np.asarray(sequence)) if field.kind == "audio" else None
        if fault is not None:
            raise DataError(f"{where}: {fault}")
        if array.ndim == 1 and field.shape == (1,):
            array = array[:, np.newaxis]
        if field.kind == "frames" and array.shape == field.shape:
            array = array[np.newaxis]
        steps = self.shapes[field.name][0]
        if array.shape[1:] != field.shape or not len(array) or len(array) != (steps or len(array)):
            expected = ", ".join([str(steps or "T ≥ 1"), *map(str, field.shape)])
            raise DataError(f"{where}: expected shape ({expected}); received {array.shape}")
        fills = field.kind == "series" and any(transform.fills for transform in self.pipeline.transforms)
        bad = np.isinf(array) if fills else ~np.isfinite(array)
        if bad.any():
            raise DataError(f"{where}, time step {int(np.argwhere(bad)[0][0])}: a value is not a finite number")
        if field.kind == "strokes" and not np.isin(array[:, 2], (0, 1)).all():
            raise DataError(f"{where}: expected x, y, and 1 at the last point of each stroke, else 0; received another")
        return array if field.kind != "frames" else as_pixels(array, where)


def _check_learnt(run: RunDir, experiment: Experiment, pipeline: Pipeline, learnt: Learnt, network: Any) -> None:
    """Ask transforms and task what they make of zeros, since only they know which arrays they need.

    Raises:
        RunError: what they learnt is missing, or of another shape.
    """
    import tensorflow as tf

    one = np.ones(1, np.int32)
    try:
        raw = {
            each.name: np.array([b"."] if each.kind == "text" else [[b"."]], object)
            if each.kind in ("text", "words")
            else np.zeros([1, *(size or 1 for size in _shapes(pipeline.raw, experiment)[each.name])], np.float32)
            for each in pipeline.raw.inputs
        }
        fields, _ = pipeline.apply(raw, one, 0 * one)
        for each in pipeline.signature.inputs:
            expected, found = _shapes(pipeline.signature, experiment)[each.name], fields[each.name].shape[1:]
            if len(found) != len(expected) or any(
                size not in (None, own) for size, own in zip(expected, found, strict=True)
            ):
                raise ValueError(f"expected {each.name} of shape {each.shape}")
        outputs = tf.nest.map_structure(
            lambda each: tf.zeros([1, *(size or 1 for size in each.shape[1:])], each.dtype), network.output
        )
        experiment.task.answers(outputs, one, learnt)
    except (KeyError, ValueError, TypeError, tf.errors.OpError) as error:
        reason = told(error, 200)
        raise RunError(f"{run.prepared}: damaged, or of another spec: {type(error).__name__}: {reason}") from None


def _widened(rows: NDArray[Any], width: int) -> NDArray[Any]:
    """Return (B, width, …) of answers (B, T, …) about every step: -1 in the padding, or 0 where they are numbers."""
    missing = [(0, 0), (0, max(width - rows.shape[1], 0)), *[(0, 0)] * (rows.ndim - 2)]
    return np.pad(rows[:, :width], missing, constant_values=NOTHING if rows.dtype.kind == "i" else 0)


def stack(examples: Examples, indices: NDArray[np.int64]) -> tuple[dict[str, NDArray[Any]], NDArray[np.int32]]:
    """Return the raw fields of some examples by name, a series right-padded (B, T, F), and their lengths (B,)."""
    read = [examples.read(int(index)) for index in indices]
    fields = {each.name: batch_of(each, [fields[each.name] for fields in read]) for each in examples.signature.inputs}
    return fields, examples.lengths[indices].astype(np.int32)


def _shapes(signature: Signature, experiment: Experiment) -> dict[str, tuple[int | None, ...]]:
    """Return the shape of one row of each field, by name; None where it differs from row to row."""
    shapes: dict[str, tuple[int | None, ...]] = {}
    for field in signature.inputs:
        if field.kind == "text":
            shapes[field.name] = ()
        else:
            horizon = experiment.task.steps_ahead if field.kind == "future" else None
            shapes[field.name] = (horizon, *field.shape)
    return shapes


def series_names(examples: Examples) -> Sequence[str] | None:
    """Return the names of the series that examples are windows of, (N,), or None."""
    if isinstance(examples, Windows):
        ids = np.array(list(examples.series.ids), object)
        return list(ids[examples.numbers(np.arange(len(examples)))])
    return examples.series if isinstance(examples, FlatExamples) else None


def to_numpy(tensor: Any) -> NDArray[Any]:
    """Return a tensor's values; TensorFlow's text, which is bytes in UTF-8, as text."""
    values = np.asarray(tensor)
    return np.char.decode(values.astype(bytes), "utf-8") if values.dtype == object else values
