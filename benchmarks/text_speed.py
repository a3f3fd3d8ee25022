"""Time one training epoch on text: planned batches against fixed ones, plain Keras, and PyTorch, side by side.

    RNNLAB_DATA_DIR=... python benchmarks/text_speed.py       # about 15 minutes on two cores, which should be idle

The networks are those of configs/movie_reviews.yaml, its convolution left out, wnut17.yaml and shakespeare.yaml. How
contestants take turns is in race.py. PyTorch is a contestant and no dependency: `pip install torch==2.13.0` (the build
for CPUs is enough). Writes benchmarks/results/text_speed.json and .md.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from race import Baton, heading, keras_fit, machine, race, rnnlab_train, table, work
from rows import RESULTS, config

DATA = Path(os.environ.get("RNNLAB_DATA_DIR", "data")).absolute()
FIXED = {"buckets": {"shapes": 1}}
SHIPPED: dict[str, Any] = {}
# Of the reviews without the convolution, in which Keras would lose the mask, and what the plain script has not.
PLAIN: dict[str, Any] = {
    "task": {"kind": "classification"},
    "model": {"architecture": "stacked_rnn", "cell": "gru", "units": [128], "bidirectional": True},
}


def spec_of(name: str, training: dict[str, Any]) -> dict[str, Any]:
    """Return the shipped spec without what comes after an epoch: validation, and what waits for its scores."""
    spec: dict[str, Any] = yaml.safe_load(config(name).read_text("utf-8"))
    spec["data"].pop("validation_file", None)
    spec["data"]["validation"] = {"by": "none"}
    spec["training"].pop("early_stopping", None)
    spec["training"] |= training
    if spec["training"].get("batch_steps"):
        del spec["training"]["batch_size"]
    if name == "movie_reviews":
        spec |= PLAIN
        spec["training"]["optimizer"] = {"name": "adam", "learning_rate": 0.001}
    return spec


def rnnlab_epoch(name: str, training: dict[str, Any], baton: Baton) -> None:
    rnnlab_train(spec_of(name, training), DATA, baton)


def review_texts() -> tuple[list[str], np.ndarray]:
    """Return the reviews and their classes, read as configs/movie_reviews.yaml says."""
    spec = spec_of("movie_reviews", {})
    lines = (DATA / spec["data"]["train"]).read_text(spec["data"]["encoding"]).split("\n")
    classes, texts = zip(*(line.split(" ", 1) for line in lines if line.strip()), strict=True)
    return list(texts), np.unique(classes, return_inverse=True)[1].astype(np.int32)


def keras_network(known: list[str], texts: list[str]) -> tuple[Any, np.ndarray]:
    """Return the script that everyone writes, of the shipped network's size, and the texts padded to their longest.

    Args:
        known: the texts that the vocabulary is made of.
        texts: (N,).
    """
    import keras

    keras.utils.set_random_seed(0)
    spec = spec_of("movie_reviews", {})
    words = keras.layers.TextVectorization(standardize="lower", split="whitespace")
    words.adapt(known)
    units = spec["model"]["units"][0]
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int64"),
            keras.layers.Embedding(words.vocabulary_size(), spec["stem"]["units"], mask_zero=True),
            keras.layers.Dropout(spec["stem"]["dropout"]),
            keras.layers.Bidirectional(keras.layers.GRU(units, return_sequences=True)),
            keras.layers.GlobalMaxPooling1D(),
            keras.layers.Dropout(spec["head"]["dropout"]),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    rate = spec["training"]["optimizer"]["learning_rate"]
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return model, np.asarray(words(texts))


def keras_reviews(baton: Baton) -> None:
    texts, classes = review_texts()
    model, padded = keras_network(texts, texts)
    keras_fit(model, baton, padded, classes, batch_size=spec_of("movie_reviews", {})["training"]["batch_size"])


def torch_characters(baton: Baton) -> None:
    """The network of configs/shakespeare.yaml in PyTorch: lanes of segments, their state carried on, detached."""
    import torch

    spec = spec_of("shakespeare", {})
    (units,), training = spec["model"]["units"], spec["training"]
    text = (DATA / spec["data"]["files"]).read_text("utf-8")
    cut = round(len(text) * 0.9)
    letters, numbers = np.unique(list(text[:cut]), return_inverse=True)
    lanes, steps = training["batch_size"], training["tbptt"]["steps"]
    length = len(numbers) // lanes
    laid = torch.from_numpy(numbers[: lanes * length].reshape(lanes, length)).long()
    torch.manual_seed(0)

    class Network(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(len(letters) + 4, spec["stem"]["units"])  # rnnlab has four marks
            self.lstm = torch.nn.LSTM(spec["stem"]["units"], units, batch_first=True)
            self.dropout = torch.nn.Dropout(spec["model"]["dropout"])
            self.dense = torch.nn.Linear(units, len(letters) + 4)

        def forward(self, values: Any, state: Any) -> Any:
            outputs, state = self.lstm(self.embedding(values), state)
            return self.dense(self.dropout(outputs)), state

    network = Network()
    optimizer = torch.optim.Adam(network.parameters(), 0.004)
    baton.ready(sum(each.numel() for each in network.parameters()))
    while True:
        baton.wait()
        state, total, seen, done = None, 0.0, 0, 0
        for begin in range(0, length - 1, steps):
            end = min(begin + steps, length - 1)
            logits, state = network(laid[:, begin:end], state)
            state = tuple(each.detach() for each in state)
            targets = laid[:, begin + 1 : end + 1]
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            total, seen, done = total + loss.item() * targets.numel(), seen + targets.numel(), done + 1
        baton.done(total / seen, done)


Contestants = dict[str, tuple[str, Callable[[Baton], None]]]


@dataclass(frozen=True)
class Race:
    """A problem, its rounds, and its contestants: name → title and what runs; `marks` are compared with."""

    what: str
    rounds: int
    warmup: int
    contestants: Contestants
    marks: dict[str, str]


def planned_and_fixed(name: str, rows: int, longest: int, mean: int) -> Contestants:
    """Return batches as large in tokens as fixed ones with padding, as fixed ones without, planned rows, and fixed."""

    def tokens(mark: str, what: str, steps: int) -> tuple[str, Callable[[Baton], None]]:
        return f"({mark}) planned, {steps:,} tokens: {what}", partial(rnnlab_epoch, name, {"batch_steps": steps})

    return {
        "tokens": tokens("a", "as many as a batch of (d) has with its padding", rows * longest),
        "fewer": tokens("b", "as many as a batch of (d) has without", rows * mean),
        "rows": (f"(c) planned, {rows} texts, as shipped", partial(rnnlab_epoch, name, SHIPPED)),
        "fixed": (f"(d) {rows} texts, padded to the longest of the set", partial(rnnlab_epoch, name, FIXED)),
    }


RACES = {
    "movie_reviews": Race(
        "10,662 sentences of reviews, 1 to 59 words, mean 21; embedding, bidirectional GRU(128), maximum",
        5,
        1,
        {
            **planned_and_fixed("movie_reviews", 50, 59, 21),
            "keras": ("(e) plain Keras: mask_zero, padded to the longest of the set, `fit`", keras_reviews),
        },
        {"fixed": "(d)", "keras": "(e)"},
    ),
    "wnut17": Race(
        "3,394 tweets and comments, 1 to 41 words, mean 18; words and characters, bidirectional LSTM(64), CRF",
        5,
        1,
        planned_and_fixed("wnut17", 16, 41, 18),
        {"fixed": "(d)"},
    ),
    "shakespeare": Race(
        "a million characters in 50 lanes of segments of 100; embedding, LSTM(512), state carried",
        2,
        1,
        {
            "rnnlab": ("(a) rnnlab, on the whole text", partial(rnnlab_epoch, "shakespeare", SHIPPED)),
            "torch": ("(b) PyTorch, on its first nine tenths", torch_characters),
        },
        {"torch": "(b)"},
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--races", nargs="+", choices=RACES, default=list(RACES))
    parser.add_argument("--rounds", type=int, help="default: 5, 5 and 2")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        name, contestant = options.worker
        work(RACES[name].contestants[contestant][1])
        return
    conditions = machine()
    report = heading(conditions)
    record: dict[str, Any] = {"conditions": conditions, "races": {}}
    for name in options.races:
        one = RACES[name]
        commands = {each: (__file__, "--worker", name, each) for each in one.contestants}
        results, note = race(commands, options.rounds or one.rounds, one.warmup)
        titles = {each: title for each, (title, _) in one.contestants.items()}
        losses = (f"{titles[each][:3]} {row['loss']:.3f}" for each, row in results.items() if "loss" in row)
        note += f" Loss of the last epoch: {', '.join(losses)}."
        report += [f"## {name}: {one.what}", "\n".join(table(results, titles, one.marks)), note]
        record["races"][name] = {"warmup": one.warmup, "contestants": results}
    text = "\n\n".join(report) + "\n"
    print(text)
    (RESULTS / "text_speed.md").write_text(text, encoding="utf-8")
    (RESULTS / "text_speed.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
