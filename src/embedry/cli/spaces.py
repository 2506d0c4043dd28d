"""Opening the MODEL of a command: a file of Embedry, or one that another tool wrote.

What it is: the choice of the reader, by what the file begins with and by how its name ends. What
it is not: the reading (see ``embedry.learn.modelfile`` and ``embedry.exchange``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from unicodedata import normalize

import typer

from embedry.cli.arguments import known_id
from embedry.embeddings import Embeddings
from embedry.errors import FileFormatError, InputError
from embedry.learn.modelfile import can_load, load

if TYPE_CHECKING:
    from embedry.ids import Id

__all__ = ["Format", "FormatName", "Mend", "ModelFile", "Space", "open_space"]


class Format(StrEnum):
    """The formats that a MODEL may have."""

    AUTO = "auto"
    EMBEDRY = "embedry"
    WORD2VEC = "word2vec"
    WORD2VEC_BINARY = "word2vec-binary"
    GLOVE = "glove"
    FASTTEXT = "fasttext"
    PARQUET = "parquet"


ModelFile = Annotated[
    Path,
    typer.Argument(help="What fit or save wrote; or .vec, .txt, .bin (perhaps .gz) or .parquet."),
]
FormatName = Annotated[
    Format, typer.Option("--format", help="Of MODEL, where its name and beginning do not tell.")
]
Mend = Annotated[
    bool, typer.Option("--mend", help="Leave out words that repeat or are not UTF-8; counted.")
]

_FASTTEXT = (793712314).to_bytes(4, "little")  # how a model of fastText begins
_SIZES = re.compile(rb"\s*[0-9]+\s+[0-9]+\s*")
_BY_SUFFIX = {
    ".vec": Format.WORD2VEC,
    ".txt": Format.GLOVE,
    ".bin": Format.WORD2VEC_BINARY,
    ".parquet": Format.PARQUET,
}


@dataclass(frozen=True, eq=False)
class Space:
    """Vectors with names, and the model they come from.

    Attributes
    ----------
    embeddings : Embeddings
        Of a model of taste, those of its items.
    model : object
        What the file held: a fitted learner or Embeddings.
    path : Path
    form : Format
        Never ``AUTO``.
    """

    embeddings: Embeddings
    model: Any
    path: Path
    form: Format

    def known(self, text: str) -> Id:
        """Return the id that a text means.

        Parameters
        ----------
        text : str

        Returns
        -------
        str or int
            The text as it stands; else the number it writes, else the text in NFC, else that in
            lower case, where only that is known.
        """
        id = known_id(self.embeddings, text)
        others = (normalize("NFC", text), normalize("NFC", text.lower()))
        return next((form for form in (id, *others) if form in self.embeddings), id)

    def placed(self, word: str) -> Embeddings | None:
        """Return a word that was not learned, placed by its n-grams.

        Parameters
        ----------
        word : str

        Returns
        -------
        Embeddings or None
            One row of this space; None where the model has no n-grams, or none of the word's.

        Raises
        ------
        InputError
            If a model of fastText knows none of its n-grams.
        """
        from embedry.learn.word2vec import Word2Vec

        if self.form is Format.FASTTEXT:
            return Embeddings.read_fasttext(self.path, [word])
        if not isinstance(self.model, Word2Vec) or self.model.subwords is None:
            return None
        encoded = self.model.encode([word], role="word")
        return Embeddings([word], encoded.vectors, encoded.card) if encoded.placed[0] else None


def open_space(path: Path, form: Format = Format.AUTO, *, mend: bool = False) -> Space:
    """Read the vectors of a file.

    Parameters
    ----------
    path : Path
        A file of Embedry is told by its beginning, whatever its name. Others are told by their
        names, ``.gz`` put aside: ``.vec`` is word2vec's text; ``.txt`` is that where its first
        line is two whole numbers, and else GloVe's; ``.bin`` is fastText's where it begins so,
        and else word2vec's; ``.parquet`` is Parquet.
    form : Format
        ``AUTO`` to tell as above.
    mend : bool
        Leave out words that repeat or are not UTF-8, which are refused otherwise.

    Returns
    -------
    Space

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputError
        If it is a folder, its numbers or words are not what must hold, or a model has no vectors.
    FileFormatError
        If it is of another format, or damaged.
    MissingExtraError
        If it is Parquet and pyarrow is not installed.
    """
    if path.is_dir():
        raise InputError(f"MODEL must be a file; {path} is a folder.")
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}.")
    told = _told(path) if form is Format.AUTO else form
    model = _read(path, told, mend=mend)
    return Space(_embeddings_of(model, path), model, path, told)


def _told(path: Path) -> Format:
    """Tell the format from the beginning and the name; a name that says nothing is Embedry's."""
    if can_load(path):
        return Format.EMBEDRY
    packed = path.suffix.lower() == ".gz"
    suffix = (path.with_suffix("") if packed else path).suffix.lower()
    form = _BY_SUFFIX.get(suffix, Format.EMBEDRY)
    first = b"" if packed and suffix != ".txt" else _first_line(path)
    if suffix == ".txt" and _SIZES.fullmatch(first):
        return Format.WORD2VEC
    return Format.FASTTEXT if suffix == ".bin" and first.startswith(_FASTTEXT) else form


def _first_line(path: Path) -> bytes:
    from embedry.exchange.opened import read_from
    from embedry.exchange.words import MARK

    with read_from(path) as source:
        return source.file.readline(1000).removeprefix(MARK)


def _read(path: Path, form: Format, *, mend: bool) -> Any:
    if form is Format.EMBEDRY:
        return _load(path)
    if form is Format.PARQUET:
        return Embeddings.from_parquet(path)
    how: dict[str, Any] = {"errors": "skip", "repeats": "skip"} if mend else {}
    if form is Format.FASTTEXT:
        return Embeddings.read_fasttext(path, **how)
    if form is Format.GLOVE:
        return Embeddings.read_glove(path, **how)
    return Embeddings.read_word2vec(path, binary=form is Format.WORD2VEC_BINARY, **how)


def _load(path: Path) -> Any:
    try:
        return load(path)
    except FileFormatError as error:
        raise FileFormatError(
            f"{error} If another tool wrote it, pass --format: "
            f"{', '.join(f.value for f in Format if f not in {Format.AUTO, Format.EMBEDRY})}.",
            path=path,
        ) from error


def _embeddings_of(model: Any, path: Path) -> Embeddings:
    if isinstance(model, Embeddings):
        return model
    for name in ("embeddings_", "item_embeddings_"):
        if hasattr(model, name):
            found: Embeddings = getattr(model, name)
            return found
    raise InputError(f"{path} must hold vectors; {_use_of(model)}")


def _use_of(model: Any) -> str:
    """Say what a model without vectors of its own is good for."""
    from embedry.learn.taste.learner import TasteLearner

    name = type(model).__name__
    if isinstance(model, TasteLearner):
        return f"{name} has no vectors. Use it with --taste, or fit als, bpr or itemvec."
    return f"{name} makes vectors and keeps none. Make and save them in Python."
