"""Laws of small text files: packed or not they are the same, and what is no UTF-8 is refused."""

import gzip

import pytest

from embedry.data.text.encoding import read_text
from embedry.errors import FileFormatError, InputError
from embedry.trust.evaluate import read_analogies, read_labels, read_word_pairs


@pytest.mark.parametrize("name", ["text.txt", "text.gz"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_read_text_is_what_was_written(tmp_path, name, mark):
    """Gzipped or not, whatever its name; line ends become one kind, the mark goes."""
    data = f"{mark}café\r\nb\rc\n".encode()
    for written in (data, gzip.compress(data)):
        (tmp_path / name).write_bytes(written)
        assert read_text(tmp_path / name) == "café\nb\nc\n"


@pytest.mark.parametrize("read", [read_text, read_analogies, read_labels, read_word_pairs])
def test_readers_of_small_texts_refuse_alike(tmp_path, read):
    """A missing file, another encoding, UTF-16, and a packed file cut short."""
    with pytest.raises(FileNotFoundError, match="There is no file"):
        read(tmp_path / "f")
    (tmp_path / "f").write_bytes(b"caf\xe9 b c d\n")
    with pytest.raises(InputError, match="must be UTF-8 text"):
        read(tmp_path / "f")
    (tmp_path / "f").write_bytes("a b c d\n".encode("utf-16"))
    with pytest.raises(FileFormatError, match="UTF-16"):
        read(tmp_path / "f")
    (tmp_path / "f").write_bytes(gzip.compress(b"a b c d\n" * 9)[:-9])
    with pytest.raises(FileFormatError, match="whole gzip file"):
        read(tmp_path / "f")
