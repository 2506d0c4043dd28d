"""Laws of scikit-learn's contract, which every learner keeps."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from embedry.data.corpus import Corpus
from embedry.data.interactions import Interactions
from embedry.errors import EmbedryError, InputError, NotFittedError
from embedry.learn.learner import real_number, whole_number
from embedry.learn.taste.als import ALS
from embedry.learn.word2vec import Word2Vec

FIRST_FIT = {
    Word2Vec: lambda: Corpus.from_lines(["a b c a b", "c a b"] * 3),
    ALS: lambda: Interactions.from_triples(["u", "u", "v"], ["x", "y", "x"]),
}
SMALL = {Word2Vec: {"dims": 3, "min_count": 1, "epochs": 1}, ALS: {"dims": 3, "iterations": 1}}
learners = pytest.mark.parametrize("learner", [Word2Vec, ALS])


def small(learner, **more):
    return learner(threads=1, **(SMALL[learner] | more))


@learners
def test_get_params_names_every_setting_and_nothing_learned(learner):
    """The settings are the arguments of the constructor, before and after fit."""
    made = small(learner)
    before = made.get_params()
    assert before["dims"] == 3
    assert before["seed"] == 0
    assert learner(**before).get_params() == before
    made.fit(FIRST_FIT[learner]())
    assert made.get_params() == before
    assert made.get_params(deep=False) == before


@learners
def test_constructor_takes_settings_as_they_are(learner):
    """Nothing is checked, changed or learned in ``__init__``: scikit-learn's clone relies on it."""
    dims = object()
    made = learner(dims=dims)
    assert made.dims is dims
    assert set(vars(made)) == set(made.get_params())


@learners
def test_clone_has_the_settings_and_forgets_what_was_learned(learner):
    """``sklearn.base.clone`` gives an unfitted learner of the same settings."""
    fitted = small(learner, seed=7).fit(FIRST_FIT[learner]())
    copy = clone(fitted)
    assert copy is not fitted
    assert copy.get_params() == fitted.get_params()
    assert not [name for name in vars(copy) if name.endswith("_")]


@learners
def test_fit_returns_itself_and_what_is_learned_ends_in_an_underscore(learner):
    """fit returns the learner; its new public attributes end in an underscore."""
    made = small(learner)
    before = set(vars(made))
    assert made.fit(FIRST_FIT[learner](), None) is made
    learned = [name for name in set(vars(made)) - before if not name.startswith("_")]
    assert learned
    assert all(name.endswith("_") for name in learned)


@learners
def test_set_params_sets_all_or_nothing(learner):
    """An unknown name is refused with the known ones, and no other setting has changed."""
    made = learner()
    assert made.set_params(dims=5, seed=2) is made
    assert (made.dims, made.seed) == (5, 2)
    with pytest.raises(InputError, match=r"must be one of dims, .*; got 'width'"):
        made.set_params(dims=9, width=3)
    assert made.dims == 5


@learners
def test_repr_shows_what_differs_from_the_defaults(learner):
    """The repr is the call that makes the learner, without its defaults."""
    assert repr(learner()) == f"{learner.__name__}()"
    assert repr(learner(dims=9, seed=4)) == f"{learner.__name__}(dims=9, seed=4)"


@learners
def test_learner_before_fit_raises_not_fitted(learner, tmp_path):
    """What needs fit says so, as both a ValueError and an AttributeError."""
    with pytest.raises(NotFittedError, match=f"Call fit first: this {learner.__name__}") as caught:
        learner().save(tmp_path / "m")
    assert isinstance(caught.value, EmbedryError)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, AttributeError)
    assert not list(tmp_path.iterdir())


@learners
def test_refused_fit_leaves_what_was_learned(learner):
    """A fit that is refused changes nothing of an earlier one."""
    made = small(learner).fit(FIRST_FIT[learner]())
    before = {name: value for name, value in vars(made).items() if name.endswith("_")}
    for wrong in ({"dims": 0}, {"seed": -1}, {"threads": 0}):
        kept = made.get_params()
        with pytest.raises(InputError):
            made.set_params(**wrong).fit(FIRST_FIT[learner]())
        made.set_params(**kept)
    assert all(getattr(made, name) is value for name, value in before.items())


@learners
def test_saved_settings_are_those_of_the_fit(learner, tmp_path):
    """set_params after fit does not rename what was learned when it is saved."""
    made = small(learner).fit(FIRST_FIT[learner]()).set_params(dims=50, seed=9)
    made.save(tmp_path / "m")
    back = learner.load(tmp_path / "m")
    assert back.get_params() == small(learner).get_params()


@given(value=st.integers() | st.booleans() | st.floats() | st.text(max_size=2) | st.none())
@settings(max_examples=100, deadline=None)
def test_numbers_pass_unchanged_or_are_refused_by_name(value):
    """A number in the range comes back equal; anything else names the setting and what came."""
    plain = type(value) in {int, float}
    if type(value) is int and 1 <= value <= 50:
        assert whole_number("window", value, 1, 50) == value
    else:
        with pytest.raises(InputError, match=r"window must be an int in \[1, 50\]; got "):
            whole_number("window", value, 1, 50)
    if plain and 0 <= value <= 1:
        found = real_number("sample", value, 0, 1)
        assert type(found) is float
        assert found == value
    else:
        with pytest.raises(InputError, match=r"sample must be a number in \[0, 1\]; got "):
            real_number("sample", value, 0, 1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_real_number_refuses_what_no_float_holds(value):
    """NaN, infinity and ints beyond any float are refused, not an OverflowError."""
    with pytest.raises(InputError, match="must be a number"):
        real_number("alpha", value, 0, 1e9)
