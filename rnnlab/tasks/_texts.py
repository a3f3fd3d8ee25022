"""What tasks share whose answers are texts: how these are cut into tokens, and put together again.

Axes: N answers, L tokens of an answer, V vocabulary.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field as Key
from pydantic import field_validator

from rnnlab.entities import NOTHING
from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.metrics import METRICS, Metric
from rnnlab.registry import Choice
from rnnlab.signature import Field, Kind, Signature
from rnnlab.tasks import Learnt, Task
from rnnlab.transforms import TRANSFORMS, Transform
from rnnlab.transforms._tokens import Tokens

VOCABULARY = "tokens/"  # begins the names of what is learnt of the answers' tokens
CHUNK = 10_000  # texts that are cut into tokens at once


class TextTask(Task):
    """A task that is answered with texts, in the tokens of the training answers."""

    targets: ClassVar[frozenset[Kind]] = frozenset({"string"})

    tokens: Annotated[Transform, Choice(TRANSFORMS)] = Key(
        description="how answers are cut: words or characters; their vocabulary is that of the training answers"
    )

    @field_validator("tokens")
    @classmethod
    def _cuts_text(cls, tokens: Transform) -> Transform:
        if not isinstance(tokens, Tokens):
            raise ValueError("expected words or characters")
        idle = [key for key in ("field", "marks", "characters") if getattr(tokens, key, None)]
        if idle:
            raise ValueError(f"{', '.join(idle)}: of no use to answers, whose ends are known anyway; remove it")
        return tokens

    @property
    def cut(self) -> Tokens:
        """What cuts answers into tokens."""
        if not isinstance(self.tokens, Tokens):
            raise TypeError(f"expected tokens; received {type(self.tokens).__name__}")
        return self.tokens

    @property
    def lowercase(self) -> bool:
        return self.cut.lower

    @abstractmethod
    def asked(self, numbers: Sequence[int]) -> NDArray[np.int32]:
        """Return what the network is asked for where a text's tokens have these numbers in the vocabulary."""

    def numbers_asked(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Return the numbers in the vocabulary of what is asked for, of any shape; what is no token stays."""
        return targets

    def fit(self, train: Examples) -> Learnt:
        """Return the vocabulary of the answers.

        Raises:
            DataError: there is nothing but empty answers.
        """
        texts = np.asarray(train.known_targets)
        if not any(text.strip() for text in texts.tolist()):
            raise DataError("data: expected training answers; received empty ones alone")
        learnt = self.cut.fit(_as_examples(texts))
        learnt |= self.cut.spacing(texts.astype(object), learnt)
        return {f"{VOCABULARY}{name}": each for name, each in learnt.items()}

    def prepare(self, examples: FlatExamples, learnt: Mapping[str, NDArray[Any]]) -> FlatExamples:
        """Return examples whose targets are what is asked for (N, L) int32, -1 in the padding; and `texts` (N,)."""
        if examples.targets is None:
            return examples
        texts = np.asarray(examples.targets)
        rows = [self.asked(numbers) for numbers in self.numbers(texts, learnt)]
        targets = np.full((len(rows), max(map(len, rows), default=1)), NOTHING, np.int32)
        for target, row in zip(targets, rows, strict=True):
            target[: len(row)] = row
        return replace(examples, targets=targets, beside={**examples.beside, "texts": texts})

    def numbers(self, texts: NDArray[Any], learnt: Mapping[str, NDArray[Any]]) -> Iterator[list[int]]:
        """Yield the numbers of each text's tokens in the vocabulary."""
        known = vocabulary(learnt)
        for start in range(0, len(texts), CHUNK):
            tokens = self.cut.tokens(texts[start : start + CHUNK].astype(object), None)
            yield from tokens.with_flat_values(self.cut.numbers(tokens.flat_values, known)[:, 0]).to_list()

    def notes(self, learnt: Mapping[str, NDArray[Any]], prepared: Mapping[str, FlatExamples]) -> Sequence[str]:
        targets = {name: self.numbers_asked(np.asarray(each.known_targets)) for name, each in prepared.items()}
        return [f"answers: {self.cut.told(vocabulary(learnt), targets)}"]

    def shape(self, target: Field) -> tuple[int, ...]:
        return (len(target.names),)

    def written(self, tokens: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        """Return tokens (…, L), without marks and padded behind, as text (…), spaced as training answers are."""
        return self.cut.join(tokens, vocabulary(learnt))

    def answers_of(self, texts: Any, ranks: Any) -> dict[str, Any]:
        """Return the answers, of texts (B, N), the best first, and the scores (B, N) by which they are ranked.

        These are `texts` (B,) and `scores` (B,), and of several answers also `candidates` and `candidate_scores`.
        """
        found = {"texts": texts[:, 0], "scores": ranks[:, 0]}
        return found if texts.shape[1] == 1 else {**found, "candidates": texts, "candidate_scores": ranks}

    def final_answers(self, answers: Mapping[str, Any], target: Field) -> dict[str, Any]:
        return {}

    def metrics(self, target: Field) -> dict[str, Metric]:
        own = self.settings_of_metrics(target)
        return {name: METRICS.parse({METRICS.key: name, **own.get(name, {})}) for name in self.metric_names(target)}

    def settings_of_metrics(self, target: Field) -> dict[str, dict[str, Any]]:
        """Return what a metric is told of this task, by its name."""
        names = ("bleu", "chrf", "exact_match", "character_error_rate", "word_error_rate")
        return {name: {"lowercase": self.lowercase} for name in names}


def vocabulary(learnt: Mapping[str, NDArray[Any]]) -> Learnt:
    """Return what was learnt of the answers' tokens."""
    return {name.removeprefix(VOCABULARY): each for name, each in learnt.items() if name.startswith(VOCABULARY)}


def _as_examples(texts: NDArray[Any]) -> FlatExamples:
    """Return texts as examples that a transform can be fitted on."""
    field = Field("text", "text", ())
    rows = [np.frombuffer(text, np.uint8) for text in texts.tolist()]
    return FlatExamples.from_sequences(Signature((field,)), [""] * len(rows), rows)
