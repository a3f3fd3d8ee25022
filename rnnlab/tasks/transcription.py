"""Transcription: the text of a sequence, in its order.

Axes: B batch, T time, N answers, L tokens of a text, V labels: tokens, and the blank.
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

from rnnlab.decoding import ctc
from rnnlab.entities import NOTHING
from rnnlab.errors import DataError
from rnnlab.examples import Examples
from rnnlab.registry import Choice
from rnnlab.signature import Field
from rnnlab.strict import Strict, shown
from rnnlab.tasks import Learnt
from rnnlab.tasks._language import fit_automaton
from rnnlab.tasks._texts import TextTask, vocabulary
from rnnlab.transforms import TRANSFORMS, Transform
from rnnlab.transforms.characters import Characters
from rnnlab.transforms.words import Words
from rnnlab.vocabulary import END, MARKS, PADDING, tokens_of

LANGUAGE = "language/"  # begins the names of what is learnt of the language of texts
OFFSET = len(MARKS) - len(ctc.LABEL_MARKS)  # of a token's number in the vocabulary before its label


class PrefixSearch(Strict):
    """How a text is looked for: by the most probable path (greedy), or among all that is said by many paths."""

    idle_unless = MappingProxyType({"language_weight": ("beam", lambda beam: beam > 1)})

    beam: int = Key(
        1,
        ge=1,
        le=128,
        description="beginnings of texts that are kept after each step, all paths that say the same added up; 1: the "
        "text of the most probable path",
    )
    language_weight: float = Key(
        0.0,
        ge=0,
        le=10,
        description="what the log-probability of the language model is multiplied by where it is added to that of the "
        "network; needs task.language_order. Choose it on validation: `rnnlab evaluate --split validation --set …`",
    )
    answers: int = Key(1, ge=1, description="how many answers `predict` gives, the best first; at most `beam`")

    @model_validator(mode="after")
    def _wide_enough(self) -> PrefixSearch:
        if self.answers > self.beam:
            raise ValueError(f"answers: expected {self.beam} or fewer, as `beam` says; received {self.answers}")
        return self


class Transcription(TextTask):
    """The text of a sequence, in the order of its steps: speech, handwriting, keys that are dialled.

    It is not known at which steps each token is said: all ways count together (connectionist temporal classification,
    Graves et al. 2006). The loss is −ln of the text's probability, in nats a token: a mean over all tokens of the
    batch.
    """

    head = "ctc"

    tokens: Annotated[Transform, Choice(TRANSFORMS)] = Key(
        default_factory=Characters,
        description="how texts are cut: characters or words; their vocabulary is that of the training texts",
    )
    language_order: int | None = Key(
        None,
        ge=1,
        le=20,
        description="learn an n-gram model of the training texts, of so many tokens, for search.language_weight; "
        "default: none",
    )
    search: PrefixSearch = Key(default_factory=PrefixSearch, description="how a text is looked for")
    main_metric: Literal["character_error_rate", "word_error_rate", "exact_match"] | None = Key(
        None,
        description="the score that comes first, and by which baselines are told to be better; default: "
        "character_error_rate of characters, word_error_rate of words",
    )

    @model_validator(mode="after")
    def _knows_the_language(self) -> Transcription:
        if self.search.language_weight and self.language_order is None:
            raise ValueError("search.language_weight needs a language model: set language_order")
        return self

    def searching(self, target: Field) -> str:
        search = self.search
        if search.beam == 1:
            return "best path"
        return f"beam {search.beam}" + (
            f", language weight {search.language_weight:g}" if search.language_weight else ""
        )

    def fit(self, train: Examples) -> Learnt:
        """Return the vocabulary of the texts, and of their language what is asked for.

        Raises:
            DataError: there is nothing but empty texts, or the language model would be too large.
        """
        learnt = super().fit(train)
        if self.language_order is None:
            return learnt
        texts = list(self.numbers(np.asarray(train.known_targets), learnt))
        size = len(tokens_of(vocabulary(learnt)))
        following, log_prob = fit_automaton(texts, size, self.language_order)
        # Of labels in place of tokens: neither a blank nor what is unknown is ever said.
        nothing = ((0, 0), (len(ctc.LABEL_MARKS), 0))
        own = {
            "next_state": np.pad(following[:, len(MARKS) :], nothing),
            "log_prob": np.pad(log_prob[:, len(MARKS) :], nothing),
            "end": log_prob[:, END],
        }
        return {**learnt, **{f"{LANGUAGE}{name}": each for name, each in own.items()}}

    def asked(self, numbers: Sequence[int]) -> NDArray[np.int32]:
        """Return the labels of a text's tokens."""
        return np.maximum(np.array(numbers, np.int32) - OFFSET, ctc.UNKNOWN)

    def numbers_asked(self, targets: NDArray[Any]) -> NDArray[Any]:
        return np.where(targets > ctc.UNKNOWN, targets + OFFSET, targets)

    def prepared_target(self, target: Field, learnt: Mapping[str, NDArray[Any]]) -> Field:
        """Return the target with its labels."""
        return replace(target, names=(*ctc.LABEL_MARKS, *tokens_of(vocabulary(learnt))[len(MARKS) :]))

    def check(self, network: Any, splits: Mapping[str, Examples]) -> None:
        """Refuse texts that no path of the network can say.

        Raises:
            DataError: a text is empty, or has more tokens than there are steps for it.
        """
        import keras

        steps = keras.Model(network.input["lengths"], network.output["lengths"])
        for name, examples in splits.items():
            labels = np.asarray(examples.known_targets)
            counts = (labels != NOTHING).sum(axis=1).astype(np.int32)
            needed = np.asarray(ctc.steps_needed(labels, counts))
            left = np.asarray(steps(examples.lengths.astype(np.int32)))
            wrong = np.flatnonzero((counts == 0) | (needed > left))
            if not len(wrong):
                continue
            first = int(wrong[0])
            where = f"data: the {name} split's example {shown(examples.ids[first])}"
            more = f"; {len(wrong) - 1} more are like it" if len(wrong) > 1 else ""
            if not counts[first]:
                raise DataError(f"{where}: expected a text of one token or more; received none{more}")
            repeats = needed[first] - counts[first]
            pauses = f", and {repeats} between equal ones," if repeats else ""
            raise DataError(
                f"{where}: its text of {counts[first]} tokens{pauses} needs {needed[first]} steps; received "
                f"{left[first]}, which the network makes of {examples.lengths[first]}{more}. Use smaller strides and "
                "pool sizes, a shorter hop, or leave the example out"
            )

    def losses(self, outputs: Any, batch: Mapping[str, Any], learnt: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        """Return the nats a token of each text, (B,), and how many tokens it has.

        A text that has not steps enough does not count: augmentation may have shortened its sequence.
        """
        import keras
        import tensorflow as tf

        labels, lengths = tf.convert_to_tensor(batch["targets"]), outputs["lengths"]
        counts = tf.reduce_sum(tf.cast(labels != NOTHING, tf.int32), axis=1)
        labels = tf.maximum(tf.cast(labels, tf.int32), 0)
        fits = (ctc.steps_needed(labels, counts) <= lengths) & (counts > 0)
        # Of a text that can't be said the loss is a large number without meaning: nothing is asked in its place.
        nats = keras.ops.ctc_loss(labels, outputs["scores"], tf.where(fits, counts, 0), lengths, mask_index=ctc.BLANK)
        tokens = tf.maximum(tf.cast(counts, tf.float32), 1.0)
        return nats / tokens, tf.where(fits, tokens * batch["weights"], 0.0)

    def answers(self, outputs: Any, lengths: Any, learnt: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Return `texts` (B,) and `scores` (B,), and of several answers `candidates`; see `answers_of`."""
        import tensorflow as tf

        search, found = self.search, (outputs["scores"], outputs["lengths"])
        if search.beam == 1:
            labels, ranks = ctc.best_path(*found)
        else:
            labels, ranks = ctc.prefix_beam_search(*found, search.beam, search.answers, self._language(learnt))
        return self.answers_of(self.written(tf.where(labels > ctc.UNKNOWN, labels + OFFSET, PADDING), learnt), ranks)

    def _language(self, learnt: Mapping[str, NDArray[Any]]) -> ctc.Language | None:
        """Return the language model that the search asks; None where it asks none."""
        if not self.search.language_weight:
            return None
        next_state, log_prob, end = (learnt[f"{LANGUAGE}{name}"] for name in ("next_state", "log_prob", "end"))
        return ctc.Language(next_state, log_prob, end, self.search.language_weight)

    def metric_names(self, target: Field) -> Sequence[str]:
        rates = ["character_error_rate", "word_error_rate"]
        first = rates[isinstance(self.tokens, Words)] if self.main_metric is None else self.main_metric
        return list(dict.fromkeys([first, *rates, "exact_match"]))
