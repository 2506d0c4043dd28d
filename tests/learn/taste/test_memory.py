"""Laws of the memory that may be taken."""

import pytest

from embedry.errors import InputError
from embedry.learn.taste.memory import check_memory, physical_memory


def test_memory_of_a_container_bounds_that_of_the_machine(tmp_path):
    """The smaller of both counts; no file, or no number in it, is no bound."""
    machine = physical_memory(tmp_path / "none")
    assert machine > 1e8
    (tmp_path / "limit").write_text("1000000\n")
    assert physical_memory(tmp_path / "limit") == 1e6
    (tmp_path / "limit").write_text("max\n")
    assert physical_memory(tmp_path / "limit") == machine


def test_check_memory_says_how_many_items_fit():
    """What is refused would pass with the number of items that the message names."""
    check_memory(100, 14 * 100**2, 14 * 100**2)
    with pytest.raises(InputError, match=r"up to 99 items fit\), pass a larger memory="):
        check_memory(100, 14 * 100**2, 14 * 100**2 - 1)
    check_memory(99, 14 * 99**2, 14 * 100**2 - 1)
    with pytest.raises(InputError, match="must fit into memory"):
        check_memory(10**8, 14 * 10**16, None)
