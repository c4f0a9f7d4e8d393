"""The dashboard's server that tests in a browser share: what takes seconds is worked out once."""

from collections.abc import Iterator

import pytest
from running_app import free_port, make_command, served


@pytest.fixture(scope="session")
def root() -> Iterator[str]:
    """The dashboard as the README's first command opens it."""
    with served(make_command("run"), free_port()) as address:
        yield address
