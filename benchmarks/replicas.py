"""Train the same cases on 1, 2 and 3 replicas, and compare the weights.

    python benchmarks/replicas.py      # writes benchmarks/results/replicas.md

The cases are those of tests/training_cases.py; tests/test_replicas.py holds them to 1e-6.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
REPLICAS = (1, 2, 3)
EPOCHS = 2


def main() -> None:
    from tests.training_cases import DETERMINISTIC, train_in_a_process

    with tempfile.TemporaryDirectory() as folder:
        for replicas in REPLICAS:
            print(f"{replicas} replica(s): {len(DETERMINISTIC)} cases", file=sys.stderr)
            training = {"devices": "cpu" if replicas == 1 else {"replicas": replicas}, "epochs": EPOCHS}
            requests = [
                {"case": case, "folder": folder, "run": f"{folder}/{case} {replicas}", "training": training}
                for case in DETERMINISTIC
            ]
            result = train_in_a_process(*requests)
            if result.returncode:
                raise SystemExit(result.stderr)
        rows = [describe(case, Path(folder)) for case in DETERMINISTIC]
    table = "\n".join(
        [
            "# Weights on 2 and 3 replicas against those on one device",
            "",
            f"`python benchmarks/replicas.py`: the largest difference of any weight after {EPOCHS} epochs of "
            "tests/training_cases.py,",
            "and the largest range of one variable, to compare with. The promise is 1e-6.",
            "",
            "| case | 2 replicas | 3 replicas | range |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )
    (HERE / "results" / "replicas.md").write_text(table)
    print(table)


def describe(case: str, folder: Path) -> str:
    weights = {replicas: read(folder / f"{case} {replicas}" / "state.npz") for replicas in REPLICAS}
    spread = max(float(np.ptp(values)) for values in weights[1].values())
    differences = (
        max(float(np.abs(weights[replicas][name] - values).max()) for name, values in weights[1].items())
        for replicas in REPLICAS[1:]
    )
    return f"| {case.replace('_', ' ')} | {' | '.join(f'{each:.1e}' for each in differences)} | {spread:.2f} |"


def read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        weights = {name: archive[name] for name in archive.files if name.startswith("model/")}
    return {name: values for name, values in weights.items() if values.dtype.kind == "f"}


if __name__ == "__main__":
    main()
