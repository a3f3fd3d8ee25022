"""Sequence to sequence: a text in answer to a sequence.

Axes: B batch, N answers, L tokens of an answer, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field as Key
from pydantic import field_validator, model_validator

from rnnlab.decoding.search import Search
from rnnlab.entities import NOTHING
from rnnlab.errors import DataError
from rnnlab.examples import Examples, FlatExamples
from rnnlab.metrics import METRICS, Metric
from rnnlab.metrics.bleu import Tokenizer
from rnnlab.registry import Choice
from rnnlab.signature import Field, Signature
from rnnlab.strict import Strict
from rnnlab.tasks import Learnt, Task
from rnnlab.transforms import TRANSFORMS, Transform
from rnnlab.transforms._tokens import Tokens
from rnnlab.transforms.words import Words
from rnnlab.vocabulary import END, tokens_of

VOCABULARY = "tokens/"  # begins the names of what is learnt of the answers' tokens
CHUNK = 10_000  # texts that are cut into tokens at once


class BeamSearch(Strict):
    """How an answer is looked for. A greedy search takes the most probable token at each step."""

    idle_unless = MappingProxyType({"length_penalty": ("beam", lambda beam: beam > 1)})

    beam: int = Key(1, ge=1, le=64, description="beginnings of answers that are kept at each step; 1: greedy")
    length_penalty: float = Key(
        0.0,
        ge=0,
        le=2,
        description="α of log P / ((5 + tokens) / 6)^α, by which answers are ranked (Wu et al. 2016); 0: by their "
        "probability, which favours short ones",
    )
    answers: int = Key(1, ge=1, description="how many answers `predict` gives, the best first; at most `beam`")

    @model_validator(mode="after")
    def _wide_enough(self) -> BeamSearch:
        if self.answers > self.beam:
            raise ValueError(f"answers: expected {self.beam} or fewer, as `beam` says; received {self.answers}")
        return self


class SequenceToSequence(Task):
    """A text in answer to a sequence, token by token: translation, normal forms, replies, captions, summaries.

    The loss is the cross-entropy in nats a token, end marks among them: a mean over all tokens of the batch, where
    every token reads the true ones before it.
    """

    targets = frozenset({"string"})
    head = None

    tokens: Annotated[Transform, Choice(TRANSFORMS)] = Key(
        default_factory=Words,
        description="how answers are cut: words or characters; their vocabulary is that of the training answers",
    )
    label_smoothing: float = Key(
        0.0, ge=0, lt=1, description="share of the probability that is asked for of all tokens alike"
    )
    max_length: int | None = Key(
        None, ge=1, le=10_000, description="the most tokens of an answer; default: those of the longest training answer"
    )
    search: BeamSearch = Key(default_factory=BeamSearch, description="how an answer is looked for")
    bleu_tokenizer: Tokenizer = Key(
        "13a",
        description="what cuts texts into words for BLEU, by sacrebleu's name: 13a, as WMT does; intl, by every "
        "script's punctuation; zh for Chinese; char, for scripts without spaces; none, where texts come cut",
    )
    main_metric: Literal["bleu", "chrf", "exact_match", "token_accuracy", "perplexity", None] = Key(
        None,
        description="the score that comes first, and by which baselines are told to be better; default: bleu of words, "
        "exact_match of characters. Where a source has many answers, such as names of a nation, use perplexity",
    )

    idle_unless = MappingProxyType({"bleu_tokenizer": ("tokens", lambda tokens: isinstance(tokens, Words))})

    @field_validator("tokens")
    @classmethod
    def _cuts_text(cls, tokens: Transform) -> Transform:
        if not isinstance(tokens, Tokens):
            raise ValueError("expected words or characters")
        idle = [key for key in ("field", "marks", "characters") if getattr(tokens, key, None)]
        if idle:
            raise ValueError(f"{', '.join(idle)}: of no use to answers, whose ends are marked anyway; remove it")
        return tokens

    @property
    def cut(self) -> Tokens:
        """What cuts answers into tokens."""
        if not isinstance(self.tokens, Tokens):
            raise TypeError(f"expected tokens; received {type(self.tokens).__name__}")
        return self.tokens

    @property
    def writes(self) -> bool:
        return True

    def search_within(self, longest: int) -> Search:
        return Search(longest, self.search.beam, self.search.length_penalty, self.search.answers)

    def fit(self, train: Examples) -> Learnt:
        """Return the vocabulary of the answers, and how many tokens the longest has.

        Raises:
            DataError: there is nothing but empty answers.
        """
        texts = np.asarray(train.known_targets)
        if not any(text.strip() for text in texts.tolist()):
            raise DataError("data: expected training answers; received empty ones alone")
        learnt = self.cut.fit(_as_examples(texts))
        learnt |= self.cut.spacing(texts.astype(object), learnt)
        longest = max(len(row) for row in self._following(texts, learnt)) - 1
        most = longest if self.max_length is None else self.max_length
        return {**{f"{VOCABULARY}{name}": each for name, each in learnt.items()}, "longest": np.array(most)}

    def prepared_target(self, target: Field, learnt: Mapping[str, NDArray[Any]]) -> Field:
        """Return the target with its tokens, and the most of an answer as its shape."""
        return replace(target, shape=(int(learnt["longest"]),), names=tokens_of(_vocabulary(learnt)))

    def prepare(self, examples: FlatExamples, learnt: Mapping[str, NDArray[Any]]) -> FlatExamples:
        """Return examples whose targets are tokens (N, L) int32, -1 in the padding, and beside them `texts` (N,)."""
        if examples.targets is None:
            return examples
        texts = np.asarray(examples.targets)
        rows = list(self._following(texts, _vocabulary(learnt)))
        targets = np.full((len(rows), max(map(len, rows), default=1)), NOTHING, np.int32)
        for target, row in zip(targets, rows, strict=True):
            target[: len(row)] = row
        return replace(examples, targets=targets, beside={**examples.beside, "texts": texts})

    def _following(self, texts: NDArray[Any], learnt: Mapping[str, NDArray[Any]]) -> Iterator[NDArray[np.int32]]:
        """Yield the numbers of each text's tokens, an end mark behind them; an empty text is that mark alone."""
        for start in range(0, len(texts), CHUNK):
            tokens = self.cut.tokens(texts[start : start + CHUNK].astype(object), None)
            numbers = tokens.with_flat_values(self.cut.numbers(tokens.flat_values, learnt)[:, 0])
            for row in numbers.to_list():
                yield np.array([*row, END], np.int32)

    def notes(self, learnt: Mapping[str, NDArray[Any]], prepared: Mapping[str, FlatExamples]) -> Sequence[str]:
        told = self.cut.told(_vocabulary(learnt), {name: each.known_targets for name, each in prepared.items()})
        return [f"answers: {told}"]

    def shape(self, target: Field) -> tuple[int, ...]:
        return (len(target.names),)

    def losses(self, outputs: Any, batch: Mapping[str, Any], learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        """Return the cross-entropy of each token and 1 where there is one, (B, L) both."""
        import tensorflow as tf

        scores, targets = outputs["scores"], tf.convert_to_tensor(batch["targets"])
        there = tf.cast(targets != NOTHING, tf.float32) * tf.convert_to_tensor(batch["weights"])[:, tf.newaxis]
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(targets, 0), scores)
        if self.label_smoothing:
            # The cross-entropy of all tokens alike: the mean of their surprisals.
            alike = tf.reduce_logsumexp(scores, axis=-1) - tf.reduce_mean(scores, axis=-1)
            losses = (1 - self.label_smoothing) * losses + self.label_smoothing * alike
        return losses, there

    def answers(self, outputs: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Return `texts` (B,) strings, the best answers, and the `scores` (B,) by which they are ranked.

        Of several answers also `candidates` (B, N), the best first, and `candidate_scores` (B, N).
        """
        texts, ranks = self.written(outputs["tokens"], learnt), outputs["ranks"]
        found = {"texts": texts[:, 0], "scores": ranks[:, 0]}
        return found if self.search.answers == 1 else {**found, "candidates": texts, "candidate_scores": ranks}

    def scored(self, outputs: Any, batch: Mapping[str, Any], learnt: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Return the best answers' `texts` (B,), and what the network says of each token, given the true ones before.

        That is the most probable one's number, `tags` (B, L); `surprisal` (B,), the nats of all tokens of a row, and
        `asked` (B,), how many these are.
        """
        import tensorflow as tf

        from rnnlab.layers.token_decoder import most_probable

        scores, targets = outputs["scores"], tf.convert_to_tensor(batch["targets"])
        there = tf.cast(targets != NOTHING, tf.float64) * tf.cast(batch["weights"], tf.float64)[:, tf.newaxis]
        surprise = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(targets, 0), scores)
        return {
            "texts": self.written(outputs["tokens"], learnt)[:, 0],
            "tags": most_probable(scores),
            "surprisal": tf.reduce_sum(tf.cast(surprise, tf.float64) * there, axis=1),
            "asked": tf.reduce_sum(there, axis=1),
        }

    def written(self, tokens: Any, learnt: Mapping[str, NDArray[Any]]) -> Any:
        """Return tokens (…, L), without marks and padded behind, as text (…), spaced as training answers are."""
        return self.cut.join(tokens, _vocabulary(learnt))

    def final_answers(self, answers: Mapping[str, Any], target: Field) -> dict[str, Any]:
        return {}

    def metric_names(self, target: Field) -> Sequence[str]:
        of_words = ("bleu",) if isinstance(self.tokens, Words) else ()
        texts = ("chrf", "exact_match") if of_words else ("exact_match", "chrf")
        names = [*of_words, *texts, "token_accuracy", "perplexity", "negative_log_likelihood"]
        return sorted(names, key=lambda name: name != self.main_metric)  # else in this order

    def metrics(self, target: Field) -> dict[str, Metric]:
        # What is answered in lower case can't be held against capitals.
        case = {"lowercase": self.cut.lower}
        own: dict[str, dict[str, Any]] = {
            "bleu": {**case, "tokenizer": self.bleu_tokenizer},
            "chrf": case,
            "exact_match": case,
            "token_accuracy": {"tags": target.names},
        }
        names = self.metric_names(target)
        return {name: METRICS.parse({METRICS.key: name, **own.get(name, {})}) for name in names}


def _vocabulary(learnt: Mapping[str, NDArray[Any]]) -> Learnt:
    return {name.removeprefix(VOCABULARY): each for name, each in learnt.items() if name.startswith(VOCABULARY)}


def _as_examples(texts: NDArray[Any]) -> FlatExamples:
    """Return texts as examples that a transform can be fitted on."""
    field = Field("text", "text", ())
    rows = [np.frombuffer(text, np.uint8) for text in texts.tolist()]
    return FlatExamples.from_sequences(Signature((field,)), [""] * len(rows), rows)
