"""One training step, and one step of scoring, over all replicas.

Losses, gradients and metrics are sums over rows, added over parts and replicas and divided once by the global number
of valid rows. So one device and N replicas, one part or several, make the same update, whatever rows each of them got.

Axes: B rows of the global batch, C outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from rnnlab.augmentations import Augmentation, staged
from rnnlab.layers.randomness import random_scope
from rnnlab.layers.time import zero_padding
from rnnlab.metrics import Metric
from rnnlab.network import STATE
from rnnlab.preparation import Pipeline
from rnnlab.settings import Training
from rnnlab.tasks import Task

Sums = dict[str, Any]
# What has an axis of time in a batch beside the field, and tags: as wide as that, or wider.
OVER_TIME = ("known", "observed", "raw")


@dataclass(frozen=True)
class Objective:
    """What a step needs to know of the question.

    Attributes:
        task: the question.
        learnt: what the task learnt from the training split.
        metrics: by name.
        pipeline: brings answers back into the unit of the raw data.
        augmentations: of training batches, in order.
    """

    task: Task
    learnt: Mapping[str, NDArray[Any]]
    metrics: Mapping[str, Metric]
    pipeline: Pipeline
    augmentations: Sequence[Augmentation] = ()

    def augmented(self, batch: Mapping[str, Any], seed: Any) -> dict[str, Any]:
        """Return a training batch as it might also have been, drawn from this seed, (2,) int32.

        One that is `Unfinished` comes out prepared, and as wide as it was planned.
        """
        result = dict(batch)
        width = result.pop("width", None)
        stages = staged(self.augmentations, self.pipeline)
        done, last = stages[0][0] if stages else 0, len(self.pipeline.transforms)
        for number, (stage, augmentation) in enumerate(stages):
            result, done = self._prepared(result, done, stage), stage
            own = tf.random.experimental.stateless_fold_in(seed, number)
            signature = self.pipeline.signature if stage == last else self.pipeline.signatures[stage]
            result = augmentation.apply(result, signature, own)
        if width is not None:
            result = self._as_wide(self._prepared(result, done, last), width)
        if result.get("ahead") is not batch.get("ahead"):  # then training's scores are of what is asked for now
            changed = self.pipeline.restore({"values": result["ahead"]}, batch)["values"]
            result["targets"] = tf.where(tf.math.is_finite(changed), changed, batch["targets"])
        return result

    def _prepared(self, batch: dict[str, Any], begin: int, end: int) -> dict[str, Any]:
        """Return a batch with the transforms from one number on, before another, applied."""
        if begin == end:
            return batch
        part = self.pipeline.part(begin, end)
        fields, lengths = part.apply({field.name: batch[field.name] for field in part.raw.inputs}, batch["lengths"])
        return {**batch, **fields, "lengths": lengths}

    def _as_wide(self, batch: dict[str, Any], width: Any) -> dict[str, Any]:
        """Return a batch with so many steps: cut off, or filled up with zeros."""
        name = self.pipeline.signature.inputs[0].name
        values, lengths = batch[name][:, :width], tf.minimum(batch["lengths"], tf.cast(width, tf.int32))
        missing = tf.cast(width, tf.int32) - tf.shape(values)[1]
        filled = tf.pad(zero_padding(values, lengths), [[0, 0], [0, missing], *[[0, 0]] * (values.shape.rank - 2)])
        return {**batch, name: filled, "lengths": lengths}

    def sums(self, outputs: Any, batch: Mapping[str, Any], *, training: bool = False) -> Sums:
        """Return the sums of one replica's rows: the rows, the loss and its weight, and each metric's own.

        In training nothing is written out, and texts have no scores.
        """
        loss, weight = self.loss(outputs, batch)
        answers = self.task.scored(outputs, batch, self.learnt)
        answers = {**self.pipeline.restore(answers, batch), **self.task.constants()}
        result: Sums = {"rows": tf.reduce_sum(batch["weights"]), "weight": weight, "loss": loss}
        for name, metric in self.metrics.items():
            if training and metric.needs == "texts":
                continue
            for key, value in metric.sums(answers, batch).items():
                result[f"{name}/{key}"] = value
        # One type for all: values that are added over the replicas together can't differ in it.
        return {name: tf.cast(value, tf.float64) for name, value in result.items()}

    def loss(self, outputs: Any, batch: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the weighted sum of one replica's losses, and the sum of their weights."""
        losses, weights = self.task.losses(outputs, batch, self.learnt)
        return tf.reduce_sum(losses * weights), tf.reduce_sum(weights)

    def values(self, sums: Mapping[str, Any]) -> dict[str, float]:
        """Return the loss and each metric from sums over all batches."""
        loss = float(sums["loss"]) / max(float(sums["weight"]), 1e-30)
        own = self.sums_of_metrics(sums)
        return {"loss": loss, **{name: metric.value(own[name]) for name, metric in self.metrics.items() if own[name]}}

    def sums_of_metrics(self, sums: Mapping[str, Any]) -> dict[str, dict[str, NDArray[np.float64]]]:
        """Return each metric's own sums, of those of all."""
        return {
            name: {
                key.partition("/")[2]: np.asarray(value, np.float64)
                for key, value in sums.items()
                if key.startswith(f"{name}/")
            }
            for name in self.metrics
        }


