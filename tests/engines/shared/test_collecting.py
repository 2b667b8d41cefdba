"""The garbage collector, paused and not switched on for those who had it off."""

import gc

import pytest

from bpx_backends.engines.shared.collecting import uncollected


@pytest.mark.parametrize("collects", [True, False])
def test_it_is_off_within_and_as_before_behind(collects):
    (gc.enable if collects else gc.disable)()
    try:
        with uncollected():
            assert not gc.isenabled()
            with uncollected():
                assert not gc.isenabled()
            assert not gc.isenabled()
        assert gc.isenabled() == collects
        with pytest.raises(ValueError, match="a step"), uncollected():
            raise ValueError("a step")
        assert gc.isenabled() == collects
    finally:
        gc.enable()
