"""Texts whose vectors prove that two runtimes, precisions or servers make the same space."""

from __future__ import annotations

from embedry.card import Probes

__all__ = ["PROBE_TEXTS", "Probes"]

# short and long, of several kinds and scripts: what a changed tokenizer, pooling or model moves
PROBE_TEXTS = (
    "The cat sat on the mat.",
    "How do I reset my password?",
    "Interest rates rose again, and shares of banks fell.",
    "def add(a, b): return a + b",
    "Grüße aus Köln! Das Wetter ist schön.",
    "東京は今日も雨です。",
    "COVID-19 vaccines were shown to be 95% effective in trials of 2020.",
    (
        "We sat by the bank of the river until the sun went down, and nobody spoke of the bank "
        "that had failed, of the loan, or of what the winter would bring."
    ),
)
