"""What the suites of the checks share."""

import pytest


@pytest.fixture
def once(target):
    """Each backend once: nothing is compiled here."""
    if not target.value.compile:
        pytest.skip("nothing is compiled here: the same as with compile")
    return target
