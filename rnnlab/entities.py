"""Entities: what tags such as B-person and I-person say of spans of tokens.

A tag is O, or a prefix, a hyphen and a type. B begins an entity, I goes on, and where the scheme has them E ends one
and S is one alone. Spans are read as `conlleval` reads them (Tjong Kim Sang & Buchholz 2000): tolerantly, so that an
entity also begins with an I after O, or after another type. So one rule reads IOB1, BIO (IOB2) and IOBES.

Axes: B batch, T time, C tags, K types.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

OUTSIDE = "O"
PREFIXES = "BIES"
NOTHING = -1  # in place of a tag: padding
FORBIDDEN = -1e9  # the score of what must not follow; finite, so that sums and differences stay numbers


@dataclass(frozen=True)
class Scheme:
    """What each tag of a target says.

    Attributes:
        prefixes: (C,) one letter each, `O` of what is outside.
        types: (C,) the number of each tag's type; 0 outside.
        names: (K,) the types' names.
    """

    prefixes: NDArray[np.str_]
    types: NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def of(cls, tags: Sequence[str]) -> Scheme | None:
        """Return the scheme of tags; None where one of them marks no part of an entity, such as a part of speech."""
        split = [tag.partition("-") for tag in tags]
        if not all(
            tag == OUTSIDE or (prefix in (*PREFIXES,) and hyphen)
            for tag, (prefix, hyphen, _) in zip(tags, split, strict=True)
        ):
            return None
        names = tuple(sorted({name for _, hyphen, name in split if hyphen}))
        if not names:
            return None
        number = {name: place for place, name in enumerate(names)}
        return cls(
            np.array([prefix for prefix, _, _ in split]),
            np.array([number[name] if hyphen else 0 for _, hyphen, name in split], np.int64),
            names,
        )

    def spans(self, tags: Any) -> tuple[Any, Any, Any]:
        """Return every entity of tags (B, T), in order; TensorFlow ops only.

        Args:
            tags: (B, T) int64, `NOTHING` in the padding.

        Returns:
            The places of the first tokens and of the last, counted through the batch row by row, and the types.
        """
        import tensorflow as tf

        begins, inside, types = self._begins(tags)
        # A token ends its entity where the next one is outside, or begins another.
        goes_on = tf.pad((inside & ~begins)[:, 1:], [[0, 0], [0, 1]])
        first = tf.where(tf.reshape(begins, [-1]))[:, 0]
        last = tf.where(tf.reshape(inside & ~goes_on, [-1]))[:, 0]
        return first, last, tf.gather(tf.reshape(types, [-1]), first)

    def _begins(self, tags: Any) -> tuple[Any, Any, Any]:
        """Return which tokens begin an entity, which are part of one, and the types of all, (B, T) each."""
        import tensorflow as tf

        def has(tags: Any, letters: str) -> Any:
            return tf.gather(tf.constant(np.isin(self.prefixes, [*letters])), tf.maximum(tags, 0)) & (tags != NOTHING)

        tags = tf.cast(tags, tf.int64)
        before = tf.pad(tags[:, :-1], [[0, 0], [1, 0]], constant_values=NOTHING)
        types, type_before = (tf.gather(tf.constant(self.types), tf.maximum(each, 0)) for each in (tags, before))
        inside = has(tags, PREFIXES)
        anew = ~has(before, "BI") | (types != type_before)
        return inside & (has(tags, "BS") | anew), inside, types

    def transitions(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return 0, or `FORBIDDEN`, for each tag after each other (C, C), as the first (C,) and as the last (C,).

        I and E need a B or I of their type before them; in a scheme with E or S, what was begun must be ended.
        """
        opens, goes_on = np.isin(self.prefixes, ["B", "I"]), np.isin(self.prefixes, ["I", "E"])
        same = self.types[:, None] == self.types
        must_end = opens & bool(np.isin(self.prefixes, ["E", "S"]).any())
        continued = opens[:, None] & goes_on & same
        forbidden = (goes_on & ~continued) | (must_end[:, None] & ~continued)
        return _scores(forbidden), _scores(goes_on), _scores(must_end)


def _scores(forbidden: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.where(forbidden, np.float32(FORBIDDEN), np.float32(0))
