"""The file of a search."""

import pytest

import bpx
from bpx.cli.tuning.search import read_search
from tests.cli.invoked import ok
from tests.cli.searches import TRAIN, search, written


def test_what_a_file_describes():
    found = search()
    assert (found.objective, found.direction) == ("cost", "minimize")
    assert (found.sampler, found.pruner, found.seed, found.trials) == ("tpe", "median", 0, 3)
    assert found.options == {"data": "blobs.csv", "epochs": 2, "batch_size": 16, "seed": 3}
    assert search(("trials = 3", 'objective = "accuracy"')).direction == "maximize"
    assert search(("trials = 3", "")).trials == 50
    assert read_search(written(), 7).trials == 7


def test_the_settings_of_a_trial():
    found = search(("seed = 3", 'optimizer = "sgd"\nmomentum = 0.9\nevery = "1 epoch"'))
    settings = found.settings(TRAIN, {"eta": 0.25, "hidden": "tanh"})
    assert (settings.eta, settings.hidden, settings.momentum) == (0.25, "tanh", 0.9)
    assert found.chosen(TRAIN, {})["every"] == "1 epoch"
    assert found.optimizer({}) == "sgd"
    assert found.settings(TRAIN, {"optimizer": "adam"}).momentum == 0.0


def test_what_it_searches_replaces_what_the_options_say():
    assert "eta" not in search(("epochs = 2", "epochs = 2\neta = 0.5")).options


def test_a_search_is_written_as_it_is_read(tmp_path):
    import tomli_w

    found = search(("eta = ", "layers = [[3, 4, 3], [3, 5, 3]]\neta = "))
    (tmp_path / "copy.toml").write_text(tomli_w.dumps(found.tree))
    copy = read_search(str(tmp_path / "copy.toml"))
    assert (copy.space, copy.options, copy.tree) == (found.space, found.options, found.tree)


def test_the_settings_of_a_run_can_be_searched(blobs):
    from pathlib import Path

    ok("train", blobs, "--epochs", 1, "--seed", 1, "--out", "run")
    text = Path("run/run.toml").read_text() + "\n[tune.space]\neta = [0.1, 0.2]\n"
    Path("again.toml").write_text(text)
    found = read_search("again.toml")
    assert found.options["epochs"] == 1
    assert "command" not in found.options
    assert found.settings(TRAIN, {"eta": 0.2}).data == blobs


def test_the_value_of_an_evaluation():
    result = bpx.Evaluation(0.5, None, {"f1": 0.25})
    assert search().value(result) == 0.5
    assert search(("trials = 3", 'objective = "accuracy"')).value(result) is None
    with_f1 = ("epochs = 2", 'epochs = 2\nmetrics = "f1"')
    by_f1 = ("trials = 3", 'objective = "f1"\ndirection = "maximize"')
    assert search(with_f1, by_f1).value(result) == 0.25
    assert search().value(None) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[tune]\ntrials = 3\n\n[tune.space]", "[tuna]"), "has no table .tune."),
        (("[tune.space]", "[tune.spade]"), r"'spade' in .tune. \(did you mean 'space'\?\)"),
        (("trials = 3", "trials = 0"), "trials = 0 .* at least 1"),
        (("trials = 3", "seed = -1"), "seed = -1 .* at least 0"),
        (("trials = 3", "trials = true"), "trials = True"),
        (("trials = 3", 'sampler = "grid"'), "'grid' .* expected one of tpe, random"),
        (("trials = 3", 'pruner = 1'), "pruner = 1 .* expected one of median"),
        (("trials = 3", 'objective = "f1"'), "expected one of cost, accuracy: other metrics"),
        (("trials = 3", 'direction = "up"'), "direction = 'up' .* minimize or maximize"),
        (("seed = 3", 'out = "x"'), "has out, which is for one run; .* --out to bpx tune"),
        (('data = "blobs.csv"', ""), "has no data; expected a line such as"),
    ],
)  # fmt: skip
def test_what_is_no_search(change, said):
    with pytest.raises(bpx.InputError, match=said):
        search(change)


def test_a_metric_needs_a_direction():
    metric = ("epochs = 2", 'epochs = 2\nmetrics = ["f1_macro"]')
    with pytest.raises(bpx.InputError, match=r"direction = 'nothing' .* objective f1_macro"):
        search(metric, ("trials = 3", 'objective = "f1_macro"'))


def test_a_file_that_is_not_there():
    with pytest.raises(bpx.MissingFileError, match=r"^no.toml does not exist"):
        read_search("no.toml")
