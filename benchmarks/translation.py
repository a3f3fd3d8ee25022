"""A translator of one size, trained by rnnlab and by Joey NMT at the same time, each on a core of its own.

    RNNLAB_DATA_DIR=... python benchmarks/translation.py --joeynmt PYTHON      # --minutes 30, on two idle cores

PYTHON is an interpreter with `joeynmt==2.3.0`, from an environment of its own. Both train on Multi30k, German into
English: a bidirectional GRU of 256 units, a GRU decoder of 256 with Luong's attention and input feeding, 64 pairs a
batch. rnnlab's is the shipped spec; Joey NMT is given the same words, dropout, label smoothing, optimizer and clipping,
and a learning rate that falls by 15 % an epoch (its other way, to lower it when validation no longer improves, fails
with PyTorch 2.13). Both translate the validation split greedily after each epoch. The clock starts with the processes.
Writes benchmarks/results/translation.json and .md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

import numpy as np
import yaml
from race import heading, machine
from rows import RESULTS, TOP, config

LANGUAGES = ("de", "en")
SPLITS = {"train": "train", "val": "validation"}
STEPS = 454  # of an epoch: 29,000 pairs by 64
MARKS = (5, 10, 20, 30, 45, 60)  # minutes at which the best translations so far are compared
TITLES = {"rnnlab": "rnnlab", "joeynmt": "Joey NMT 2.3.0"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--joeynmt", required=True, metavar="PYTHON", help="an interpreter that has joeynmt")
    parser.add_argument("--minutes", type=int, default=30, help="how long both train")
    options = parser.parse_args()
    conditions = machine()
    conditions["command"] = conditions["command"].replace(options.joeynmt, "PYTHON")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = Texts(folder)
        (folder / "joeynmt.yaml").write_text(yaml.safe_dump(joeynmt_spec(folder)), encoding="utf-8")
        commands = {
            "rnnlab": [
                sys.executable,
                "-m",
                "rnnlab",
                "train",
                str(config("multi30k_de_en")),
                "--run",
                f"{folder}/run",
            ],
            "joeynmt": [options.joeynmt, "-m", "joeynmt", "train", f"{folder}/joeynmt.yaml", "--skip-test"],
        }
        seen = watch(commands, folder, options.minutes * 60)
        record = {
            "conditions": conditions,
            "courses": {"rnnlab": rnnlab_course(folder, seen), "joeynmt": joeynmt_course(folder, seen, texts)},
            "tokens_per_second": {"rnnlab": rnnlab_speed(folder, texts), "joeynmt": joeynmt_speed(folder)},
        }
    text = describe(record, options.minutes)
    print(text)
    (RESULTS / "translation.md").write_text(text, encoding="utf-8")
    (RESULTS / "translation.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


class Texts:
    """What Joey NMT reads: the data as rnnlab cuts it into words; and how its answers are written as text again."""

    def __init__(self, folder: Path) -> None:
        from rnnlab.experiment import load_experiment
        from rnnlab.places import Places
        from rnnlab.tasks._texts import vocabulary

        experiment = load_experiment(config("multi30k_de_en"))
        data = Path(os.environ["RNNLAB_DATA_DIR"])
        raw = experiment.data.splits(Places(data, data))
        learnt = experiment.task.fit(raw["train"])
        self.vocabulary = vocabulary(learnt)
        self.cut = experiment.task.cut
        for short, split in SPLITS.items():
            sources = [raw[split].read(index)["text"].tobytes() for index in range(len(raw[split]))]
            targets = raw[split].known_targets.tolist()
            for language, texts, cut in (("de", sources, experiment.transforms[0]), ("en", targets, self.cut)):
                rows = cut.split(cut._clean(np.array(texts, object))).to_list()
                lines = [b" ".join(row).decode() for row in rows]
                (folder / f"{short}.{language}").write_text("\n".join(lines) + "\n", encoding="utf-8")
                if (short, language) == ("train", "en"):
                    self.tokens = sum(len(line.split()) + 1 for line in lines)  # with the end marks
        self.true = [each.decode() for each in raw["validation"].known_targets.tolist()]

    def bleu(self, answers: list[str]) -> float:
        """Return the score of answers to the validation split, words with spaces between, as rnnlab scores its own."""
        import tensorflow as tf

        from rnnlab.metrics.bleu import Bleu

        words = tf.strings.split(answers)
        numbers = words.with_flat_values(self.cut.numbers(words.flat_values, self.vocabulary)[:, 0]).to_tensor()
        texts = [each.decode() for each in self.cut.join(numbers, self.vocabulary).numpy().tolist()]
        return float(Bleu().build().corpus_score(texts, [self.true]).score)


def joeynmt_spec(folder: Path) -> dict[str, Any]:
    side = {"level": "word", "lowercase": False, "voc_min_freq": 2}
    read = {"embedding_dim": 256, "dropout": 0.3}
    cells = {"type": "recurrent", "rnn_type": "gru", "hidden_size": 256, "num_layers": 1, "embeddings": read}
    return {
        "name": "multi30k",
        "joeynmt_version": "2.3.0",
        "model_dir": f"{folder}/joeynmt",
        "use_cuda": False,
        "random_seed": 0,
        "data": {
            "train": f"{folder}/train",
            "dev": f"{folder}/val",
            "dataset_type": "plain",
            "src": {"lang": "de", **side},
            "trg": {"lang": "en", **side},
        },
        "model": {
            "encoder": {**cells, "bidirectional": True, "dropout": 0.3},
            "decoder": {
                **cells,
                "attention": "luong",
                "input_feeding": True,
                "init_hidden": "bridge",
                "hidden_dropout": 0.3,
            },
        },
        "training": {
            "epochs": 1000,
            "batch_size": 64,
            "optimizer": "adam",
            "learning_rate": 0.001,
            "learning_rate_min": 1e-6,
            "clip_grad_norm": 1.0,
            "label_smoothing": 0.1,
            "normalization": "tokens",
            "scheduling": "exponential",
            "decrease_factor": 0.85,
            "validation_freq": STEPS,
            "logging_freq": STEPS,
            "early_stopping_metric": "bleu",
            "keep_best_ckpts": 1,
        },
        "testing": {"eval_metrics": ["bleu"], "sacrebleu_cfg": {"lowercase": True}, "max_output_length": 50},
    }


def watch(commands: dict[str, list[str]], folder: Path, seconds: float) -> dict[str, list[float]]:
    """Run all commands at once, each on one core, and return when each had done a validation, in seconds."""
    begun = time.monotonic()
    workers: dict[str, subprocess.Popen[bytes]] = {}
    logs: dict[str, IO[bytes]] = {}
    seen: dict[str, list[float]] = {name: [] for name in commands}
    for core, (name, command) in enumerate(commands.items()):
        logs[name] = (folder / f"{name}.log").open("wb")
        workers[name] = subprocess.Popen(
            command,
            cwd=TOP,
            stdout=logs[name],
            stderr=subprocess.STDOUT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            preexec_fn=lambda core=core: os.sched_setaffinity(0, {core}),  # type: ignore[misc]
        )
    counts = {"rnnlab": folder / "run" / "history.csv", "joeynmt": folder / "joeynmt" / "validations.txt"}
    heads = {"rnnlab": 1, "joeynmt": 0}
    try:
        while time.monotonic() - begun < seconds and not any(each.poll() for each in workers.values()):
            time.sleep(1)
            for name, path in counts.items():
                done = len(path.read_text("utf-8").splitlines()) - heads[name] if path.is_file() else 0
                seen[name] += [time.monotonic() - begun] * (done - len(seen[name]))
        failed = [name for name, worker in workers.items() if worker.poll()]
    finally:
        for name, worker in workers.items():
            worker.terminate()
            worker.wait()
            logs[name].close()
    for name in failed:
        raise SystemExit(f"{name} ended:\n{(folder / f'{name}.log').read_text('utf-8', errors='replace')[-3000:]}")
    return seen


Course = list[tuple[float, float]]  # seconds since the start, BLEU


def rnnlab_course(folder: Path, seen: dict[str, list[float]]) -> Course:
    return [(seconds, row["val_bleu"]) for seconds, row in zip(seen["rnnlab"], history(folder), strict=False)]


def joeynmt_course(folder: Path, seen: dict[str, list[float]], texts: Texts) -> Course:
    answers = sorted((folder / "joeynmt").glob("*.hyps"), key=lambda path: int(path.stem))
    scores = [texts.bleu(path.read_text("utf-8").splitlines()) for path in answers]
    return list(zip(seen["joeynmt"], scores, strict=False))


def rnnlab_speed(folder: Path, texts: Texts) -> float:
    """Return target tokens a second of training, without validation: the median epoch."""
    return statistics.median(texts.tokens / row["seconds"] for row in history(folder))


def joeynmt_speed(folder: Path) -> float:
    log = (folder / "joeynmt" / "train.log").read_text("utf-8")
    epochs = re.findall(r"num\. of tokens: (\d+), ([\d.]+)\[sec\]", log)
    return statistics.median(int(tokens) / float(seconds) for tokens, seconds in epochs)


def history(folder: Path) -> list[dict[str, float]]:
    from rnnlab.history import read_history

    return read_history(folder / "run" / "history.csv")


def describe(record: dict[str, Any], minutes: int) -> str:
    marks = [mark for mark in MARKS if mark <= minutes]
    speeds = record["tokens_per_second"]
    lines = [
        "# A translator of one size: rnnlab beside Joey NMT",
        "",
        heading(record["conditions"])[1],
        "",
        "Multi30k, German into English, 64 pairs a batch; both at once, each on one core. BLEU of the validation "
        "split, in lower case, greedy, of the best epoch that had ended so many minutes after the process began.",
        "",
        f"| | target tokens a second | {' | '.join(f'{mark} min' for mark in marks)} | epochs |",
        f"|---|---|{'---|' * (len(marks) + 1)}",
    ]
    for name, course in record["courses"].items():
        best = [max((bleu for seconds, bleu in course if seconds <= 60 * mark), default=None) for mark in marks]
        cells = ["–" if each is None else f"{each:.2f}" for each in best]
        lines.append(f"| {TITLES[name]} | {speeds[name]:,.0f} | {' | '.join(cells)} | {len(course)} |")
    ratio = speeds["rnnlab"] / speeds["joeynmt"]
    return "\n".join([*lines, "", f"rnnlab trains {ratio:.2f} times as many target tokens a second."]) + "\n"


if __name__ == "__main__":
    main()
