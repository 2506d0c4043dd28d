"""Laws of new folders: whole or not at all, and nothing is replaced."""

import pytest

from embedry.errors import InputError
from embedry.learn.finetune.folder import check_new_folder, new_folder


def fill(folder):
    (folder / "part").mkdir()
    (folder / "part" / "weights").write_bytes(b"1")
    (folder / "part" / "weights").chmod(0o600)
    (folder / "config.json").write_text("{}")


@pytest.mark.parametrize("is_there", [False, True])
def test_new_folder_appears_whole(tmp_path, is_there):
    """Beside nothing else; an empty folder may be there; files get the mode of others."""
    out = tmp_path / "out"
    if is_there:
        out.mkdir()
    with new_folder(check_new_folder(out)) as aside:
        fill(aside)
        assert not (out / "config.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (out / "part" / "weights").read_bytes() == b"1"
    plain = (out / "config.json").stat().st_mode
    assert (out / "part" / "weights").stat().st_mode == plain


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_new_folder_leaves_nothing_when_stopped(tmp_path, error):
    """Neither the folder nor what was aside."""

    def stopped():
        with new_folder(tmp_path / "out") as aside:
            fill(aside)
            raise error

    with pytest.raises(error):
        stopped()
    assert list(tmp_path.iterdir()) == []


def test_check_new_folder_refuses_what_is_there(tmp_path):
    """A file, a folder with something in it, a link to nowhere."""
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "full", "link", "."):
        with pytest.raises(InputError, match="must be a new folder"):
            check_new_folder(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="Make it first"):
        check_new_folder(tmp_path / "a" / "b")
    with pytest.raises(InputError, match="path"):
        check_new_folder(7)
