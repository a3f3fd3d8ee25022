"""Sequence to sequence: a text in answer to a sequence.

Axes: B batch, N answers, L tokens of an answer, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field as Key
from pydantic import model_validator

from rnnlab.decoding.search import Search
from rnnlab.entities import NOTHING
from rnnlab.examples import Examples
from rnnlab.metrics.bleu import Tokenizer
from rnnlab.registry import Choice
from rnnlab.signature import Field
from rnnlab.strict import Strict
from rnnlab.tasks import Learnt
from rnnlab.tasks._texts import TextTask, vocabulary
from rnnlab.transforms import TRANSFORMS, Transform
from rnnlab.transforms.words import Words
from rnnlab.vocabulary import END, tokens_of

MainMetric = Literal[
    "bleu", "chrf", "exact_match", "character_error_rate", "word_error_rate", "token_accuracy", "perplexity"
]


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


class SequenceToSequence(TextTask):
    """A text in answer to a sequence, token by token: translation, normal forms, replies, captions, summaries.

    The loss is the cross-entropy in nats a token, end marks among them: a mean over all tokens of the batch, where
    every token reads the true ones before it.
    """

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
    main_metric: MainMetric | None = Key(
        None,
        description="the score that comes first, and by which baselines are told to be better; default: bleu of words, "
        "exact_match of characters. Where a source has many answers, such as names of a nation, use perplexity; of "
        "speech word_error_rate or character_error_rate, which are scored only where they are asked for",
    )

    idle_unless = MappingProxyType({"bleu_tokenizer": ("tokens", lambda tokens: isinstance(tokens, Words))})

    @property
    def writes(self) -> bool:
        return True

    def searching(self, target: Field) -> str:
        return str(self.search_within(target.shape[0]))

    def search_within(self, longest: int) -> Search:
        return Search(longest, self.search.beam, self.search.length_penalty, self.search.answers)

    def fit(self, train: Examples) -> Learnt:
        """Return the vocabulary of the answers, and how many tokens the longest has.

        Raises:
            DataError: there is nothing but empty answers.
        """
        learnt = super().fit(train)
        if self.max_length is not None:
            return {**learnt, "longest": np.array(self.max_length)}
        return {**learnt, "longest": np.array(max(map(len, self.numbers(np.asarray(train.known_targets), learnt))))}

    def asked(self, numbers: Sequence[int]) -> NDArray[np.int32]:
        """Return the tokens, an end mark behind them; an empty text is that mark alone."""
        return np.array([*numbers, END], np.int32)

    def prepared_target(self, target: Field, learnt: Mapping[str, NDArray[Any]]) -> Field:
        """Return the target with its tokens, and the most of an answer as its shape."""
        return replace(target, shape=(int(learnt["longest"]),), names=tokens_of(vocabulary(learnt)))

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
        """Return `texts` (B,) and `scores` (B,), and of several answers `candidates`; see `answers_of`."""
        return self.answers_of(self.written(outputs["tokens"], learnt), outputs["ranks"])

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

    def metric_names(self, target: Field) -> Sequence[str]:
        of_words = ("bleu",) if isinstance(self.tokens, Words) else ()
        texts = ("chrf", "exact_match") if of_words else ("exact_match", "chrf")
        names = [*of_words, *texts, "token_accuracy", "perplexity", "negative_log_likelihood"]
        first = [] if self.main_metric is None else [self.main_metric]
        return list(dict.fromkeys([*first, *names]))

    def settings_of_metrics(self, target: Field) -> dict[str, dict[str, Any]]:
        own = super().settings_of_metrics(target)
        own["bleu"]["tokenizer"] = self.bleu_tokenizer
        return {**own, "token_accuracy": {"tags": target.names}}
