"""Laws of what encoders take: any iterable of texts, and nothing else."""

import numpy as np
import pytest

from embedry.encode.texts import as_texts
from embedry.errors import InputError


def test_as_texts_takes_any_iterable_in_order():
    """Lists, generators, keys and subclasses of str are texts; nothing is none."""

    class Named(str):
        """A str of another type."""

        __slots__ = ()

    assert as_texts(text for text in "ab") == ["a", "b"]
    assert as_texts({"a": 1, "b": 2}) == ["a", "b"]
    assert as_texts([Named("a"), "b"]) == ["a", "b"]
    assert as_texts([]) == []


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ("a text", "documents must be a list of texts; got 'a text'"),
        (b"a text", "documents must be a list of texts"),
        (None, "documents must be a list of texts; got None"),
        (3, "documents must be a list of texts; got 3"),
        (np.array("a"), "documents must be a list of texts; iteration over a 0-d array"),
        (["a", None], "Each of documents must be a str; number 1 is NoneType"),
        ([b"a"], "Each of documents must be a str; number 0 is bytes"),
    ],
)
def test_as_texts_refuses_what_is_none(items, message):
    """One text, no iterable, or something else among texts: the message says which."""
    with pytest.raises(InputError, match=message):
        as_texts(items, "documents")
