"""The key of a server: read when it is needed, sent where it may go, and shown nowhere."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from embedry.errors import InputError

__all__ = ["TRUSTED", "Key"]

TRUSTED = "EMBEDRY_TRUSTED_HOSTS"  # hosts that encoders out of files may send keys to
_HIDDEN = "[key]"


@dataclass(frozen=True)
class Key:
    """A key in the environment.

    Parameters
    ----------
    variable : str or None
        Its name; None for a server that wants none.
    url : str
        Where it is to go.
    out_of_file : bool
        Whether a file named both. A file may come from anybody, and would send any variable to
        any host: the key then goes only to hosts named in ``EMBEDRY_TRUSTED_HOSTS``.
    """

    variable: str | None
    url: str
    out_of_file: bool = False

    @property
    def host(self) -> str:
        """The host of the server."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_held_back(self) -> bool:
        """Whether there is a key, and it may not go there."""
        trusted = {host.strip() for host in os.environ.get(TRUSTED, "").split(",")}
        return self.out_of_file and self._read() is not None and self.host not in trusted

    def headers(self) -> dict[str, str]:
        """Return the header that holds the key; none where there is none, or it may not go.

        Raises
        ------
        InputError
            If the key cannot stand in a header; the message names the variable alone.
        """
        key = self._read()
        if key is None or self.is_held_back:
            return {}
        if not key.isascii() or not key.isprintable():
            raise InputError(
                f"The environment variable {self.variable} must hold a key of printable ASCII "
                "characters; it holds others. Set it anew."
            )
        return {"Authorization": f"Bearer {key}"}

    def hushed(self, text: str) -> str:
        """Return a text without the key, in any of the forms it could have there."""
        key = self._read()
        if key is None:
            return text
        forms = (key, repr(key)[1:-1], json.dumps(key)[1:-1], quote(key, safe=""))
        for form in sorted(set(forms), key=len, reverse=True):
            text = text.replace(form, _HIDDEN)
        return text

    def advice(self) -> str:
        """Return what to do where the server wants a key."""
        if self.variable is None:
            return "Pass key_variable=, the environment variable that holds a key."
        if self.is_held_back:
            return (
                f"This encoder comes from a file, so {self.variable} is not sent to {self.host}: "
                f"set {TRUSTED}={self.host} if you trust it."
            )
        return f"Set the environment variable {self.variable} to a key that may ask."

    def _read(self) -> str | None:
        key = os.environ.get(self.variable, "").strip() if self.variable else ""
        return key or None
