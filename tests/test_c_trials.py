"""Networks in C against NumPy: a few of the trials of `tools.c_trials`, which runs many."""

import numpy as np
import pytest

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
    words = ["--answers", "2", "--trainings", "1", "--compilers", "gcc,gcc -O3", "--some", "1"]
    assert module.main(words) == 0
    said = capsys.readouterr().out
    assert "gcc: 2 answers in float32, at most" in said
    assert "gcc -O3: 1 trainings of 50 steps of SGD with momentum in float64" in said
    assert said.endswith("nothing is wrong\n")
