"""The benchmarks run, on sizes so small that they take no time; nothing asserts on time."""

import json
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import bpx
from benchmarks import (
    asked,
    book,
    clock,
    command,
    cuda,
    document,
    feedback,
    first_step,
    floor,
    footprint,
    fresh,
    health,
    imports,
    inference,
    machine,
    memory,
    plot,
    report,
    rounds,
    training,
)
from benchmarks.cases import CASES, Case, network, problem
from benchmarks.peers import PEERS, PRODUCTS, available, trainers
from benchmarks.plan import Plan
from bpx.data import Dataset, Split

TINY = {
    "S": CASES["S"]._replace(sizes=(12, 5, 4), eta=0.5, samples=20),
    "M": CASES["M"]._replace(sizes=(12, 7, 6, 4), batch=8, samples=16),
    "deep": CASES["deep"]._replace(sizes=(12, *[8] * 4, 4), batch=8, samples=16),
}

HERE = {peer.name: peer for peer in available("cpu")[0]}

needs_compiler = pytest.mark.skipif(
    not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler"
)
needs_linux = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="peak memory is measured on Linux alone"
)


@pytest.fixture(autouse=True)
def _settings_are_put_back(monkeypatch):
    monkeypatch.setenv("CUPY_TF32", "0")
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    monkeypatch.setattr(rounds, "PAUSE", 0.0)
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_default_matmul_precision", None)


@pytest.fixture
def tiny(monkeypatch):
    """Every case and every number of samples is a small one."""
    for name, case in TINY.items():
        monkeypatch.setitem(CASES, name, case)
    monkeypatch.setattr(inference, "BATCHES", (1, 4))
    monkeypatch.setattr(memory, "MNIST", 32)
    monkeypatch.setattr(first_step, "STARTS", 1)


@pytest.fixture
def stand_in(monkeypatch):
    """A data set that stands in for MNIST, of 40 samples."""
    rng = np.random.default_rng(0)
    y = np.arange(40, dtype=np.int32) % 10
    x = (np.eye(10)[y] + 0.1 * rng.random((40, 10))).astype(np.float32)
    split = Split(x, y)
    data = Dataset("mnist", split, split, split)
    monkeypatch.setattr(book, "_mnist", lambda folder: data)
    return data


def short(name, epochs=3):
    return next(row for row in book.ROWS if row.name == name)._replace(epochs=epochs)


def test_every_row_of_the_book_has_a_name_of_its_own_and_can_be_trained():
    assert len({row.name for row in book.ROWS}) == len(book.ROWS)
    assert {row.reports for row in book.ROWS} == {
        "test",
        "validation",
        "test at best validation",
    }
    for row in book.ROWS:
        bpx.Network(
            [784, row.hidden, 10], output=row.output, cost=row.cost, init=row.init, seed=0
        )


