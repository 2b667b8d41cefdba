"""The inputs of a run: what is read, and what is completed."""

import numpy as np
import pytest

pytest.importorskip("click", reason="the command line is an extra")
pytest.importorskip("rich", reason="the command line is an extra")
pytest.importorskip("tomli_w", reason="the command line is an extra")

import bpx
from bpx.cli.settings import Settings
from bpx.cli.work import prepare


def test_a_table_is_split_and_stays_a_table(blobs):
    work = prepare(Settings(blobs, seed=1))
    assert work.counts == {"train": 72, "validation": 18}
    assert work.network.schema is not None
    assert work.samples("train")["kind"].name == "kind"
    assert work.samples("test") is None
    assert (work.settings.target, work.settings.lmbda) == ("kind", 1.0)


def test_arrays_are_pairs(blobs):
    work = prepare(Settings("blobs.npz", seed=1, batch_size=7))
    assert [part.shape for part in work.samples("train")] == [(72, 3), (72,)]
    assert (work.settings.batch_size, work.settings.epochs) == (7, 30)
    assert work.settings.layers == (3, 30, 3)


def test_completed_settings_are_prepared_alike(blobs):
    """As `bpx resume` does, from a run's settings."""
    first = prepare(Settings("blobs.npz", seed=1))
    second = prepare(first.settings)
    assert second.settings == first.settings
    for one, other in zip(first.samples("train"), second.samples("train"), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(first.network.weights[0], second.network.weights[0])


def test_options_of_tables_are_for_tables(blobs):
    with pytest.raises(bpx.InputError, match=r"which is for tables, but blobs.npz is not one"):
        prepare(Settings("blobs.npz", scaling="none"))
