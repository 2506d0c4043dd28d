"""RemoteEncoder: text through a server that speaks the embeddings protocol of OpenAI.

What it is: an encoder like any other, with a card; requests in batches, several at once, tried
again with patience. What it is not: blind trust. What a server serves under a name can change: at
the first contact a few probe texts are encoded, and their vectors are part of the card. A server
that serves another model, or the same one otherwise, is refused by whoever kept the card.

References
----------
OpenAI, API reference, "Create embeddings".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import numpy as np

from embedry.card import Card, Operation, Probes, check, fingerprint
from embedry.encode.encoder import Encoded
from embedry.encode.probes import PROBE_PARTS, PROBE_TEXTS
from embedry.encode.remote.key import Key
from embedry.encode.remote.replies import Reply, read_reply
from embedry.encode.remote.server import Server
from embedry.encode.texts import as_texts
from embedry.errors import FileFormatError, InputError, RemoteError
from embedry.files import read_arrays, write_arrays
from embedry.progress import bar
from embedry.settings import real_number, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["RemoteEncoder"]

KIND = "remote"
_MOST_TEXTS, _MOST_AT_ONCE = 2048, 64
_SHOWN = 500  # characters of an error


class RemoteEncoder:
    """Encode text by a server: OpenAI's, or any that speaks its protocol.

    For example Text Embeddings Inference, vLLM, llama.cpp, Ollama, infinity, or a gateway.

    Parameters
    ----------
    model : str
        As the server calls it.
    url : str
        Of the API, such as ``"http://localhost:8080/v1"``.
    dims : int, optional
        The width to ask for, of models that can be cut; else the model's own.
    prompts : mapping of role to str, optional
        What is put before a text, such as ``{"query": "query: ", "document": "passage: "}``.
    key_variable : str or None
        The environment variable that holds the key. The key itself is read when it is needed and
        is in no card, file, message or representation. None sends none. An encoder out of a file
        sends it only to hosts named in ``EMBEDRY_TRUSTED_HOSTS``, as files may come from anybody.
    batch : int
        Texts a request, in [1, 2048].
    concurrency : int
        Requests at once, in [1, 64].
    timeout : float
        Seconds for one try.
    retries : int
        Tries after the first, when the server is busy (429, 5xx) or out of reach, with growing
        pauses or as ``Retry-After`` asks.

    Attributes
    ----------
    card : Card
        The space; asking for it asks the server, once.
    tokens_used_ : int
        What the server says it has read so far.

    Raises
    ------
    InputError
        If a setting is out of range.

    Notes
    -----
    Nothing is sent before `card` or `encode` is asked for. Whether a server cuts long texts it
    does not say: ``truncated`` is 0, and `embedry.chunk` keeps texts short.

    Examples
    --------
    >>> from embedry import RemoteEncoder
    >>> RemoteEncoder("bge-m3", url="http://localhost:8080/v1", concurrency=8)
    RemoteEncoder('bge-m3', url='http://localhost:8080/v1')
    """

    def __init__(
        self,
        model: str,
        *,
        url: str,
        dims: int | None = None,
        prompts: Mapping[str, str] | None = None,
        key_variable: str | None = "OPENAI_API_KEY",
        batch: int = 64,
        concurrency: int = 4,
        timeout: float = 60.0,
        retries: int = 5,
    ) -> None:
        self.model = _text("model", model)
        self.url = _web("url", url)
        self.dims = None if dims is None else whole_number("dims", dims, 1, 100_000)
        self.prompts = _prompts(prompts)
        self.key_variable = None if key_variable is None else _text("key_variable", key_variable)
        self.batch = whole_number("batch", batch, 1, _MOST_TEXTS)
        self.concurrency = whole_number("concurrency", concurrency, 1, _MOST_AT_ONCE)
        self.timeout = real_number("timeout", timeout, 1e-3, 1e5)
        self.retries = whole_number("retries", retries, 0, 100)
        self.tokens_used_ = 0
        self._key = Key(self.key_variable, self.url)
        self._server = Server(self.url, self._key, self.timeout, self.retries)
        self._base64 = True
        self._known: Card | None = None  # of a file: what the server must still serve
        self._card: Card | None = None

    def __repr__(self) -> str:
        return f"RemoteEncoder({self.model!r}, url={self.url!r})"

    @property
    def card(self) -> Card:
        """The space of its vectors, as the server serves it now.

        Raises
        ------
        RemoteError
            If the server refuses or is out of reach.
        ForeignSpaceError
            If this encoder comes from a file, and the server serves another space by now.
        MissingExtraError
            If httpx is not installed.
        """
        if self._card is None:
            probes = [
                self._prompted(text, role)
                for role, part in PROBE_PARTS
                for text in PROBE_TEXTS[part]
            ]
            vectors = self._vectors(probes)
            card = self._card_of(vectors)
            if self._known is not None:
                check(card, self._known, Operation.STORE)
                card = self._known
            self._card = card
        return self._card

    def encode(self, items: Iterable[str], role: str = "document") -> Encoded:
        """Return the vectors of texts, in order.

        Parameters
        ----------
        items : iterable of n str
        role : {"document", "query"}
            With the prompt of that role before each text.

        Returns
        -------
        Encoded
            ``vectors`` (n, dims) float32. An empty text is not sent: its row is zeros, and it is
            counted.

        Raises
        ------
        InputError
            If ``items`` is a single str, something in it is no str, or there is no such role.
        RemoteError
            If the server refuses, answers what it must not, or is out of reach.
        ForeignSpaceError, MissingExtraError
            As `card`.

        Notes
        -----
        Where one request fails, and when interrupted, no more are sent, and none is tried again.
        Characters that are no Unicode by themselves (lone surrogates) are sent as U+FFFD.
        """
        texts = as_texts(items)
        if role not in ("document", "query"):
            raise InputError(f"role must be document or query; got {role!r}.")
        card = self.card
        filled = [place for place, text in enumerate(texts) if text.strip()]
        vectors = np.zeros((len(texts), card.dims), np.float32)
        if filled:
            found = self._vectors([self._prompted(texts[place], role) for place in filled])
            if found.shape[1] != card.dims:
                raise RemoteError(
                    f"{self.url} must give {card.dims} dims, as at first; got {found.shape[1]}."
                )
            vectors[filled] = found
        return Encoded(vectors, card, empty=len(texts) - len(filled))

    def save(self, path: str | Path) -> None:
        """Write the settings and the card into one file that `embedry.load` reads; never a key.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        OSError
            If it cannot be written; what was there stays.
        RemoteError, MissingExtraError
            If the server was not asked before, as `card`.
        """
        settings = {
            name: getattr(self, name)
            for name in (
                "model", "url", "dims", "prompts", "key_variable", "batch", "concurrency",
                "timeout", "retries",
            )
        }  # fmt: skip
        write_arrays(path, KIND, {"card": self.card.to_dict(), "settings": settings}, {})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote; the server is asked when a text is encoded.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        RemoteEncoder

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileFormatError
            If it is something else, or damaged.
        """
        file = read_arrays(path, KIND)
        try:
            encoder = cls(**file.header["settings"])
            encoder._known = Card.from_dict(file.header["card"])
            encoder._key = Key(encoder.key_variable, encoder.url, out_of_file=True)
            encoder._server.key = encoder._key
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"{path} is damaged: {error}", path=path) from error
        return encoder

    def _card_of(self, vectors: NDArray[np.float32]) -> Card:
        """Return a card whose identity is what the server gave for the probes."""
        settings = {
            "model": self.model,
            "url": self.url,
            **{f"prompt.{role}": prompt for role, prompt in self.prompts.items()},
        }
        return Card(
            KIND,
            vectors.shape[1],
            "cosine",
            fingerprint(KIND, list(PROBE_TEXTS), vectors, sorted(self.prompts.items())),
            ("document", "query"),
            settings=tuple(settings.items()),
            runtime=KIND,
            probes=Probes.of(PROBE_TEXTS, vectors),
        )

    def _prompted(self, text: str, role: str) -> str:
        whole = self.prompts.get(role, "") + text
        return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors of texts, asked for in batches, several at once."""
        parts = [texts[first : first + self.batch] for first in range(0, len(texts), self.batch)]
        pool, stop = ThreadPoolExecutor(min(self.concurrency, len(parts))), Event()
        with bar(f"Encoding by {self.model}", len(texts)) as advance:
            asked = {pool.submit(self._asked, part, stop): len(part) for part in parts}
            try:
                for answer in as_completed(asked):
                    answer.result()
                    advance(asked[answer])
            finally:
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
        replies = [answer.result() for answer in asked]
        self.tokens_used_ += sum(reply.tokens for reply in replies)
        widths = sorted({reply.vectors.shape[1] for reply in replies})
        if len(widths) != 1 or (self.dims or widths[0]) != widths[0]:
            wanted = f"{self.dims} dims" if self.dims else "vectors of one width"
            raise RemoteError(f"{self.url} must give {wanted}; got {', '.join(map(str, widths))}.")
        return np.concatenate([reply.vectors for reply in replies])

    def _asked(self, texts: Sequence[str], stop: Event) -> Reply:
        """Ask for one batch; whatever goes wrong, the key is not in what is said."""
        try:
            return self._once(texts, stop)
        except RemoteError as error:
            said = self._key.hushed(str(error))[:_SHOWN]
            raise RemoteError(said, status=error.status) from None

    def _once(self, texts: Sequence[str], stop: Event) -> Reply:
        """Ask for one batch; a server that knows no base64 is asked for numbers from then on."""
        body: dict[str, object] = {"model": self.model, "input": list(texts)}
        if self.dims is not None:
            body["dimensions"] = self.dims
        if self._base64:
            try:
                packed = {**body, "encoding_format": "base64"}
                return read_reply(self._server.post("embeddings", packed, stop), len(texts))
            except RemoteError as error:
                if error.status not in {400, 422}:
                    raise
        reply = read_reply(self._server.post("embeddings", body, stop), len(texts))
        self._base64 = False
        return reply


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{name} must be a text that is not empty; got {value!r}.")
    return value


def _web(name: str, value: object) -> str:
    url = _text(name, value)
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or any(mark in url for mark in "@?#"):
        raise InputError(
            f"{name} must be http:// or https://, a host and perhaps a port and a path, with no "
            "password or query (@, ?, #). Name the variable of the key by key_variable=."
        )
    return url


def _prompts(prompts: object) -> dict[str, str]:
    if prompts is None:
        return {}
    good = isinstance(prompts, Mapping) and all(
        role in ("document", "query") and isinstance(prompt, str)
        for role, prompt in prompts.items()
    )
    if not good:
        raise InputError(
            f"prompts must be a mapping of document and query to texts; got {prompts!r:.80}."
        )
    return dict(prompts)  # type: ignore[call-overload, no-any-return]
