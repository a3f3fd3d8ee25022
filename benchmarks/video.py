"""What networks of frames score: moving digits by every architecture, and Weizmann's actions by people left out.

    python benchmarks/video.py motion            # and architectures; about a quarter of an hour each on one core
    python benchmarks/video.py digit             # and so on: both, captions, actions; about five minutes each
    RNNLAB_DATA_DIR=... python benchmarks/video.py weizmann      # nine folds, about a quarter of an hour

Each row is a shipped spec with the settings that stand beside it, trained and scored by the command line. Writes
benchmarks/results/video-NAME.json and .md; rows that are done with the same spec are not trained again.
"""

from __future__ import annotations

from rows import FoldsTable, Table, make_named_table

SEEDS, ONE = (0, 1, 2), (0,)
RNN = "cell: gru, units: [64], bidirectional: true"
ONE_FRAME = ("data.shortest=1", "data.longest=1")
HALF = ("data.train=6000", "training.optimizer.learning_rate.decay_steps=1500")
TABLES: dict[str, Table | FoldsTable] = {
    "motion": Table(
        "moving_digits",
        "How a digit moves, one of eight motions, of digits that training has not seen",
        ("accuracy", "log_loss"),
        SEEDS,
        {
            "cnn_rnn (the shipped spec)": (),
            "one frame of each clip (ablation)": ONE_FRAME,
        },
    ),
    "architectures": Table(
        "moving_digits",
        "How a digit moves, by every architecture that reads frames, from half as many clips",
        ("accuracy", "log_loss"),
        ONE,
        {
            "cnn_rnn": HALF,
            "two_stream, late": (*HALF, f"model={{architecture: two_stream, {RNN}}}"),
            "two_stream, features": (*HALF, f"model={{architecture: two_stream, {RNN}, fusion: features}}"),
            "conv3d": (*HALF, "model={architecture: conv3d}"),
            "conv3d before a GRU": (*HALF, f"model={{architecture: conv3d, rnn: {{{RNN}}}}}"),
        },
    ),
    "digit": Table(
        "moving_digits",
        "Which digit moves, of digits that training has not seen",
        ("accuracy", "log_loss"),
        ONE,
        {"cnn_rnn": ("data.asks=digit",)},
    ),
    "both": Table(
        "moving_digits",
        "Which digit moves, and how: two labels of eighteen",
        ("subset_accuracy", "label_f1"),
        ONE,
        {"cnn_rnn": ("data.asks=both",)},
    ),
    "captions": Table(
        "moving_digits_captions",
        "What a digit does, in words, of digits that training has not seen",
        ("exact_match", "bleu"),
        ONE,
        {"the shipped spec": ()},
    ),
    "actions": Table(
        "moving_digits_actions",
        "The motion at each frame, of digits that training has not seen",
        ("token_accuracy",),
        ONE,
        {"the shipped spec": ()},
    ),
    "weizmann": FoldsTable(
        "Ten actions of nine people (Weizmann), each person left out once, another one as validation",
        {"cnn_rnn (the shipped spec)": ("weizmann", ())},
    ),
}


if __name__ == "__main__":
    make_named_table("video", "Score networks of frames.", TABLES, "video-")
