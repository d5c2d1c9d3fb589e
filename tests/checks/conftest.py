"""Fixtures that tests of several check types share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.checks.wire.icmp_lab import Line, line


@pytest.fixture(scope="module")
def built() -> Iterator[Line]:
    """A line of hosts for ICMP, built once a module."""
    with line() as hosts:
        yield hosts


@pytest.fixture
def hosts(built: Line) -> Line:
    """The line of hosts without any fault of the test before."""
    built.reset()
    return built
