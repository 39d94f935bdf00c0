"""The pytest plugin: the fixture `squall_mock`, and what it is configured by.

- The fixture `squall_config`, to be overridden in a `conftest.py`: a path, a text or a mapping.
- The mark `squall`, for one test: `@pytest.mark.squall(config=…, fault="error: 503, for: 10m", max_attempts=5)`.
- The option `--squall BINARY`, before the environment variable `SQUALL` and the path.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

import pytest

from squall_pytest.mock import Config, SquallMock

_KNOWN = ("config", "fault", "max_attempts")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("squall", "mock LLM providers")
    group.addoption("--squall", metavar="BINARY", help="the squall binary [default: $SQUALL, else squall on the path]")


def pytest_configure(config: pytest.Config) -> None:
    line = (
        "squall(config, fault, max_attempts): how `squall_mock` is configured, a fault that it has from the start, and "
        "the limit of `retry_storm`"
    )
    config.addinivalue_line("markers", line)


@pytest.fixture
def squall_config() -> Optional[Config]:
    """The configuration of `squall_mock` unless its mark names one: two providers that are well."""
    return None


@pytest.fixture
def squall_mock(request: pytest.FixtureRequest, squall_config: Optional[Config]) -> Iterator[SquallMock]:
    """Mock providers in a process of their own, which ends with the test."""
    mark = request.node.get_closest_marker("squall")
    given = dict(mark.kwargs) if mark else {}
    unknown = sorted(set(given) - set(_KNOWN))
    if unknown or (mark and mark.args):
        raise pytest.UsageError(f"the mark `squall` takes {', '.join(_KNOWN)} by name, not {unknown or mark.args}")
    mock = SquallMock(
        given.get("config", squall_config),
        squall=request.config.getoption("--squall"),
        max_attempts=given.get("max_attempts"),
    )
    with mock:
        if "fault" in given:
            mock.inject(given["fault"])
        yield mock
