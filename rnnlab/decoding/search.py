"""How an answer in tokens is looked for.

Axes: K beam, N answers.
"""

from __future__ import annotations

from dataclasses import dataclass

from rnnlab.vocabulary import PADDING, START, UNKNOWN

UNSAID = (PADDING, UNKNOWN, START)  # marks that no answer holds
NEVER = -1e9  # the logarithm of a probability that is none; two of them added are still a number


@dataclass(frozen=True)
class Search:
    """How an answer is looked for.

    Attributes:
        longest: the most tokens of an answer, its end mark not counted.
        beam: K, how many beginnings are kept at each step; 1: greedy, the most probable token at each step.
        length_penalty: α; an answer Y is ranked by log P(Y) / ((5 + |Y|) / 6)^α, where |Y| counts the end mark (Wu et
            al. 2016). 0: by its probability alone, which favours short ones.
        answers: N ≤ K, how many are given, the best first.
    """

    longest: int
    beam: int = 1
    length_penalty: float = 0.0
    answers: int = 1

    def __str__(self) -> str:
        return "greedy" if self.beam == 1 else f"beam {self.beam}, length penalty {self.length_penalty:g}"
