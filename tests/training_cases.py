"""Small trainings that use everything a training can use, for tests of resuming and of replicas.

Run as a program it trains what it is asked for, `python tests/training_cases.py '[{"case": …, "folder": …, …}]'`.
A program of its own is what a test can kill, and what can have several logical devices.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnlab.experiment import Experiment
from rnnlab.places import Places
from rnnlab.rundir import RunDir
from rnnlab.training.reporting import Silent

EXAMPLES = 37  # not a multiple of anything

DIALLED = {"source": "dial_tones", "asks": "key", "train": EXAMPLES, "test": 1}
SPECTRUM: list[Any] = [{"name": "log_mel", "mels": 10}, "standardize"]

CASES: dict[str, dict[str, Any]] = {
    "stacked_dropout_plateau": {
        "task": {"kind": "classification", "class_weights": "balanced"},
        "model": {
            "architecture": "stacked_rnn",
            "cell": "gru",
            "units": [5, 5],
            "dropout": 0.3,
            "recurrent_dropout": 0.2,
        },
        "head": {"name": "classes", "readout": "attention", "dropout": 0.2},
        "training": {
            "optimizer": {"name": "adam", "learning_rate": 0.02, "clip_global_norm": 0.5},
            "early_stopping": {"monitor": "val_accuracy", "patience": 3},
            "reduce_on_plateau": {"patience": 1, "factor": 0.3},
        },
    },
    "convolution_schedule": {
        "task": {"kind": "classification", "label_smoothing": 0.1},
        "model": {
            "architecture": "conv_rnn",
            "units": [6],
            "bidirectional": True,
            "blocks": [{"filters": 5, "stride": 2, "dropout": 0.2}],
        },
        "training": {
            "optimizer": {
                "name": "sgd",
                "momentum": 0.9,
                "clip_norm": 1.0,
                "learning_rate": {"name": "cosine_decay", "initial_learning_rate": 0.1, "decay_steps": 20},
            },
        },
    },
    "steps_layer_normalization": {
        "task": {"kind": "classification"},
        "model": {
            "architecture": "stacked_rnn",
            "cell": "lstm",
            "units": [4],
            "layer_normalization": True,
            "dropout": 0.1,
        },
        "head": {"name": "classes", "readout": "concat"},
        "training": {"batch_steps": 60, "optimizer": {"name": "adamw", "clip_value": 0.1}, "best": None},
    },
    "accumulation_mixed_precision": {
        "task": {"kind": "classification"},
        "model": {"architecture": "conv_rnn", "cell": "gru", "units": [5], "dropout": 0.3, "recurrent_dropout": 0.2},
        "head": {"name": "classes", "readout": "concat"},
        "training": {"accumulate": 3, "precision": "mixed_float16", "optimizer": {"name": "adam", "clip_norm": 0.5}},
    },
    # Varied before the last transforms, which every step then applies.
    "sound_dropout": {
        "data": {**DIALLED, "validation": {"by": "fraction", "stratify": False}},
        "transforms": SPECTRUM,
        "augmentations": ["noise", "shift", {"name": "spec_augment", "time_steps": 4}],
        "task": {"kind": "classification"},
        "model": {"architecture": "stacked_rnn", "cell": "gru", "units": [5], "dropout": 0.2},
        "training": {"optimizer": {"name": "adam", "learning_rate": 0.01}},
    },
}

# On data of identical examples, which a test writes.
TWINS = {
    "data": {"validation": {"by": "none"}},
    "task": {"kind": "regression"},
    "model": {"architecture": "stacked_rnn", "cell": "gru", "units": [8], "dropout": 0.5},
    "training": {"best": None, "optimizer": {"name": "sgd", "learning_rate": 0.1}},
}

SERIES = {
    "source": "series",
    "time": "time",
    "layout": "long",
    "id": "id",
    "target": ["f0", "f1"],
    "future": ["f2"],
    "validation": {"by": "cut", "cut": 9},
    "test": "none",
}
FORECAST = {"kind": "forecasting", "history": 7, "horizon": 3, "min_history": 2}
IMPUTED = [{"name": "impute"}, {"name": "standardize"}]
SEQ2SEQ: dict[str, Any] = {
    "data": SERIES,
    "transforms": IMPUTED,
    "task": {**FORECAST, "output": "normal"},
    "model": {
        "architecture": "seq2seq",
        "encoder": {"architecture": "stacked_rnn", "cell": "gru", "units": [5]},
        "decoder": {"units": [5], "attention": "luong", "input_feeding": True},
    },
    "training": {"optimizer": {"name": "adam", "learning_rate": 0.02, "clip_global_norm": 0.5}},
}
PER_STEP: dict[str, Any] = {
    "data": SERIES,
    "transforms": IMPUTED,
    # Of all history: windows, and so batches, of several widths.
    "task": {**FORECAST, "history": "all", "output": "quantiles", "season": 2, "seasonal_mean": 2},
    "model": {"architecture": "stacked_rnn", "cell": "gru", "units": [5]},
    "head": {"name": "per_step", "hidden_units": 6},
    "training": {"optimizer": {"name": "sgd", "learning_rate": 0.05, "clip_norm": 0.5}},
}

PAIRS: dict[str, Any] = {
    "data": {"source": "parallel", "validation": {"by": "fraction"}},
    "transforms": [{"name": "characters"}],
    "task": {"kind": "sequence_to_sequence", "tokens": {"name": "characters"}, "label_smoothing": 0.1},
    "stem": {"name": "embedding", "units": 4},
    "model": {
        "architecture": "seq2seq",
        "encoder": {"architecture": "stacked_rnn", "cell": "gru", "units": [4], "bidirectional": True},
        "decoder": {"units": [5], "attention": "luong", "input_feeding": True, "embedding_units": 4},
    },
    "training": {"optimizer": {"name": "sgd", "learning_rate": 0.1, "clip_norm": 0.5}},
}

_FORCED = {"dropout": 0.3, "teacher_forcing": {"start": 1.0, "end": 0.0, "epochs": 3}}
CASES |= {
    "seq2seq_forced_dropout": {
        **SEQ2SEQ,
        "model": {**SEQ2SEQ["model"], "decoder": {**SEQ2SEQ["model"]["decoder"], **_FORCED}},
    },
    "pairs_forced_dropout": {
        **PAIRS,
        "model": {**PAIRS["model"], "decoder": {**PAIRS["model"]["decoder"], **_FORCED}},
    },
    "per_step_quantiles": {**PER_STEP, "head": {**PER_STEP["head"], "dropout": 0.2}},
}

DETERMINISTIC: dict[str, dict[str, Any]] = {
    "weights_and_clipping": {
        "task": {"kind": "classification", "class_weights": "balanced"},
        "model": {"architecture": "stacked_rnn", "cell": "gru", "units": [5], "bidirectional": True},
        "head": {"name": "classes", "readout": "mean"},
        "training": {"optimizer": {"name": "adam", "learning_rate": 0.01, "clip_global_norm": 0.3}},
    },
    "batch_normalization": {
        "task": {"kind": "classification"},
        "model": {"architecture": "conv_rnn", "units": [5], "blocks": [{"filters": 4, "pool_size": 2}]},
        "training": {"optimizer": {"name": "sgd", "learning_rate": 0.05, "clip_norm": 0.5}},
    },
    "steps_in_a_batch": {
        "task": {"kind": "classification"},
        "model": {"architecture": "stacked_rnn", "units": [4], "layer_normalization": True},
        # Adam divides by the gradient's own size: with its tiny epsilon, a gradient that is only rounding would decide.
        "training": {"batch_steps": 45, "optimizer": {"name": "adamw", "clip_value": 0.05, "epsilon": 1e-4}},
    },
    "batch_smaller_than_the_replicas": {
        "task": {"kind": "classification"},
        "model": {"architecture": "stacked_rnn", "cell": "simple", "units": [4]},
        "head": {"name": "classes", "readout": "max"},
        "training": {"batch_size": 2, "optimizer": {"name": "sgd", "learning_rate": 0.02}},
    },
    "data_smaller_than_one_batch": {
        "task": {"kind": "classification", "label_smoothing": 0.1},
        "model": {"architecture": "stacked_rnn", "cell": "gru", "units": [4]},
        "head": {"name": "classes", "readout": "attention"},
        "training": {"batch_size": 64, "optimizer": {"name": "sgd", "learning_rate": 0.1}},
    },
    "accumulation": {
        "task": {"kind": "classification", "class_weights": "balanced"},
        "model": {"architecture": "stacked_rnn", "cell": "gru", "units": [5], "bidirectional": True},
        "head": {"name": "classes", "readout": "concat"},
        "training": {"accumulate": 3, "optimizer": {"name": "adam", "learning_rate": 0.01, "clip_global_norm": 0.3}},
    },
    "accumulation_batch_normalization": {
        "task": {"kind": "classification"},
        "model": {"architecture": "conv_rnn", "units": [5], "blocks": [{"filters": 4, "stride": 2}]},
        "training": {
            "batch_size": 5,
            "accumulate": 2,
            "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9, "clip_value": 0.05},
        },
    },
}


TAGGER: dict[str, Any] = {
    "data": {"source": "conll"},
    "transforms": [{"name": "words", "characters": {"length": 4}}],
    "stem": {"name": "word_characters", "units": 4, "character_units": 3, "character_features": 4},
    "task": {"kind": "tagging"},
    "model": {"architecture": "stacked_rnn", "cell": "gru", "units": [5], "bidirectional": True},
    "head": {"name": "crf"},
    "training": {"accumulate": 2, "optimizer": {"name": "sgd", "learning_rate": 0.05, "clip_norm": 0.5}},
}
DETERMINISTIC["sound"] = {
    "data": DIALLED,
    "transforms": SPECTRUM,
    "augmentations": ["gain", {"name": "noise", "color": "pink"}, "shift", "spec_augment"],
    "task": {"kind": "classification"},
    "model": {"architecture": "stacked_rnn", "cell": "gru", "units": [5]},
    "training": {"accumulate": 2, "optimizer": {"name": "sgd", "learning_rate": 0.05}},
}
TRANSCRIBER: dict[str, Any] = {
    "data": {"source": "dial_tones", "train": 19, "validation_examples": 6, "test": 1, "longest": 2},
    "transforms": [{"name": "log_mel", "mels": 8, "hop_ms": 20}, {"name": "standardize"}],
    "task": {"kind": "transcription"},
    "model": {"architecture": "conv_rnn", "cell": "gru", "units": [5], "blocks": [{"filters": 5, "stride": 2}]},
    "training": {"accumulate": 2, "optimizer": {"name": "sgd", "learning_rate": 0.05, "clip_norm": 0.5}},
}
_NO_TRUTH = {"start": 0.0, "end": 0.0}
DETERMINISTIC |= {
    "seq2seq_own_forecasts_accumulated": {
        **SEQ2SEQ,
        "model": {**SEQ2SEQ["model"], "decoder": {"units": [5], "attention": "bahdanau", "teacher_forcing": _NO_TRUTH}},
        "training": {"accumulate": 2, "optimizer": {"name": "sgd", "learning_rate": 0.05, "clip_norm": 0.5}},
    },
    "per_step_quantiles_alone": PER_STEP,
    "pairs_taught": {**PAIRS, "training": {**PAIRS["training"], "accumulate": 2}},
    "tagger_chain": TAGGER,
    "transcriber": TRANSCRIBER,
    "tagger_softmax": {**TAGGER, "head": {"name": "tags"}},
    "direct_by_series": {
        "data": SERIES,
        "transforms": [{"name": "impute"}, {"name": "standardize", "over": "series"}],
        "task": FORECAST,
        "model": {"architecture": "stacked_rnn", "cell": "gru", "units": [5]},
        "head": {"name": "direct", "hidden_units": 6},
        "training": {"accumulate": 3, "optimizer": {"name": "sgd", "learning_rate": 0.05}},
    },
}


def write_gapped_series(path: Path) -> Path:
    """Write three series of random lengths, a fourth of whose targets are missing, but not the first."""
    random, lines = np.random.default_rng(0), ["id,time,f0,f1,f2"]
    for series, length in enumerate((30, 21, 26)):
        values = random.normal(size=(length, 3)) + 5 * series
        missing = random.random((length, 3)) < 0.25
        missing[0] = missing[:, 2] = False
        for day, (row, gone) in enumerate(zip(values, missing, strict=True)):
            cells = ("" if no else repr(float(value)) for value, no in zip(row, gone, strict=True))
            lines.append(",".join((f"s{series}", str(np.datetime64("2021-01-01") + day), *cells)))
    path.write_text("\n".join(lines) + "\n")
    return path


def write_tags(path: Path) -> Path:
    """Write sentences of random lengths; a word's tag depends on its first letter and on the word before."""
    random, lines = np.random.default_rng(0), []
    for length in random.integers(1, 12, EXAMPLES):
        before = ""
        for word in random.choice(["ab", "abc", "ba", "bac", "ca", "cab"], length):
            lines.append(f"{word}\t{'O' if word[0] == 'c' else 'I-x' if before[:1] == 'a' else 'B-x'}")
            before = word
        lines.append("")
    path.write_text("\n".join(lines) + "\n")
    return path


