"""Every error that Embedry raises.

The tree. Each is also the builtin that fits, so that code which knows nothing of Embedry
catches what it expects, and each carries its facts as attributes::

    EmbedryError
    ├── InputError (ValueError)             an argument or a row of data is not what must hold
    │   └── FilterError                     a `where` that cannot be read or does not fit a column
    ├── ForeignSpaceError (ValueError)      vectors of two spaces meet: .have, .want, .relation
    ├── UnknownIdError (KeyError)           ids that are not there: .ids
    ├── NotFittedError (ValueError, AttributeError)   a learner was used before fit
    ├── FileFormatError (ValueError)        a file is damaged, hostile, foreign or newer: .path
    ├── CollectionError (RuntimeError)      a collection is closed, locked or missing: .path
    ├── EncoderMissingError (LookupError)   a field's encoder cannot be rebuilt: .field
    ├── RemoteError (ConnectionError)       a server refuses or is out of reach: .status
    └── MissingExtraError (ImportError)     an optional part is not installed: .extra

A message says what must hold, what came, and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from embedry.card import Card, Relation

__all__ = [
    "CollectionError",
    "EmbedryError",
    "EncoderMissingError",
    "FileFormatError",
    "FilterError",
    "ForeignSpaceError",
    "InputError",
    "MissingExtraError",
    "NotFittedError",
    "RemoteError",
    "UnknownIdError",
]


class EmbedryError(Exception):
    """The root of all errors raised on purpose by Embedry."""


class InputError(EmbedryError, ValueError):
    """An argument, or a row of the data, is not what must hold."""


class FilterError(InputError):
    """A ``where`` cannot be read, or asks of a column what its type cannot answer."""


class ForeignSpaceError(EmbedryError, ValueError):
    """Vectors of two spaces would have met, where distance means nothing.

    Attributes
    ----------
    have, want
        The card of the vectors that came, and of the space they were to meet.
    relation
        How the two stand to each other.
    """

    def __init__(self, message: str, *, have: Card, want: Card, relation: Relation) -> None:
        super().__init__(message)
        self.have = have
        self.want = want
        self.relation = relation


class UnknownIdError(EmbedryError, KeyError):
    """Ids were asked for that are not there.

    Attributes
    ----------
    ids
        The ids that are missing.
    """

    def __init__(self, message: str, *, ids: Sequence[str | int]) -> None:
        super().__init__(message)
        self.ids = tuple(ids)

    def __str__(self) -> str:
        # KeyError shows the repr of its argument; a sentence reads better without quotes.
        return str(self.args[0])


class NotFittedError(EmbedryError, ValueError, AttributeError):
    """A learner was asked for what only ``fit`` can give."""


class FileFormatError(EmbedryError, ValueError):
    """A file is damaged, hostile, of another kind, or of a newer format.

    Attributes
    ----------
    path
        The file.
    """

    def __init__(self, message: str, *, path: str | Path) -> None:
        super().__init__(message)
        self.path = str(path)


class CollectionError(EmbedryError, RuntimeError):
    """A collection is closed, locked by another writer, or missing.

    Attributes
    ----------
    path
        The directory of the collection.
    """

    def __init__(self, message: str, *, path: str | Path) -> None:
        super().__init__(message)
        self.path = str(path)


class EncoderMissingError(EmbedryError, LookupError):
    """The encoder of a field is needed and cannot be rebuilt from what the field stored.

    Attributes
    ----------
    field
        The name of the field.
    """

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class RemoteError(EmbedryError, ConnectionError):
    """A server refuses, answers what it must not, or is out of reach.

    Attributes
    ----------
    status
        The HTTP status, or None where there was no answer.
    again
        Whether another try may help.
    wait
        The seconds that the server asks to wait, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        again: bool = False,
        wait: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.again = again
        self.wait = wait


class MissingExtraError(EmbedryError, ImportError):
    """An optional part of Embedry is needed and not installed.

    Attributes
    ----------
    extra
        The name of the extra that brings it.
    """

    def __init__(self, what: str, *, extra: str) -> None:
        super().__init__(
            f"{what} needs an optional part. Install it: pip install 'embedry[{extra}]'"
        )
        self.extra = extra
