"""The state of a training: all that is needed to go on as if nothing had happened.

One file holds the variables of model and optimizer, the weights that answer so far, the sums of the epoch under way,
and where the loop stands. It is written whole or not at all, carries its own digest, and the one before it is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from rnnlab.errors import RunError
from rnnlab.network import named_variables
from rnnlab.rundir import RunDir, read_arrays, write_arrays

Arrays = dict[str, NDArray[Any]]


@dataclass
class Progress:
    """Where the loop stands.

    Attributes:
        epoch: the epoch under way, counted from 0.
        step: how many of its batches are done.
        update: how many updates were made in all; the seed of the next one's dropout.
        history: one row an epoch done.
        watches: what early stopping, plateau decay and the best epoch remember, by name.
        norm: sum of the gradient norms of the epoch under way.
        skipped: how many of its updates were skipped, as the gradient had no room in 16 bits.
        skipped_before: the same of all epochs before.
        seconds: training time of the epoch under way.
        finished: why the training ended, or None.
        stopped_early: whether it ended before its last epoch, so that more epochs would not be trained.
    """

    epoch: int = 0
    step: int = 0
    update: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    watches: dict[str, dict[str, Any]] = field(default_factory=dict)
    norm: float = 0.0
    skipped: int = 0
    skipped_before: int = 0
    seconds: float = 0.0
    finished: str | None = None
    stopped_early: bool = False

    def begin_epoch(self, epoch: int) -> None:
        """Stand at the beginning of this epoch."""
        self.skipped_before += self.skipped
        self.epoch, self.step, self.norm, self.skipped, self.seconds = epoch, 0, 0.0, 0, 0.0


def variables_of(network: Any, optimizer: Any) -> dict[str, Any]:
    """Return every variable that training changes, by name."""
    model = {f"model/{name}": variable for name, variable in named_variables(network).items()}
    own = {f"optimizer/{number:03d}.{variable.name}": variable for number, variable in enumerate(optimizer.variables)}
    return {**model, **own}


def read_variables(variables: Mapping[str, Any]) -> Arrays:
    """Return the present values, by name."""
    # A copy: on a CPU `numpy()` may show the variable's own memory, which the next step changes.
    return {name: np.array(variable.numpy()) for name, variable in variables.items()}


def assign_variables(variables: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Give variables the values of the arrays of the same name.

    Raises:
        RunError: a name is missing, or a shape differs.
    """
    for name, variable in variables.items():
        if name not in arrays:
            raise RunError(f"the saved state has no '{name}'; it is of another model")
        if arrays[name].shape != tuple(variable.shape):
            raise RunError(f"'{name}': expected shape {tuple(variable.shape)}; the saved one is {arrays[name].shape}")
        variable.assign(arrays[name])


def digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return a SHA-256 over names, types, shapes and bytes, in name order."""
    result = hashlib.sha256()
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name])
        result.update(f"{name}:{values.dtype.str}:{values.shape}".encode())
        result.update(values.tobytes())
    return result.hexdigest()


def save_state(
    run: RunDir,
    variables: Arrays,
    answering: Arrays,
    sums: Mapping[str, NDArray[Any]] | None,
    carried: Arrays,
    progress: Progress,
) -> None:
    """Write the state; the one before becomes `state.previous.npz`."""
    epoch = {**_below("sums/", sums or {}), **_below("carried/", carried)}
    arrays = {**variables, **_below("answering/", answering), **epoch}
    arrays["progress"] = np.frombuffer(json.dumps(asdict(progress)).encode(), np.uint8)
    arrays["digest"] = np.frombuffer(bytes.fromhex(digest(arrays)), np.uint8)
    write_arrays(run.state, arrays, keep_previous=run.previous_state)


def _below(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    return {f"{prefix}{name}": np.asarray(values) for name, values in arrays.items()}


def _of(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


@dataclass(frozen=True)
class SavedState:
    """A state read back.

    Attributes:
        variables: of model and optimizer, by name.
        answering: the weights that answered then, by name.
        sums: of the epoch under way; empty at its beginning.
        carried: what the network remembers of the segments before, likewise.
        progress: where the loop stood.
        warning: what to tell the user, where the newest state was damaged.
    """

    variables: Arrays
    answering: Arrays
    sums: Arrays
    carried: Arrays
    progress: Progress
    warning: str | None


def load_state(run: RunDir) -> SavedState | None:
    """Return the newest undamaged state, or None where none was ever written.

    Raises:
        RunError: there are states, and every one is damaged; training never starts afresh in silence.
    """
    failures: list[str] = []
    for path in (run.state, run.previous_state):
        if not path.exists():
            continue
        try:
            arrays = read_arrays(path)
            expected = arrays.pop("digest", np.zeros(0, np.uint8)).tobytes().hex()
            if digest(arrays) != expected:
                raise RunError(f"{path}: damaged: its digest does not agree")
            progress = TypeAdapter(Progress).validate_python(json.loads(arrays.pop("progress").tobytes()))
        except RunError as error:
            failures.append(str(error))
            continue
        except (KeyError, ValueError, RecursionError):
            failures.append(f"{path}: damaged: it does not say where the training stood")
            continue
        variables = {name: each for name, each in arrays.items() if name.startswith(("model/", "optimizer/"))}
        warning = f"{failures[0]}; going on from {path.name}" if failures else None
        answering, sums, carried = (_of(prefix, arrays) for prefix in ("answering/", "sums/", "carried/"))
        return SavedState(variables, answering, sums, carried, progress, warning)
    if failures:
        raise RunError("; ".join(failures) + ". No state is left to resume from; train again in a new run folder")
    return None