def add_sums(total: Sums | None, sums: Mapping[str, Any]) -> Sums:
    """Return the running total, in float64."""
    new = {name: np.asarray(value, np.float64) for name, value in sums.items()}
    return new if total is None else {name: total[name] + value for name, value in new.items()}


class Stepper:
    """Compiled steps of a network under a strategy.

    Args:
        network: built within the strategy's scope.
        optimizer: the Keras optimizer, built on the network's trainable variables within the scope.
        settings: the spec's, for clipping and the number of parts that a batch is computed in.
        seed: of dropout; each update and each replica folds its own number into it.
        static_widths: compile one graph for each width, with the number of steps known, for unrolled loops.
    """

    def __init__(
        self,
        network: Any,
        optimizer: Any,
        objective: Objective,
        settings: Training,
        strategy: Any,
        seed: int,
        static_widths: bool = False,
    ) -> None:
        self.network, self.optimizer, self.objective = network, optimizer, objective
        self.clipping, self.parts, self.strategy, self.seed = settings.optimizer, settings.accumulate, strategy, seed
        self.static_widths = static_widths
        self.scales_loss = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        self.states = [name for name in network.input if name.startswith(STATE)]
        self._compiled: dict[tuple[str, int | None], Any] = {}

    def train(
        self, batch: Mapping[str, Any], update: int, epoch: float, carried: Mapping[str, Any]
    ) -> tuple[Sums, Any, dict[str, Any]]:
        """Make one update; return the batch's sums, the global norm of its gradient before clipping, and the states.

        Args:
            batch: as the loader made it.
            update: the number of this update; what is random depends on it.
            epoch: the epochs that are done, the one under way in part; schedules of layers depend on it.
            carried: of truncated back-propagation, the states after the batch before; empty before the first.
        """
        batch = {**batch, **self._states(batch, carried)}
        moment = tf.constant(update, tf.int32), tf.constant(epoch, tf.float32)
        return self._call("train", self._train, batch, *moment)

    def score_all(self, batches: Iterable[Mapping[str, Any]]) -> Sums:
        """Return the sums of all batches in inference; what is carried goes on from one to the next."""
        total: Sums | None = None
        carried: dict[str, Any] = {}
        for batch in batches:
            sums, carried = self._call("score", self._score, {**batch, **self._states(batch, carried)})
            total = add_sums(total, sums)
        return total or {}

    def _states(self, batch: Mapping[str, Any], carried: Mapping[str, Any]) -> dict[str, Any]:
        """Return the states that the rows of a batch go on from, (B, U) each: of those that begin anew, zeros."""
        states = {}
        for name in self.states:
            states[name] = tf.zeros([len(batch["weights"]), self.network.input[name].shape[1]])
            if carried and "resets" in batch:
                states[name] = tf.where(batch["resets"][:, tf.newaxis] > 0, 0.0, carried[name])
        return states

    def _call(self, name: str, function: Callable[..., Any], batch: Mapping[str, Any], *rest: Any) -> Any:
        field = self.objective.pipeline.signature.inputs[0].name
        planned = batch.get("width")  # of what is not prepared yet, and has a width of its own
        width = None
        if self.static_widths and name == "train":
            width = int(batch[field].shape[1] if planned is None else planned)
        compiled = self._compiled.get((name, width))
        if compiled is None:
            rows = {key: value for key, value in batch.items() if key != "width"}
            shapes = {key: tf.TensorSpec([None, *value.shape[1:]], value.dtype) for key, value in rows.items()}
            shapes |= {} if planned is None else {"width": tf.TensorSpec([], planned.dtype)}
            steps = width if planned is None else None
            shapes[field] = tf.TensorSpec([None, steps, *batch[field].shape[2:]], batch[field].dtype)
            target = self.objective.pipeline.raw.known_target
            asked = {"tags": ("targets",), "string": ("targets", "teacher")}.get(target.kind, ())
            for key in (*OVER_TIME, *asked):
                if key in batch:
                    shapes[key] = tf.TensorSpec([None, None, *batch[key].shape[2:]], batch[key].dtype)
            signature = [shapes, *(tf.TensorSpec(each.shape, each.dtype) for each in rest)]
            own = partial(function, width) if name == "train" else function
            compiled = tf.function(own, input_signature=signature)
            self._compiled[(name, width)] = compiled
        return compiled(batch, *rest)

    def _train(self, width: int | None, batch: Mapping[str, Any], update: Any, epoch: Any) -> Any:
        seed = tf.random.experimental.stateless_fold_in(tf.constant([self.seed, 1], tf.int32), update)
        batch = self.objective.augmented(batch, seed)  # before replicas and parts take their rows
        if width is not None:
            field = self.objective.pipeline.signature.inputs[0].name
            batch[field] = tf.ensure_shape(batch[field], [None, width, *batch[field].shape[2:]])
        result = self.strategy.run(self._train_replica, args=(batch, update, epoch))
        # Every replica holds the same all-reduced values; the first one's are as good as any.
        return tf.nest.map_structure(self._first, result)

    def _train_replica(self, batch: Mapping[str, Any], update: Any, epoch: Any) -> Any:
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group
        seed = tf.random.experimental.stateless_fold_in(tf.constant([self.seed, 0], tf.int32), update)
        seed = tf.random.experimental.stateless_fold_in(seed, replica)
        gradients, sums, states = self._gradients(self._own_rows(self._part(batch, 0), replica), seed, epoch)
        states_of_parts = [states]
        for part in range(1, self.parts):
            # Else TensorFlow would compute all parts at once, and need the memory of all of them.
            with tf.control_dependencies(gradients):
                rows = tf.nest.map_structure(tf.identity, self._own_rows(self._part(batch, part), replica))
            more = self._gradients(rows, tf.random.experimental.stateless_fold_in(seed, part), epoch)
            gradients, sums = tf.nest.map_structure(tf.add, (gradients, sums), more[:2])
            states_of_parts.append(more[2])
        gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        sums = context.all_reduce(tf.distribute.ReduceOp.SUM, sums)
        divisor = tf.maximum(sums["weight"], 1e-30) * self._loss_scale
        gradients = [gradient / tf.cast(divisor, gradient.dtype) for gradient in gradients]
        norm = tf.linalg.global_norm(gradients)
        self._apply(self._clip(gradients, norm), replica)
        return sums, norm, self._joined(states_of_parts, replica, context)

    def _joined(self, parts: Sequence[Mapping[str, Any]], replica: Any, context: Any) -> dict[str, Any]:
        """Return the states of all rows (B, U), in their order, of those that the replicas' parts end with."""
        joined = {}
        for name in self.states:
            own = [part[name] for part in parts]
            if self.strategy.num_replicas_in_sync > 1:
                own = [self._of_all_replicas(values, replica, context) for values in own]
            # A part has every so many-th row.
            joined[name] = tf.reshape(tf.stack(own, axis=1), [-1, own[0].shape[-1]])
        return joined

    def _of_all_replicas(self, rows: Any, replica: Any, context: Any) -> Any:
        """Return the rows of all replicas, one after another."""
        share = tf.shape(rows)[0]
        behind = (self.strategy.num_replicas_in_sync - 1 - replica) * share
        return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.pad(rows, [[replica * share, behind], [0, 0]]))

    def _gradients(self, rows: Mapping[str, Any], seed: Any, epoch: Any) -> tuple[list[Any], Sums, dict[str, Any]]:
        """Return the gradient of the sum of these rows' losses, times the loss scale, their sums, and their states."""
        variables = [variable.value for variable in self.network.trainable_variables]
        with random_scope(seed, epoch), tf.GradientTape() as tape:
            outputs, states = self._forward(rows, training=True)
            total = self.optimizer.scale_loss(self.objective.loss(outputs, rows)[0])
        gradients = [
            tf.zeros_like(variable) if gradient is None else tf.convert_to_tensor(gradient)
            for gradient, variable in zip(tape.gradient(total, variables), variables, strict=True)
        ]
        return gradients, self.objective.sums(outputs, rows, training=True), states

    @property
    def skips_overflow(self) -> bool:
        """Whether an update whose gradient is not finite is skipped, and the loss scale halved, rather than fatal."""
        # Asked after the step, when the scale is halved already: it was more than 1.
        return self.scales_loss and self.loss_scale >= 1

    @property
    def loss_scale(self) -> float:
        """What the loss is multiplied by, so that small gradients have room in 16 bits."""
        return float(self._loss_scale)

    @property
    def _loss_scale(self) -> Any:
        return tf.cast(self.optimizer.dynamic_scale, tf.float64) if self.scales_loss else 1.0

    def _apply(self, gradients: Sequence[Any], replica: Any) -> None:
        """Apply global gradients. Keras adds the replicas' gradients up, so all but the first pass zeros."""
        if self.strategy.num_replicas_in_sync > 1:
            first = tf.cast(tf.equal(replica, 0), tf.float32)
            gradients = [gradient * tf.cast(first, gradient.dtype) for gradient in gradients]
        if self.scales_loss:
            # Such an optimizer divides by the scale, a power of two: nothing is rounded.
            gradients = [gradient * tf.cast(self._loss_scale, gradient.dtype) for gradient in gradients]
        self.optimizer.apply(gradients, self.network.trainable_variables)

    def _clip(self, gradients: Sequence[Any], norm: Any) -> list[Any]:
        clipped = list(gradients)
        if self.clipping.clip_value is not None:
            limit = self.clipping.clip_value
            clipped = [tf.clip_by_value(gradient, -limit, limit) for gradient in clipped]
        if self.clipping.clip_norm is not None:
            clipped = [tf.clip_by_norm(gradient, self.clipping.clip_norm) for gradient in clipped]
        if self.clipping.clip_global_norm is not None:
            clipped, _ = tf.clip_by_global_norm(clipped, self.clipping.clip_global_norm)
        return clipped

    def _score(self, batch: Mapping[str, Any]) -> Any:
        return tf.nest.map_structure(self._first, self.strategy.run(self._score_replica, args=(batch,)))

    def _score_replica(self, batch: Mapping[str, Any]) -> Any:
        context = tf.distribute.get_replica_context()
        rows = self._own_rows(batch, context.replica_id_in_sync_group)
        # What is asked of every step in training is, of a window to score, partly of the time before the split.
        outputs, states = self._forward(rows, training=False)
        sums = self.objective.sums(self.objective.task.final(outputs, rows["lengths"]), rows)
        sums = context.all_reduce(tf.distribute.ReduceOp.SUM, sums)
        return sums, self._joined([states], context.replica_id_in_sync_group, context)

    def _forward(self, rows: Mapping[str, Any], *, training: bool) -> tuple[Any, dict[str, Any]]:
        """Return the network's outputs, and the states after the last step."""
        result = self.network({name: rows[name] for name in self.network.input}, training=training)
        if not self.states:
            return result, {}
        return result["outputs"], {name: tf.cast(result[name], tf.float32) for name in self.states}

    def _part(self, batch: Mapping[str, Any], part: int) -> dict[str, Any]:
        """Return every `parts`-th row from this one on: which these are does not depend on the number of replicas."""
        return dict(batch) if self.parts == 1 else {name: value[part :: self.parts] for name, value in batch.items()}

    def _own_rows(self, batch: Mapping[str, Any], replica: Any) -> dict[str, Any]:
        """Return this replica's rows: every part is planned to a multiple of the replicas."""
        replicas = self.strategy.num_replicas_in_sync
        if replicas == 1:
            return dict(batch)
        share = tf.shape(batch["weights"])[0] // replicas
        start = replica * share
        return {name: value[start : start + share] for name, value in batch.items()}

    def _first(self, value: Any) -> Any:
        return self.strategy.experimental_local_results(value)[0]
