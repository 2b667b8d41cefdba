"""The folder of a search: begun once, and joined."""

from dataclasses import replace
from pathlib import Path

import pytest

import bpx
from bpx.cli.tuning import opened as opening
from bpx.cli.tuning.opened import opened
from bpx.cli.tuning.search import read_search
from tests.cli.searches import TRAIN, search, written

pytestmark = pytest.mark.usefixtures("blobs")
FOLDER = Path("runs/found")


def test_all_trials_share_a_seed_that_was_drawn():
    found = opened(search(("seed = 3", "")), FOLDER, TRAIN)
    assert isinstance(found.options["seed"], int)
    again = opened(search(("seed = 3", "")), FOLDER, TRAIN)
    assert again.options == found.options
    assert opened(read_search(str(FOLDER / "search.toml")), FOLDER, TRAIN).tree == found.tree


def test_two_that_begin_at_once_have_one_seed(monkeypatch):
    first = search(("seed = 3", ""))
    check, inside = opening.check, []

    def meanwhile(*given):
        if not inside:
            inside.append(None)
            inside.append(opened(first, FOLDER, TRAIN))
        return check(*given)

    monkeypatch.setattr(opening, "check", meanwhile)
    found = opened(first, FOLDER, TRAIN)
    assert found.options == inside[1].options


def test_it_is_not_checked_again(monkeypatch):
    opened(search(), FOLDER, TRAIN)
    monkeypatch.setattr(opening, "check", None)
    assert opened(search(("trials = 3", "trials = 9")), FOLDER, TRAIN).trials == 9


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("epochs = 2", "epochs = 3"), "has epochs = 3, but the search in .* begun with 2"),
        (("seed = 3", "seed = 4"), "has seed = 4"),
        (("seed = 3", 'seed = 3\nnorm = "layer"'), "has norm = 'layer', .* begun with None"),
        (("1e-1", "1.0"), r"has \[tune.space\] eta"),
        (("trials = 3", 'sampler = "random"'), r"has \[tune\] sampler"),
    ],
)
def test_another_search_is_refused(change, said):
    opened(search(), FOLDER, TRAIN)
    with pytest.raises(bpx.InputError, match=said):
        opened(search(change), FOLDER, TRAIN)


def test_a_search_that_cannot_be_leaves_nothing():
    with pytest.raises(bpx.InputError, match="thanh"):
        opened(search(("tanh", "thanh")), FOLDER, TRAIN)
    assert not FOLDER.exists()
    assert not FOLDER.parent.exists()


def test_other_folders_are_refused():
    FOLDER.mkdir(parents=True)
    (FOLDER / "notes").touch()
    with pytest.raises(bpx.InputError, match="has files in it, and is no search"):
        opened(search(), FOLDER, TRAIN)
    with pytest.raises(bpx.InputError, match="is a file; expected a folder"):
        opened(search(), Path(written()), TRAIN)
    with pytest.raises(bpx.InputError, match="cannot be made"):
        opened(replace(search(), trials=1), Path(written()) / "below", TRAIN)


def test_a_search_file_of_ones_own_in_its_folder_is_refused():
    file = FOLDER / "search.toml"
    FOLDER.mkdir(parents=True)
    file.write_text(Path(written()).read_text())
    with pytest.raises(bpx.InputError, match="move it elsewhere, or choose another --out"):
        opened(read_search(str(file), None), FOLDER, TRAIN)


def test_what_another_worker_is_just_writing_is_no_file_of_somebody_else():
    FOLDER.mkdir(parents=True)
    (FOLDER / ".search.toml.1234.bpx-part").touch()
    (FOLDER / ".lock").touch()
    assert opened(search(), FOLDER, TRAIN).trials == 3
