"""Ranks that update their rows of large arrays for all: the same training, with less to do."""

import numpy as np
import pytest

import bpx
from bpx.optim import Transformation, chain, clip, clip_by_global_norm, mapped
from bpx.program.contract import leaves
from bpx.training.parallel import divided
from bpx.training.parallel.divided import InParts
from tests.backends import Target
from tests.ranks import Threads, on_ranks
from tests.training.parallel.test_steps import CASES, SOFTMAX, WIDTH, assert_alike

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(40, WIDTH)), RNG.integers(0, 3, 40)


@pytest.fixture(autouse=True)
def _small_arrays_are_large(monkeypatch):
    monkeypatch.setattr(divided, "LEAST", 20)


def messages(rank=0, size=2, layers=None, **settings):
    """The shapes of a rank's messages, of two epochs of two steps each."""

    def run(ranks):
        given = SOFTMAX if layers is None else {"cost": "cross_entropy", "seed": 1}
        backend = settings.get("backend", "numpy")
        net = bpx.Network(layers or [WIDTH, 8, 3], **given, backend=backend)
        given = {k: v for k, v in settings.items() if k != "backend"}
        usual = {"epochs": 2, "batch_size": 20, "seed": 3, "optimizer": bpx.Adam(0.01)}
        net.fit(X, LABELS, ranks=ranks, **{**usual, **given})
        return ranks.messages

    return on_ranks(size, run)[rank]


LARGE = (8, WIDTH)
"""The weights of the first layer; those of the second are small."""


DIVIDED = {
    "adam": {"optimizer": bpx.Adam(0.01)},
    "descent": {"optimizer": bpx.SGD(0.1)},
    "momentum": {"optimizer": bpx.SGD(0.1, momentum=0.9, nesterov=True)},
    "decay": {"optimizer": bpx.AdamW(0.01)},
    "penalty": {"optimizer": bpx.Adam(0.01), "lmbda": 0.1},
    "lion": {"optimizer": bpx.optim.Lion(0.01)},
    "clipped numbers": {"optimizer": chain(clip(0.01), bpx.Adam(0.01))},
    "eager": {"optimizer": bpx.Adam(0.01), "compile": False},
    "accumulated": {"optimizer": bpx.Adam(0.01), "accumulate": 2},
}


def of_the_norm(u, state, parameters):
    """A rule of one's own that reads all numbers of the weights."""

    def scaled(u, w):
        xp = bpx.namespace(w)
        return u * xp.sqrt(xp.sum(w * w)) * 0.01

    return mapped(scaled, u, parameters), state


def of_the_rows(u, state, parameters):
    """A rule of one's own that reads their number."""
    return mapped(lambda u: u * (1.0 / u.shape[0]), u), state