def write_pairs(path: Path) -> Path:
    """Write words of random lengths, and behind a TAB each word the other way round."""
    random = np.random.default_rng(0)
    words = ["".join(random.choice(list("abc"), length)) for length in random.integers(1, 9, EXAMPLES)]
    path.write_text("".join(f"{word}\t{word[::-1]}\n" for word in words))
    return path


def make_case(case: str, folder: Path, model: Mapping[str, Any] | None = None, **training: Any) -> Experiment:
    """Write the case's data into the folder, once, and return the experiment."""
    data = folder / "train.npz"
    if not data.exists():
        random = np.random.default_rng(0)
        lengths = random.integers(1, 25, EXAMPLES)
        labels = np.arange(EXAMPLES) % 3
        values = random.normal(size=(lengths.sum(), 3)) + np.repeat(labels, lengths)[:, None] * 0.5
        np.savez(data, values=values, lengths=lengths, labels=labels)
    values = {**CASES, **DETERMINISTIC, "twins": TWINS}[case]
    own: dict[str, Any] = values.get("data", {})
    if "source" not in own:
        own = {"source": "npz", "train": str(data), **own}
    if own["source"] == "series":
        table = folder / "series.csv"
        own = {**own, "file": str(table if table.exists() else write_gapped_series(table))}
    if own["source"] == "parallel":
        own = {**own, "train": str(write_pairs(folder / "train.tsv"))}
    if own["source"] == "conll":
        own = {**own, "train": str(write_tags(folder / "train.conll"))}
    merged = {"epochs": 4, "batch_size": 8, "buckets": {"shapes": 3}, **values["training"], **training}
    if "batch_steps" in merged:
        del merged["batch_size"]
    return Experiment.model_validate(
        {
            "name": "case",
            "seed": 3,
            **values,
            "model": {**values["model"], **(model or {})},
            "data": own,
            "training": merged,
        }
    )


