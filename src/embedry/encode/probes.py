"""Texts whose vectors prove that two runtimes, precisions or servers make the same space."""

from __future__ import annotations

__all__ = ["PROBE_PARTS", "PROBE_TEXTS"]

PROBE_TEXTS = (
    "A small brown dog sleeps on the warm stones of the harbour.",
    "Interest rates rose by half a point, and shares of banks fell.",
    "¿Dónde está la estación de tren?",
    "At which temperature does water boil on a mountain?",
)
# as which role they are encoded: every encoder must do it alike, or nothing can be compared
PROBE_PARTS = (("document", slice(0, 2)), ("query", slice(2, 4)))
