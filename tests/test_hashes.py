"""Hashes that are computed once."""

import copy
import pickle
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from bpx._hashes import kept_hash, without_hash


class Counted:
    """It counts how often its hash is computed."""

    times: ClassVar[int] = 0

    def __eq__(self, other):
        return isinstance(other, Counted)

    def __hash__(self):
        type(self).times += 1
        return 7


@dataclass(frozen=True)
class Kept:
    value: object
    number: int = 0

    __hash__, __getstate__ = kept_hash, without_hash


def test_it_is_computed_once(monkeypatch):
    monkeypatch.setattr(Counted, "times", 0)
    kept = Kept(Counted())
    assert hash(kept) == hash(kept)
    assert Counted.times == 1


def test_equal_values_have_equal_hashes_and_others_do_not():
    assert hash(Kept(1, 2)) == hash(Kept(1, 2))
    assert hash(Kept(1, 2)) != hash(replace(Kept(1, 2), number=3))
    assert Kept(1, 2) == Kept(1, 2) != Kept(1, 3)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_computes_its_own(copied):
    kept = Kept("text", 2)
    hash(kept)
    again = copied(kept)
    assert vars(again) == {"value": "text", "number": 2}
    assert again == kept
    assert hash(again) == hash(kept)


def test_what_cannot_be_hashed_says_so():
    with pytest.raises(TypeError, match="unhashable"):
        hash(Kept([]))
