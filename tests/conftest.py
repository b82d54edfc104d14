"""Switches of the test command."""

from __future__ import annotations

import pytest
from hypothesis import settings

# A loaded machine is no failure.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the golden tables anew, then look at the diff",
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name bytes by what they are a value of: packed bytes hold the time of packing.

    With it in the name of a test, two workers collect different tests.
    """
    return argname if isinstance(val, bytes) else None
