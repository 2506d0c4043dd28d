"""What encoders of text take: a list of texts, checked in one way."""

from __future__ import annotations

from collections.abc import Iterable

from embedry.errors import InputError

__all__ = ["as_texts"]


def as_texts(items: object, name: str = "items") -> list[str]:
    """Return texts as a list, or refuse what is none.

    Parameters
    ----------
    items : iterable of str
    name : str
        Of the argument.

    Returns
    -------
    list of str

    Raises
    ------
    InputError
        If it is a single str, no iterable, or something in it is no str; the message names the
        place.
    """
    if isinstance(items, (str, bytes)) or not isinstance(items, Iterable):
        raise InputError(
            f"{name} must be a list of texts; got {items!r:.40}. Pass [text] for a single one."
        )
    try:
        texts = list(items)
    except TypeError as error:  # an array without dimensions
        raise InputError(f"{name} must be a list of texts; {error}.") from error
    if set(map(type, texts)) - {str}:
        for place, text in enumerate(texts):
            if not isinstance(text, str):
                kind = type(text).__name__
                raise InputError(f"Each of {name} must be a str; number {place} is {kind}.")
    return texts
