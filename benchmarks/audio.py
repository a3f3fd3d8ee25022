"""What networks of sound score: spoken digits, alone and in a row, speakers left out, and keys that are dialled.

    RNNLAB_DATA_DIR=... python benchmarks/audio.py spoken_digits      # about ten minutes on one core
    RNNLAB_DATA_DIR=... python benchmarks/audio.py speakers           # six folds each, about a quarter of an hour
    RNNLAB_DATA_DIR=... python benchmarks/audio.py connected_digits
    python benchmarks/audio.py dial_tones

Each row is a shipped spec with the settings that stand beside it, trained and scored by the command line. Writes
benchmarks/results/audio-NAME.json and .md; rows that are done with the same spec are not trained again.
"""

from __future__ import annotations

from rows import FoldsTable, Table, make_named_table

SEEDS = (0, 1, 2)
SHIPPED = "the shipped spec"
LEFT_OUT = ("data.test_where=", "data.validation={by: folds, folds: 6, grouped: true, test_fold: true}")
# Microphone and loudness taken out, and voices varied.
FOR_OTHERS = (
    "transforms=[{name: log_mel, normalise: mean}, standardize]",
    "augmentations=[{name: noise, ratio_db: [10, 40]}, shift, {name: speed, factor: 1.2}, "
    "{name: spec_augment, time_masks: 1, time_steps: 8, feature_masks: 1, features: 8}]",
    "model={architecture: conv_rnn, blocks: [{filters: 64, kernel_size: 5}, {filters: 96, kernel_size: 5}], "
    "cell: gru, units: [64], bidirectional: true, dropout: 0.2}",
    "training.epochs=80",
    "training.optimizer.learning_rate.decay_steps=1360",
)
TABLES: dict[str, Table | FoldsTable] = {
    "spoken_digits": Table(
        "spoken_digits",
        "Ten digits by six speakers (FSDD): takes 0 to 4 test, the others train and validate",
        ("accuracy", "log_loss"),
        SEEDS,
        {SHIPPED: ()},
    ),
    "connected_digits": Table(
        "connected_digits",
        "One to seven digits in a row, joined of recordings (FSDD) that training has not heard",
        ("word_error_rate", "exact_match"),
        SEEDS,
        {SHIPPED: ()},
    ),
    "dial_tones": Table(
        "dial_tones",
        "Numbers of one to ten keys that are dialled with tones on noisy lines",
        ("character_error_rate", "exact_match"),
        SEEDS,
        {SHIPPED: ()},
    ),
    "speakers": FoldsTable(
        "Ten digits by six speakers (FSDD), each speaker left out once, another one as validation",
        {
            SHIPPED: ("spoken_digits", LEFT_OUT),
            "voices varied, each recording's mean taken out": ("spoken_digits", (*LEFT_OUT, *FOR_OTHERS)),
        },
    ),
}


if __name__ == "__main__":
    make_named_table("audio", "Score networks of sound.", TABLES, "audio-")
