"""What ten kinds of drawings score, with augmentations and without, beside the nearest sketch.

    RNNLAB_DATA_DIR=... python benchmarks/sketches.py    # some ten minutes on two cores

Each row is the shipped spec with the settings that stand beside it, trained and scored by the command line. Writes
benchmarks/results/sketches.json and .md; rows that are done with the same spec are not trained again.
"""

from __future__ import annotations

from rows import Table, make_table

TABLE = Table(
    "quickdraw_10",
    "Ten kinds of drawings, with augmentations and without",
    ("accuracy", "macro_f1"),
    (0, 1, 2),
    {"augmentations (the shipped spec)": (), "no augmentation": ("augmentations=[]",)},
)

if __name__ == "__main__":
    make_table("sketches", TABLE, "RNNLAB_DATA_DIR=... python benchmarks/sketches.py")
