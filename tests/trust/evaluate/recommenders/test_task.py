"""The laws of the task: a test in the rows and columns of a model, and parts of it."""

import numpy as np

from embedry.trust.evaluate.recommenders.task import set_task


def pairs(starts, columns, task):
    """Return who has which items, by names."""
    owners = np.repeat(np.arange(len(task.users)), np.diff(starts)).tolist()
    items = [task.item_ids[column] for column in columns.tolist()]
    return {(task.users[owner], item) for owner, item in zip(owners, items, strict=True)}


def named(interactions):
    users, items, *_ = interactions.triples()
    return set(zip(users, items, strict=True))


def test_task_holds_training_and_test_by_columns(drawn):
    """What users have seen and took is what the interactions say, unknown items aside."""
    model, test = drawn(1)
    task = set_task(model, test, None)
    known = {
        item
        for item, count in zip(task.item_ids, model.interactions_.item_counts.tolist(), strict=True)
        if count
    }
    assert pairs(task.seen_starts, task.seen, task) == named(model.interactions_)
    assert pairs(task.relevant_starts, task.relevant, task) == {
        (user, item) for user, item in named(test) if item in known
    }
    assert task.wanted.tolist() == [len(test.history(user)) for user in task.users]
    assert task.wanted.sum() == len(task.relevant) + task.left_out.missed


def test_task_of_some_users_is_that_of_a_smaller_test(drawn):
    """Rows are picked, columns stay."""
    model, test = drawn(2)
    task = set_task(model, test, None)
    chosen = task.users[1::3]
    part = task.only(reversed(chosen))
    assert part.users == chosen
    whole = pairs(task.relevant_starts, task.relevant, task)
    found = pairs(part.relevant_starts, part.relevant, part)
    assert found == {(user, item) for user, item in whole if user in chosen}
    assert pairs(part.seen_starts, part.seen, part) == {
        (user, item) for user, item in named(model.interactions_) if user in chosen
    }
    assert part.wanted.tolist() == task.wanted[1::3].tolist()


def test_task_tells_what_was_taken_and_what_was_used(drawn):
    """Every user and column, and -1, which nobody has."""
    model, test = drawn(3)
    task = set_task(model, test, None)
    rows = np.arange(len(task.users))[:, None]
    columns = np.arange(-1, len(task.item_ids))[None, :]
    for told, held in ((task.took, named(test)), (task.used, named(model.interactions_))):
        expected = [
            [False, *((user, item) in held for item in task.item_ids)] for user in task.users
        ]
        assert told(rows, columns).tolist() == expected
