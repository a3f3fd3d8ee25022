"""Each word's most frequent tag: what a tagger must beat to have learnt from the words around."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline, known_targets
from rnnlab.entities import NOTHING
from rnnlab.examples import Examples
from rnnlab.signature import Kind


class MostFrequentTag(Baseline):
    """Answers each word as it is tagged most often in training, and a word not seen there with the commonest tag.

    Words are told apart as they are written; of equally frequent tags the first in order is taken.
    """

    title: ClassVar[str] = "most frequent tag of each word"
    tasks: ClassVar[frozenset[str]] = frozenset({"tagging"})
    inputs: ClassVar[frozenset[Kind]] = frozenset({"words"})

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        targets = known_targets(train)
        counts: defaultdict[bytes, Counter[int]] = defaultdict(Counter)
        for index, words in enumerate(_words(train)):
            for word, tag in zip(words, targets[index].tolist(), strict=False):  # tags are padded
                counts[word][tag] += 1
        of_word = {word: _commonest(own) for word, own in counts.items()}
        of_others = _commonest(sum(counts.values(), Counter()))
        answers = np.full((len(test), int(test.lengths.max(initial=0))), NOTHING, np.int64)
        for row, words in zip(answers, _words(test), strict=True):
            row[: len(words)] = [of_word.get(word, of_others) for word in words]
        return {"tags": answers}


def _words(examples: Examples) -> list[list[bytes]]:
    name = examples.signature.inputs[0].name
    return [examples.read(index)[name].tolist() for index in range(len(examples))]


def _commonest(counts: Counter[int]) -> int:
    return min(counts, key=lambda tag: (-counts[tag], tag))
