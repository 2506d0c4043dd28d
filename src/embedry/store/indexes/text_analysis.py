r"""The analyser behind text search: a text becomes the terms it is found by.

1. *Characters.* Unicode NFKC, one form for what looks the same; format characters (soft hyphens,
   joiners) vanish; letters, numbers and marks of any script make words, the rest parts them.
2. *Words.* Accents of Latin letters are folded, then case. English contractions lose their
   ending: ``user's`` -> ``user``.
3. *Names.* A compound is found by its parts and, so that an exact name wins, as a whole:
   ``json.dumps`` -> ``json.dumps json dumps``, ``parseHTTPResponse`` -> ``parsehttprespons pars
   http respons``. Where the parts are shorter than two characters on average they are no words
   (``3.14``, ``B2B``, a hash): only the whole is kept, and scores stay sane.
4. *Chinese, Japanese, Korean.* Overlapping pairs of characters, which need no dictionary.
5. *English endings.* The inflections of a word fall together (``boxes``, ``box``; ``hoping``,
   ``hope``), its derivations do not (``relate``, ``relational``). Rules of the Porter2 stemmer:
   steps 1a, 1b, 1c and 5, without the derivational steps 2 to 4. ASCII words alone.

A text keeps its stop words, so that *to be or not to be* can be found; a query drops them
(`analyse_query`) unless it has nothing else.

What it is not: a tokenizer for models (see ``embedry.encode``), or a linguist. Scripts written
without spaces other than those named, such as Thai, are not divided into words; languages other
than English keep their endings.

References
----------
M. F. Porter, "Porter2: the English stemming algorithm", snowballstem.org, 2001.
D. Harman, "How effective is suffixing?", JASIS 42(1), 1991: why light stemming is enough.
J.-Y. Nie, J. Gao, J. Zhang, M. Zhou, "On the use of words and n-grams for Chinese information
retrieval", IRAL 2000: pairs of characters do as well as words.
The Unicode Consortium, "Unicode Standard Annex 15: Unicode normalization forms".
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import final

__all__ = ["ANALYSER_VERSION", "STOP_WORDS", "analyse", "analyse_query", "stem"]

ANALYSER_VERSION = 1  # to be raised with any change of the terms: what was indexed is then stale

STOP_WORDS = frozenset(
    """
    a an and are as at be but by did do does for from had has have he her his how i if in into is
    it its me my no not of on or our she so such than that the their them then there these they
    this those to was we were what when where which who whom why with you your
    """.split()  # noqa: SIM905 (seventy quoted words read worse)
)


def analyse(text: str) -> list[str]:
    """Return the terms of a text, in order, stop words and repetitions included.

    Parameters
    ----------
    text : str
        Any text, even one with lone surrogates.

    Returns
    -------
    list of str
        Empty if the text has no letter and no number.

    Notes
    -----
    Time is linear in the length of the text; the terms of up to 131,072 distinct words are
    remembered (about 30 MB), so that a frequent word costs one look-up.
    ``analyse(f"{a} {b}") == analyse(a) + analyse(b)``.

    Examples
    --------
    >>> analyse("The user's boxes, at a café")
    ['the', 'user', 'box', 'at', 'a', 'cafe']
    >>> analyse("call json.dumps")
    ['call', 'json.dumps', 'json', 'dump']
    >>> analyse("東京都")
    ['東京', '京都']
    """
    return [term for chunk in _CHUNK.findall(text) for term in _REMEMBERED[chunk]]


def analyse_query(text: str) -> list[str]:
    """Return the terms of a query: those of `analyse`, without stop words if others remain.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str

    Examples
    --------
    >>> analyse_query("who wrote the book")
    ['wrote', 'book']
    >>> analyse_query("The Who")
    ['the', 'who']
    """
    terms = analyse(text)
    return [term for term in terms if term not in STOP_WORDS] or terms


# Chunks: what stands between the ASCII characters that are in no word ----------------------------

# One full stop or apostrophe may stand inside a chunk. It can hold any other character: only what
# is plain in ASCII is decided here, as a pattern alone, because every text passes through it.
_CHUNK = re.compile(r"[^\x00-/:-@\[-^`{-\x7f]+(?:[.'][^\x00-/:-@\[-^`{-\x7f]+)*")

_CJK = (
    "\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
_CJK_RUN = re.compile(f"([{_CJK}]+)")
_CONTRACTION = re.compile(r"(?<=\w)'(?:s|m|d|ll|re|ve)\b|(?<=n)'(?=t\b)", re.IGNORECASE)
_PLURAL = re.compile(r"(?<=[A-Z]{2})s\b")  # of PDFs, where the stemmer sees no vowel
_WORD = re.compile(r"[^\s.']+(?:\.[^\s.']+)*")  # one full stop may stand inside a word
_ZERO_WIDTH_SPACE = "\u200b"


def _chunk_terms(chunk: str) -> tuple[str, ...]:
    """Return the terms of a chunk."""
    if chunk.isascii() and chunk.isalpha() and chunk[1:].islower():
        return (stem(chunk.lower()),)  # by far the most frequent case
    plain = "".join(map(_plain, unicodedata.normalize("NFKC", chunk)))
    if "'" in plain:
        plain = _CONTRACTION.sub("", plain)
    terms: list[str] = []
    for word in _WORD.findall(_PLURAL.sub("", plain)):
        # the pattern captures, so that every second piece is a run of CJK characters
        for number, piece in enumerate(_CJK_RUN.split(word)):
            terms += _pairs(piece) if number % 2 else _word_terms(piece)
    return tuple(terms)


@final
class _Remembered(dict[str, tuple[str, ...]]):
    """The terms of chunks seen before; forgets all of them when full.

    A frequent word is back at once, and a dict answers twice as fast as `functools.lru_cache`,
    which would note the order of use. Each step is one operation of a dict, so threads may share
    it.
    """

    __slots__ = ()
    most = 2**17
    longest = 64  # longer chunks are rare, so not worth the memory that they would hold

    def __missing__(self, chunk: str) -> tuple[str, ...]:
        terms = _chunk_terms(chunk)
        if len(chunk) <= self.longest:
            if len(self) >= self.most:
                self.clear()
            self[chunk] = terms
        return terms


_REMEMBERED = _Remembered()


@lru_cache(4096)
def _plain(character: str) -> str:
    """Return a character as words are made of, a space for what parts words, or nothing."""
    category = unicodedata.category(character)
    if category[0] in "LNM" or character in "_.'":
        return character
    if character == "\N{RIGHT SINGLE QUOTATION MARK}":
        return "'"
    return "" if category == "Cf" and character != _ZERO_WIDTH_SPACE else " "


def _pairs(run: str) -> list[str]:
    """Return the overlapping pairs of a run of CJK characters; a single one as it is."""
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


# Words and names ---------------------------------------------------------------------------------

_PART = re.compile(
    r"""[A-Z]{2,}s(?![a-z])          # the URLs of URLsOfPage
      | [A-Z]+(?![a-z])              # the HTTP of HTTPResponse
      | [A-Z]?[a-z]+                 # the rest of it, parse
      | [0-9]+ """,
    re.VERBOSE,
)
_INITIALS = re.compile(r"[A-Za-z](?:\.[A-Za-z])+")  # U.S.A, to be found as USA
_SHORTEST_PARTS = 2

_ACCENTS = re.compile("(?<=[a-z])[\u0300-\u036f]+")
_LETTERS = str.maketrans(  # Latin letters that Unicode does not decompose
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i"}
)


def _word_terms(word: str) -> list[str]:
    """Return the whole of a word or name, and its parts if it has several that are words."""
    word = word.strip("._")
    if not any(map(str.isalnum, word)):
        return []
    if _INITIALS.fullmatch(word):
        word = word.replace(".", "")
    whole = stem(_folded(word))
    parts = [part for piece in re.split("[._]+", word) for part in _parts(piece)]
    if len(parts) == 1 or sum(map(len, parts)) < _SHORTEST_PARTS * len(parts):
        return [whole]
    return [whole, *(stem(_folded(part)) for part in parts)]


def _parts(piece: str) -> list[str]:
    # names of programs are written in ASCII; of other letters we would not know the case
    return _PART.findall(piece) if piece.isascii() else [piece]


def _folded(word: str) -> str:
    """Return a word without case and without the accents of its Latin letters."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFD", word.casefold().translate(_LETTERS))
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))


