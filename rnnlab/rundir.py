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

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import RunError

Arrays = Mapping[str, NDArray[Any]]


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

    @classmethod
    def open(cls, path: Path) -> RunDir:
        """Return an existing run.

        Raises:
            RunError: there is no run in this folder.
        """
        run = cls(path)
        if not run.manifest.is_file():
            hint = "" if path.exists() else " (no such folder)"
            raise RunError(f"{path}: not a run folder: no manifest.json{hint}; `rnnlab runs` lists the runs")
        return run

    @classmethod
    def create(cls, path: Path) -> RunDir:
        """Make a new run folder.

        Raises:
            RunError: the folder is there and not empty, or can't be made.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()):
                raise RunError(f"{path}: not empty; choose another --run, or --resume to go on with it")
        except OSError as error:
            raise RunError(f"{path}: can't make the run folder: {error.strerror}") from None
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

    @contextmanager
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
        except BlockingIOError:
            os.close(folder)
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
        try:
            manifest = json.loads(self.manifest.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"{self.manifest}: can't be read: {error}") from None
        if not isinstance(manifest, dict):
            raise RunError(f"{self.manifest}: expected a mapping; received {type(manifest).__name__}")
        return manifest


def write_atomically(path: Path, write: Callable[[BinaryIO], object], keep_previous: Path | None = None) -> None:
    """Write a file so that after a crash or power cut it is the old one or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    if keep_previous is not None and path.exists():
        os.replace(path, keep_previous)
    os.replace(temporary, path)
    _sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, whole or not at all."""
    write_atomically(path, lambda file: file.write(text.encode()))


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
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise RunError(f"{path}: missing") from None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise RunError(f"{path}: damaged: {error}") from None


def _sync_folder(path: Path) -> None:
    if os.name == "nt":  # Windows can't open folders; its renames are journaled.
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
