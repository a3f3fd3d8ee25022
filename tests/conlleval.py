"""Entities counted as the CoNLL-2000 script `conlleval` does: token by token, by its rules of where a chunk ends.

An independent reference for the metrics of tagging, in plain Python; with E and S as its later versions have them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def split(tag: str) -> tuple[str, str]:
    prefix, _, kind = tag.partition("-")
    return prefix, kind


def ends(before: str, tag: str) -> bool:
    """Whether an entity ends between two tags."""
    (one, kind), (other, next_kind) = split(before), split(tag)
    if one in ("E", "S"):
        return True
    if one in ("B", "I") and other in ("B", "S", "O"):
        return True
    return one != "O" and kind != next_kind


def begins(before: str, tag: str) -> bool:
    """Whether an entity begins with the second of two tags."""
    (one, kind), (other, next_kind) = split(before), split(tag)
    if other in ("B", "S"):
        return True
    if one in ("E", "S", "O") and other in ("E", "I"):
        return True
    return other != "O" and kind != next_kind


def count(true: Sequence[Sequence[str]], guessed: Sequence[Sequence[str]]) -> dict[str, Counter[str]]:
    """Return, of sentences of tags, how many entities of each type are right, were guessed, and are true."""
    found: dict[str, Counter[str]] = {"hits": Counter(), "predicted": Counter(), "actual": Counter()}
    for true_tags, guessed_tags in zip(true, guessed, strict=True):
        inside, kind = False, ""
        before_true = before_guessed = "O"
        # As the script: an O behind each sentence closes what is open.
        for now_true, now_guessed in zip([*true_tags, "O"], [*guessed_tags, "O"], strict=True):
            if inside:
                true_end, guessed_end = ends(before_true, now_true), ends(before_guessed, now_guessed)
                if true_end and guessed_end:
                    found["hits"][kind] += 1
                    inside = False
                elif true_end != guessed_end or split(now_true)[1] != split(now_guessed)[1]:
                    inside = False
            true_begin, guessed_begin = begins(before_true, now_true), begins(before_guessed, now_guessed)
            if true_begin and guessed_begin and split(now_true)[1] == split(now_guessed)[1]:
                inside, kind = True, split(now_true)[1]
            found["actual"][split(now_true)[1]] += true_begin
            found["predicted"][split(now_guessed)[1]] += guessed_begin
            before_true, before_guessed = now_true, now_guessed
    return found


def scores(hits: int, predicted: int, actual: int) -> dict[str, float]:
    """Return precision, recall and F1, 0 where they are shares of nothing."""
    precision, recall = hits / predicted if predicted else 0.0, hits / actual if actual else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"entity_precision": precision, "entity_recall": recall, "entity_f1": f1}


def evaluate(true: Sequence[Sequence[str]], guessed: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the scores over all types together."""
    found = count(true, guessed)
    return scores(*(sum(found[name].values()) for name in ("hits", "predicted", "actual")))
