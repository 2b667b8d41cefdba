"""An epoch of private training: its stretches, its noise, and what it spends."""

from itertools import pairwise
from math import prod

import numpy as np
import pytest

import bpx
from bpx.errors import InputError
from bpx.privacy import DPSGD, Mechanism
from bpx.privacy.batches import sampled
from bpx.privacy.step import NoisyData, PrivateStep
from bpx.program.contract import leaves
from bpx.training.step import Data, TrainingStep
from tests.backends import Target, host

pytest.importorskip("dp_accounting", reason="dp-accounting is not installed")

N, BATCH = 60, 12
QUICK = {"noise_multiplier": 1.5, "delta": 1e-3, "accountant": "rdp", "seed": 0}


def epochs(target=Target.NUMPY, batch_size=BATCH, n=N, **privacy):
    """What gives the epochs of a network's private training, and the network."""
    net = target.network([3, 4, 2], seed=0, dtype="float64")
    step = TrainingStep(net.spec, bpx.SGD(1.0).update, "argmax")
    x = np.random.default_rng(0).random((n, 3))
    data = Data(target.asarray(x, "float64"), target.asarray(np.zeros(n), "int32"))
    return sampled(net, step, data, batch_size, DPSGD(**{**QUICK, **privacy})), net


def samples_of(stretch, physical):
    """The samples of each of its steps, without the padding."""
    rows = host(stretch.rows)[stretch.start : stretch.stop, :physical]
    return [row[row >= 0] for row in rows]


def logical(batches, epoch, physical):
    """The logical batches of an epoch: those of several stretches put together."""
    made, parts = [], []
    for stretch in batches(epoch).stretches:
        for row in samples_of(stretch, physical):
            parts.append(row)
            if stretch.step.last:
                made.append(np.concatenate(parts))
                parts = []
    assert parts == []
    return made


def test_an_epoch_has_its_steps_and_its_samples(target):
    batches, _ = epochs(target)
    assert batches.n == N
    assert batches.steps == N // BATCH
    epoch = batches(1)
    stretches = list(epoch.stretches)
    steps = sum(s.stop - s.start for s in stretches if s.step.last)
    assert steps == batches.steps
    assert epoch.samples == sum(sum(s.sizes[s.start : s.stop]) for s in stretches)
    assert all(isinstance(s.step, PrivateStep) for s in stretches)
    assert all(isinstance(s.data, NoisyData) for s in stretches)


@pytest.mark.parametrize("size", [3, 11, None])
def test_physical_batches_hold_every_sample_of_the_logical_ones(size):
    expected = logical(*(epochs(physical_size=N)[0], 1, N))
    batches, _ = epochs(physical_size=size)
    found = logical(batches, 1, batches.privacy.physical(BATCH, N))
    assert len(found) == len(expected) == batches.steps
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
        assert len(set(one.tolist())) == len(one)  # a sample comes once or not at all


def test_steps_are_counted_through_the_epoch():
    batches, _ = epochs(physical_size=3)
    last = [s for s in batches(1).stretches if s.step.last]
    numbers = [s.before + i for s in last for i in range(s.start, s.stop)]
    assert numbers == list(range(batches.steps))


def test_each_step_reads_noise_of_its_own(target):
    batches, net = epochs(target)
    stretch = next(iter(batches(1).stretches))
    shapes = [tuple(each.shape) for each in leaves(stretch.data.noise)]
    assert shapes == [(batches.steps, prod(each.shape)) for each in leaves(net.parameters)]
    rows = np.concatenate([host(each) for each in leaves(stretch.data.noise)], axis=1)
    assert all((a != b).all() for a, b in pairwise(rows))
    assert host(stretch.rows)[:, -1].tolist() == list(range(batches.steps))


