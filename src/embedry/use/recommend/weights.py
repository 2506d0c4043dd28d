"""What each part weighs: as usual, or as told."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from embedry.errors import InputError
from embedry.learn.learner import real_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedry.use.recommend.parts.part import Part

__all__ = ["as_weights"]

_LARGEST_WEIGHT = 1e6


def as_weights(parts: Sequence[Part], given: Mapping[str, float] | None) -> Mapping[str, float]:
    """Return what each part weighs, summing to 1.

    Parameters
    ----------
    parts : sequence of Part
    given : mapping of name to float, or None
        One for each part; None gives what is usual.

    Returns
    -------
    mapping of name to float
        In the order of the parts.

    Raises
    ------
    InputError
        If a name is unknown or missing, a weight is out of range, or all are 0.
    """
    if given is None:
        kinds = [type(part) for part in parts]
        given = {part.name: part.USUAL / kinds.count(type(part)) for part in parts}
    names = [part.name for part in parts]
    if set(given) != set(names):
        raise InputError(
            f"weights must name every part and no other: {', '.join(names)}; got "
            f"{', '.join(map(str, given)) or 'none'}. Pass 0 for a part that should not count."
        )
    weights = [real_number(f"weights[{name!r}]", given[name], 0, _LARGEST_WEIGHT) for name in names]
    if not any(weights):
        raise InputError("At least one weight must be above 0; got none.")
    shares = np.array(weights) / sum(weights)
    return MappingProxyType(dict(zip(names, shares.tolist(), strict=True)))