def of_values(u, state, parameters):
    """A rule of one's own that no recording can hold."""
    return mapped(lambda u: u if type(u) is np.ndarray else 1 // 0, u), state


def own(rule):
    return chain(Transformation(lambda parameters: (), rule), bpx.SGD(0.1))


WHOLE = {
    "a norm of the weights": {"optimizer": own(of_the_norm)},
    "their number": {"optimizer": own(of_the_rows)},
    "what cannot be recorded": {"optimizer": own(of_values), "compile": False},
    "the norm of all": {"optimizer": chain(clip_by_global_norm(0.1), bpx.Adam(0.01))},
    "products of the gradient": {"optimizer": bpx.optim.Muon(0.01)},
    "the norm of a unit's weights": {
        "layers": [bpx.Dense(WIDTH, 8, "relu", max_norm=1.0), bpx.Dense(8, 3, "softmax")]
    },
}


@pytest.mark.parametrize("name", DIVIDED)
def test_an_update_number_by_number_is_divided(name):
    sent = messages(**DIVIDED[name])
    # In each of 4 steps the sum and the rows, and after each of 2 chunks or more the state.
    assert sent.count(LARGE) >= 8
    small = 8 + 3 * 8 + 3
    assert all(np.prod(shape) < small + 64 for shape in sent if shape != LARGE)


@pytest.mark.parametrize("name", WHOLE)
def test_any_other_is_made_by_every_rank(name):
    sent = messages(**WHOLE[name])
    assert LARGE not in sent
    assert len(sent) == 4


@pytest.mark.parametrize("name", ["reduce_scatter", "swap_rows", "all_gather"])
def test_ranks_that_cannot_divide_do_not(monkeypatch, name):
    monkeypatch.delattr(Threads, name)
    assert LARGE not in messages()


def test_arrays_with_fewer_rows_than_ranks_are_not_divided():
    layers = [bpx.Dense(WIDTH, 4, "relu"), bpx.Dense(4, 3, "softmax")]
    assert (4, WIDTH) in messages(size=4, layers=layers)
    assert (4, WIDTH) not in messages(size=5, layers=layers)


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("case", CASES)
def test_ranks_train_as_one(case, size):
    assert_alike(Target.NUMPY, *CASES[case], size)


@pytest.mark.parametrize("case", ["adam", "momentum", "batch_norm", "stopped"])
@pytest.mark.parametrize(
    "target", [Target.STRICT, Target.TORCH], indirect=True, ids=["strict", "torch"]
)
def test_so_they_do_on_other_libraries(target, case):
    assert_alike(target, *CASES[case], 3)


@pytest.mark.parametrize("case", ["adam", "momentum", "dropout", "accumulated", "residual"])
def test_so_they_do_in_native_calls(monkeypatch, case):
    pytest.importorskip("numba", reason="numba is not installed")
    monkeypatch.setenv("BPX_NUMBA", "on")
    assert_alike(Target.NUMPY, *CASES[case], 3)


@pytest.mark.parametrize(("precision", "divides"), [("bfloat16", True), ("float16", False)])
def test_in_16_bits_it_is_divided_unless_an_overflow_anywhere_counts(precision, divides):
    pytest.importorskip("torch", reason="the other library is PyTorch")
    assert (LARGE in messages(backend="torch", precision=precision)) == divides


def test_a_checkpoint_has_the_whole_state_and_is_continued_by_any_number_of_ranks(tmp_path):
    def run(ranks, folder, epochs=4):
        net = bpx.Network([WIDTH, 8, 3], **SOFTMAX, backend="numpy", dtype="float64")
        how = {"batch_size": 7, "seed": 3, "optimizer": bpx.Adam(0.01), "ranks": ranks}
        net.fit(X, LABELS, epochs=epochs, checkpoint=tmp_path / folder, **how)

    def resumed(ranks, folder):
        training = bpx.resume(tmp_path / folder, (X, LABELS), epochs=4, ranks=ranks)
        training.finish()
        return training.network.weights

    on_ranks(3, lambda ranks: run(ranks, "whole"))
    for folder in "abc":
        on_ranks(3, lambda ranks: run(ranks, folder, 2))  # noqa: B023
    bits = [w.tobytes() for w in bpx.load(tmp_path / "whole").weights]
    for found in on_ranks(3, lambda ranks: resumed(ranks, "a")):
        assert [w.tobytes() for w in found] == bits
    expected = bpx.load(tmp_path / "whole").weights
    for found in (*on_ranks(2, lambda ranks: resumed(ranks, "b")), resumed("off", "c")):
        for w, own in zip(expected, found, strict=True):
            np.testing.assert_allclose(own, w, rtol=0, atol=1e-12)


def test_the_engine_is_given_its_rows_and_gives_back_the_whole():
    def run(ranks):
        net = bpx.Network([WIDTH, 8, 3], **SOFTMAX, backend="numpy")
        training = bpx.train(
            net, (X, LABELS), epochs=1, batch_size=20, optimizer=bpx.Adam(), ranks=ranks
        )
        scan = training._loop.job.scan
        assert isinstance(scan, InParts)
        state = training._loop.course.state
        seen = []

        def inner(step, state, data, rows, start, stop, donate):
            seen.append([x.shape for x in leaves(state.optimizer)])
            return state

        after = InParts(inner, scan.parts)(None, state, None, None, 0, 1)
        assert (4, WIDTH) in seen[0]
        assert LARGE not in seen[0]
        for x, y in zip(leaves(after.optimizer), leaves(state.optimizer), strict=True):
            np.testing.assert_array_equal(x, y)

    on_ranks(2, run)
