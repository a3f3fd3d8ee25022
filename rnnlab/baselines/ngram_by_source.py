"""N-grams of the answers to each source: how probable an answer is by counts alone, where sources come back.

Axes: T tokens, J models that are mixed, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline, NotApplicable, known_targets, target_field
from rnnlab.baselines.ngram import KneserNey, Tokens, order_for
from rnnlab.examples import Examples
from rnnlab.signature import Kind
from rnnlab.vocabulary import START

MOST_SOURCES, FEWEST_ANSWERS = 1000, 10
FOLDS = 5  # of the training answers, on which weights are found
ROUNDS = 30  # of expectation maximisation
ALL_TOGETHER = 200  # tokens that a source's weights are held by to those of all sources

Weights = NDArray[np.float64]


class NgramBySource(Baseline):
    """N-gram models of the answers to one source, and of all answers, mixed: a likelihood alone, no answer.

    Each is an interpolated Kneser-Ney model, of characters of orders 0 to 6 and of words 0 to 3. Their weights, of each
    source its own, are those under which answers that were left out of the counts are most probable (deleted
    interpolation, Jelinek & Mercer 1980). Of a source that training has not seen, all answers' models are asked.
    """

    title: ClassVar[str] = "n-gram of each source"
    tasks: ClassVar[frozenset[str]] = frozenset({"sequence_to_sequence"})
    inputs: ClassVar[frozenset[Kind]] = frozenset({"tokens"})
    prepared: ClassVar[bool] = True

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        known_targets(train)
        names = target_field(train).names
        model = Mixture.fit(sources(train), texts(train), len(names), order_for(names), seed)
        found = model.probabilities(sources(test), asked := texts(test))
        return {
            "surprisal": np.array([-np.log(each).sum() for each in found]),
            "asked": np.array([float(len(each) - 1) for each in asked]),
        }


def sources(examples: Examples) -> list[bytes]:
    """Return what goes in of each example, as something to look up."""
    name = examples.signature.inputs[0].name
    return [np.ascontiguousarray(examples.read(index)[name]).tobytes() for index in range(len(examples))]


def texts(examples: Examples) -> list[Tokens]:
    """Return the tokens of each answer, a start mark before them."""
    return [np.concatenate([[START], row[row >= 0]]).astype(np.int64) for row in np.asarray(examples.targets)]


@dataclass(frozen=True)
class Models:
    """The models that are mixed: that of all answers, and those of each source's."""

    every: KneserNey
    own: dict[bytes, KneserNey]

    @classmethod
    def fit(cls, keys: Sequence[bytes], answers: Sequence[Tokens], size: int, order: int) -> Models:
        groups: dict[bytes, list[Tokens]] = {}
        for key, answer in zip(keys, answers, strict=True):
            groups.setdefault(key, []).append(answer)
        own = {key: KneserNey.fit(group, size, order) for key, group in groups.items()}
        return cls(KneserNey.fit(answers, size, order), own)

    def probabilities(self, key: bytes, answers: Sequence[Tokens]) -> NDArray[np.float64]:
        """Return what each model says of each token of some answers but their start marks, (J, T).

        Of a source that is not known, the models of all answers stand for its own.
        """
        tokens = np.concatenate(answers)
        places = np.concatenate([np.arange(len(answer)) for answer in answers])
        every, own = (model.by_order(tokens, places) for model in (self.every, self.own.get(key, self.every)))
        return np.concatenate([every, own[1:]])[:, places > 0]


@dataclass(frozen=True)
class Mixture:
    """Models and their weights (J,): of each source, and of those that are not known."""

    models: Models
    weights: dict[bytes, Weights]
    common: Weights

    @classmethod
    def fit(cls, keys: Sequence[bytes], answers: Sequence[Tokens], size: int, order: int, seed: int) -> Mixture:
        """Count, and find the weights.

        Raises:
            NotApplicable: there are many sources, or few answers to each.
        """
        distinct = len(set(keys))
        if distinct > MOST_SOURCES or len(keys) < FEWEST_ANSWERS * distinct:
            raise NotApplicable(
                f"would need {MOST_SOURCES:,} sources at most, and {FEWEST_ANSWERS} answers to each; there are "
                f"{distinct:,} among {len(keys):,} training examples"
            )
        left_out: dict[bytes, list[NDArray[np.float64]]] = {}
        folds = np.random.default_rng(seed).permutation(len(keys)) % FOLDS
        for fold in range(FOLDS):
            counted, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            models = Models.fit([keys[i] for i in counted], [answers[i] for i in counted], size, order)
            for key, group in _by_source([keys[i] for i in held], held):
                left_out.setdefault(key, []).append(models.probabilities(key, [answers[i] for i in group]))
        said = {key: np.concatenate(parts, axis=1) for key, parts in left_out.items()}
        equal = np.full(len(next(iter(said.values()))), 1.0)
        common = _weights(np.concatenate(list(said.values()), axis=1), equal / len(equal), 1.0)
        weights = {key: _weights(own, common, ALL_TOGETHER) for key, own in said.items()}
        return cls(Models.fit(keys, answers, size, order), weights, common)

    def probabilities(self, keys: Sequence[bytes], answers: Sequence[Tokens]) -> list[NDArray[np.float64]]:
        """Return the probability of each token of each answer but its start mark, (T − 1,) each."""
        found: list[NDArray[np.float64]] = [np.zeros(0)] * len(keys)
        for key, group in _by_source(keys, np.arange(len(keys))):
            own = [answers[i] for i in group]
            mixed = self.weights.get(key, self.common) @ self.models.probabilities(key, own)
            ends = np.cumsum([len(answer) - 1 for answer in own])[:-1]
            for index, each in zip(group, np.split(mixed, ends), strict=True):
                found[int(index)] = each
        return found


def _by_source(keys: Sequence[bytes], numbers: NDArray[np.int64]) -> Iterator[tuple[bytes, list[int]]]:
    """Yield each source and the numbers of its examples."""
    groups: dict[bytes, list[int]] = {}
    for key, number in zip(keys, numbers.tolist(), strict=True):
        groups.setdefault(key, []).append(number)
    yield from groups.items()


def _weights(said: NDArray[np.float64], prior: Weights, strength: float) -> Weights:
    """Return the weights (J,) under which tokens are most probable, as if `strength` more spoke for the prior.

    Args:
        said: (J, T) the probability of each token by each model.
        prior: (J,).
        strength: in tokens.
    """
    weights = prior
    for _ in range(ROUNDS):
        shares = weights[:, np.newaxis] * said
        shares /= shares.sum(axis=0)
        weights = (shares.sum(axis=1) + strength * prior) / (said.shape[1] + strength)
    return weights
