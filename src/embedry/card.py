"""Cards: the identity of an embedding space, and how two spaces stand to each other.

A vector is never naked: every set of vectors carries the card of its space. The card holds a
fingerprint of what made the vectors (weights and preprocessing, not names, paths or providers),
so that two spaces of the same width are not mistaken for one. What it is not: the vectors.

The table of what each relation allows is `ALLOWED`; `check` asks it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from embedry.errors import ForeignSpaceError, InputError
from embedry.metrics import as_metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ALLOWED", "Card", "Operation", "Probes", "Relation", "check", "fingerprint"]

Scalar: TypeAlias = str | int | float | bool | None

EQUIVALENT_COSINE = 0.999


class Operation(Enum):
    """What one may want to do with vectors of two spaces."""

    SEARCH = "search"
    COMPARE = "compare"
    STORE = "store"


class Relation(Enum):
    """How the space of some vectors stands to another space."""

    SAME = "same"
    EQUIVALENT = "equivalent"
    QUANTIZED = "quantized"
    TRUNCATED = "truncated"
    ALIGNED = "aligned"
    FOREIGN = "foreign"


_EVERYTHING = frozenset(Operation)
ALLOWED: Mapping[Relation, frozenset[Operation]] = {
    Relation.SAME: _EVERYTHING,
    Relation.EQUIVALENT: _EVERYTHING,
    Relation.QUANTIZED: frozenset({Operation.SEARCH, Operation.COMPARE}),
    Relation.TRUNCATED: frozenset(),  # only after an explicit .truncate(dims)
    Relation.ALIGNED: frozenset(),  # only through the map, when asked for
    Relation.FOREIGN: frozenset(),
}

_WAYS_OUT = {
    Relation.QUANTIZED: "Store the float32 vectors instead of the quantized ones.",
    Relation.TRUNCATED: "Cut the longer one first: embeddings.truncate(dims={dims}).",
    Relation.ALIGNED: (
        "The spaces are aligned (fidelity {fidelity}): carry the vectors over with the map first."
    ),
    Relation.FOREIGN: (
        "Distances between them mean nothing. Encode with what made the {want} space, or add a "
        "field of its own for the {have} space."
    ),
}


@dataclass(frozen=True)
class Probes:
    """Items encoded when a card was made, to prove that another runtime gives the same vectors.

    Attributes
    ----------
    items : tuple of str
        What was encoded.
    vectors : bytes
        Their vectors, (len(items), dims) float32 little-endian, row after row.
    """

    items: tuple[str, ...]
    vectors: bytes

    @classmethod
    def of(cls, items: tuple[str, ...], vectors: NDArray[np.float32]) -> Probes:
        """Make probes of items and their vectors.

        Parameters
        ----------
        items : tuple of str
        vectors : ndarray (len(items), dims), float32

        Returns
        -------
        Probes

        Raises
        ------
        InputError
            If there is not one vector an item.
        """
        if vectors.ndim != 2 or len(vectors) != len(items):
            raise InputError(f"Probes need one vector an item; got {vectors.shape}.")
        return cls(tuple(items), np.ascontiguousarray(vectors, "<f4").tobytes())

    def lowest_cosine(self, other: Probes) -> float:
        """Return the smallest cosine between the two vectors of one item; -1 if not comparable."""
        if self.items != other.items or len(self.vectors) != len(other.vectors) or not self.items:
            return -1.0
        ours = np.frombuffer(self.vectors, "<f4").reshape(len(self.items), -1).astype(np.float64)
        theirs = np.frombuffer(other.vectors, "<f4").reshape(ours.shape).astype(np.float64)
        lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
        if not np.all(lengths > 0):
            return -1.0
        return float(np.min(np.einsum("nd,nd->n", ours, theirs) / lengths))


@dataclass(frozen=True)
class Card:
    """The identity of an embedding space: frozen, hashable, JSON both ways.

    Attributes
    ----------
    kind : str
        What made the space: ``"word2vec"``, ``"als"``, ``"array"``, ``"declared"``, ...
    dims : int
        The width of its vectors.
    metric : str
        ``"cosine"``, ``"dot"`` or ``"euclidean"``.
    fingerprint : str
        A digest of the weights and the preprocessing: the space itself.
    roles : tuple of str
        What may be placed in it, such as ``("user", "item")`` or ``("document", "query")``.
    task : str or None
        What distance means here, in the user's words.
    settings : tuple of (name, value)
        What the maker was told; given as a mapping, kept sorted.
    runtime : str
        What computes the vectors; another runtime must prove itself by probes.
    precision : str
        The stored form: ``"float32"`` or the quantized one.
    full_dims : int or None
        For a truncated Matryoshka space: the dims before the cut.
    parent : str or None
        The fingerprint of the space it was derived from.
    generation : int
        How many times it was derived; 0 for a space of its own.
    fidelity : float or None
        For a space aligned with its parent: the measured share of the parent's neighbourhoods
        that survives.
    probes : Probes or None
        Items with their vectors, for `Relation.EQUIVALENT`.

    Raises
    ------
    InputError
        If a part is not of its type, dims is below 1, there is no such metric, a setting comes
        twice or is not a str, a finite number, a bool or None, or probes are of other dims.

    Examples
    --------
    >>> card = Card("word2vec", 100, "cosine", fingerprint("a", "b"))
    >>> Card.from_json(card.to_json()) == card
    True
    """

    kind: str
    dims: int
    metric: str
    fingerprint: str
    roles: tuple[str, ...] = ()
    task: str | None = None
    settings: tuple[tuple[str, Scalar], ...] = ()
    runtime: str = "numpy"
    precision: str = "float32"
    full_dims: int | None = None
    parent: str | None = None
    generation: int = 0
    fidelity: float | None = None
    probes: Probes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name, (kind, wanted) in _PARTS.items():
            if not isinstance(value := getattr(self, name), kind) or isinstance(value, bool):
                raise InputError(f"{name} must be {wanted}; got {value!r}. Pass {wanted}.")
        if self.dims < 1:
            raise InputError(f"dims must be an int of at least 1; got {self.dims}.")
        if self.fidelity is not None and not math.isfinite(self.fidelity):
            raise InputError(
                f"fidelity must be finite; got {self.fidelity}. Leave out what is not."
            )
        if self.probes is not None and len(self.probes.vectors) != self._probe_bytes():
            raise InputError(f"Probes must be vectors of {self.dims} dims. Encode them anew.")
        # a frozen value is normalised the only way there is
        object.__setattr__(self, "metric", as_metric(self.metric).name)
        object.__setattr__(self, "settings", _checked_settings(self.settings))
        object.__setattr__(self, "roles", _checked_roles(self.roles))

    def _probe_bytes(self) -> int:
        return 0 if self.probes is None else 4 * self.dims * len(self.probes.items)

    def __str__(self) -> str:
        return f"{self.kind} space {self.fingerprint[:12]} ({self.dims} dims, {self.metric})"

    @classmethod
    def declared(cls, dims: int, metric: str = "cosine", *, task: str | None = None) -> Card:
        """Mint a card for vectors whose maker is not known, with a random space id.

        Parameters
        ----------
        dims : int
        metric : {"cosine", "dot", "euclidean"}
        task : str, optional

        Returns
        -------
        Card
            Different at each call: two declared spaces never mix.

        Raises
        ------
        InputError
            If dims or metric is not what must hold.
        """
        return cls("declared", dims, metric, secrets.token_hex(32), task=task)

    def truncated(self, dims: int) -> Card:
        """Return the card of the first ``dims`` dims of a Matryoshka space.

        Parameters
        ----------
        dims : int
            In [1, self.dims].

        Returns
        -------
        Card

        Raises
        ------
        InputError
            If dims is out of range.
        """
        whole = isinstance(dims, (int, np.integer)) and not isinstance(dims, (bool, np.timedelta64))
        if not whole or not 1 <= dims <= self.dims:
            raise InputError(f"dims must be in [1, {self.dims}]; got {dims!r}.")
        dims = int(dims)
        if dims == self.dims:
            return self
        return replace(self, dims=dims, full_dims=self.full_dims or self.dims, probes=None)

    def relation_to(self, other: Card) -> Relation:
        """Decide how this space stands to another.

        Parameters
        ----------
        other : Card

        Returns
        -------
        Relation
            Symmetric: ``a.relation_to(b) is b.relation_to(a)``.
        """
        if self.metric != other.metric:
            return Relation.FOREIGN
        if self.fingerprint == other.fingerprint:
            return self._relation_within(other)
        for child, parent in ((self, other), (other, self)):
            if child.parent == parent.fingerprint:  # however little it moved: probes are few
                return Relation.FOREIGN if child.fidelity is None else Relation.ALIGNED
        return Relation.EQUIVALENT if self._proven_equal(other) else Relation.FOREIGN

    def _relation_within(self, other: Card) -> Relation:
        if self.dims != other.dims:
            return Relation.TRUNCATED
        if self.precision != other.precision:
            return Relation.QUANTIZED
        if self.runtime == other.runtime:
            return Relation.SAME
        return Relation.EQUIVALENT if self._proven_equal(other) else Relation.FOREIGN

    def _proven_equal(self, other: Card) -> bool:
        if self.probes is None or other.probes is None or self.dims != other.dims:
            return False
        return self.probes.lowest_cosine(other.probes) >= EQUIVALENT_COSINE

    def to_dict(self) -> dict[str, Any]:
        """Return the card as JSON-ready values; `from_dict` reads them."""
        values = asdict(self)
        values["settings"] = dict(self.settings)
        values["roles"] = list(self.roles)
        if self.probes is not None:
            text = base64.b64encode(self.probes.vectors).decode()
            values["probes"] = {"items": list(self.probes.items), "vectors": text}
        return values

    def to_json(self) -> str:
        """Return the card as one line of JSON; `from_json` reads it."""
        return json.dumps(self.to_dict(), ensure_ascii=False, sort_keys=True, allow_nan=False)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Card:
        """Read what `to_dict` gave.

        Parameters
        ----------
        values : mapping

        Returns
        -------
        Card

        Raises
        ------
        InputError
            If a part is missing, unknown or not what must hold.
        """
        known = {part.name for part in fields(cls)}
        if not isinstance(values, Mapping):
            raise InputError(f"A card must be a mapping; got a {type(values).__name__}.")
        if unknown := set(values) - known:
            raise InputError(
                f"A card must hold only {', '.join(sorted(known))}; got {sorted(unknown, key=str)}."
            )
        parts = dict(values)
        try:
            if parts.get("probes") is not None:
                probes = parts["probes"]
                vectors = base64.b64decode(probes["vectors"], validate=True)
                parts["probes"] = Probes(tuple(probes["items"]), vectors)
            return cls(**parts)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"A card must be whole: {error}") from error

    @classmethod
    def from_json(cls, text: str) -> Card:
        """Read what `to_json` gave.

        Parameters
        ----------
        text : str

        Returns
        -------
        Card

        Raises
        ------
        InputError
            If it is not JSON, or not a card.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"A card must be JSON: {error}.") from error
        return cls.from_dict(values)


