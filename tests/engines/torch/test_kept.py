"""What is kept between calls, and who may use it."""

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

from bpx_backends.engines.torch.kept import Kept


def test_what_is_taken_out_is_nobody_elses_until_it_is_put_back():
    kept = Kept(2)
    kept.put("a", 1)
    assert kept.taken("a") == 1
    assert kept.taken("a") is None
    kept.put("a", 1)
    assert kept.taken("a") == 1


def test_the_longest_unused_goes_first():
    kept = Kept(2)
    for key in "ab":
        kept.put(key, key)
    kept.put("a", kept.taken("a"))
    kept.put("c", "c")
    assert list(kept.kept) == ["a", "c"]
    kept.clear()
    assert not kept.kept
