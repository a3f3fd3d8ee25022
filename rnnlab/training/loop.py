"""The training loop: epochs of planned batches, saved so that a kill changes nothing.

plan → batches → steps → sums → validation → history row → best? stop? lower the rate?

Every so often, between two steps or two epochs, everything is saved: the state, the weights that answer, the history.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.batches import loader_of, plan_scoring
from rnnlab.errors import Interrupted, NonFiniteError, RunError
from rnnlab.examples import Examples
from rnnlab.history import write_history
from rnnlab.optimizers import Schedule
from rnnlab.plan import Batch, Batching, padding_share, plan_epoch, plan_lanes
from rnnlab.rundir import RunDir, write_arrays
from rnnlab.settings import Training
from rnnlab.signals import Interruption, interrupts_noted
from rnnlab.training.reporting import Reporter
from rnnlab.training.state import (
    Arrays,
    Progress,
    SavedState,
    assign_variables,
    read_variables,
    save_state,
    variables_of,
)
from rnnlab.training.step import Objective, Stepper, add_sums
from rnnlab.training.watching import Watches

SHOWN_IDS = 20
SHARE_OF_SAVING = 0.01  # where states are saved by the clock, saving them takes no more than this of the time


def plan_training(
    settings: Training, lengths: NDArray[np.int64], batching: Batching, seed: int, epoch: int
) -> Sequence[Batch]:
    """Return the batches of one training epoch, of examples of these lengths."""
    if settings.tbptt is None:
        return plan_epoch(lengths, batching, seed, epoch, settings.examples_per_epoch)
    return plan_lanes(lengths, batching.batch_size, settings.tbptt.steps, batching.multiple, seed, epoch)


@dataclass
class Loop:
    """A training under way.

    Attributes:
        stepper: the compiled steps.
        train, validation: prepared examples.
        batching: how batches are formed.
        progress: where the loop stands; changed as it goes.
        sums: of the epoch under way, or None at its beginning.
        answering: the weights that answer: of the best epoch so far, or of the last.
        answering_is_new: whether they are not written yet; they are with the next state.
        carried: of truncated back-propagation, the states (B, U) after the last step, by name.
    """

    run: RunDir
    settings: Training
    seed: int
    stepper: Stepper
    objective: Objective
    train: Examples
    validation: Examples | None
    batching: Batching
    reporter: Reporter
    progress: Progress
    sums: dict[str, NDArray[np.float64]] | None = None
    answering: Arrays = field(default_factory=dict)
    answering_is_new: bool = False
    carried: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.variables = variables_of(self.stepper.network, self.stepper.optimizer)
        self.weights = {name: each for name, each in self.variables.items() if name.startswith("model/")}
        self.watches = Watches(self.settings, self.progress.watches)
        beside = self.objective.pipeline, self.objective.task.per_series(self.objective.learnt)
        self.train_loader = loader_of(self.train, *beside)
        self.validation_loader = None if self.validation is None else loader_of(self.validation, *beside)
        self.saved_at, self.saving_took, self.steps_since_save = time.monotonic(), 0.0, 0
        self.board = _Board(self.run) if self.settings.tensorboard else None

    def save(self) -> None:
        """Write all that a kill must not take. The state holds everything; the rest is for those who read it."""
        started = time.monotonic()
        carried = {name: np.asarray(values) for name, values in self.carried.items()}
        save_state(self.run, read_variables(self.variables), self.answering, self.sums, carried, self.progress)
        self._write_answering()
        write_history(self.run.history, self.progress.history)
        self.saved_at = time.monotonic()
        self.saving_took, self.steps_since_save = self.saved_at - started, 0

    def _write_answering(self) -> None:
        if self.answering_is_new:
            write_arrays(self.run.weights, self.answering)
            self.answering_is_new = False

    def restore(self, state: SavedState) -> None:
        """Take up a saved state, and bring back what stands beside it: a kill may have left it older or newer."""
        assign_variables(self.variables, state.variables)
        self.sums, self.progress, self.carried = state.sums or None, state.progress, dict(state.carried)
        self.answering, self.answering_is_new = state.answering, True
        self.watches = Watches(self.settings, self.progress.watches)
        self._write_answering()
        write_history(self.run.history, self.progress.history)

    def train_to_the_end(self) -> None:
        """Train until the epochs are done or training stops early.

        Raises:
            Interrupted: SIGINT or SIGTERM; the state is saved.
            NonFiniteError: the loss or the gradient is no longer a number; the state before stays.
        """
        with interrupts_noted() as interruption:
            while self.progress.finished is None:
                try:
                    self._run_epoch(interruption)
                except NonFiniteError:
                    self._write_answering()
                    raise
                self._check_signal(interruption)

    def _run_epoch(self, interruption: Interruption) -> None:
        progress = self.progress
        batches = plan_training(self.settings, self.train.lengths, self.batching, self.seed, progress.epoch)
        padding = padding_share(self.train.lengths, batches)
        self.reporter.epoch_begins(progress.epoch, self.settings.epochs, len(batches), progress.step, padding)
        started = time.monotonic()
        for batch in self.train_loader.load(batches[progress.step :]):
            self._run_step(batch, len(batches))
            now = time.monotonic()
            progress.seconds, started = progress.seconds + now - started, now
            if progress.step < len(batches) and self._save_is_due():
                self.save()
            if interruption.signal is not None and progress.step < len(batches):
                self._check_signal(interruption)
        self._end_epoch()

    def _run_step(self, batch: Mapping[str, Any], steps: int) -> None:
        done = self.progress.epoch + self.progress.step / steps
        sums, norm, self.carried = self.stepper.train(batch, self.progress.update, done, self.carried)
        # Of a batch in which nothing is known, the loss is 0.
        loss, norm = float(sums["loss"]) / max(float(sums["weight"]), 1e-30), float(norm)
        if not math.isfinite(loss) or not (math.isfinite(norm) or self.stepper.skips_overflow):
            raise self._failure(batch, loss, norm)
        self.sums = add_sums(self.sums, sums)
        self.progress.step += 1
        self.progress.update += 1
        if math.isfinite(norm):
            self.progress.norm += norm
        else:
            self.progress.skipped += 1
        self.steps_since_save += 1
        self.reporter.step_done(int(sums["rows"]), loss)

    def _failure(self, batch: Mapping[str, Any], loss: float, norm: float) -> NonFiniteError:
        rows = batch["indices"].numpy()[batch["weights"].numpy() > 0]
        ids = [str(self.train.ids[int(row)]) for row in rows]
        shown = ", ".join(ids[:SHOWN_IDS])
        shown += f" and {len(ids) - SHOWN_IDS} more, in {self.run.manifest}" if len(ids) > SHOWN_IDS else ""
        rate = self._learning_rate(self.applied)
        return NonFiniteError(
            f"epoch {self.progress.epoch + 1}, step {self.progress.step + 1}: loss {loss}, gradient norm {norm}, "
            f"learning rate {rate:.3g}. The batch's examples: {shown}. {self._remedy()}, and look at these examples",
            {
                "epoch": self.progress.epoch + 1,
                "step": self.progress.step + 1,
                "loss": str(loss),
                "gradient_norm": str(norm),
                "learning_rate": rate,
                "examples": ids,
            },
        )

    def _remedy(self) -> str:
        return f"The last good state is {self.run.state}. Try a lower learning rate or clip_global_norm"

    def _end_epoch(self) -> None:
        progress = self.progress
        row = self._row()
        if not math.isfinite(row.get("val_loss", 0.0)):
            raise NonFiniteError(
                f"epoch {row['epoch']}: val_loss {row['val_loss']}, learning rate {row['learning_rate']:.3g}. "
                f"{self._remedy()}",
                {"epoch": row["epoch"], "val_loss": str(row["val_loss"]), "learning_rate": row["learning_rate"]},
            )
        progress.history.append(row)
        if self.watches.is_best(row) or not self.watches.has_best:
            self.note_weights()
        lowered = self.watches.lowered(row, row["learning_rate"])
        if lowered != row["learning_rate"]:
            self.stepper.optimizer.learning_rate.assign(lowered)
        if progress.skipped:
            self.reporter.say(
                f"epoch {row['epoch']}: {progress.skipped} of {progress.step} updates were skipped, as their gradients "
                f"overflowed in 16 bits; the loss scale is now {self.stepper.loss_scale:g}"
            )
        reason = self.watches.stop(row)
        progress.stopped_early = reason is not None
        progress.begin_epoch(progress.epoch + 1)
        self.sums, self.carried = None, {}
        if reason is None and progress.epoch >= self.settings.epochs:
            reason = "1 epoch is done" if self.settings.epochs == 1 else f"{self.settings.epochs} epochs are done"
        progress.finished = reason
        if reason is not None or self._save_is_due():
            self.save()
        else:
            self._note_history()
        self.reporter.epoch_ends(row)
        if self.board is not None:
            self.board.write(row, progress.epoch)

    def _row(self) -> dict[str, Any]:
        """Return the epoch's row of the history."""
        row: dict[str, Any] = {"epoch": self.progress.epoch + 1, **self.objective.values(self.sums or {})}
        if self.validation is not None and self.validation_loader is not None:
            plan = plan_scoring(self.settings, self.validation, self.batching)
            sums = self.stepper.score_all(self.validation_loader.load(plan))
            row |= {f"val_{name}": value for name, value in self.objective.values(sums).items()}
        applied = self.progress.step - self.progress.skipped
        norm = self.progress.norm / applied if applied else math.nan
        return row | {
            "learning_rate": self._learning_rate(max(self.applied - 1, 0)),
            "gradient_norm": norm,
            "seconds": round(self.progress.seconds, 3),
        }

    def note_weights(self) -> None:
        """Take the network's present weights as the ones that answer."""
        self.answering, self.answering_is_new = read_variables(self.weights), True

    def _note_history(self) -> None:
        """Show the history to whoever reads along; the next state makes it last."""
        with contextlib.suppress(RunError):  # a full disk: the next state can't be saved either, and will say so
            write_history(self.run.history, self.progress.history, durable=False)

    @property
    def applied(self) -> int:
        """How many updates were applied, in all: what a schedule counts."""
        return self.progress.update - self.progress.skipped_before - self.progress.skipped

    def _learning_rate(self, update: int) -> float:
        """Return the learning rate of the applied update of this number."""
        rate = self.settings.optimizer.learning_rate
        if isinstance(rate, Schedule):
            return float(np.asarray(rate.build()(update)))
        return float(np.asarray(self.stepper.optimizer.learning_rate))

    def _save_is_due(self) -> bool:
        every = self.settings.save_every
        if every.steps is not None:
            return self.steps_since_save >= every.steps
        interval = max(every.seconds or 0.0, self.saving_took / SHARE_OF_SAVING)
        return time.monotonic() - self.saved_at >= interval

    def _check_signal(self, interruption: Interruption) -> None:
        if interruption.signal is None:
            return
        if self.progress.finished is None:
            self.save()
        raise Interrupted(f"{interruption.signal}: the state is saved")


class _Board:
    """TensorBoard scalars, one point an epoch."""

    def __init__(self, run: RunDir) -> None:
        import tensorflow as tf

        self.writer = tf.summary.create_file_writer(str(run.tensorboard))

    def write(self, row: Mapping[str, Any], epoch: int) -> None:
        import tensorflow as tf

        with self.writer.as_default():
            for name, value in row.items():
                if name != "epoch":
                    tf.summary.scalar(name, value, step=epoch)
        self.writer.flush()
