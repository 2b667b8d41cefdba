"""The pictures of health: they draw what was measured into the axes given, and nothing else."""

import subprocess
import sys

import numpy as np
import pytest

import bpx
from bpx.inspect import plots

pytest.importorskip("matplotlib", reason="plots are an extra")

from matplotlib.figure import Figure

PLOTS = (plots.errors, plots.updates, plots.saturation, plots.outputs)


@pytest.fixture
def history():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    net = bpx.Network([3, 8, 8, 3], hidden="relu", output="sigmoid", seed=0)
    b = [np.array(each) for each in net.biases]
    b[0][[1, 4]], b[2][1] = -50.0, -60.0
    net.parameters = net.weights, b
    x = np.eye(3)[y] + 0.1 * rng.random((60, 3))
    return net.fit(x, y, epochs=4, batch_size=10, optimizer=bpx.SGD(0.1), seed=0, health=True)


@pytest.fixture
def ax():
    return Figure().subplots()


def healths(history):
    return [epoch.health for epoch in history]


@pytest.mark.parametrize("plot", PLOTS)
def test_it_draws_into_the_axes_that_it_is_given_and_returns_them(plot, history, ax, tmp_path):
    assert plot(history, ax=ax) is ax
    assert plot(iter(healths(history)), ax=Figure().subplots()) is not ax
    ax.figure.savefig(tmp_path / "picture.png")


@pytest.mark.parametrize("plot", PLOTS)
def test_axes_of_ones_own_need_no_pyplot(plot):
    program = (
        "import sys, bpx\n"
        "from matplotlib.figure import Figure\n"
        "net = bpx.Network([2, 3, 2], seed=0)\n"
        "data = [[0.0, 1.0], [1.0, 0.0]], [0, 1]\n"
        "settings = dict(epochs=2, batch_size=1, optimizer=bpx.SGD(1.0), health=True)\n"
        "history = net.fit(*data, **settings)\n"
        f"bpx.inspect.plots.{plot.__name__}(history, ax=Figure().subplots())\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stdout.strip() == "False", ran.stderr


@pytest.mark.parametrize("plot", PLOTS)
def test_without_axes_it_makes_a_figure(plot, history):
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    figure = plot(history).figure
    assert len(pyplot.get_fignums()) == len(before) + 1
    pyplot.close(figure)


def test_errors_are_a_line_for_each_layer(history, ax):
    lines = plots.errors(history, ax=ax).get_lines()
    for layer, line in enumerate(lines):
        assert line.get_xdata().tolist() == [1, 2, 3, 4]
        assert line.get_ydata().tolist() == [h.errors[layer] for h in healths(history)]
        assert line.get_label() == f"layer {layer + 1}"
    assert (len(lines), ax.get_yscale(), ax.get_xlabel()) == (3, "log", "epoch")


def test_updates_have_a_line_where_is_usual(history, ax):
    usual, *lines = plots.updates(history, ax=ax).get_lines()
    assert list(usual.get_ydata()) == [1e-3, 1e-3]
    for layer, line in enumerate(lines):
        assert line.get_ydata().tolist() == [h.updates[layer] for h in healths(history)]


def test_what_a_logarithm_does_not_have_is_left_out(history, ax):
    dead = [h._replace(errors=(0.0, *h.errors[1:])) for h in healths(history)]
    lines = plots.errors(dead, ax=ax).get_lines()
    assert np.isnan(lines[0].get_ydata()).all()


def test_saturation_is_tiles_with_the_dead_in_words(history, ax):
    (image,) = plots.saturation(history, ax=ax).get_images()
    expected = np.transpose([h.saturated for h in healths(history)])
    np.testing.assert_allclose(image.get_array(), expected)
    dead = [len(units) for units in healths(history)[-1].dead]
    assert dead[0] >= 2
    assert f"{dead[0]} dead" in [text.get_text() for text in ax.texts]
    assert ax.get_yticklabels()[0].get_text() == "layer 1\nrelu"


def test_outputs_are_tiles_and_the_lost_are_marked(history, ax):
    (image,) = plots.outputs(history, ax=ax).get_images()
    expected = np.transpose([h.recall for h in healths(history)])
    np.testing.assert_allclose(image.get_array(), expected)
    assert [text.get_text() for text in ax.texts] == ["lost"]
    assert ax.texts[0].xy[1] == 1
    assert [t.get_fontweight() for t in ax.get_yticklabels()] == ["normal", "bold", "normal"]


def test_what_is_unknown_is_blank(history, ax):
    softmax = [h._replace(saturated=(0.5, 0.5, None)) for h in healths(history)]
    (image,) = plots.saturation(softmax, ax=ax).get_images()
    assert image.get_array().mask.tolist() == [[False] * 4, [False] * 4, [True] * 4]


def test_refusals(history, ax, monkeypatch):
    first, *rest = history
    for plot in PLOTS:
        with pytest.raises(bpx.InputError, match=r"3 of 4 records have a health; expected"):
            plot([first._replace(observed={}), *rest], ax=ax)
        with pytest.raises(bpx.InputError, match="0 of 0 records have a health"):
            plot([], ax=ax)
    plain = [h._replace(updates=None, recall=None) for h in healths(history)]
    with pytest.raises(bpx.InputError, match=r"no updates; expected those of bpx\.train"):
        plots.updates(plain, ax=ax)
    with pytest.raises(bpx.InputError, match="no classes; expected labels as targets"):
        plots.outputs(plain, ax=ax)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(bpx.InputError, match=r"pip install matplotlib"):
        plots.errors(history)
