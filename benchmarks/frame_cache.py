"""Whether reading frames holds training up: an epoch from the decoded file on disk beside one from memory.

    pip install 'rnnlab[video]' && python benchmarks/frame_cache.py      # about five minutes on two idle cores

300 clips of made pictures, 30 to 60 frames of 64 × 64 pixels in colour, are encoded as mp4 and decoded once by the
source `video_folder`; after that the two contestants train the same network, `cache: disk` and `cache: memory`, in
turns. Beside the times stands how much memory each process took at most, and how large the frames are. Writes
benchmarks/results/frame_cache.json and .md.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from race import Baton, heading, machine, race, rnnlab_train, table, work
from rows import RESULTS, TOP

CLIPS, SHORTEST, LONGEST, SIDE = 300, 30, 60, 64
TITLES = {"disk": "(a) `cache: disk`, from the decoded file", "memory": "(b) `cache: memory`"}
SPEC: dict[str, Any] = {
    "name": "frames",
    "transforms": [],
    "task": {"kind": "classification"},
    "model": {"architecture": "cnn_rnn", "cell": "gru", "units": [32]},
    "training": {"batch_size": 16},
}


def write_clips(folder: Path) -> int:
    """Encode clips of two classes; return how many frames they have."""
    sys.path.insert(0, str(TOP))
    from tests.made_videos import moving, write_clip

    random, total = np.random.default_rng(0), 0
    for number in range(CLIPS):
        count = int(random.integers(SHORTEST, LONGEST + 1))
        frames = moving(count, SIDE, SIDE, seed=number)
        write_clip(folder / ("one", "other")[number % 2] / f"{number}.mp4", frames)
        total += count
    return total


def contestant(cache: str, folder: Path, baton: Baton) -> None:
    data = {"source": "video_folder", "train": str(folder / "clips"), "size": [SIDE, SIDE], "cache": cache}
    done = baton.done

    def told(loss: float, steps: int) -> None:
        done(loss, steps)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        (folder / f"{cache}.bytes").write_text(str(peak))

    baton.done = told  # type: ignore[method-assign]
    rnnlab_train({**SPEC, "data": {**data, "validation": {"by": "none"}}}, folder, baton)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        cache, name = options.worker
        work(lambda baton: contestant(cache, Path(name), baton))
        return
    conditions = machine()
    with tempfile.TemporaryDirectory() as name:
        frames = write_clips(Path(name) / "clips")
        commands = {cache: (__file__, "--worker", cache, name) for cache in TITLES}
        results, note = race(commands, options.rounds, 1)
        peaks = {cache: int((Path(name) / f"{cache}.bytes").read_text()) / 2**20 for cache in TITLES}
    size = frames * SIDE * SIDE * 3 / 2**20
    told = ", ".join(f"{TITLES[cache][:3]} {peak:,.0f} MB" for cache, peak in peaks.items())
    report = [
        *heading(conditions),
        f"{CLIPS} clips, {frames:,} frames of {SIDE} × {SIDE} × 3 pixels: {size:,.0f} MB decoded.",
        "\n".join(table(results, TITLES, {"memory": "(b)"})),
        f"{note} Most memory of a process, TensorFlow with it: {told}.",
    ]
    text = "\n\n".join(report) + "\n"
    print(text)
    (RESULTS / "frame_cache.md").write_text(text, encoding="utf-8")
    record = {"conditions": conditions, "frames": frames, "peaks_in_mb": peaks, "contestants": results}
    (RESULTS / "frame_cache.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
