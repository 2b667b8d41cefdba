"""Networks in C against NumPy: a few of the trials of `tools.c_trials`, which runs many."""

import numpy as np
import pytest

import bpx
from tools import c_trials as module
from tools.c_programs import COMPILERS, run, state_of

ANSWERS, TRAININGS = 12, 3


def available(*names):
    return [
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                COMPILERS[name].missing is not None, reason=COMPILERS[name].missing or ""
            ),
        )
        for name in names
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("compiler", available("gcc", "clang"))
def test_answers(compiler, dtype):
    pairs = [module.answering(seed, dtype) for seed in range(ANSWERS)]
    found = np.frombuffer(run(compiler, [made for made, _ in pairs]), dtype)
    expected = [answers for _, answers in pairs]
    assert module.apart([found], expected) < module.LIMITS[dtype]


@pytest.mark.parametrize("rule", module.OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("compiler", available("gcc"))
def test_trainings(compiler, dtype, rule):
    made = [each for each in module.trainings(TRAININGS, dtype, rule) if not each.says_nothing]
    assert len(made) == TRAININGS
    for each in made:
        assert each.distance(run(compiler, [each.made])) < each.limit


def network(**how):
    parts = {"hidden": "tanh", "output": "softmax", "cost": "cross_entropy", "dropout": 0.2}
    return bpx.Network([4, 6, 5, 3], **{**parts, "seed": 0, "dtype": "float64", **how})


AVERAGING = bpx.optim.ScheduleFreeAdamW
OPTIMIZERS = [make for make in bpx.optim.OPTIMIZERS.values() if make is not AVERAGING]
RATE = bpx.optim.warmup_cosine(0.05, warmup=3, steps=30)
OTHERS = {
    "scheduled": bpx.SGD(RATE, momentum=0.9),
    "clipped": bpx.optim.chain(bpx.optim.clip_by_global_norm(0.1), bpx.Adam()),
    "l1": bpx.optim.chain(bpx.optim.add_l1_decay(0.01), bpx.SGD(0.1)),
}
COSTS = ("mae", "huber", "categorical_hinge")


def every():
    """A network and an optimizer, for each optimizer, some feedbacks, and some costs."""
    yield from ((network(norm="layer"), make(0.01)) for make in OPTIMIZERS)
    yield from ((network(norm="batch"), each) for each in OTHERS.values())
    for feedback in ("dfa", "kp", "usf"):
        yield network(feedback=feedback), bpx.Adam()
    for cost in COSTS:
        yield network(cost=cost, output="identity"), bpx.SGD(0.01)
    yield network(cost="poisson", output="exponential"), bpx.SGD(0.01)
    yield network(cost="focal", output="sigmoid"), bpx.SGD(0.01)


@pytest.mark.parametrize("compiler", available("gcc"))
def test_optimizers_feedbacks_and_costs(compiler):
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(10, 8, 4)), rng.integers(0, 3, (10, 8)).astype(np.int32)
    each = [
        module.trained(f"net{i}", net, optimizer, samples, "labels", 1)
        for i, (net, optimizer) in enumerate(every())
    ]
    written, at = run(compiler, [training.made for training in each]), 0
    for training in each:
        end = at + training.written
        assert training.distance(written[at:end]) < 1e-12
        at = end
    assert at == len(written)


@pytest.mark.parametrize("compiler", available("valgrind", "node", "wasmtime"))
def test_elsewhere(compiler):
    pairs = [module.answering(seed, "float32") for seed in range(4)]
    found = np.frombuffer(run(compiler, [made for made, _ in pairs]), "float32")
    assert module.apart([found], [answers for _, answers in pairs]) < 1e-5
    training = next(module.trainings(1, "float32", "Adam"))
    assert training.says_nothing or training.distance(run(compiler, [training.made])) < 1e-5


@pytest.mark.parametrize("compiler", available("gcc"))
def test_they_notice_another_answer(compiler):
    """A weight, a cost or a counter that differs."""
    made, expected = module.answering(5, "float64")
    found = np.frombuffer(run(compiler, [made]), "float64").reshape(expected.shape)
    assert not module.apart([found], [expected * (1.0 + 1e-11)]) < 1e-12
    training = next(t for t in module.trainings(1, "float64", "Adam") if not t.says_nothing)
    written = run(compiler, [training.made])
    cost = training._replace(costs=training.costs + 1e-6)
    assert not cost.distance(written) < cost.limit
    step = {**training.state, "randomness.step": np.array([49], np.int32)}
    assert "randomness.step" in training.state
    assert training._replace(state=step).distance(written) == np.inf


def test_a_state_is_read_as_c_lays_it_out():
    named = [("a", np.zeros((1, 3), np.int32)), ("b", np.zeros(2))]
    written = np.array([1, 2, 3, 0], np.int32).tobytes() + np.array([0.5, 1.5]).tobytes()
    state = state_of(written, named)
    assert state["a"].tolist() == [[1, 2, 3]]
    assert state["b"].tolist() == [0.5, 1.5]


@pytest.mark.parametrize("compiler", available("gcc"))
def test_a_warning_is_an_error(compiler):
    made, _ = module.answering(0, "float32")
    wrong = made._replace(text=made.text + "static int unused(void) { return 1; }\n")
    with pytest.raises(RuntimeError, match="unused"):
        run(compiler, [wrong])


@pytest.mark.parametrize("compiler", available("gcc"))
def test_the_command(compiler, capsys):
    words = ["--answers", "2", "--trainings", "1", "--compilers", "gcc"]
    assert module.main(words) == 0
    said = capsys.readouterr().out
    assert "gcc: 2 answers in float32, at most" in said
    assert "gcc: 1 trainings of 50 steps of SGD with momentum in float64" in said
    assert said.endswith("nothing is wrong\n")