# what the parts of a card are; dims, metric, settings, roles and values are looked at beside it
_PARTS: Mapping[str, tuple[Any, str]] = {
    "kind": (str, "a str"),
    "dims": (int, "an int"),
    "fingerprint": (str, "a str"),
    "task": (str | None, "a str or None"),
    "runtime": (str, "a str"),
    "precision": (str, "a str"),
    "full_dims": (int | None, "an int or None"),
    "parent": (str | None, "a str or None"),
    "generation": (int, "an int"),
    "fidelity": (int | float | None, "a number or None"),
    "probes": (Probes | None, "Probes or None"),
}


def _checked_settings(
    settings: Mapping[str, Scalar] | tuple[tuple[str, Scalar], ...],
) -> tuple[tuple[str, Scalar], ...]:
    pairs = list(settings.items() if isinstance(settings, Mapping) else settings)
    for name, value in pairs:
        finite = not isinstance(value, float) or math.isfinite(value)
        if not (value is None or isinstance(value, (str, int, float))) or not finite:
            raise InputError(
                f"The setting {name!r} must be a str, a finite number, a bool or None; "
                f"got {value!r}."
            )
    by_name = {str(name): value for name, value in pairs}
    if len(by_name) != len(pairs):
        raise InputError(f"Settings must have different names; got {[name for name, _ in pairs]}.")
    return tuple(sorted(by_name.items()))


