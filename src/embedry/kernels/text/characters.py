"""What BERT's tokenizer makes of each character of Unicode.

What it is: a table, a cell for each code point, of what is left of a character once controls are
taken out, accents stripped and capitals made small, and of what it is to a word. What it is not:
a property of Unicode. The tokenizer that such models were trained with, and are used with, takes
categories from Unicode 8 and small letters from Unicode 16, so that no version of Python's
``unicodedata`` gives the same: with that of Python 3.11, 560 characters differ, nearly all marks
and punctuation younger than 2015. The table is read off it by ``tools/read_characters`` and comes
with the package, so that a text has the same tokens, and a space the same fingerprint, under
every Python.

References
----------
The Unicode Standard, section 3.12 (the syllables of Hangul) and 3.11 (the order of marks).
Hugging Face `tokenizers` 0.23, ``normalizers/bert.rs`` and ``pre_tokenizers/bert.rs``.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Characters", "characters"]

FILE = "characters.npz"
POINTS = 0x110000
BLOCK = 128
SYLLABLES, LAST_SYLLABLE = 0xAC00, 0xD7A3

# A cell holds its kind in 3 bits. For letters, punctuation and what stands alone, 21 bits tell how
# far it is to what the character becomes, 8 bits the combining class of marks that stay. For
# sequences, 5 bits tell how long, 16 bits where in the pool.
LETTER = 0
SPACE = 1
NOTHING = 2
STOP = 3  # nothing, but marks are not put in order across it
PUNCTUATION = 4  # a word of its own
ALONE = 5  # a word of its own: Chinese
SEQUENCE = 6  # several characters
HANGUL = 7  # a syllable: two or three letters, by arithmetic


class Characters(NamedTuple):
    """The table, in two stages.

    Attributes
    ----------
    block_of : ndarray (8704,), uint16
        Which block holds the cells of each 128 code points.
    blocks : ndarray (blocks * 128,), uint32
        Cells.
    pool : ndarray (n,), uint32
        The code points of sequences.
    """

    block_of: NDArray[np.uint16]
    blocks: NDArray[np.uint32]
    pool: NDArray[np.uint32]

    def cells(self, points: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Return the cells of code points, of the same shape."""
        places = self.block_of[points // BLOCK].astype(np.int64) * BLOCK + points % BLOCK
        return np.asarray(self.blocks[places])


@cache
def characters() -> Characters:
    """Return the table, read once a process."""
    with (files("embedry.kernels.text") / FILE).open("rb") as file, np.load(file) as arrays:
        return Characters(arrays["block_of"], arrays["blocks"], arrays["pool"])