# English endings ---------------------------------------------------------------------------------

_ENDINGS = frozenset("sdgyel")  # the last letters that any rule asks for
_IRREGULAR = {"dying": "die", "lying": "lie", "tying": "tie", "skies": "sky", "skis": "ski"} | {
    word: word for word in ("andes", "atlas", "bias", "cosmos", "news", "sky")
}
# embed is ours: Porter2 would part it from its own forms, as emb from embed
_NO_INFLECTION = frozenset(
    "canning earring embed evening exceed herring inning outing proceed succeed".split()  # noqa: SIM905
)

_CONSONANT_Y = re.compile("^y|(?<=[aeiouy])y")  # written Y in what follows
_VOWEL = re.compile("[aeiouy]")
_REGION = re.compile("[aeiouy][^aeiouy]")  # a region begins after the first match
_INFLECTION = re.compile("(?:eed|eedly|ed|edly|ing|ingly)$")
_DOUBLE = re.compile("(?:bb|dd|ff|gg|mm|nn|pp|rr|tt)$")
_SHORT_SYLLABLE = re.compile("(?:[^aeiouy][aeiouy][^aeiouywxY]|^[aeiouy][^aeiouy])$")


def stem(word: str) -> str:
    """Return a lower-case English word without its inflections.

    Words with other than ASCII letters, of one or two letters, and stop words stay as they are.

    Parameters
    ----------
    word : str

    Returns
    -------
    str
        A key that the inflections of a word share; often no word itself.

    References
    ----------
    M. F. Porter, "Porter2", 2001, steps 1a, 1b, 1c and 5, and its exceptions to them.

    Examples
    --------
    >>> [stem(word) for word in ("cache", "caches", "cached", "caching")]
    ['cach', 'cach', 'cach', 'cach']
    >>> stem("relational"), stem("hopping"), stem("hoping")
    ('relational', 'hop', 'hope')
    """
    if len(word) <= 2 or word[-1] not in _ENDINGS or word in STOP_WORDS:
        return word
    if not (word.isascii() and word.isalpha()):
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    word = _without_plural(_CONSONANT_Y.sub("Y", word))
    if word in _NO_INFLECTION:
        return word
    first, second = _regions(word)
    word = _without_inflection(word, first)
    if len(word) > 2 and word[-1] in "yY" and not _VOWEL.match(word[-2]):
        word = word[:-1] + "i"
    return _without_last(word, first, second).lower()


