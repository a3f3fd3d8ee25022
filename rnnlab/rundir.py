"""The run folder: everything a run needs, and nothing outside of it.

    runs/japanese-vowels-001/
      spec.yaml        the spec with every default written out
      manifest.json    versions, data fingerprint, seed, hardware, how it ended
      prepared.npz     what transforms and task learnt from the training split
      samples.npz      a few raw examples, for checking exports
      weights.npz      the weights that answer: of the best epoch, or of the last
      state.npz        everything that resuming needs; state.previous.npz is the one before
      history.csv      one row an epoch
      skipped.csv      the bad sequences that were left out (`data.on_bad: skip`): split, id, where, reason; if any were
      metrics/         validation.json, test.json
      figures/         PNG
      tensorboard/     logs, if asked for

Every file is written whole or not at all: to a temporary name, synced to disk, renamed, the folder synced.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from rnnlab import archives, bounded
from rnnlab.errors import RunError, one_line, told
from rnnlab.record import mistake_in

Arrays = Mapping[str, NDArray[Any]]
MOST_BYTES = 50_000_000  # of a file of text
RESOLVED = "# Written by rnnlab: the spec of this run with every default.\n"


class RunDir:
    """A run folder and the names of what is in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spec = path / "spec.yaml"
        self.manifest = path / "manifest.json"
        self.prepared = path / "prepared.npz"
        self.samples = path / "samples.npz"
        self.weights = path / "weights.npz"
        self.state = path / "state.npz"
        self.previous_state = path / "state.previous.npz"
        self.history = path / "history.csv"
        self.skipped = path / "skipped.csv"
        self.metrics = path / "metrics"
        self.figures = path / "figures"
        self.tensorboard = path / "tensorboard"

    @property
    def begun(self) -> bool:
        """Whether there is a run in this folder: a training that was killed before leaves no manifest."""
        return self.manifest.is_file()

    @classmethod
    def open(cls, path: Path) -> RunDir:
        """Return an existing run.

        Raises:
            RunError: there is no run in this folder.
        """
        run = cls(path)
        if not run.begun:
            hint = "" if path.exists() else " (no such folder)"
            raise RunError(
                f"{one_line(str(path))}: not a run folder: no manifest.json{hint}; `rnnlab runs` lists the runs"
            )
        return run

    @classmethod
    def create(cls, path: Path) -> RunDir:
        """Make a new run folder.

        Raises:
            RunError: the folder is there and not empty, or can't be made.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            if not all(_is_left_over(entry) for entry in path.iterdir()):
                raise RunError(f"{path}: not empty; choose another --run, or --resume to go on with it")
        except OSError as error:
            raise RunError(one_line(f"{path}: can't make the run folder: {error.strerror}")) from None
        except ValueError as error:  # a name with \0
            raise RunError(f"{one_line(str(path))}: can't make the run folder: {error}") from None
        return cls(path)

    @staticmethod
    def free_name(root: Path, name: str) -> Path:
        """Return `NAME-001` in `root`, or the next number that no folder, and no folder of several runs, has."""
        number = 1
        while any(root.glob(f"{name}-{number:03d}*")):
            number += 1
        return root / f"{name}-{number:03d}"

    @classmethod
    def latest(cls, root: Path) -> RunDir:
        """Return the run in `root` that was started last.

        Raises:
            RunError: there is none.
        """
        started = []
        for run in cls.all(root):
            try:
                started.append((str(run.read_manifest().get("started", "")), run.path.name, run))
            except RunError:  # a damaged manifest is no reason to refuse the others; `rnnlab runs` shows it
                continue
        if not started:
            raise RunError(f"no runs in {root}; start one with `rnnlab train SPEC`, or name a run folder")
        return max(started, key=lambda each: each[:2])[2]

    def write_spec(self, text: str) -> None:
        """Write the resolved spec, under a line that says what it is."""
        write_text(self.spec, RESOLVED + text)

    def is_scored(self, split: str) -> bool:
        """Return whether the run was scored on this split since it was last trained."""
        return self.scores(split).is_file()

    def scores(self, split: str) -> Path:
        """Return where the scores on a split are."""
        return self.metrics / f"{split}.json"

    def forget_scores(self) -> None:
        """Remove metrics and figures, which are of weights that are about to change."""
        for folder in (self.metrics, self.figures):
            shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process from training in this folder; the system lets go when the holder dies.

        Raises:
            RunError: another process holds it.
        """
        if os.name == "nt":  # no such locks there
            yield
            return
        import fcntl

        folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(folder)
            if not isinstance(error, BlockingIOError):
                raise RunError(f"{self.path}: can't be locked: {error.strerror}; use another disk for runs") from None
            raise RunError(
                f"{self.path}: another process is training in this folder; wait for it, or stop it"
            ) from None
        try:
            yield
        finally:
            os.close(folder)

    @classmethod
    def all(cls, root: Path) -> list[RunDir]:
        """Return every run in `root`, by name."""
        return [cls(path.parent) for path in sorted(root.glob("*/manifest.json"))]

    def read_manifest(self) -> dict[str, Any]:
        """Return the manifest, whose every value that rnnlab reads is of the kind that it writes.

        Raises:
            RunError: it is missing, or damaged.
        """
        manifest = read_json(self.manifest)
        mistake = mistake_in(manifest)
        if mistake is not None:
            raise RunError(f"{self.manifest}: damaged, or not written by rnnlab: {mistake}")
        return dict(manifest)

    def read_evaluation(self, split: str) -> dict[str, Any] | None:
        """Return what `evaluate` wrote of a split: `metrics` and `baselines` by name; or None where it was not scored.

        Raises:
            RunError: they are damaged.
        """
        path = self.scores(split)
        if not os.path.lexists(path):
            return None
        scores = read_json(path)
        metrics = scores.get("metrics") if isinstance(scores, dict) else None
        baselines = scores.get("baselines", {}) if isinstance(scores, dict) else None
        groups = [metrics, *baselines.values()] if isinstance(baselines, dict) else [None]
        if not all(isinstance(group, dict) and all(_is_score(each) for each in group.values()) for group in groups):
            raise RunError(f"{path}: damaged: expected a number for each metric; `rnnlab evaluate` writes it again")
        return {**scores, "baselines": baselines}


