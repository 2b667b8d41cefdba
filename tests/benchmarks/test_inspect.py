"""Those who look inside agree, on a network so small that it takes no time."""

import json
from itertools import count

import numpy as np
import pytest

from benchmarks import inspect, inspect_tables, machine, quantities, rounds
from benchmarks.cases import CASES
from benchmarks.quantities import ENGINES, QUANTITIES, TELLERS, interleaved, subject, why_not

TINY = CASES["M"]._replace(sizes=(12, 7, 6, 4), batch=64, samples=64)
FEW = {"norms", "clipping", "kfac-labels", "hessian", "private"}
"""Of JAX, which compiles for long; that all engines agree is tested elsewhere."""

pytestmark = [
    pytest.mark.filterwarnings("ignore:Full backward hook"),  # of Opacus and BackPACK
    pytest.mark.filterwarnings("ignore:.torch.jit"),  # of torch.func
]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(rounds, "PAUSE", 0.0)


@pytest.fixture(scope="module")
def about():
    return subject(TINY)


@pytest.mark.parametrize("teller", TELLERS, ids=lambda each: each.name)
def test_every_teller_finds_what_bpx_finds(teller, about):
    if why := why_not(teller):
        pytest.skip(why)
    keys = teller.keys if teller.package != "jax" else set(teller.keys) & FEW
    for key in keys:
        ours, theirs = (each.work(key, about) for each in (TELLERS[0], teller))
        expected, found = ours.read(ours.telling()), theirs.read(theirs.telling())
        inspect.check(found, expected, drawn=QUANTITIES[key].drawn)
        theirs.plain()


def test_one_that_finds_other_numbers_is_refused():
    expected = [np.ones((2, 3)), np.arange(4.0)]
    inspect.check(expected, expected)
    with pytest.raises(ValueError, match=r"off by 3\.3e-04"):
        inspect.check([np.ones((2, 3)), np.arange(4.0) + 1e-3], expected)
    with pytest.raises(ValueError, match="off by nan"):
        inspect.check([np.ones((2, 3)), np.full(4, np.nan)], expected)
    with pytest.raises(ValueError, match=r"shapes \[\(2, 3\)\]"):
        inspect.check(expected[:1], expected)


def test_what_is_drawn_agrees_in_the_sum():
    expected = [np.ones(3), np.ones(1)]
    inspect.check([np.zeros(3), np.full(1, 5.0)], expected, drawn=True)
    with pytest.raises(ValueError, match=r"off by 7\.5e-01"):
        inspect.check([np.zeros(3), np.full(1, 7.0)], expected, drawn=True)


def test_the_bound_clips_half_of_the_samples(about):
    work = TELLERS[0].work("norms", about)
    (norms,) = work.read(work.telling())
    assert np.sum(norms > about.bound) == TINY.batch // 2


def test_factors_do_not_depend_on_how_they_share_a_scale():
    inputs, errors = [np.eye(3), np.ones((2, 2))], [np.ones((2, 2)), np.eye(4)]
    moved = quantities.split_gauge([4.0 * inputs[0], inputs[1]], [errors[0] / 4.0, errors[1]])
    expected = quantities.split_gauge(inputs, errors)
    for one, other in zip(moved, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-15)
    assert np.kron(moved[0], moved[1]) == pytest.approx(np.kron(inputs[0], errors[0]))


def test_the_order_of_the_parameters():
    groups = (np.zeros((2, 3)), np.ones((1, 2))), (np.zeros(2), np.ones(1))
    shapes = [each.shape for each in interleaved(groups)]
    assert shapes == [(2, 3), (2,), (1, 2), (1,)]


def test_the_passes_of_a_pair_take_turns_to_be_first():
    order = []
    work = quantities.Work(lambda: order.append("plain"), lambda: order.append("with"), list)
    turns, how = count(), inspect.How(window=0.0)
    rounds.in_turn({"one": work}, 2, lambda each: inspect.pair(turns, how, each))
    assert order == ["plain", "with", "with", "plain"]


def test_a_cost_is_of_its_own_round():
    found = {"plain": {"a": [1.0, 2.0]}, "telling": {"a": [3.0, 5.0]}}
    assert inspect_tables.cost(found, "a") == [3.0, 2.5]


def test_a_cost_that_is_too_high_is_marked():
    times = {"bpx numpy": [1.0, 1.0, 1.0]}
    found = {"plain": times, "telling": {"bpx numpy": [1.05, 1.2, 1.3]}, "load": "0.1"}
    found["failed"] = {"curvlinops": "no"}
    results = {"quantities": {"norms": found, "ntk": found}, "threads": {}, "blas": ""}
    results |= {"settings": inspect.How()._asdict(), "case": "M", "left out": {}}
    shown = inspect_tables.show(results | {"left out": {"Opacus": "not there"}})
    assert f"| {QUANTITIES['norms'].title} | 1.10 | 1.20 [1.05, 1.30] * |" in shown
    assert f"| {QUANTITIES['ntk'].title} |  | 1.20 [1.05, 1.30] |" in shown
    assert "- Opacus: not there" in shown
    assert f"- {QUANTITIES['ntk'].title}, curvlinops: no" in shown


def test_the_command_measures_prints_and_writes(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(CASES, "M", TINY)
    monkeypatch.setattr(quantities, "find_spec", lambda name: name in ("numpy", "jax"))
    wrong = quantities.Teller("nobody", "numpy", "_bpx", "on_paper", ("norms",))
    monkeypatch.setattr(inspect, "TELLERS", (*TELLERS, wrong))
    out = tmp_path / "inspect.json"
    options = "--engines numpy --only norms,private --rounds 2 --window 0 --out"
    inspect.main([*options.split(), str(out)])
    printed = capsys.readouterr().out
    results = json.loads(out.read_text())
    assert results["quantities"].keys() == {"norms", "private"}
    norms = results["quantities"]["norms"]
    assert norms["plain"].keys() == norms["telling"].keys() >= {"bpx numpy"}
    assert len(norms["telling"]["bpx numpy"]) == 2
    assert "bpx jax" not in norms["plain"]
    assert results["left out"]["Opacus, ghost"] == "opacus is not installed"
    assert "nobody: AttributeError" in printed
    assert inspect_tables.show(results) in printed
    assert inspect_tables.show(results) in out.with_suffix(".md").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("--only speed", "no speed; known: norms"),
        ("--engines cupy", "no cupy; known: numpy"),
        ("--rounds 0", "at least 1"),
        ("--window -1", "at least 0"),
        ("--out nowhere/at/all.json", "no folder nowhere/at"),
        ("--clock cpu", "pin to one core"),
    ],
)
def test_the_command_refuses_what_it_cannot_do(arguments, told, monkeypatch, capsys):
    monkeypatch.setattr(machine, "cores", lambda: 2)
    with pytest.raises(SystemExit):
        inspect.main(arguments.split())
    assert told in capsys.readouterr().err


def test_every_engine_tells_everything():
    for teller in TELLERS:
        assert set(teller.keys) <= QUANTITIES.keys()
        assert teller.name not in ENGINES or set(teller.keys) == QUANTITIES.keys()
