"""A run that is cut off after a number of chunks, and all that must be the same in another."""

import numpy as np

import bpx
from bpx.program.contract import named_leaves
from bpx.training import chunks
from tests.backends import Target, host
from tests.training.small import network, samples

SETTINGS = {"epochs": 3, "batch_size": 4, "optimizer": bpx.Adam(0.05), "seed": 1, "lmbda": 0.5}


class CutOffError(Exception):
    """The end of a run that leaves no time for anything."""


class Cut:
    """A `progress` that ends training after some chunks."""

    def __init__(self, moment):
        self.left = moment

    def __call__(self, progress):
        self.left -= 1
        if self.left < 0:
            raise CutOffError


def cut_off(moment, folder, target=Target.NUMPY, net=None, data=None, **settings):
    """Train until it is cut off."""
    settings = {**SETTINGS, "compile": target.value.compile, **settings}
    net = network(target, dropout=0.2) if net is None else net
    before, chunks.CHUNK_SECONDS = chunks.CHUNK_SECONDS, 0.0
    try:
        list(
            bpx.train(
                net, data or samples(), progress=Cut(moment), checkpoint=folder, **settings
            )
        )
    except CutOffError:
        return net
    finally:
        chunks.CHUNK_SECONDS = before
    raise AssertionError("it ended before it was cut off")


def same_records(one, other):
    """Whether two histories are equal but for their times."""
    plain = [
        [each._replace(seconds=0.0, samples_per_second=0.0) for each in history]
        for history in (one, other)
    ]
    assert plain[0] == plain[1]
    assert [each.observed for each in one] == [each.observed for each in other]


def same_state(one, other):
    """Whether two trainings have the same bits."""
    (mine, *rest), (theirs, *others) = (
        (list(named_leaves(each.state.arrays)), *each.state[4:]) for each in (one, other)
    )
    assert rest == others
    for (name, a), (_, b) in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(host(a), host(b), err_msg=name)
