"""A server that is asked over HTTP: requests that are tried again, and errors without secrets.

What it is: one POST with patience. What it is not: a queue; the requests that go out at once are
counted by whoever sends them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from embedry.encode.remote.patience import asked_pause, pause_before
from embedry.errors import MissingExtraError, RemoteError

if TYPE_CHECKING:
    from threading import Event

    import httpx

    from embedry.encode.remote.key import Key

__all__ = ["Server"]

AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_OK = 200
_WANTS_KEY = frozenset({401, 403})
_SHOWN = 300  # characters of what a server says


@dataclass
class Server:
    """Where requests go.

    Parameters
    ----------
    url : str
        Of the API, such as ``"https://api.openai.com/v1"``.
    key : Key
    timeout : float
        Seconds for one try.
    retries : int
        How many times to try again.
    """

    url: str
    key: Key
    timeout: float
    retries: int
    _client: httpx.Client | None = field(default=None, repr=False)

    def post(self, path: str, body: dict[str, Any], stop: Event) -> Any:
        """Send a request, and again while the server is busy or out of reach.

        Parameters
        ----------
        path : str
            Behind the URL, such as ``"embeddings"``.
        body : dict
        stop : Event
            Once it is set, nothing is tried again.

        Returns
        -------
        object
            The body of the answer, as JSON gives it.

        Raises
        ------
        RemoteError
            If it refuses, or none of the tries succeeds; with the status where there is one.
            What it says is not freed of the key yet; see `Key.hushed`.
        InputError
            If the key cannot be sent.
        MissingExtraError
            If httpx is not installed.
        """
        for attempt in range(self.retries + 1):
            try:
                return self._once(path, body)
            except RemoteError as error:
                last = attempt == self.retries or not error.again
                if last or stop.wait(pause_before(attempt, error.wait)):
                    tries = f" after {attempt + 1} tries" if attempt else ""
                    message = f"{self.url} did not answer{tries}: {error}"
                    raise RemoteError(message, status=error.status) from None
        raise AssertionError  # the last try returned or raised

    def _once(self, path: str, body: dict[str, Any]) -> Any:
        httpx = _httpx()
        headers = self.key.headers()
        try:
            answer = self._connected().post(
                f"{self.url.rstrip('/')}/{path}", json=body, headers=headers
            )
        except httpx.HTTPError as error:
            what = f"{type(error).__name__} {error}".strip()
            raise RemoteError(what, again=True) from None
        if answer.status_code == _OK:
            return _read(answer)
        advice = f" {self.key.advice()}" if answer.status_code in _WANTS_KEY else ""
        said = self.key.hushed(answer.text.strip())[:_SHOWN] or "no word"
        raise RemoteError(
            f"status {answer.status_code}, {said}.{advice}",
            status=answer.status_code,
            again=answer.status_code in AGAIN,
            wait=asked_pause(answer.headers.get("retry-after")),
        )

    def _connected(self) -> httpx.Client:
        if self._client is None:
            self._client = _httpx().Client(timeout=self.timeout)
        return self._client


def _read(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except (ValueError, RecursionError):
        raise RemoteError(f"The server must answer in JSON; got {answer.text!r}.") from None


def _httpx() -> Any:
    try:
        import httpx
    except ImportError as error:
        raise MissingExtraError("RemoteEncoder", extra="remote") from error
    return httpx
