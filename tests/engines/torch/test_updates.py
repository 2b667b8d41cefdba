"""PyTorch's own update: Adam in one kernel, by the same rule."""

import pytest

import bpx
from bpx.program.contract import leaves
from bpx.training.step import TrainingStep

torch = pytest.importorskip("torch")

from bpx_backends.engines.torch import updates as torch_updates  # noqa: E402
from tests.engines.torch.jobs import Job, agree  # noqa: E402


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("decay", [None, 0.01])
@pytest.mark.parametrize(
    "rule",
    [bpx.Adam(), bpx.Adam(0.1, beta1=0.5, beta2=0.6, epsilon=0.3), bpx.Adam(0.1, beta1=0.0)],
    ids=repr,
)
def test_adam_is_the_same_rule(rule, decay, dtype):
    job = Job((6, 5, 4), rule, dtype=dtype, decay=decay)
    within = 1e-12 if dtype == "float64" else 2e-5
    entered = [leaf.clone() for leaf in leaves(job.state)]
    for stop in (1, 2, 20):
        agree(job.scan(0, stop), job.eager(0, stop), within)
    assert all(torch.equal(a, b) for a, b in zip(entered, leaves(job.state), strict=True))


def test_adam_goes_on_where_it_was():
    job = Job(optimizer=bpx.Adam(0.05))
    state = job.scan(0, 7)
    assert state.optimizer.t.item() == 7.0
    agree(job.scan(7, 20, state), job.eager(0, 20))


def test_adams_state_may_be_given_up():
    job = Job(optimizer=bpx.Adam(0.05))
    state = job.scan(0, 7)
    weights = state.parameters.w[0]
    after = job.scan(7, 20, state, donate=True)
    assert after.parameters.w[0].data_ptr() == weights.data_ptr()
    agree(after, job.eager(0, 20))


def test_adam_calls_pytorchs_kernel_once_a_step(monkeypatch):
    seen = calls_of_adam(monkeypatch)
    Job(optimizer=bpx.Adam()).scan(0, 5)
    assert [len(w) for w, _ in seen] == [4] * 5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pytorchs_kernel_is_given_numbers(monkeypatch, dtype):
    """On CUDA it refuses an eta that is a tensor of another dtype than float32."""
    seen = calls_of_adam(monkeypatch)
    Job(optimizer=bpx.Adam(0.25), dtype=dtype).scan(0, 1)
    ((_, named),) = seen
    assert [named[name] for name in ("lr", "beta1")] == pytest.approx([0.25, 0.9])
    assert {type(named[name]) for name in ("lr", "beta1", "beta2", "eps")} == {float}


def calls_of_adam(monkeypatch):
    """The parameters, and what has a name, of each call."""
    seen, ours = [], torch_updates.fused_adam

    def adam(*arguments, **named):
        seen.append((arguments[0], named))
        ours(*arguments, **named)

    monkeypatch.setattr(torch_updates, "fused_adam", adam)
    return seen


def test_a_users_own_adam_is_recorded_with_the_step(monkeypatch):
    monkeypatch.setattr(torch_updates, "fused_adam", None)

    def adam(gradients, state, parameters):
        return bpx.Adam().update(gradients, state, parameters)

    job = Job(optimizer=bpx.Adam(0.05))
    job.step = TrainingStep(job.step.spec, adam, "argmax")
    agree(job.scan(0, 20), job.eager(0, 20))


def its_own(z):
    return torch.special.expit(z)


def test_what_cannot_be_recorded_runs_eagerly_with_its_adam(caplog):
    own = bpx.Elementwise("own", its_own, lambda z, a: a * (1.0 - a))
    job = Job(optimizer=bpx.Adam(0.05), hidden=own)
    agree(job.scan(0, 20), job.eager(0, 20), 0.0)
    assert "steps run eagerly" in caplog.text
    assert "a PyTorch function" in caplog.text


def test_no_steps_are_no_change():
    job = Job(optimizer=bpx.Adam())
    assert job.scan(3, 3) is job.state
