"""On several ranks the first one speaks, and what fails on one ends all."""

import re
from threading import current_thread

import click
import pytest

pytest.importorskip("click", reason="the command line is an extra")

import bpx
from bpx.cli import ranks
from bpx.cli.folder import RunFolder
from bpx.training.parallel.failing import everywhere
from tests.ranks import communicators, on_ranks


@pytest.fixture
def alone(monkeypatch):
    monkeypatch.setattr(ranks, "launched", lambda: None)


def on(monkeypatch, made):
    monkeypatch.setattr(ranks, "several", lambda: made)


@pytest.mark.usefixtures("alone")
def test_alone_nothing_is_different(monkeypatch, tmp_path):
    assert ranks.several() is None
    assert ranks.is_first()
    assert ranks.agreed_seed(None) is None
    assert ranks.agreed_seed(3) == 3
    assert ranks.on_all(lambda: 4) == 4
    folder = RunFolder(tmp_path)
    assert ranks.folder_of_all(lambda: folder) is folder
    monkeypatch.setenv(ranks.NOTES, str(tmp_path))
    with ranks.attended():
        ranks.note(ranks.FOLDER, "runs/first")
    assert (tmp_path / ranks.FINISHED).exists()
    assert (tmp_path / ranks.FOLDER).read_text() == "runs/first"
    with pytest.raises(bpx.InputError), ranks.attended():
        raise bpx.InputError


def test_a_seed_and_a_folder_are_those_of_the_first(monkeypatch, tmp_path):
    def run(made):
        current_thread().ranks = made
        monkeypatch.setattr(ranks, "several", lambda: current_thread().ranks)
        seed = ranks.agreed_seed(None)
        folder = ranks.folder_of_all(lambda: RunFolder(tmp_path / f"run{made.rank}"))
        return seed, folder.path, ranks.is_first(), ranks.on_all(lambda: made.rank)

    first, second = on_ranks(2, run)
    assert first[:2] == second[:2]
    assert first[1] == tmp_path / "run0"
    assert (first[2:], second[2:]) == ((True, 0), (False, 1))


@pytest.mark.parametrize("rank", [0, 1])
def test_the_first_one_prints(monkeypatch, capsys, rank):
    made = communicators(2)[rank]
    made.gather = lambda value: [value, value]
    on(monkeypatch, made)
    with ranks.attended():
        print("hello")
        click.echo("there")
    assert capsys.readouterr().out == ("hello\nthere\n" if rank == 0 else "")


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize(
    ("error", "code", "refuses"),
    [
        (everywhere(bpx.InputError("wrong")), 1, True),
        (click.UsageError("no such option"), 2, True),
        (everywhere(bpx.Preempted("SIGTERM", "run")), 75, False),
        (bpx.DivergenceError("", 1, 1, 1), 1, True),
    ],
)
def test_an_error_of_all_is_told_once(monkeypatch, tmp_path, rank, error, code, refuses):
    made = communicators(2)[rank]
    on(monkeypatch, made)
    monkeypatch.setenv(ranks.NOTES, str(tmp_path))
    kind = type(error) if rank == 0 else SystemExit
    with pytest.raises(kind) as caught, ranks.attended():
        raise error
    if rank == 0:
        assert caught.value is error
    else:
        assert isinstance(caught.value, SystemExit)
        assert caught.value.code == code
    assert not made.aborted
    assert (tmp_path / ranks.REFUSED).exists() == (refuses and rank == 0)


def test_an_error_of_one_ends_all(monkeypatch, capsys):
    made = communicators(3)[2]
    on(monkeypatch, made)
    with pytest.raises(SystemExit), ranks.attended():
        raise OSError("no space left")
    assert made.aborted
    assert "rank 2 of 3 ended all of them" in capsys.readouterr().err


def test_an_error_in_the_words_of_the_command_line_is_known_by_its_cause(monkeypatch):
    made = communicators(2)[1]
    on(monkeypatch, made)

    def fail():
        try:
            raise everywhere(KeyboardInterrupt())
        except KeyboardInterrupt as error:
            raise click.ClickException("Interrupted") from error

    with pytest.raises(SystemExit), ranks.attended():
        fail()
    assert not made.aborted


def test_what_info_shows(monkeypatch):
    on(monkeypatch, None)
    monkeypatch.setattr(ranks, "is_installed", lambda package: package != "jax")
    monkeypatch.setattr(ranks, "described", lambda package: f"{package} 1.0")
    found = ranks.collected()
    assert found == {
        "mpi": "mpi4py 1.0",
        "torch": "torch 1.0",
        "devices": "needs jax, which is not installed; install it with: pip install jax",
    }
    made = communicators(2)[0]
    made.gather = lambda value: [value, "elsewhere"]
    on(monkeypatch, made)
    with bpx.use("numpy"):
        found = ranks.collected()
    assert found["messages by"] == "threads"
    assert re.fullmatch(r".*, process \d+, \d+ cores, numpy on cpu", found["rank 0"])
    assert found["rank 1"] == "elsewhere"


def test_what_info_shows_of_what_is_broken(monkeypatch):
    def broken(package):
        raise bpx.BackendError(f"{package} cannot be used")

    monkeypatch.setattr(ranks, "described", broken)
    assert ranks._transport("numpy", "pip install numpy") == "numpy cannot be used"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BPX_BACKEND", "nothing")
        assert "there is no backend 'nothing'" in ranks._device()