def test_the_rules_are_trained_beside_backpropagation(stand_in, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(bpx.data, "load", lambda name, folder: stand_in)
    setting = feedback.Setting(hidden=(6, 5), batch_size=8, phases=((1e-2, 2), (1e-3, 1)))
    words = ["--rules", "dfa", "--seeds", "2", "--backend", "numpy"]
    feedback.main([*words, "--out", str(tmp_path / "found.json")], setting)
    printed = capsys.readouterr().out.splitlines()
    rows = [text.split(" | ") for text in printed if text.startswith(("| transpose", "| dfa"))]
    assert [row[0] for row in rows] == ["| transpose", "| dfa"]
    assert rows[0][2:6] == ["+0.00", *["0.0 [0.0, 0.0]"] * 3]
    runs = json.loads((tmp_path / "found.json").read_text())["rules"]["dfa"]
    assert [run["seed"] for run in runs] == [0, 1]
    for run in runs:
        assert (len(run["curve"]), len(run["angles"])) == (3, 4)
        assert all(len(layers) == 2 and min(layers) > 0.0 for layers in run["angles"])


def test_rows_are_chosen_by_name():
    assert [row.name for row in book.chosen("ch3-30,ch1-30")] == ["ch3-30", "ch1-30"]
    assert book.chosen(None) == book.ROWS
    with pytest.raises(SystemExit, match="no row ch9; known: ch1-30"):
        book.chosen("ch1-30,ch9")


def test_a_run_keeps_the_peak_and_the_last_accuracy(stand_in):
    found = book.train(short("ch1-30"), stand_in, 0, "numpy")
    assert len(found.curve) == 3
    assert found.peak == max(found.curve)
    assert found.last == found.curve[-1]


def test_a_run_learns_and_its_seed_repeats_it(stand_in):
    row = short("ch3-30", epochs=20)
    found = book.train(row, stand_in, 1, "numpy")
    assert found.last > 90.0
    assert found.curve == book.train(row, stand_in, 1, "numpy").curve


def test_test_at_best_validation_is_of_the_first_best_epoch(stand_in):
    wrong = Split(stand_in.test.x, (stand_in.test.y + 1) % 10)  # test = what validation is not
    data = stand_in._replace(test=wrong)
    row = short("ch6-100-softmax", epochs=20)._replace(eta=1.0)
    found = book.train(row, data, 0, "numpy")
    assert max(found.curve) == 100.0
    assert found.peak == found.last == 0.0


def test_the_book_prints_and_writes_each_row(stand_in, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(book, "ROWS", (short("ch1-30"), short("ch3-100-l2")))
    out = tmp_path / "book.json"
    book.main(["--seeds", "2", "--backend", "numpy", "--out", str(out)])
    printed = capsys.readouterr().out
    assert "| ch1-30 | test | 95.42 peak, 95.34 last |" in printed
    written = json.loads(out.read_text())
    assert [len(row["runs"]) for row in written["rows"].values()] == [2, 2]
    assert written["rows"]["ch3-100-l2"]["lmbda"] == 5.0


def test_the_errors_of_chapter_5_shrink_towards_the_inputs(stand_in):
    for depth in health.DEPTHS:
        assert len(depth.hidden) == len(depth.book)
        for speeds in health.errors(depth, stand_in, seeds=2):
            assert len(speeds) == len(depth.hidden)
            assert list(speeds) == sorted(speeds)


def test_the_health_prints_and_writes_both_tables(stand_in, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(bpx.data, "load", lambda *_, **__: stand_in)
    out = tmp_path / "health.json"
    health.main(["--seeds", "2", "--epochs", "3", "--backend", "numpy", "--out", str(out)])
    printed = capsys.readouterr().out
    assert "| 4 of 4 hidden | 0.285 | 0." in printed
    written = json.loads(out.read_text())
    assert [len(runs) for runs in written["lost"]] == [3, 3]
    first, last = written["lost"][0][0], written["lost"][1][-1]
    assert f"| 0 | 1 | {first['accuracy']:.2f} | " in printed
    assert f"| 1 | 3 | {last['accuracy']:.2f} | " in printed
    assert set(last) == set(health.Run._fields)


def same_work(case, device, peers):
    """Three epochs of each: the same cost and accuracy."""
    found = {}
    for peer in peers:
        train = peer.trains(problem(case, device=device))
        found[peer.name] = [train() for _ in range(3)]
    ours, *others = found
    for name in others:
        for mine, theirs in zip(found[ours], found[name], strict=True):
            assert theirs.cost == pytest.approx(mine.cost, rel=2e-4), name
            assert theirs.accuracy == pytest.approx(mine.accuracy), name


@pytest.mark.parametrize("case", TINY.values(), ids=TINY)
def test_the_peers_do_the_same_work(case):
    equal = [peer for peer in trainers(HERE.values()) if peer.equal]
    same_work(case, "cpu", [peer for peer in equal if peer.name != "PyTorch compile"])


@needs_compiler
@pytest.mark.filterwarnings("ignore")  # of PyTorch's own
def test_what_pytorch_compiles_does_the_same_work(monkeypatch):
    if "PyTorch compile" not in HERE:
        pytest.skip("no torch")
    monkeypatch.setenv("TORCHINDUCTOR_COMPILE_THREADS", "1")
    same_work(TINY["M"], "cpu", [HERE["bpx numpy"], HERE["PyTorch compile"]])


@pytest.fixture
def no_capture(monkeypatch):
    """What would be captured on a GPU is warmed up, and called: without a GPU, the rest."""
    torch = pytest.importorskip("torch")
    from benchmarks.peers import _torch

    def capture(run):
        for _ in range(_torch.WARM_UPS):
            run()
        return SimpleNamespace(replay=run)

    monkeypatch.setattr(_torch, "_capture", capture)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)


@pytest.mark.parametrize("name", ["S", "M"])
def test_what_pytorch_captures_does_the_same_work(name, no_capture):
    graphs = next(peer for peer in PEERS if peer.name == "PyTorch CUDA graphs")
    same_work(TINY[name], "cpu", [HERE["bpx numpy"], graphs])


def test_the_products_of_a_gpu_are_those_of_a_step(no_capture):
    products = next(
        peer for peer in PEERS if (peer.name, peer.devices) == (PRODUCTS, ("cuda",))
    )
    assert products.trains(problem(TINY["M"]))() == (None, None)


@pytest.mark.gpu
@pytest.mark.parametrize("case", TINY.values(), ids=TINY)
def test_the_peers_do_the_same_work_on_a_gpu(case):
    if cuda.library() is None:
        pytest.skip("no CUDA device")
    peers = available("cuda")[0]
    same_work(case, "cuda", [peer for peer in trainers(peers) if peer.equal])
    for peer in peers:
        if peer.training and not peer.equal:
            peer.trains(problem(case, device="cuda"))()


@pytest.mark.parametrize("name", [name for name, peer in HERE.items() if not peer.equal])
def test_a_peer_that_is_not_equal_trains_all_the_same(name):
    train = HERE[name].trains(problem(TINY["S"]))
    assert train()._fields == ("cost", "accuracy")


def test_the_peers_give_the_same_answers():
    numbers = problem(TINY["M"])
    expected = network(TINY["M"], 0, "numpy").predict(numbers.x[:3])
    for name, peer in HERE.items():
        if peer.answering and peer.equal:
            found = np.asarray(peer.answers(numbers, 3)())
            assert found == pytest.approx(expected, rel=1e-5), name
    if "scikit-learn" in HERE:  # of weights of its own
        assert HERE["scikit-learn"].answers(numbers, 3)().shape == (3, 4)


def test_numba_is_a_choice_of_each_peer(monkeypatch):
    seen = []
    monkeypatch.setenv("BPX_NUMBA", "as before")
    monkeypatch.setattr(
        bpx, "train", lambda *_, **__: (seen.append(os.environ["BPX_NUMBA"]) for _ in [0])
    )
    for name in ("bpx numpy", "bpx numpy+numba"):
        peer = next(peer for peer in PEERS if peer.name == name)
        with pytest.raises(AttributeError):  # no epoch comes of it
            peer.trains(problem(TINY["S"]))()
    assert seen == ["off", "on"]
    assert os.environ["BPX_NUMBA"] == "as before"


def test_peers_are_left_out_with_a_reason(monkeypatch):
    monkeypatch.setattr("benchmarks.peers.find_spec", lambda name: name != "sklearn")
    peers, left_out = available("cpu")
    assert left_out["scikit-learn"] == "sklearn is not installed"
    assert left_out["bpx cupy"] == "not on the CPU"
    assert not left_out.keys() & {peer.name for peer in peers}


def test_no_peer_has_anothers_name():
    for device in ("cpu", "cuda"):
        names = [peer.name for peer in PEERS if device in peer.devices]
        assert len(set(names)) == len(names)


def test_the_deep_network_does_not_die():
    case = CASES["deep"]._replace(samples=64)
    x = problem(case).x
    last = network(case, 0, "numpy").forward(x).a[-2]
    assert 0.1 < np.mean(last > 0.0) < 0.9
    assert 0.1 < np.std(last) < 10.0


def test_the_cases_are_those_of_the_issue():
    assert [case.short for case in CASES.values()] == [
        "S: 784-30-10, batch 10",
        "M: 784-512-512-10, batch 128",
        "L: 784-4096-4096-10, batch 1024",
        "deep: 784-[64]*16-10, batch 64",
        "wide: 784-512-512-10, batch 8192",
    ]
    assert all(case.samples % case.batch == 0 for case in CASES.values())
    assert CASES["L"].lasting(50_000).steps == 48


def test_the_bytes_of_a_case():
    case = Case("by hand", (3, 2, 1), "relu", "softmax", "cross_entropy", "adam", 1.0, 4, 10)
    found = footprint.footprint(case)
    assert found == (160, 64, 44, 88, 44, 96, 48)  # 11 parameters, 6 and 3 widths, 4 rows
    assert found.bound == pytest.approx(1.15 * (160 + 44 + 96 + 48 + 2 * (44 + 88)))
    assert found.moved == 64 + 2 * (44 + 88 + 44 + 96 + 48)
    assert footprint.footprint(case._replace(optimizer="sgd")).state == 0


def test_a_measurement_fills_its_window():
    calls = []
    counted = clock.each(lambda: calls.append(1), lambda run: 0.25 * len(run()), 1.0)
    assert counted == 0.25
    assert len(calls) == 1 + 4
    times = iter([0.4, 0.4, 0.4])
    assert training.microseconds(None, 10, 1.0, lambda run: next(times)) == pytest.approx(4e4)


def test_the_rounds_take_turns():
    order = []
    runs = {name: name for name in "abcd"}
    times = rounds.in_turn(runs, 5, lambda name: order.append(name) or len(order))
    turns = ["".join(order[i : i + 4]) for i in range(0, 20, 4)]
    assert all(sorted(turn) == list("abcd") for turn in turns)
    assert len({turn[: turn.index("a")][-1:] for turn in turns}) > 1  # not after one alone
    assert times == {n: [i + 1 for i, at in enumerate(order) if at == n] for n in "abcd"}


def test_one_that_fails_does_not_stop_the_others():
    def length(peer):
        if peer.name == "scikit-learn":
            raise ValueError("no\nreason")
        return len(peer.name)

    peers = [peer for peer in PEERS if peer.name in ("scikit-learn", "JAX scan")]
    found = rounds.of_each(peers, length)
    assert found == ({"JAX scan": 8}, {"scikit-learn": "ValueError: no"})


def test_a_ratio_above_one_says_that_bpx_is_faster():
    times = {"bpx numpy": [10.0, 20.0], "PyTorch eager": [30.0, 40.0]}
    assert rounds.ratios(times, "PyTorch eager", "bpx numpy") == [3.0, 2.0]
    assert rounds.ratio(times, "PyTorch eager", "bpx numpy") == pytest.approx(35 / 15)
    assert rounds.to_each_engine(times) == {"bpx numpy": {"PyTorch eager": 2.5}}
    assert "| PyTorch eager | 35.0 [30.0, 40.0] | 2.50 |" in training.times_table(times, "µs")


def test_what_is_asked_is_answered():
    times = {"bpx numpy": [10.0, 20.0], "PyTorch eager": [30.0, 40.0]}
    found = list(asked.answers("cpu", {"S": {"microseconds": times}}))
    assert len(found) == len(asked.ASKED) * len(asked.CASES)
    shown = asked.show(found)
    about = "numpy alone against PyTorch eager, CPU | S | 3.50"
    assert f"| {about} | 2.33 | 2.50 [2.00, 3.00] | 3.00 | no |" in shown
    assert "| cupy against PyTorch eager, GPU | S | 5.00 | not measured |  |  |  |" in shown


def test_what_is_asked_of_a_gpu_is_not_answered_by_a_cpu():
    times = {"bpx cupy": [1.0], "PyTorch eager": [6.0], "bpx torch": [1.0]}
    measured = {
        device: [
            each["what"]
            for each in asked.answers(device, {"S": {"microseconds": times}})
            if each["met"]
        ]
        for device in ("cpu", "cuda")
    }
    assert measured == {
        "cpu": ["torch against PyTorch eager"],
        "cuda": ["cupy against PyTorch eager"],
    }


def test_the_share_that_is_the_floor():
    case = TINY["S"]
    times = {"products alone": [2.0], "bpx numpy": [8.0], "PyTorch eager": [9.0]}
    results = {"training": {"S": {"microseconds": times}}}
    ((name, part),) = floor.measure(Plan((case,), (), window=0.0), results)
    assert part["shares"].keys() == {"bpx numpy"}
    assert part["shares"]["bpx numpy"]["products"] == 0.25
    assert "| bpx numpy | 0.25 |" in floor.show(name, part)
    ((name, part),) = floor.measure(Plan((case,), (), window=0.0), {})
    assert "products alone not measured" in floor.show(name, part)


def test_a_child_that_fails_says_why():
    with pytest.raises(fresh.ChildError, match="KeyError"):
        fresh.result("first_step", HERE["bpx numpy"], TINY["S"], "nowhere")


class _Device:
    """Stands in for a GPU, and keeps what it was told."""

    def __init__(self):
        self.log = []
        self.synchronize = lambda: self.log.append("synchronize")

    def event(self):
        return self

    def record(self):
        self.log.append("record")

    def milliseconds(self, start, stop):
        return 500.0


def test_the_events_stand_on_an_idle_device(monkeypatch):
    device = _Device()
    monkeypatch.setattr(cuda, "_cuda", lambda: device)
    assert clock.CLOCKS["events"](lambda: device.log.append("run")) == 0.5
    expected = ["synchronize", "record", "run", "synchronize", "record", "synchronize"]
    assert device.log == expected


@needs_linux
def test_the_command_measures_prints_and_writes(tiny, capsys, tmp_path):
    names = "bpx numpy,NumPy by hand,products alone"
    arguments = ["--cases", "S,M", "--repeats", "2", "--window", "0", "--peers", names]
    command.main([*arguments, "--out", str(tmp_path / "out")])
    printed = capsys.readouterr().out
    for section in document.SECTIONS.values():
        assert f"### {section.TITLE}" in printed
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["training"].keys() == {"S", "M"}
    assert all(len(times) == 2 for times in results["training"]["S"]["microseconds"].values())
    assert results["inference"].keys() == {"1", "4"}
    assert results["memory"]["M"]["bytes"]["bpx numpy"] > 0
    assert results["first-step"]["M"]["seconds"]["bpx numpy"]["cold"]["step"] > 0.0
    assert not any(part["failed"] for part in results["training"].values())
    written = (tmp_path / "out" / "results.md").read_text()
    assert written == document.markdown(results)
    why_not = "not asked" if find_spec("jax") else "jax is not installed"
    for expected in (
        "µs / step",
        "What is asked",
        "no TF32",
        "- on a GPU",
        f"- JAX scan: {why_not}",
    ):
        assert expected in written
    if find_spec("matplotlib"):
        for picture in ("training.svg", "training.png"):
            assert (tmp_path / "out" / picture).stat().st_size > 10_000


def test_the_command_says_what_it_did_not_measure(tiny, capsys):
    command.main(["--only", "floor", "--cases", "S", "--window", "0"])
    printed = capsys.readouterr().out
    assert "- training: not asked for" in printed
    assert "- bpx cupy: not on the CPU" in printed
    assert "What is asked" not in printed


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("--cases S,XL", "no XL; known: S, M, L, deep, wide"),
        ("--peers nobody", "no nobody; known: bpx numpy"),
        ("--only speed", "no speed; known: training"),
        ("--repeats 0", "at least 1"),
        ("--tf32", "add --gpu"),
        ("--clock cpu", "pin to one core"),
    ],
)
def test_the_command_refuses_what_it_cannot_do(arguments, told, monkeypatch, capsys):
    monkeypatch.setattr(machine, "cores", lambda: 2)
    with pytest.raises(SystemExit):
        command.main(arguments.split())
    assert told in capsys.readouterr().err


def test_a_gpu_is_refused_where_there_is_none(monkeypatch, capsys):
    monkeypatch.setattr(cuda, "library", lambda: None)
    with pytest.raises(SystemExit):
        command.main(["--gpu"])
    assert "neither PyTorch nor CuPy sees a CUDA device" in capsys.readouterr().err


def test_times_are_told_in_the_unit_that_suits_them():
    assert [plot.told(each) for each in (68.3, 6260.0, 3.1e6)] == [
        "68.3 µs",
        "6.26 ms",
        "3.1 s",
    ]


def test_imports_prints_both_and_the_largest_modules(capsys):
    imports.main(["--repeats", "1", "--modules"])
    printed = capsys.readouterr().out
    assert "| import bpx |" in printed
    assert "| module | ms by itself |" in printed


def test_importtime_is_read():
    lines = (
        "import time: self [us] | cumulative | imported package\nimport time: 1500 | 2000 | a.b"
    )
    assert imports.parse(lines) == [imports.Module("a.b", 1.5)]


def test_a_band_is_the_median_and_the_extremes():
    assert report.band([3.0, 1.0, 2.0], 1) == "2.0 [1.0, 3.0]"
