"""A map from content to taste as the arrays of a model file, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.card import Card
from embedry.ids import pack_ids, unpack_ids
from embedry.learn.taste.cold.content import ContentRows
from embedry.learn.taste.cold.content_map import ContentMap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["packed_map", "unpacked_map"]

_PREFIX = "placement."
_PARTS = ("answers", "middle", "likenesses", "cosines")


def packed_map(placement: ContentMap) -> dict[str, NDArray[Any]]:
    """Return the arrays of a map; its settings and cards are text among them."""
    along, of_all = placement.means
    spaces = [
        [name, placement.weights[name], card.to_dict()] for name, card in placement.cards.items()
    ]
    told = {
        "bend": placement.bend,
        "ridge": placement.ridge,
        "scale": placement.scale,
        "mean": of_all,
        "spaces": spaces,
    }
    blocks = placement.anchors.blocks
    return {
        f"{_PREFIX}told": np.frombuffer(json.dumps(told).encode(), np.uint8),
        f"{_PREFIX}means": along,
        **pack_ids(placement.ids, f"{_PREFIX}ids"),
        **{f"{_PREFIX}{name}": getattr(placement, name) for name in _PARTS},
        **{f"{_PREFIX}anchors.{place}": blocks[name] for place, name in enumerate(placement.cards)},
    }


def unpacked_map(arrays: Mapping[str, NDArray[Any]]) -> ContentMap | None:
    """Return the map that `packed_map` took apart; None where there is none."""
    if f"{_PREFIX}told" not in arrays:
        return None
    told = json.loads(arrays[f"{_PREFIX}told"].tobytes())
    names = [name for name, _, _ in told["spaces"]]
    blocks = {name: arrays[f"{_PREFIX}anchors.{place}"] for place, name in enumerate(names)}
    return ContentMap(
        ids=tuple(unpack_ids(arrays, f"{_PREFIX}ids")),
        anchors=ContentRows(blocks, dict.fromkeys(names, 0)),
        bend=told["bend"],
        ridge=told["ridge"],
        scale=told["scale"],
        means=(arrays[f"{_PREFIX}means"], told["mean"]),
        weights={name: weight for name, weight, _ in told["spaces"]},
        cards={name: Card.from_dict(card) for name, _, card in told["spaces"]},
        **{name: arrays[f"{_PREFIX}{name}"] for name in _PARTS},
    )
