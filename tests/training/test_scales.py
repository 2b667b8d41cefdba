"""Columns of very different sizes are warned of, once for each training; pixels are not."""

import warnings

import numpy as np
import pytest

import bpx
from bpx.training.scales import check_scales

SETTINGS = {"epochs": 2, "batch_size": 5, "optimizer": bpx.SGD(0.1), "seed": 0}


def samples(*sizes, n=20):
    rng = np.random.default_rng(0)
    return rng.random((n, len(sizes))) * sizes, rng.integers(0, 2, n)


def network(width):
    return bpx.Network([width, 4, 2], seed=0)


def raised(x, given=None):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        check_scales(x, x if given is None else given)
    return [str(each.message) for each in found]


@pytest.mark.parametrize("how", ["fit", "train"])
def test_it_names_the_columns_the_factor_and_the_way_out(how):
    x, y = samples(1.0, 2.0, 1e5)
    net = network(3)
    train = net.fit if how == "fit" else lambda *data, **more: [*bpx.train(net, data, **more)]
    with pytest.warns(bpx.DataWarning, match="column 2 of x is up to") as told:
        train(x, y, **SETTINGS)
    (only,) = told  # for both epochs
    assert only.filename == __file__
    message = str(only.message)
    assert "100,000 times as large as column 0" in message
    scaled = eval(message.rpartition("one scale: ")[2], {"x": x})
    net.fit(scaled, y, **SETTINGS)  # where warnings are errors


def test_the_other_boundaries_say_nothing():
    x, y = samples(1.0, 1e5)
    net = network(2)
    net.predict(x)
    net.evaluate(x, y)


@pytest.mark.parametrize(
    "sizes", [(1.0,), (1e6,), (1.0, 900.0), (1.0, 0.0, 0.0), (0.0, 0.0), (1.0, 1e-14)]
)
def test_what_is_of_one_size_enough(sizes):
    assert raised(samples(*sizes)[0]) == []


def test_a_constant_column_does_not_count():
    x, _ = samples(1.0, 1.0)
    assert raised(np.c_[x, np.full(20, 1e6)]) == []


def test_pixels_that_are_hardly_ever_on_are_as_large_as_others():
    x = np.zeros((500, 3))
    x[:, 0] = np.arange(500) % 256
    x[7, 1] = 1.0
    assert raised(x) == raised(x / 255) == []
    wide = (200 * x).astype("uint16")
    wide[7, 1] = 1
    assert raised(wide) == []
    assert raised(wide.astype("float32"), wide) == []  # as the network holds them
    assert len(raised(wide.astype("float32"))) == 1


@pytest.mark.parametrize("name", ["digits", pytest.param("mnist", marks=pytest.mark.mnist)])
def test_data_sets_of_pixels(name, request):
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    x = (
        request.getfixturevalue("mnist").train.x
        if name == "mnist"
        else bpx.data.load(name).train.x
    )
    assert raised(x) == raised(255 * x) == []


def test_of_many_samples_some_are_looked_at():
    x, _ = samples(1.0, 1.0, n=50_000)
    assert raised(x * [1.0, 1e5])
    x[1, 1] = 1e6  # between those that are looked at
    assert raised(x) == []


def test_on_each_library(target):
    x, _ = samples(1.0, 1e5)
    assert len(raised(target.asarray(x, "float32"))) == 1
    assert raised(target.asarray(x[:, :1], "float32")) == []


def test_codes_of_categories_do_not_count():
    x, y = samples(1.0, 2.0, 1.0)
    x[:, 2] = np.arange(20) * 400
    embedding = bpx.Embedding(3, [2], levels=[8000], dim=1)
    net = bpx.Network([embedding, bpx.Dense(3, 2, "sigmoid")], seed=0)
    net.fit(x, y, **SETTINGS)  # where warnings are errors
    x[:, 1] *= 1e5
    with pytest.warns(bpx.DataWarning, match="column 1 of x .* as column 0.*leave the codes"):
        net.fit(x, y, **SETTINGS)