class KilledAfter(Silent):
    """A reporter that kills its own process after so many steps, as a power cut would."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step_done(self, sequences: int, loss: float) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def train_in_a_process(*requests: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run this file as a program of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "TF_CPP_MIN_LOG_LEVEL": "3"}
    program = [sys.executable, __file__, json.dumps(requests)]
    return subprocess.run(program, env=environment, capture_output=True, text=True)


def main(requests: Sequence[Mapping[str, Any]]) -> None:
    """Train one case after the other; the logical devices of the largest are there from the beginning."""
    from rnnlab.training.devices import prepare_devices

    experiments = [
        make_case(each["case"], Path(each["folder"]), model=each.get("model"), **each.get("training", {}))
        for each in requests
    ]
    prepare_devices(max((each.training for each in experiments), key=lambda training: training.replicas or 1))
    for request, experiment in zip(requests, experiments, strict=True):
        train_case(request, experiment)


def train_case(request: Mapping[str, Any], experiment: Experiment) -> None:
    """Train one case into its run folder, to the end or until it kills itself."""
    from rnnlab.training import train

    folder = Path(request["folder"])
    run = RunDir(Path(request["run"])) if request.get("resume") else RunDir.create(Path(request["run"]))
    reporter = KilledAfter(request["kill_after"]) if "kill_after" in request else Silent()
    train(experiment, run, Places(folder, folder), reporter, resume=bool(request.get("resume")))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
