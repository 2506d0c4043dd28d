"""The command `embedry split`: what to learn from and what to judge by, in files of their own."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from embedry.cli import arguments, show
from embedry.cli.stopped import StoppedError
from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedry.data.interactions import Interactions
    from embedry.data.splits import Split

__all__ = ["split"]

_PARTS = ("train", "validation", "test")


class How(StrEnum):
    """Ways to split."""

    RANDOM = "random"
    LEAVE_ONE_OUT = "leave-one-out"
    TEMPORAL = "temporal"
    COLD_ITEMS = "cold-items"
    COLD_USERS = "cold-users"


class By(StrEnum):
    """Which pair of a user is left out."""

    TIME = "time"
    RANDOM = "random"


class Whose(StrEnum):
    """Whose last pair stays in train."""

    BOTH = "both"
    USERS = "users"
    ITEMS = "items"
    NONE = "none"


OutFolder = Annotated[Path, typer.Option("--out", "-o", help="The folder to write into.")]


def split(  # noqa: PLR0913  (a command's options)
    table: arguments.PairsFile,
    out: OutFolder,
    how: Annotated[How, typer.Option(help="What the test is made of.")] = How.RANDOM,
    share: Annotated[
        float | None, typer.Option(help="The share held back for the test.  [default: 0.2]")
    ] = None,
    validation: Annotated[
        float | None,
        typer.Option(help="A further share, to tune on; of leave-one-out, 1: a pair of each."),
    ] = None,
    by: Annotated[By, typer.Option(help="Of leave-one-out: the latest pair, or any.")] = By.TIME,
    keep: Annotated[Whose, typer.Option(help="Whose last pair stays in train.")] = Whose.BOTH,
    time: Annotated[
        str | None, typer.Option(help="The column of times, in seconds: a number or a name.")
    ] = None,
    seed: arguments.Seed = 0,
    delimiter: arguments.Delimiter = None,
    columns: arguments.ValueColumns = None,
    least: arguments.Least = None,
    as_json: arguments.AsJson = False,
) -> None:
    """Hold pairs of user and item back to judge by, and write the parts into files.

    Writes train.csv, test.csv and, where asked for, validation.csv, for embedry
    fit and embedry evaluate recommend. Nothing that is there is written over.
    """
    _check_folder(out)
    used = arguments.read_interactions(table, delimiter, columns, least, time)
    found = _made(used, how, (share, validation), by=by, keep=keep, seed=seed)
    parts = {name: getattr(found, name) for name in _PARTS}
    files = {name: part for name, part in parts.items() if part is not None}
    _write(out, files)
    facts: dict[str, Any] = {name: len(part) for name, part in files.items()}
    facts |= {f"unseen_{what}": count for what, count in found.unseen.items()}
    facts |= {"kept": dict(found.kept), "merged": used.merged, "dropped": dict(used.dropped)}
    facts |= {} if found.at is None else {"at": found.at}
    show.facts(f"Split {len(used):,} pairs", facts | {"folder": str(out)}, as_json=as_json)


def _write(out: Path, files: Mapping[str, Interactions]) -> None:
    """Write all parts, or none."""
    is_new = not out.exists()
    out.mkdir(exist_ok=True)
    try:
        for name, part in files.items():
            part.to_file(out / f"{name}.csv")
    except BaseException as stop:
        for name in files:
            (out / f"{name}.csv").unlink(missing_ok=True)
        if is_new:
            out.rmdir()
        if isinstance(stop, KeyboardInterrupt):
            raise StoppedError("no file was written") from stop
        raise


def _check_folder(out: Path) -> None:
    """Say before the reading that there is no place for the parts."""
    if not out.parent.is_dir() or (out.exists() and not out.is_dir()):
        raise InputError(f"--out must be a folder, in one that is there; got {out}.")
    there = [f"{name}.csv" for name in _PARTS if (out / f"{name}.csv").exists()]
    if there:
        raise InputError(
            f"{out} must hold no part of a split yet; it holds {', '.join(there)}. Pass another "
            "folder, or remove them."
        )


def _made(
    used: Interactions,
    how: How,
    shares: tuple[float | None, float | None],
    *,
    by: By,
    keep: Whose,
    seed: int,
) -> Split:
    from embedry.data import splits

    share, validation = shares
    _check_options(used, how, share, by=by, keep=keep)
    if how is How.LEAVE_ONE_OUT:
        if validation not in {None, 1}:
            raise InputError(f"--validation of leave-one-out must be 1; got {validation:g}.")
        return splits.leave_one_out(
            used,
            by.value,
            validation=validation == 1,
            keep=keep.value,
            seed=seed,
        )
    share = 0.2 if share is None else share
    if how is How.RANDOM:
        return splits.random_split(used, share, validation=validation, keep=keep.value, seed=seed)
    if how is How.TEMPORAL:
        return splits.temporal_split(used, share=share, validation=validation)
    cold = splits.cold_items if how is How.COLD_ITEMS else splits.cold_users
    return cold(used, share, validation=validation, seed=seed)


def _check_options(
    used: Interactions, how: How, share: float | None, *, by: By, keep: Whose
) -> None:
    """Refuse what a way to split does not take, and times that are not there."""
    by_time = how is How.TEMPORAL or (how is How.LEAVE_ONE_OUT and by is By.TIME)
    if by_time and used.times is None:
        advice = " or --by random" if how is How.LEAVE_ONE_OUT else ""
        raise InputError(
            f"--how {how.value} needs times. Pass --time, the column that holds them{advice}."
        )
    if how is How.LEAVE_ONE_OUT and share is not None:
        raise InputError("--share is not for leave-one-out, which takes a pair of each user.")
    if how is not How.LEAVE_ONE_OUT and by is not By.TIME:
        raise InputError(f"--by is for leave-one-out; got --how {how.value}. Leave it out.")
    if how not in {How.RANDOM, How.LEAVE_ONE_OUT} and keep is not Whose.BOTH:
        raise InputError(
            f"--keep is for random and leave-one-out; got --how {how.value}. Leave it out."
        )
