"""The plugin's own tests run pytest within pytest."""

import itertools

import pytest

pytest_plugins = ["pytester"]

_numbers = itertools.count(1)


@pytest.fixture
def prompt():
    """A text that no other call of a test has: calls without a token are told apart by it."""
    return lambda: f"Question {next(_numbers)}"
