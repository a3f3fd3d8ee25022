"""Write two tables of made sensor logs beside this file: logs.csv to train on, new_logs.csv to predict.

    python data/make_logs.py

Each device carries an accelerometer for 20 to 60 seconds. Its wearer walks (a slow swing), runs (a fast one), or drives
(jolts of the same size in no order). Means, deviations and extremes are alike: only the order of the steps tells.
Seeded, so that everyone gets the same tables.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

ACTIVITIES = ("walking", "running", "driving")


def motion(activity: str, seconds: int, generator: np.random.Generator) -> np.ndarray:
    """Return (seconds, 3) accelerations in g."""
    phase = generator.uniform(0, 2 * np.pi)
    steps = {"walking": 2 * np.pi / 8, "running": 2 * np.pi / 3}.get(activity)
    if steps is None:
        swing = np.sin(generator.uniform(0, 2 * np.pi, seconds))
    else:
        swing = np.sin(phase + np.arange(seconds) * steps * generator.uniform(0.9, 1.1))
    values = generator.normal([0, 0, 1], 0.1, (seconds, 3))
    values[:, 0] += 0.5 * swing
    values[:, 2] += 0.2 * swing
    return values


def write(path: Path, devices: int, seed: int, *, labelled: bool) -> None:
    generator = np.random.default_rng(seed)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["device", "second", "ax", "ay", "az", *(["activity"] if labelled else [])])
        for device in range(devices):
            activity = ACTIVITIES[device % len(ACTIVITIES)]
            for second, row in enumerate(motion(activity, int(generator.integers(20, 61)), generator)):
                numbers = [f"{value:.3f}" for value in row]
                writer.writerow([f"d{device:03d}", second, *numbers, *([activity] if labelled else [])])


if __name__ == "__main__":
    folder = Path(__file__).parent
    write(folder / "logs.csv", devices=240, seed=0, labelled=True)
    write(folder / "new_logs.csv", devices=12, seed=1, labelled=False)
    print(f"wrote {folder / 'logs.csv'} and {folder / 'new_logs.csv'}")
