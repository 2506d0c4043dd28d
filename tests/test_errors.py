"""The tree of errors: what each is, and what it carries."""

from __future__ import annotations

import pickle

import pytest

from embedry import errors
from embedry.card import Card, Relation

CARD = Card.declared(3)
BUILTINS = {
    errors.InputError: ValueError,
    errors.FilterError: ValueError,
    errors.ForeignSpaceError: ValueError,
    errors.UnknownIdError: KeyError,
    errors.NotFittedError: (ValueError, AttributeError),
    errors.FileFormatError: ValueError,
    errors.CollectionError: RuntimeError,
    errors.EncoderMissingError: LookupError,
    errors.MissingExtraError: ImportError,
    errors.RemoteError: ConnectionError,
}


def test_errors_are_all_listed_and_drawn():
    """Every error is public, stands in the tree of the module, and has a row here."""
    found = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.EmbedryError)
    }
    assert {error.__name__ for error in found} == set(errors.__all__)
    assert all(name in errors.__doc__ for name in errors.__all__)
    assert found == {errors.EmbedryError, *BUILTINS}


@pytest.mark.parametrize(("error", "builtins"), BUILTINS.items())
def test_errors_are_the_fitting_builtin(error, builtins):
    """Code that knows nothing of Embedry catches what it expects."""
    wanted = builtins if isinstance(builtins, tuple) else (builtins,)
    assert issubclass(error, errors.EmbedryError)
    assert all(issubclass(error, builtin) for builtin in wanted)


def test_errors_carry_their_facts():
    """Each error has as attributes what its message tells."""
    foreign = errors.ForeignSpaceError("m", have=CARD, want=CARD, relation=Relation.FOREIGN)
    assert (foreign.have, foreign.want, foreign.relation) == (CARD, CARD, Relation.FOREIGN)
    assert errors.UnknownIdError("m", ids=["a", 1]).ids == ("a", 1)
    assert errors.FileFormatError("m", path="p").path == "p"
    assert errors.CollectionError("m", path="p").path == "p"
    assert errors.EncoderMissingError("m", field="f").field == "f"
    missing = errors.MissingExtraError("Reading", extra="text")
    assert missing.extra == "text"
    assert "pip install 'embedry[text]'" in str(missing)


def test_unknown_id_error_reads_as_a_sentence():
    """Unlike a KeyError it shows its message without quotes."""
    assert str(errors.UnknownIdError("There is no id 'x'.", ids=["x"])) == "There is no id 'x'."


def test_input_error_survives_pickling():
    """An error without facts crosses a process border."""
    assert str(pickle.loads(pickle.dumps(errors.InputError("why")))) == "why"
