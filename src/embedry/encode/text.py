"""TextEncoder: pretrained encoders of text.

Without a name it is the encoder that comes with the package: English, static, at once. What it is
not: a maker of spaces from your own text; that is `embedry.Word2Vec`.

References
----------
N. Reimers, I. Gurevych, "Sentence-BERT", 2019 (the teacher's kind). S. Tulkens, T. van Dongen,
"Model2Vec", 2024 (static encoders distilled from one).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, Self, get_args

from embedry.encode.static.encoder import StaticEngine
from embedry.encode.static.table import StaticTable, built_in
from embedry.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from pathlib import Path

    from embedry.card import Card
    from embedry.encode.encoder import Encoded
    from embedry.encode.engine import TextEngine

__all__ = ["Precision", "TextEncoder"]

Precision = Literal["auto", "float32", "bfloat16", "int8"]


class TextEncoder:
    """Turn texts into vectors with a pretrained model.

    Parameters
    ----------
    name : str or None
        None is the English encoder that comes with the package: no download, no other package,
        hundreds of thousands of sentences a second. It knows words, not their order or context;
        ``docs/text.md`` says where that is worse than a transformer.
    precision : {"auto", "float32", "bfloat16", "int8"}
        How a transformer computes. The static encoder has one way: ``"auto"``.
    threads : int or None
        None takes the cores allowed. The static encoder gives the same bits by any number.

    Attributes
    ----------
    card : Card
        The space of its vectors.

    Raises
    ------
    InputError
        If ``name`` is no name, there is no such precision, or the static encoder is asked for
        another than ``"auto"``.
    MissingExtraError
        If ``name`` is that of a transformer and the extra ``text`` is not installed.

    Notes
    -----
    The static encoder takes 10 MB of memory, and its vectors have 512 dims. The kernels are
    compiled at the first use (some seconds) and cached.

    Examples
    --------
    >>> from embedry import TextEncoder
    >>> encoder = TextEncoder()
    >>> texts = ["A cat sat on the mat.", "Kittens like rugs.", "Shares fell sharply."]
    >>> cat, kitten, shares = encoder.encode(texts).vectors
    >>> bool(cat @ kitten > cat @ shares + 0.1)
    True
    """

    def __init__(
        self, name: str | None = None, precision: Precision = "auto", threads: int | None = None
    ) -> None:
        self.name = name
        self.precision = precision
        self.threads = threads
        self._engine = _engine(name, precision, threads)

    @property
    def card(self) -> Card:
        """The space of its vectors."""
        return self._engine.card

    def encode(self, items: Iterable[str], role: str = "document") -> Encoded:
        """Return the vectors of texts, in order.

        Parameters
        ----------
        items : iterable of n str
        role : str, default "document"
            One of the card's roles: ``"document"`` or ``"query"``. A query is encoded so that its
            very words count more than when two documents are compared.

        Returns
        -------
        Encoded
            ``vectors`` (n, dims) float32, of unit length; zeros for a text with no known word.
            ``truncated``, ``empty`` and ``unknown`` say what was not encoded as it came.

        Raises
        ------
        InputError
            If ``items`` is a single str, something in it is no str, or there is no such role.
        """
        if isinstance(items, (str, bytes)) or not isinstance(items, Iterable):
            raise InputError(
                f"items must be a list of texts; got {items!r:.40}. Pass [text] for a single one."
            )
        if role not in self.card.roles:
            raise InputError(f"role must be one of {', '.join(self.card.roles)}; got {role!r}.")
        return self._engine.encode(list(items), role)

    def save(self, path: str | Path) -> None:
        """Write the encoder into one file that `embedry.load` reads.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        OSError
            If it cannot be written; what was there stays.
        """
        self._engine.save(path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        TextEncoder

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it is something else, or damaged.
        """
        encoder = cls()
        encoder._engine = StaticEngine(StaticTable.load(path), encoder.threads)
        return encoder


def _engine(name: object, precision: object, threads: int | None) -> TextEngine:
    if precision not in get_args(Precision):
        raise InputError(
            f"precision must be one of {', '.join(get_args(Precision))}; got {precision!r}."
        )
    if name is None:
        if precision != "auto":
            raise InputError(
                f'The static encoder computes in one way: precision must be "auto"; got '
                f"{precision!r}. Leave it out."
            )
        return StaticEngine(built_in(), threads)
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"name must be None or the name of a model; got {name!r}.")
    raise MissingExtraError(f"TextEncoder({name!r}), a transformer,", extra="text")