def _is_score(value: object) -> bool:
    return value is None or type(value) in (int, float)


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        RunError: it can't be read.
    """
    try:
        return json.loads(bounded.read_bytes(path, MOST_BYTES))
    except OSError as error:
        raise RunError(f"{path}: can't be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path}: can't be read: {told(error, 200)}") from None


def write_atomically(
    path: Path, write: Callable[[BinaryIO], object], keep_previous: Path | None = None, *, durable: bool = True
) -> None:
    """Write a file so that after a crash it is the old one or the new one, never half of one.

    Args:
        path: the file.
        write: writes the content into the file that it is handed.
        keep_previous: where the old one goes.
        durable: survive a power cut too, which costs a wait for the disk.

    Raises:
        RunError: the disk is full, read-only, or gone.
    """
    temporary = _half_written(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)  # left by a crash; or a link, through which another file would be written
        with temporary.open("xb") as file:
            write(file)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if keep_previous is not None and path.exists():
            os.replace(path, keep_previous)
        os.replace(temporary, path)
        if durable:
            _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):  # half a file is of no use, and on a full disk in the way
            temporary.unlink(missing_ok=True)
        raise RunError(
            f"{path}: can't be written: {error.strerror or error}. What was saved before is intact; "
            "make room, and go on with --resume"
        ) from error


def _is_left_over(entry: Path) -> bool:
    """Return whether this is all that a training leaves that was killed before it had begun: it has no manifest."""
    begun = {_half_written(entry.with_name(name)).name for name in ("manifest.json", "spec.yaml")}
    if entry.name == "spec.yaml" and entry.is_file():
        with bounded.open_regular(entry) as file:
            return file.read(len(RESOLVED)) == RESOLVED.encode()
    return entry.name in begun or entry.name == "cache"


def _half_written(path: Path) -> Path:
    """Return the name that a file has while it is written."""
    return path.with_name(f".{path.name}.part")


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Write text as UTF-8, whole or not at all."""
    write_atomically(path, lambda file: file.write(text.encode()), durable=durable)


def write_json(path: Path, value: object) -> None:
    """Write JSON for people to read, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_arrays(path: Path, arrays: Arrays, keep_previous: Path | None = None) -> None:
    """Write arrays by name into an `.npz` without pickles."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **dict(arrays))
    write_atomically(path, lambda file: file.write(buffer.getbuffer()), keep_previous)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read an `.npz` without pickles; the archive's checksums are verified.

    Raises:
        RunError: missing, damaged, or holding pickles.
    """
    try:
        return archives.read_archive(path)
    except FileNotFoundError:
        raise RunError(f"{path}: missing") from None
    except OSError as error:
        raise RunError(f"{path}: damaged: {error.strerror or error}") from None
    except archives.ArchiveError as error:
        raise RunError(f"{path}: damaged: {error}") from None


def _sync_folder(path: Path) -> None:
    if os.name == "nt":  # Windows can't open folders; its renames are journaled.
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
