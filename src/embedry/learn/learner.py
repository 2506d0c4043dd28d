"""What every learner shares: scikit-learn's contract for settings, without scikit-learn.

Settings are the arguments of ``__init__`` and nothing else; ``get_params``, ``set_params`` and
``sklearn.base.clone`` work; what is learned ends in an underscore.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from embedry.errors import InputError, NotFittedError
from embedry.settings import real_number, whole_number

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Learner", "changed_since_fit", "real_number", "whole_number"]


class Learner(ABC):
    """A learner: settings, ``fit``, ``save``."""

    # the settings of the last fit: set_params may have changed ours since, not what was learned
    _fitted_with: dict[str, Any]

    @abstractmethod
    def check_settings(self) -> None:
        """Refuse settings out of range, as ``fit`` does before it learns anything.

        Raises
        ------
        InputError
            If one is; the message says what must hold.
        """

    @abstractmethod
    def save(self, path: str | Path) -> None:
        """Write what was learned into one file that `embedry.load` reads."""

    @classmethod
    def _setting_names(cls) -> list[str]:
        return list(inspect.signature(cls).parameters)

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002
        """Return the settings by name.

        Parameters
        ----------
        deep : bool
            Taken for scikit-learn's sake; there is nothing deeper.

        Returns
        -------
        dict
        """
        return {name: getattr(self, name) for name in self._setting_names()}

    def _plain_settings(self) -> dict[str, Any]:
        """Return the settings as plain Python values, which a file can hold."""
        return {name: _plain(value) for name, value in self.get_params().items()}

    def _settings(self) -> dict[str, Any]:
        """Return the settings as ``fit`` keeps them."""
        return self._plain_settings()

    def set_params(self, **settings: Any) -> Self:
        """Change settings by name, as scikit-learn does, and return the learner.

        What was learned stays as it is until the next ``fit``, which also checks the values.

        Parameters
        ----------
        **settings
            New values; all are set, or none.

        Returns
        -------
        Learner
            Itself.

        Raises
        ------
        InputError
            If there is no such setting.
        """
        known = self._setting_names()
        for name in settings:
            if name not in known:
                raise InputError(f"A setting must be one of {', '.join(known)}; got {name!r}.")
        for name, value in settings.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        changed = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if value != defaults[name].default
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def _check_fitted(self, learned: str) -> None:
        if not hasattr(self, learned):
            raise NotFittedError(f"Call fit first: this {type(self).__name__} has learned nothing.")


def changed_since_fit(learner: object) -> list[str]:
    """Name the settings that are no longer those of the last fit.

    Parameters
    ----------
    learner : object

    Returns
    -------
    list of str
        Empty before ``fit``, and for what is none of Embedry's learners.
    """
    if not isinstance(learner, Learner) or not hasattr(learner, "_fitted_with"):
        return []
    then = learner._fitted_with
    return [name for name, now in learner._settings().items() if now != then.get(name, now)]


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(_plain(part) for part in value)
    return value.item() if isinstance(value, np.generic) else value
