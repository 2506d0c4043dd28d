"""Failures in the shared laws show their values, as those of test files do."""

import pytest

pytest.register_assert_rewrite("tests.learn.taste.contract")
