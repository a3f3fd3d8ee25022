"""Write two tables of made sensor logs beside this file: logs.csv to train on, new_logs.csv to predict.

    python data/make_logs.py

Each device carries an accelerometer for 20 to 60 minutes, and its wearer does one thing: walks (a steady swing), works
at a desk (next to nothing), or falls (quiet, one jolt, quiet in another position). Seeded, so that everyone gets the
same tables.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

ACTIVITIES = ("walking", "desk", "falling")


def motion(activity: str, minutes: int, generator: np.random.Generator) -> np.ndarray:
    """Return (minutes, 3) accelerations in g."""
    values = generator.normal(0, 0.15, (minutes, 3)) + [0, 0, 1]
    if activity == "walking":
        swing = np.sin(np.arange(minutes) * generator.uniform(0.8, 1.6) + generator.uniform(0, 6))
        values[:, 0] += 0.4 * swing
    if activity == "falling":
        moment = generator.integers(minutes // 4, 3 * minutes // 4)
        values[moment] += generator.normal(0, 1.5, 3)
        values[moment:] += [0.6, 0, -0.6]
    return values


def write(path: Path, devices: int, seed: int, *, labelled: bool) -> None:
    generator = np.random.default_rng(seed)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["device", "minute", "ax", "ay", "az", *(["activity"] if labelled else [])])
        for device in range(devices):
            activity = ACTIVITIES[device % len(ACTIVITIES)]
            for minute, row in enumerate(motion(activity, int(generator.integers(20, 61)), generator)):
                numbers = [f"{value:.3f}" for value in row]
                writer.writerow([f"d{device:03d}", minute, *numbers, *([activity] if labelled else [])])


if __name__ == "__main__":
    folder = Path(__file__).parent
    write(folder / "logs.csv", devices=240, seed=0, labelled=True)
    write(folder / "new_logs.csv", devices=12, seed=1, labelled=False)
    print(f"wrote {folder / 'logs.csv'} and {folder / 'new_logs.csv'}")