def test_the_same_noise_in_blocks(monkeypatch):
    def noise(batches):
        blocks = {}
        for stretch in batches(1).stretches:
            blocks[stretch.before if stretch.step.last else None] = stretch.data.noise
        return blocks

    batches, net = epochs(physical_size=N)
    (whole,) = noise(batches).values()
    numbers = sum(prod(each.shape) for each in leaves(net.parameters))
    monkeypatch.setattr("bpx.privacy.batches.BLOCK_BYTES", 2 * 8 * numbers)
    blocks = noise(epochs(physical_size=N)[0])
    assert list(blocks) == [0, 2, 4]
    for before, block in blocks.items():
        for one, other in zip(leaves(block), leaves(whole), strict=True):
            assert one.shape[0] == 2  # as many in each block: one shape, compiled once
            made = min(2, 5 - before)
            np.testing.assert_array_equal(one[:made], other[before : before + made])
            assert (one[made:] == 0.0).all()


def test_noise_larger_than_a_block_is_made_a_step_at_a_time(monkeypatch):
    monkeypatch.setattr("bpx.privacy.batches.BLOCK_BYTES", 1)
    stretches = list(epochs(physical_size=N)[0](1).stretches)
    assert [each.before for each in stretches] == [0, 1, 2, 3, 4]
    assert {leaf.shape[0] for each in stretches for leaf in leaves(each.data.noise)} == {1}


@pytest.mark.parametrize(("clip", "sensitivity"), [(0.5, 0.5), ((0.3, 0.4), 0.5)])
def test_the_deviation_is_of_the_mean(clip, sensitivity):
    batches, _ = epochs(clip=clip)
    assert batches.deviation == pytest.approx(1.5 * sensitivity / BATCH, rel=1e-12)


def test_what_the_state_has_besides(target):
    batches, net = epochs(target, clip=0.25)
    extra = batches.start()
    assert [host(each).tolist() for each in extra.clips] == [[0.25]]
    assert host(extra.share).tolist() == [1 / BATCH]
    assert isinstance(extra.summed, bpx.Gradients)
    assert all((host(each) == 0.0).all() for each in leaves(extra.summed))
    assert len(epochs(target, clip=(0.1, 0.2))[0].start().clips) == 2
    with pytest.raises(InputError, match="has 3 numbers for 2 layers"):
        epochs(target, clip=(0.1, 0.2, 0.3))[0].start()
    with pytest.raises(InputError, match=r"clip=1e-310 was given, .* may take for 0"):
        epochs(target, clip=1e-310)[0].start()
    assert net.mechanisms == ()


def test_an_epoch_is_counted_when_it_has_ended():
    batches, net = epochs(past=(Mechanism(9.0, 0.5, 1),))
    for _ in batches(1).stretches:
        assert net.mechanisms == ()
    spent = batches.finish()["privacy"]
    assert net.mechanisms == (Mechanism(1.5, BATCH / N, 5, secure=False),)
    assert set(spent.mechanisms) == {Mechanism(9.0, 0.5, 1), *net.mechanisms}
    assert (spent.delta, spent.accountant) == (1e-3, "rdp")
    assert spent.seconds == batches.seconds > 0.0
    list(batches(2).stretches)
    batches.finish()
    assert net.mechanisms == (Mechanism(1.5, BATCH / N, 10, secure=False),)


def test_epochs_do_not_repeat_each_other():
    batches, _ = epochs()
    one, again, other = (np.concatenate(logical(batches, e, 60)) for e in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_an_epoch_has_a_step_at_least():
    batches, _ = epochs(n=4, batch_size=4, delta=0.1)
    assert batches.steps == 1
    assert batches.mechanism.sampling_rate == 1.0
    assert [row.tolist() for row in logical(batches, 1, 4)] == [[0, 1, 2, 3]]


def test_a_seed_is_told_of(caplog):
    with caplog.at_level("WARNING", "bpx"):
        epochs(seed=None)
        assert caplog.text == ""
        epochs(seed=7)
    assert "DPSGD(seed=7): its noise can be drawn again" in caplog.text
