"""The F1 score of entities, as conlleval counts them."""

from __future__ import annotations

from typing import Any, ClassVar

from rnnlab.metrics._tags import EntityMetric


class EntityF1(EntityMetric):
    """The harmonic mean of precision and recall of entities, over all types together."""

    definition: ClassVar[str] = (
        "harmonic mean of entity_precision and entity_recall over all types together (as conlleval counts), 0–1"
    )

    def share(self, hits: Any, predicted: Any, actual: Any) -> tuple[Any, Any]:
        return 2 * hits, predicted + actual
