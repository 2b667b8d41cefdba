"""The largest norm of a sample's gradient: what can be one."""

import pytest

import bpx
from bpx.privacy.limits import check_clip


@pytest.mark.parametrize(
    ("clip", "layers", "expected"),
    [
        (2, None, (2.0,)),
        (0.5, 3, (0.5,)),
        ((0.5, 1.0), None, (0.5, 1.0)),
        ([0.5, 1.0], 2, (0.5, 1.0)),
    ],
)
def test_it_is_given_back_as_a_tuple(clip, layers, expected):
    assert check_clip(clip, layers) == expected


@pytest.mark.parametrize("clip", [0.0, -1.0, float("nan"), float("inf"), "1", (1.0, 0.0, 1.0)])
def test_it_is_positive(clip):
    with pytest.raises(bpx.InputError, match=r"clip=.* was given; expected a positive number"):
        check_clip(clip)


@pytest.mark.parametrize("clip", [(1.0, 2.0), (1.0,)])
def test_there_are_as_many_as_layers(clip):
    with pytest.raises(bpx.InputError, match=rf"has {len(clip)} numbers for 3 layers"):
        check_clip(clip, 3)
