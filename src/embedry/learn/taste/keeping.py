"""Interactions as the arrays of a model file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedry.data.interactions import Interactions
from embedry.ids import pack_ids, unpack_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["packed", "unpacked"]


def packed(used: Interactions) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays and the counts of interactions."""
    arrays: dict[str, NDArray[Any]] = {
        "indptr": used.indptr,
        "indices": used.indices,
        "values": used.values,
        **({} if used.times is None else {"times": used.times}),
        **pack_ids(used.user_ids, "user_ids"),
        **pack_ids(used.item_ids, "item_ids"),
    }
    return arrays, {"_merged": used.merged, "_dropped": dict(used.dropped)}


def unpacked(arrays: Mapping[str, NDArray[Any]], counts: Mapping[str, Any]) -> Interactions:
    """Return the interactions that `packed` took apart."""
    users, items = (tuple(unpack_ids(arrays, name)) for name in ("user_ids", "item_ids"))
    csr = (arrays["indptr"], arrays["indices"], arrays["values"])
    merged, dropped = counts["_merged"], counts["_dropped"]
    return Interactions(users, items, *csr, merged, dropped, arrays.get("times"))