def _checked_roles(roles: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(roles, str) or not all(isinstance(role, str) for role in roles):
        raise InputError(f"roles must be a tuple of str; got {roles!r}. Pass ('user', 'item').")
    return tuple(roles)


def check(have: Card, want: Card, operation: Operation) -> Relation:
    """Return the relation of two spaces if it allows an operation.

    Parameters
    ----------
    have : Card
        The space of the vectors that came.
    want : Card
        The space they are to meet.
    operation : Operation

    Returns
    -------
    Relation
        One that allows the operation.

    Raises
    ------
    ForeignSpaceError
        If it does not; the message names both cards and the way out.
    """
    relation = have.relation_to(want)
    if operation in ALLOWED[relation]:
        return relation
    fidelity = have.fidelity if have.fidelity is not None else want.fidelity
    way_out = _WAYS_OUT[relation].format(
        dims=min(have.dims, want.dims), fidelity=fidelity, have=have.kind, want=want.kind
    )
    raise ForeignSpaceError(
        f"To {operation.value}, vectors must come from the {want}; these come from the {have}, "
        f"and the two are {relation.value}. {way_out}",
        have=have,
        want=want,
        relation=relation,
    )


def fingerprint(*parts: object) -> str:
    """Digest what makes a space.

    Parameters
    ----------
    *parts : ndarray, bytes, or anything JSON can hold
        Arrays count with dtype, shape and bytes; order matters.

    Returns
    -------
    str
        64 hexadecimal digits (SHA-256).
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            array = np.ascontiguousarray(part)
            digest.update(f"{array.dtype.str}{array.shape}|".encode())
            digest.update(array.data if array.size else b"")
        elif isinstance(part, bytes):
            digest.update(b"bytes|" + len(part).to_bytes(8, "little") + part)
        else:
            text = json.dumps(part, ensure_ascii=True, sort_keys=True)
            digest.update(f"json|{len(text)}|{text}".encode())
    return digest.hexdigest()
