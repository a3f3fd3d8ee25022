"""Connectionist temporal classification: from the scores of each step to texts, and back to steps.

A network scores labels at every step: the tokens of a text, and a blank that says nothing. A path, one label a step,
says the text that is left when repeats are joined and blanks are dropped; so two equal tokens in a row need a blank
between them. Each example is decoded as if it were alone: neither its neighbours nor padding change what is found.

Axes: B batch, T time, V labels, L labels of a text, K beam, N answers, S states of a language model.

References: Graves et al., "Connectionist Temporal Classification", 2006; Graves, "Supervised Sequence Labelling with
Recurrent Neural Networks", 2012; Hannun et al., "First-Pass Large Vocabulary Continuous Speech Recognition using
Bi-Directional Recurrent DNNs", 2014.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlab.decoding.search import NEVER

# The first labels stand for no token of a text; the second is asked for where training does not know a token.
BLANK, UNKNOWN = range(2)
LABEL_MARKS = ("<blank>", "<unknown>")


@dataclass(frozen=True)
class Language:
    """A language model as an automaton, and how much it counts.

    Attributes:
        next_state: (S, V) int32, the state after each label in each state; a text begins in state 0.
        log_prob: (S, V) float32, the log-probability of each label in each state.
        end: (S,) float32, that of the text's end.
        weight: what these are multiplied by where they are added to the network's own.
    """

    next_state: NDArray[np.int32]
    log_prob: NDArray[np.float32]
    end: NDArray[np.float32]
    weight: float


def steps_needed(labels: Any, counts: Any) -> Any:
    """Return the fewest steps that can say texts, (B,) int32: one a label, and one between two that are equal.

    Args:
        labels: (B, L) int32.
        counts: (B,) int32, how many of them there are; those behind don't count.
    """
    import tensorflow as tf

    there = tf.sequence_mask(counts, tf.shape(labels)[1])[:, 1:]
    repeats = (labels[:, 1:] == labels[:, :-1]) & there
    return counts + tf.reduce_sum(tf.cast(repeats, tf.int32), axis=1)


def best_path(scores: Any, lengths: Any) -> tuple[Any, Any]:
    """Return what the most probable path says (greedy): labels (B, 1, L) int32, `BLANK` behind, and (B, 1) its ln P.

    Args:
        scores: (B, T, V) logits.
        lengths: (B,) int32, the valid steps.
    """
    import tensorflow as tf

    said = _log_probabilities(scores)
    path = tf.argmax(said, axis=-1, output_type=tf.int32)
    valid = tf.sequence_mask(lengths, tf.shape(path)[1])
    before = tf.pad(path[:, :-1], [[0, 0], [1, 0]], constant_values=BLANK)
    kept = tf.ragged.boolean_mask(path, valid & (path != BLANK) & (path != before))
    rank = tf.reduce_sum(tf.where(valid, tf.reduce_max(said, axis=-1), 0.0), axis=1)
    return kept.to_tensor(BLANK)[:, tf.newaxis], rank[:, tf.newaxis]


def prefix_beam_search(
    scores: Any, lengths: Any, beam: int, answers: int = 1, language: Language | None = None
) -> tuple[Any, Any]:
    """Return the best texts: labels (B, N, L) int32, `BLANK` behind, and (B, N) the scores by which they are ranked.

    After each step the K best beginnings of texts are kept, all paths that say the same being added up. A score is the
    log-probability of the text, and the weighted one of the language model where there is one. Where fewer texts than N
    are found, the rest are empty, and their score is `NEVER`.

    Args:
        scores: (B, T, V) logits.
        lengths: (B,) int32, the valid steps.
        beam: K.
        answers: N ≤ K.
        language: what else is known of texts.
    """
    import tensorflow as tf

    said = tf.transpose(_log_probabilities(scores), [1, 0, 2])  # (T, B, V)
    rows, steps = tf.shape(scores)[0], tf.shape(scores)[1]
    none, never = tf.zeros([rows, beam], tf.int32), tf.fill([rows, beam], NEVER)
    first = tf.tile(tf.constant([[0.0] + [NEVER] * (beam - 1)]), [rows, 1])
    begun = _Prefixes(tf.zeros([rows, beam, 0], tf.int32), none, none, first, never, none, tf.zeros_like(never))

    def body(step: Any, begun: _Prefixes) -> tuple[Any, _Prefixes]:
        wider = begun._replace(labels=tf.pad(begun.labels, [[0, 0], [0, 0], [0, 1]], constant_values=BLANK))
        found = _advance(wider, said[step], beam, language)
        going = (step < lengths)[:, tf.newaxis]
        found = _Prefixes(
            *(
                tf.where(going[..., tf.newaxis] if new.shape.rank == 3 else going, new, old)
                for new, old in zip(found, wider, strict=True)
            )
        )
        # As wide as the longest of them: the others' labels behind their ends are all alike.
        return step + 1, found._replace(labels=found.labels[:, :, : tf.reduce_max(found.sizes)])

    ranked = tf.TensorShape([None, beam])
    shapes = (tf.TensorShape([]), _Prefixes(tf.TensorShape([None, beam, None]), *[ranked] * 6))
    _, found = tf.while_loop(
        lambda step, _: step < steps, body, (tf.constant(0), begun), shape_invariants=shapes, maximum_iterations=steps
    )
    final = found.total + found.fluency
    if language is not None:
        final += language.weight * tf.gather(tf.constant(language.end), found.states)
    final = tf.where(found.alive, final, NEVER)
    ranks, order = tf.math.top_k(final, answers)
    labels = tf.gather(found.labels, order, batch_dims=1)
    return tf.where((ranks > NEVER / 2)[..., tf.newaxis], labels, BLANK), ranks


class _Prefixes(NamedTuple):
    """Beginnings of texts, (B, K) each but for the first.

    Attributes:
        labels: (B, K, L) int32, `BLANK` behind their ends.
        sizes: how many labels they have.
        last: the last of these; `BLANK` of what is empty.
        blank, label: the log-probability of all paths that say them and end with a blank, or with their last label.
        states: of the language model.
        fluency: its weighted log-probability.
    """

    labels: Any
    sizes: Any
    last: Any
    blank: Any
    label: Any
    states: Any
    fluency: Any

    @property
    def total(self) -> Any:
        """The log-probability of all paths that say them."""
        return _either(self.blank, self.label)

    @property
    def alive(self) -> Any:
        """Which of them are beginnings at all: at first there is but one, the empty text."""
        return self.total > NEVER / 2


def _advance(begun: _Prefixes, said: Any, beam: int, language: Language | None) -> _Prefixes:
    """Return the beginnings after one more step, of whose labels there is room for one more.

    Args:
        begun: those before it.
        said: (B, V), the log-probability of each label at the step.
        beam: K.
        language: see `prefix_beam_search`.
    """
    import tensorflow as tf

    rows, labels = tf.shape(said)[0], said.shape[-1]
    last = tf.one_hot(begun.last, labels, True, False, dtype=tf.bool)  # (B, K, V)
    # A label again: only behind a blank is it another one.
    before = tf.where(last, begun.blank[..., tf.newaxis], begun.total[..., tf.newaxis])
    longer = before + said[:, tf.newaxis]

    grown_from = _grown_from(begun)  # (B, K, K): the first is the second and its own last label
    by_growing = tf.gather(longer, begun.last, axis=2, batch_dims=1)  # (B, from, to)
    grown = tf.reduce_logsumexp(tf.where(grown_from, tf.transpose(by_growing, [0, 2, 1]), NEVER), axis=2)
    again = begun.label + tf.gather(said, begun.last, batch_dims=1)
    blank = begun.total + said[:, BLANK, tf.newaxis]
    label = _either(tf.where(begun.sizes > 0, again, NEVER), grown)

    there = tf.matmul(tf.cast(grown_from, tf.float32), tf.cast(last, tf.float32), transpose_a=True) > 0
    barred = there | tf.one_hot(BLANK, labels, True, False, dtype=tf.bool) | ~begun.alive[..., tf.newaxis]
    longer = tf.where(barred, 2 * NEVER, longer)
    gain = tf.zeros_like(longer)
    if language is not None:
        gain = language.weight * tf.gather(tf.constant(language.log_prob), begun.states)
    stay = _either(blank, label) + begun.fluency
    go = tf.reshape(longer + gain + begun.fluency[..., tf.newaxis], [rows, beam * labels])
    _, chosen = tf.math.top_k(tf.concat([stay, go], axis=1), beam)

    goes = chosen >= beam
    place = tf.maximum(chosen - beam, 0)
    origin, new = tf.where(goes, place // labels, chosen), tf.where(goes, place % labels, BLANK)
    parent = _Prefixes(*(tf.gather(each, origin, batch_dims=1) for each in begun))
    of_new = tf.gather(tf.reshape(longer, [rows, beam * labels]), place, batch_dims=1)
    of_gain = tf.gather(tf.reshape(gain, [rows, beam * labels]), place, batch_dims=1)
    states = parent.states
    if language is not None:
        states = tf.where(goes, tf.gather_nd(tf.constant(language.next_state), tf.stack([states, new], -1)), states)
    end = tf.one_hot(parent.sizes, tf.shape(parent.labels)[2], dtype=tf.int32)
    stayed_blank, stayed_label = (tf.gather(each, origin, batch_dims=1) for each in (blank, label))
    return _Prefixes(
        parent.labels + end * new[..., tf.newaxis],  # behind their ends they are 0, and so is what is not added
        parent.sizes + tf.cast(goes, tf.int32),
        tf.where(goes, new, parent.last),
        tf.maximum(tf.where(goes, NEVER, stayed_blank), NEVER),
        tf.maximum(tf.where(goes, of_new, stayed_label), NEVER),
        states,
        parent.fluency + tf.where(goes, of_gain, 0.0),
    )


def _grown_from(begun: _Prefixes) -> Any:
    """Return (B, K, K): whether the first beginning is the second with one label behind it."""
    import tensorflow as tf

    sizes = begun.sizes
    behind = tf.range(tf.shape(begun.labels)[2]) >= sizes[..., tf.newaxis]  # (B, K, L)
    same = begun.labels[:, :, tf.newaxis] == begun.labels[:, tf.newaxis]
    same = tf.reduce_all(same | behind[:, tf.newaxis], axis=-1)
    one_more = sizes[:, :, tf.newaxis] == sizes[:, tf.newaxis] + 1
    return same & one_more & begun.alive[:, :, tf.newaxis] & begun.alive[:, tf.newaxis]


def _either(one: Any, other: Any) -> Any:
    """Return the logarithm of the sum of two probabilities, of their logarithms."""
    import tensorflow as tf

    larger = tf.maximum(one, other)
    return larger + tf.math.log1p(tf.exp(tf.minimum(one, other) - larger))


def _log_probabilities(scores: Any) -> Any:
    """Return the log-probability of each label (B, T, V), of logits; what is unknown is never said."""
    import tensorflow as tf

    said = tf.nn.log_softmax(tf.cast(scores, tf.float32))
    return tf.where(tf.range(scores.shape[-1]) == UNKNOWN, NEVER, said)


def best_alignment(said: NDArray[np.floating[Any]], labels: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return the most probable path that says a text: which of its labels each step is, (T,), -1 a blank (Viterbi).

    Args:
        said: (T, V) log-probabilities.
        labels: (L,) of the text.

    Raises:
        ValueError: there are too few steps for it.
    """
    labels = np.asarray(labels, np.int64)
    states = np.full(2 * len(labels) + 1, BLANK)
    states[1::2] = labels
    skips = np.zeros(len(states), bool)  # over the blank between two labels that differ
    skips[3::2] = labels[1:] != labels[:-1]
    best = np.full(len(states), -np.inf)
    best[:2] = said[0, states[:2]]
    origins = np.zeros((len(said), len(states)), np.int64)
    for step in range(1, len(said)):
        ways = np.stack([best, _moved(best, 1), np.where(skips, _moved(best, 2), -np.inf)])
        origins[step] = ways.argmax(axis=0)
        best = ways.max(axis=0) + said[step, states]
    state = len(states) - 1 - (len(states) > 1 and best[-2] > best[-1])
    if best[state] == -np.inf:
        raise ValueError(f"expected as many steps as the text needs; received {len(said)} for {len(labels)} labels")
    path = np.zeros(len(said), np.int64)
    for step in range(len(said) - 1, -1, -1):
        path[step] = state // 2 if state % 2 else -1
        state -= origins[step, state]
    return path


def _moved(values: NDArray[np.floating[Any]], places: int) -> NDArray[np.floating[Any]]:
    """Return values so many places later, of which there are none at first."""
    return np.concatenate([np.full(places, -np.inf), values])[: len(values)]
