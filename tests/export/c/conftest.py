"""What the tests of C share: a compiler, or the reason why they are skipped."""

import pytest

from tools.c_programs import COMPILERS


@pytest.fixture(scope="session")
def gcc():
    """Skip without gcc."""
    if why := COMPILERS["gcc"].missing:
        pytest.skip(why)
