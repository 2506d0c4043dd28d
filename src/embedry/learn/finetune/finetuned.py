"""What fine-tuning gives: a folder, and what can be said for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from embedry.card import Card
    from embedry.intervals import Interval
    from embedry.learn.finetune.scoring import Change
    from embedry.learn.growth import Growth

__all__ = ["Finetuned", "warnings_of"]


@dataclass(frozen=True)
class Finetuned:
    """A model that was tuned, and how it compares with the one it comes from.

    Attributes
    ----------
    path : Path
        Its folder, which `embedry.TextEncoder` and sentence-transformers load.
    changes : tuple of Change
        Measures on held-out rows, before and after. The first is the one that counts; then come
        others, and those of fewer dims where ``matryoshka`` was passed.
    warnings : tuple of str
        What went wrong; logged too. Empty where nothing did.
    parent, card : Card
        The space before and after. They are ``aligned``: vectors of the one are not to be
        compared with those of the other, so a collection must be encoded anew.
    growth : Growth
        How far held-out texts moved, and how many of their neighbours stayed.
    learned, asked : int
        Rows trained on, and held out.
    dropped : dict of str to int
        Rows of the examples left out, by the reason.
    shared : int
        Held-out rows with a text that was also trained on, in another row.
    truncated : int
        Different texts of the training that are longer than the model reads.
    """

    path: Path
    changes: tuple[Change, ...]
    warnings: tuple[str, ...]
    parent: Card
    card: Card
    growth: Growth
    learned: int
    asked: int
    dropped: Mapping[str, int]
    shared: int
    truncated: int

    @property
    def before(self) -> float:
        """The first measure of the old model."""
        return self.changes[0].before

    @property
    def after(self) -> float:
        """The first measure of the new model."""
        return self.changes[0].after

    @property
    def interval(self) -> Interval:
        """Of the difference of the first measure, 95 %."""
        return self.changes[0].interval

    @property
    def is_worse(self) -> bool:
        """Whether the first measure fell, if by less than chance explains."""
        return self.changes[0].difference < 0

    def to_dict(self) -> dict[str, Any]:
        """Return what can be told in JSON."""
        return {
            "path": str(self.path),
            "changes": [_told(change) for change in self.changes],
            "warnings": list(self.warnings),
            "learned": self.learned,
            "held_out": self.asked,
            "dropped": dict(self.dropped),
            "shared": self.shared,
            "truncated": self.truncated,
            "parent": self.parent.fingerprint,
            "fingerprint": self.card.fingerprint,
            "generation": self.card.generation,
            "fidelity": self.card.fidelity,
        }

    def __str__(self) -> str:
        lines = [f"{self.path}: {self.learned:,} rows learned, {self.asked:,} held out"]
        lines += [f"  {change}" for change in self.changes]
        left = [f"{count:,} {reason}" for reason, count in self.dropped.items()]
        left += [f"{self.shared:,} held-out rows with a text that was learned"] * bool(self.shared)
        left += [f"{self.truncated:,} texts cut"] * bool(self.truncated)
        lines += [f"  {', '.join(left)}"] * bool(left)
        lines.append(
            f"  held-out texts moved {self.growth.displacement:.3f} on average (1 - cosine); "
            f"{self.growth.fidelity:.0%} of their neighbours stayed"
        )
        return "\n".join([*lines, *self.warnings])


def warnings_of(changes: tuple[Change, ...]) -> tuple[str, ...]:
    """Return what must be said of a comparison.

    Parameters
    ----------
    changes : tuple of Change

    Returns
    -------
    tuple of str
        One for each measure that fell.
    """
    advice = "Keep the old model, or try more examples, fewer epochs or a lower learning_rate."
    how = {"worse": "made it worse", "unclear": "may have made it worse"}
    return tuple(
        f"Fine-tuning {how[change.verdict]}. {change}. {advice}"
        for change in changes
        if change.difference < 0
    )


def _told(change: Change) -> dict[str, Any]:
    return {
        "measure": change.measure,
        "dims": change.dims,
        "before": change.before,
        "after": change.after,
        "low": change.interval.low,
        "high": change.interval.high,
        "verdict": change.verdict,
    }
