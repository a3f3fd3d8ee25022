"""Vocabularies: which tokens have a number of their own.

A vocabulary is arrays, so that it is kept in the run folder, and looked up in a graph without a table that an export
would have to carry beside it: a token's number stands at the place of its hash among the sorted hashes of all tokens.

Axes: V vocabulary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.errors import DataError

# The first numbers are marks, which stand for no token of a text.
PADDING, UNKNOWN, START, END = range(4)
MARKS = ("<padding>", "<unknown>", "<start>", "<end>")
BUCKETS = 2**63 - 1  # of hashes: the most that TensorFlow gives


def choose_tokens(counts: Mapping[str, int], size: int | None, min_count: int) -> tuple[str, ...]:
    """Return the tokens of a vocabulary: the most frequent ones first, equals in the order of their characters.

    Args:
        counts: how often each token stands in the training split.
        size: the most tokens that are kept; None: all.
        min_count: the fewest times that a token stands there.

    Raises:
        DataError: none is left.
    """
    kept = sorted(
        (token for token, count in counts.items() if count >= min_count), key=lambda each: (-counts[each], each)
    )
    if not kept:
        raise DataError(
            f"transforms: no token stands {min_count} times in the training texts; ask for a smaller min_count"
        )
    return tuple(kept[:size])


def to_arrays(tokens: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return a vocabulary as arrays: its text, where each token ends in it, and each token's number by its hash.

    Raises:
        DataError: two tokens have one hash, which is as good as impossible.
    """
    import tensorflow as tf

    encoded = [token.encode() for token in tokens]
    hashes = np.asarray(tf.strings.to_hash_bucket_fast(tf.constant(encoded, tf.string), BUCKETS))
    order = np.argsort(hashes, kind="stable")
    if (np.diff(hashes[order]) == 0).any():
        raise DataError("transforms: two tokens of the vocabulary have the same hash; leave one out by `size`")
    return {
        "text": np.frombuffer(b"".join(encoded), np.uint8),
        "ends": np.cumsum([len(each) for each in encoded], dtype=np.int64),
        "hashes": hashes[order],
        "numbers": (order + len(MARKS)).astype(np.int32),
    }


def tokens_of(arrays: Mapping[str, NDArray[Any]]) -> tuple[str, ...]:
    """Return the marks, then the tokens, (V,): the name of each number."""
    text, starts = arrays["text"].tobytes(), np.concatenate([[0], arrays["ends"][:-1]])
    return (*MARKS, *(text[start:end].decode() for start, end in zip(starts, arrays["ends"], strict=True)))


def look_up(tokens: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Return the number of each token, int32; `UNKNOWN` of what the vocabulary does not hold. TensorFlow ops only."""
    import tensorflow as tf

    hashes = tf.constant(arrays["hashes"])
    wanted = tf.strings.to_hash_bucket_fast(tokens, BUCKETS)
    place = tf.minimum(tf.searchsorted(hashes, tf.reshape(wanted, [-1])), len(arrays["hashes"]) - 1)
    found = tf.gather(hashes, place) == tf.reshape(wanted, [-1])
    numbers = tf.where(found, tf.gather(tf.constant(arrays["numbers"]), place), UNKNOWN)
    return tf.reshape(numbers, tf.shape(wanted))


def count_tokens(lists: Sequence[Sequence[bytes]]) -> Counter[str]:
    """Return how often each token occurs."""
    counts: Counter[bytes] = Counter()
    for each in lists:
        counts.update(each)
    return Counter({token.decode(): count for token, count in counts.items()})
