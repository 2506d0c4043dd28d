"""What a file of text must begin with: UTF-8, not the bytes of something else.

What it is: a look at the first bytes, so that UTF-16 or a packed file is refused instead of being
read as strange words; and the reading of small files whole. What it is not: a guess of the
encoding; single bytes that are not UTF-8 are for the reader to count or refuse.
"""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING

from embedry.errors import FileFormatError, InputError
from embedry.files import existing_file, unpacked

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check_text", "read_text"]

_MARKS = {  # UTF-32 first: its mark begins with that of UTF-16
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_PACKERS = {
    b"BZh91AY&SY": "bzip2",
    b"PK\x03\x04": "zip",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_PARQUET = b"PAR1"
_MOST_ZEROS = 0.01  # of UTF-16, a fifth at least in scripts that have blanks; of text, none


def check_text(path: str | Path, first: bytes) -> None:
    """Refuse a file whose first bytes say that it is no UTF-8 text.

    Parameters
    ----------
    path : str or Path
        For the message.
    first : bytes
        What it begins with, unpacked: a few bytes at least, where it has them.

    Raises
    ------
    FileFormatError
        If it begins with the mark of UTF-16 or UTF-32, of a packer or of Parquet, or more than
        one byte in a hundred is 0.

    Examples
    --------
    >>> check_text("a.txt", b"the cat sat")
    >>> check_text("a.txt", "the cat sat".encode("utf-16"))
    Traceback (most recent call last):
        ...
    embedry.errors.FileFormatError: a.txt must be UTF-8 text; it is marked as UTF-16. ...
    """
    if first.startswith(_PARQUET):
        raise _refused(path, "it is a Parquet file. Pass it to from_parquet, or write it as text.")
    for mark, name in _PACKERS.items():
        if first.startswith(mark):
            raise _refused(path, f"it is packed by {name}. Unpack it, or pack it with gzip.")
    for mark, name in _MARKS.items():
        if first.startswith(mark):
            raise _refused(path, f"it is marked as {name}. {_convert(name)}")
    zeros = first.count(0)
    if zeros > _MOST_ZEROS * len(first):
        raise _refused(
            path,
            f"{zeros} of its first {len(first)} bytes are 0, as in UTF-16. {_convert('UTF-16LE')}",
        )


def read_text(path: str | Path) -> str:
    r"""Read a small text file whole, gzipped or not.

    Parameters
    ----------
    path : str or Path
        UTF-8; a byte order mark is passed over.

    Returns
    -------
    str
        With ``\n`` at the end of each line.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputError
        If a byte is not UTF-8.
    FileFormatError
        As `check_text`; or if it is gzipped and damaged or ends early.
    """
    path = existing_file(path, "a text file")
    with path.open("rb") as raw, unpacked(path, raw) as file:
        data = file.read()
    check_text(path, data)
    try:
        return io.TextIOWrapper(io.BytesIO(data), "utf-8-sig").read()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} must be UTF-8 text; {error}. Convert it first.") from error


def _convert(name: str) -> str:
    return f"Convert it first: iconv -f {name} -t UTF-8."


def _refused(path: str | Path, why: str) -> FileFormatError:
    return FileFormatError(f"{path} must be UTF-8 text; {why}", path=path)