def _regions(word: str) -> tuple[int, int]:
    """Return where the regions R1 and R2 of a word begin; its length if they are empty."""
    found = _REGION.search(word)
    first = found.end() if found else len(word)
    found = _REGION.search(word, first)
    return first, found.end() if found else len(word)


def _without_plural(word: str) -> str:
    """Step 1a."""
    if word.endswith("sses"):
        return word[:-2]
    if word.endswith(("ied", "ies")):
        return word[:-2] if len(word) > 4 else word[:-1]
    if word.endswith("s") and not word.endswith(("us", "ss")) and _VOWEL.search(word[:-2]):
        return word[:-1]
    return word


def _without_inflection(word: str, first: int) -> str:
    """Step 1b: -ed, -ing and their adverbs."""
    ending = _INFLECTION.search(word)
    if ending is None:
        return word
    rest = word[: ending.start()]
    if ending[0].startswith("eed"):
        return rest + "ee" if ending.start() >= first else word
    if not _VOWEL.search(rest):
        return word
    if _DOUBLE.search(rest):
        return rest if len(rest) == 3 and rest[0] in "aeo" else rest[:-1]  # add, egg, odd
    # Porter2 asks more before it gives an e back; without steps 2 to 4, step 5 makes up for it
    return rest + "e" if _SHORT_SYLLABLE.search(rest) else rest


def _without_last(word: str, first: int, second: int) -> str:
    """Step 5: a silent e, a doubled l."""
    last, rest = len(word) - 1, word[:-1]
    if word.endswith("e"):
        silent = last >= second or (last >= first and not _SHORT_SYLLABLE.search(rest))
        return rest if silent else word
    return rest if word.endswith("ll") and last >= second else word
