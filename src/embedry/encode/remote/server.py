"""A server that is asked over HTTP: requests that are tried again, and errors without secrets.

What it is: one POST with patience. What it is not: a queue; the requests that go out at once are
counted by whoever sends them.

References
----------
RFC 9110, section 10.2.3 (Retry-After). M. Brooker, "Exponential Backoff and Jitter", 2015 (full
jitter).
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from embedry.errors import MissingExtraError, RemoteError

if TYPE_CHECKING:
    import httpx

__all__ = ["Server"]

AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds
_OK = 200
_SHOWN = 300  # characters of what a server says


@dataclass
class Server:
    """Where requests go.

    Parameters
    ----------
    url : str
        Of the API, such as ``"https://api.openai.com/v1"``.
    key_variable : str or None
        The environment variable that holds the key; read at each request, and kept nowhere.
    timeout : float
        Seconds for one try.
    retries : int
        How many times to try again.
    """

    url: str
    key_variable: str | None
    timeout: float
    retries: int
    _client: httpx.Client | None = field(default=None, repr=False)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send a request, and again while the server is busy or out of reach.

        Parameters
        ----------
        path : str
            Behind the URL, such as ``"embeddings"``.
        body : dict

        Returns
        -------
        object
            The body of the answer, as JSON gives it.

        Raises
        ------
        RemoteError
            If it refuses, or none of the tries succeeds; with the status where there is one.
        MissingExtraError
            If httpx is not installed.
        """
        problem = RemoteError("nothing was tried")
        for attempt in range(self.retries + 1):
            try:
                return self._once(path, body)
            except RemoteError as error:
                problem = error
                if not error.again or attempt == self.retries:
                    break
                time.sleep(_pause(attempt, error.wait))
        tries = f" after {attempt + 1} tries" if attempt else ""
        message = f"{self.url} did not answer{tries}: {problem}"
        raise RemoteError(message, status=problem.status) from problem

    def _once(self, path: str, body: dict[str, Any]) -> Any:
        httpx = _httpx()
        try:
            answer = self._connected().post(
                f"{self.url.rstrip('/')}/{path}", json=body, headers=self._headers()
            )
        except httpx.HTTPError as error:
            what = f"{type(error).__name__} {error}".strip()
            raise RemoteError(self._hushed(what), again=True) from None
        if answer.status_code == _OK:
            return self._read(answer)
        raise RemoteError(
            self._told(answer),
            status=answer.status_code,
            again=answer.status_code in AGAIN,
            wait=_asked_pause(answer.headers.get("retry-after")),
        )

    def _connected(self) -> httpx.Client:
        if self._client is None:
            self._client = _httpx().Client(timeout=self.timeout)
        return self._client

    def _key(self) -> str | None:
        return os.environ.get(self.key_variable) if self.key_variable else None

    def _headers(self) -> dict[str, str]:
        key = self._key()
        return {"Authorization": f"Bearer {key}"} if key else {}

    def _read(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise RemoteError(
                f"The server must answer in JSON; got {self._hushed(answer.text[:80])!r}."
            ) from None

    def _told(self, answer: httpx.Response) -> str:
        """Return what a refusal says, without the key."""
        said = self._hushed(answer.text.strip())[:_SHOWN]
        hint = ""
        if answer.status_code in {401, 403}:
            hint = (
                f" Set the environment variable {self.key_variable} to a key that may ask."
                if self.key_variable
                else " Pass key_variable=, the environment variable that holds a key."
            )
        return f"status {answer.status_code}, {said or 'no word'}.{hint}"

    def _hushed(self, text: str) -> str:
        key = self._key()
        return text.replace(key, "[key]") if key else text


def _httpx() -> Any:
    try:
        import httpx
    except ImportError as error:
        raise MissingExtraError("RemoteEncoder", extra="remote") from error
    return httpx


def _pause(attempt: int, asked: float | None) -> float:
    """Return the seconds to wait: as the server asks, else ever more, by chance."""
    if asked is not None:
        return min(asked, LONGEST_PAUSE)
    longest = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE)
    return random.uniform(longest / 2, longest)


def _asked_pause(header: str | None) -> float | None:
    """Return the seconds that ``Retry-After`` asks for: a number, or a moment."""
    if header is None:
        return None
    try:
        return max(float(header), 0.0)
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
