"""Right formulas pass, and every wrong one is named, with its layer and how wrong it is."""

from dataclasses import replace

import numpy as np
import pytest

import bpx
from bpx import activations, costs, equations
from bpx.inspect import check

ACTIVATIONS = activations.ACTIVATIONS
ELEMENTWISE = sorted(n for n, s in ACTIVATIONS.items() if isinstance(s, bpx.Elementwise))
SMOOTH = [n for n in ELEMENTWISE if ACTIVATIONS[n].sigma_second is not activations.flat]
COSTS = sorted(costs.COSTS)
OFF = 1.0 - 1.0 / 1.01  # the relative deviation of what is 1 % too large


def wrong_rows(report):
    return [(row.equation, row.layer) for row in report.wrong]


def only(report):
    """The one row that is wrong."""
    (row,) = report.wrong
    with pytest.raises(bpx.CheckError) as caught:
        report.raise_if_wrong()
    assert (caught.value.equation, caught.value.layer) == (row.equation, row.layer)
    assert caught.value.deviation == row.deviation
    if row.deviation is not None:
        assert f"{row.deviation:.1e}" in str(caught.value)
    assert str(caught.value).startswith(row.equation)
    assert not report.ok
    assert "WRONG" in str(report)
    return row


@pytest.fixture
def once(target):
    """Each backend once: nothing is compiled here."""
    if not target.value.compile:
        pytest.skip("nothing is compiled here: the same as with compile")
    return target


# What is right passes


@pytest.mark.parametrize("name", [*ACTIVATIONS, *costs.COSTS])
def test_every_built_in_part_is_right(name, once):
    report = check(name, backend=once.spec)
    report.raise_if_wrong()
    assert report.ok
    assert not report.warnings
    assert not report.notes
    deviations = [row.deviation for row in report.rows if row.deviation is not None]
    assert max(deviations) < 0.2 * 1e-6
    assert sum(row.skipped for row in report.rows) == 0


NAMES = ["relu", "silu", "softmax"]


def test_a_network_is_right(once):
    net = once.network([4, 5, 4, 3], activations=NAMES, cost="cross_entropy", seed=1)
    before = [np.array(bpx.to_host(w)) for w in net.weights]
    report = check(net)
    report.raise_if_wrong()
    named = {(row.equation, row.layer) for row in report.rows}
    expected = {(e, layer) for e in ("z", "BP3", "BP4") for layer in (1, 2, 3)}
    expected |= {("BP1", 3), ("R1", 3), ("gradient", None)}
    expected |= {(e, layer) for e in ("BP2", "R2") for layer in (1, 2)}
    assert expected <= named
    assert net.home.dtype == "float32"
    assert all(map(np.array_equal, before, map(bpx.to_host, net.weights)))


@pytest.mark.parametrize("hidden", sorted(ACTIVATIONS))
@pytest.mark.parametrize("output", ["identity", "relu", "softmax", "tanh"])
def test_networks_are_right(hidden, output):
    check(bpx.Network([4, 5, 4, 3], hidden=hidden, output=output, seed=1)).raise_if_wrong()


def test_at_samples_of_ones_own():
    net = bpx.Network([4, 5, 3], hidden="relu", output="softmax", cost="cross_entropy", seed=1)
    x, y = np.random.default_rng(0).standard_normal((50, 4)), np.arange(50) % 3
    assert check(net, x, y).ok
    assert check(net, x.tolist(), np.eye(3)[y]).ok
    with pytest.raises(bpx.InputError, match="one of x and y was given"):
        check(net, x)
    with pytest.raises(bpx.InputError, match="they are for a network"):
        check("relu", x, y)


def test_a_wide_network_is_moved_along_directions():
    net = bpx.Network([50, 70, 3], hidden="tanh", seed=1)
    check(net).raise_if_wrong()
    report = check(bpx.Network([50, 70, 3], hidden=too_large("tanh"), seed=1))
    assert only_bp2(report).deviation == pytest.approx(OFF, rel=1e-4)


def test_a_saturated_network_is_right():
    net = bpx.Network([3, 4, 3], hidden="relu", output="softmax", cost="cross_entropy", seed=1)
    net.parameters = [100.0 * np.array(w) for w in net.weights], net.biases
    check(net).raise_if_wrong()


# Activations


def too_large(name, part="sigma_prime", factor=1.01):
    right = ACTIVATIONS[name]
    function = getattr(right, part)
    return replace(right, **{part: lambda *a: factor * function(*a)})


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_sigma_prime_that_is_off_by_a_hundredth(name):
    wrong = too_large(name)
    row = check(wrong).wrong[0]
    assert (row.equation, row.part) == ("sigma'", name)
    assert row.deviation == pytest.approx(OFF, rel=1e-3)
    assert row.where.startswith("at z = ")


@pytest.mark.parametrize("name", SMOOTH)
def test_a_sigma_second_that_is_off_by_a_hundredth(name):
    row = only(check(too_large(name, "sigma_second")))
    assert row.equation == "sigma''"
    assert row.deviation == pytest.approx(OFF, rel=1e-3)


def test_a_sigma_second_that_is_said_to_be_zero():
    row = only(check(replace(activations.tanh, sigma_second=activations.flat)))
    assert row.equation == "sigma''"
    assert row.deviation == 1.0


def test_a_sigma_prime_that_is_wrong_on_one_side():
    wrong = bpx.Elementwise(
        "softsign",
        lambda z: z / (1.0 + bpx.namespace(z).abs(z)),
        lambda z, a: 1.0 / (1.0 + z) ** 2,  # |z| forgotten
    )
    row = only(check(wrong))
    assert row.equation == "sigma'"
    assert row.where.startswith("at z = -")


def test_a_sigma_prime_that_is_nan_somewhere():
    sinc = bpx.Elementwise(
        "nan",
        lambda z: z * z,
        lambda z, a: bpx.namespace(z).sqrt(z) * bpx.namespace(z).sqrt(z) * 2.0,
    )
    row = only(check(sinc))
    assert (row.equation, row.deviation) == ("sigma'", np.inf)


@pytest.mark.parametrize("k", [1.0, 30.0, 1e3, 1e4])
def test_a_stiff_function_is_told_from_a_wrong_one(k):
    def sigma(z):
        return bpx.namespace(z).tanh(k * z)

    right = bpx.Elementwise("stiff", sigma, lambda z, a: k * (1.0 - a * a))
    assert check(right).ok
    wrong = bpx.Elementwise("stiff", sigma, lambda z, a: 1.01 * k * (1.0 - a * a))
    assert only(check(wrong)).deviation == pytest.approx(OFF, rel=1e-3)


def test_kinks_elsewhere_than_at_zero():
    def hard(z):
        return bpx.namespace(z).clip(z, -1.0, 1.0)

    def prime(z, a):
        xp = bpx.namespace(z)
        return xp.astype(xp.abs(z) < 1.0, z.dtype)

    assert check(bpx.Elementwise("hard_tanh", hard, prime, activations.flat)).ok


def test_what_has_no_derivative_anywhere_is_not_passed():
    def noise(z):
        return bpx.namespace(z).sin(1e12 * z)

    row = check(bpx.Elementwise("noise", noise, lambda z, a: 0.0 * z)).wrong[-1]
    assert row.equation == "sigma'"
    assert row.where == "no derivative at any of 480 points"


def softmax_with(**parts):
    return replace(activations.softmax, **parts)


def test_a_pullback_that_forgets_the_coupling():
    def diagonal(z, a, g):
        return a * (1.0 - a) * g

    row = only(check(softmax_with(pull=diagonal, push=None, bend=None)))
    assert row.equation == "pull"
    assert 0.1 < row.deviation <= 2.0
    assert row.where.startswith("at sample ")


@pytest.mark.parametrize("part", ["pull", "push", "bend"])
def test_a_part_of_softmax_that_is_off_by_a_hundredth(part):
    function = getattr(activations.softmax, part)
    wrong = softmax_with(**{part: lambda *a: 1.01 * function(*a)})
    report = check(wrong)
    # bend is the derivative of what pull gives, so that it is wrong where pull is
    assert [row.equation for row in report.wrong] == (
        ["pull", "bend"] if part == "pull" else [part]
    )
    assert report.wrong[0].deviation == pytest.approx(OFF, rel=1e-3)


class Cube:
    """An activation by its protocol alone."""

    name = "cube"

    def __init__(self, factor=3.0):
        self.factor = factor

    def sigma(self, z):
        return z**3

    def pullback(self, z, a, g):
        return self.factor * z * z * g


def test_an_activation_by_its_protocol():
    assert check(Cube()).ok
    row = only(check(Cube(3.03)))
    assert (row.equation, row.part) == ("pullback", "cube")
    assert row.deviation == pytest.approx(OFF, rel=1e-3)


def test_an_elementwise_that_couples_the_units():
    sigma = activations.softmax.sigma
    row = check(bpx.Elementwise("softmax", sigma, lambda z, a: a * (1.0 - a))).wrong[0]
    assert row.equation == "each unit alone"


def test_a_sum_over_all_samples():
    def sigma(z):
        xp = bpx.namespace(z)
        e = xp.exp(z - xp.max(z))
        return e / xp.sum(e)  # the axis forgotten

    row = only(check(bpx.Rowwise("wrong", sigma, lambda z, a, g: g)))
    assert row.equation == "each sample alone"
    assert "sum and max with axis=1" in row.where


def test_a_function_that_writes_into_its_input():
    def sigma(z):
        z *= 2.0
        return z

    row = only(
        check(bpx.Elementwise("doubled", sigma, lambda z, a: 0.0 * z + 2.0), backend="numpy")
    )
    assert row.equation == "pure"
    assert row.where.startswith("sigma wrote into what it was given")


def test_a_function_that_answers_differently_each_time():
    rng = np.random.default_rng(0)
    noisy = bpx.Elementwise("noisy", lambda z: z + rng.random(), lambda z, a: 0.0 * z + 1.0)
    row = only(check(noisy, backend="numpy"))
    assert row.equation == "pure"
    assert "for the same" in row.where


@pytest.mark.parametrize(
    ("sigma", "words"),
    [
        (
            lambda z: z * np.float64(2.0),
            r"sigma gave shape \(96, 5\), float64; expected .* float32",
        ),
        (
            lambda z: z.astype(np.float32),
            r"sigma gave shape \(96, 5\), float32; expected .* float64",
        ),
        (lambda z: z[:, 0], r"sigma gave shape \(96,\), float64; expected shape \(96, 5\)"),
        (lambda z: 1.0, r"sigma gave 1\.0; expected an array"),
        (lambda z: 1.0 / None, r"sigma raised TypeError: unsupported operand"),
    ],
)
def test_shapes_and_dtypes(sigma, words):
    row = check(bpx.Elementwise("odd", sigma, lambda z, a: z), backend="numpy").wrong[0]
    assert row.equation == "shape and dtype"
    assert row.deviation is None
    with pytest.raises(bpx.CheckError, match=words):
        check(bpx.Elementwise("odd", sigma, lambda z, a: z), backend="numpy").raise_if_wrong()


def test_what_overflows_is_a_warning():
    naive = bpx.Elementwise(
        "naive",
        lambda z: bpx.namespace(z).exp(z) / (1.0 + bpx.namespace(z).exp(z)),
        lambda z, a: a * (1.0 - a),
    )
    report = check(naive)
    assert report.ok
    (row,) = report.warnings
    assert row.equation == "finite"
    assert "sigma is nan within ±10000" in row.where
    assert "note" in str(report)


def test_what_runs_on_numpy_alone_is_a_warning():
    pytest.importorskip("array_api_strict", reason="array-api-strict tells what is portable")
    bound = bpx.Elementwise("bound", np.sin, lambda z, a: np.cos(z))
    report = check(bound, backend="numpy")
    assert report.ok
    assert [row.equation for row in report.warnings] == ["portable"]
    assert "on array-api-strict sigma" in report.warnings[0].where


# Costs


def huber(factor=1.0, **more):
    """Smooth enough: its second derivative jumps."""

    def value(a, y):
        xp = bpx.namespace(a)
        off = xp.abs(a - y)
        return xp.sum(xp.where(off < 1.0, 0.5 * off * off, off - 0.5), axis=1)

    def grad_a(a, y):
        return factor * bpx.namespace(a).clip(a - y, -1.0, 1.0)

    return bpx.Cost("huber", value, grad_a, **more)


def test_a_cost_of_ones_own_is_right():
    assert check(huber()).ok


@pytest.mark.parametrize(("factor", "deviation"), [(1.01, OFF), (-1.0, 2.0), (0.5, 0.5)])
def test_a_gradient_that_is_wrong(factor, deviation):
    row = only(check(huber(factor)))
    assert (row.equation, row.part) == ("grad_a", "huber")
    assert row.deviation == pytest.approx(deviation, rel=1e-3)


def test_a_gradient_of_the_mean_in_place_of_the_sum():
    def grad_a(a, y):
        return costs.quadratic.grad_a(a, y) / a.shape[0]

    # which depends on how many samples there are
    report = check(replace(costs.quadratic, grad_a=grad_a, hess_a=None))
    assert wrong_rows(report)[0] == ("each sample alone", None)


def test_a_cost_with_a_logarithm_is_tried_where_it_is_finite():
    def value(a, y):
        xp = bpx.namespace(a)
        return xp.sum(a - y * xp.log(a), axis=1)

    poisson = bpx.Cost("poisson", value, lambda a, y: 1.0 - y / a)
    report = check(poisson)
    assert report.ok
    assert only(check(replace(poisson, grad_a=lambda a, y: 1.0 + y / a))).equation == "grad_a"


@pytest.mark.parametrize("name", COSTS)
def test_a_hess_a_that_is_off_by_a_hundredth(name):
    right = costs.COSTS[name]
    row = only(check(replace(right, hess_a=lambda *a: 1.01 * right.hess_a(*a))))
    assert row.equation == "hess_a"
    assert row.deviation == pytest.approx(OFF, rel=1e-3)


@pytest.mark.parametrize(
    ("part", "equation"),
    [("value", "pair's value"), ("delta", "pair's delta (BP1)"), ("hess_z", "hess_z")],
)
@pytest.mark.parametrize("name", COSTS)
def test_a_pair_that_is_off_by_a_hundredth(name, part, equation):
    right = costs.COSTS[name]
    ((output, pair),) = right.pairs
    function = getattr(pair, part)
    wrong = pair._replace(**{part: lambda *a: 1.01 * function(*a)})
    row = check(replace(right, pairs=((output, wrong),))).wrong[0]
    assert row.equation == equation
    assert row.part == f"{name} after {output.name}"
    assert row.deviation == pytest.approx(OFF, rel=1e-3)


def test_a_pair_after_an_output_that_it_is_not_for():
    """The quadratic cost's delta is a - y after identity, and nowhere else."""
    pair = bpx.Pair(
        lambda z, y: costs.quadratic.value(activations.sigmoid.sigma(z), y),
        lambda z, a, y: a - y,
    )
    row = only(check(replace(costs.quadratic, pairs=((activations.sigmoid, pair),))))
    assert (row.equation, row.part) == ("pair's delta (BP1)", "quadratic after sigmoid")


def test_a_cost_that_gives_one_number_for_all_samples():
    mean = bpx.Cost(
        "mean", lambda a, y: bpx.namespace(a).sum((a - y) ** 2), costs.quadratic.grad_a
    )
    row = only(check(mean))
    assert "value gave shape (), float64; expected shape (96,)" in row.where


# Networks: the layer is named, and only that


def only_bp2(report):
    """The row of BP2; the whole gradient is wrong with it, and nothing else is."""
    assert [row.equation for row in report.wrong][:1] == ["BP2"]
    assert {row.equation for row in report.wrong} <= {"BP2", "R2", "gradient"}
    return report.wrong[0]


@pytest.mark.parametrize("layer", [1, 2])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_wrong_sigma_prime_of_a_hidden_layer_is_bp2_of_that_layer(name, layer):
    names = ["tanh", "silu", "sigmoid"]
    names[layer - 1] = too_large(name)
    report = check(bpx.Network([4, 5, 4, 3], activations=names, seed=2))
    row = only_bp2(report)
    assert (row.layer, row.part) == (layer, name)
    assert row.deviation == pytest.approx(OFF, rel=1e-3)
    assert [row.layer for row in report.wrong if row.equation == "BP2"] == [layer]
    with pytest.raises(bpx.CheckError, match=rf"^BP2, layer {layer}, {name}: the largest dev"):
        report.raise_if_wrong()


def test_a_wrong_sigma_prime_of_the_output_is_bp1():
    report = check(bpx.Network([4, 5, 3], output=too_large("tanh"), seed=2))
    row = report.wrong[0]
    assert (row.equation, row.layer, row.part) == ("BP1", 2, "tanh, quadratic")
    assert row.deviation == pytest.approx(OFF, rel=1e-3)


def test_a_wrong_sigma_second_is_r2_of_that_layer():
    names = ["tanh", too_large("silu", "sigma_second"), "sigmoid"]
    row = only(check(bpx.Network([4, 5, 4, 3], activations=names, seed=2)))
    assert (row.equation, row.layer) == ("R2", 2)


def test_a_wrong_cost_is_bp1():
    report = check(bpx.Network([4, 5, 3], output="tanh", cost=huber(-1.0), seed=2))
    row = report.wrong[0]
    assert (row.equation, row.layer, row.part) == ("BP1", 2, "tanh, huber")
    assert row.deviation == pytest.approx(2.0)


def test_a_wrong_pair_is_named():
    right = costs.categorical_cross_entropy
    ((output, pair),) = right.pairs
    wrong = replace(
        right, pairs=((output, pair._replace(value=lambda z, y: 0.5 * pair.value(z, y))),)
    )
    report = check(bpx.Network([4, 5, 3], output="softmax", cost=wrong, seed=2))
    assert wrong_rows(report)[:2] == [("pair's value", 2), ("BP1", 2)]
    assert report.wrong[0].deviation == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["bp3", "bp4"])
def test_a_wrong_sum_over_samples_is_bp3_or_bp4(monkeypatch, name):
    right = getattr(equations, name)
    monkeypatch.setattr(equations, name, lambda r, *arrays: right(1.01 * r, *arrays))
    report = check(bpx.Network([4, 5, 3], seed=2))
    assert wrong_rows(report) == [(name.upper(), 1), (name.upper(), 2)]
    assert report.wrong[0].deviation == pytest.approx(OFF, rel=1e-3)


def test_a_bp2_that_is_not_transposed_rightly(monkeypatch):
    right = equations.bp2
    flipped = lambda sigma, z, a, w, delta: right(sigma, z, a, w.mT, delta)  # noqa: E731
    monkeypatch.setattr(equations, "bp2", flipped)
    assert wrong_rows(check(bpx.Network([4, 4, 4, 4], seed=2)))[:2] == [("BP2", 2), ("BP2", 1)]


def test_a_forward_equation_that_is_wrong(monkeypatch):
    monkeypatch.setattr(equations, "forward", lambda w, b, a: 1.01 * (a @ w.mT) + b)
    net = bpx.Network([4, 5, 3], seed=2)
    net.parameters = net.weights, [0.0 * b for b in net.biases]
    report = check(net)
    assert wrong_rows(report)[:2] == [("z", 1), ("z", 2)]
    assert report.wrong[0].deviation == pytest.approx(OFF, rel=1e-3)


def test_a_wrong_wiring_is_the_whole_gradient(monkeypatch):
    from bpx.model import passes

    right = passes.gradients
    monkeypatch.setattr(
        passes,
        "gradients",
        lambda r, delta, a: right(r, delta, a)._replace(b=right(2.0 * r, delta, a).b),
    )
    assert only(check(bpx.Network([4, 5, 3], seed=2))).equation == "gradient"


def test_a_part_that_widens_float32_is_named_with_its_layer():
    wide = bpx.Elementwise("wide", lambda z: z * np.float64(2.0), lambda z, a: 0.0 * z + 2.0)
    row = only(check(bpx.Network([4, 5, 3], hidden=wide, seed=2, backend="numpy")))
    assert row.equation == "shape and dtype"
    assert "sigma of 'wide', layer 1," in row.where


def test_without_second_derivatives_a_note_says_so():
    plain = replace(activations.tanh, sigma_second=None)
    report = check(bpx.Network([4, 5, 3], hidden=plain, seed=2))
    assert report.ok
    assert not {"R1", "R2"} & {row.equation for row in report.rows}
    assert "R1 and R2 were not checked" in report.notes[0]
    assert "'tanh' was made without sigma_second" in report.notes[0]


# Feedback


@pytest.mark.parametrize("name", bpx.feedback.FEEDBACKS)
def test_every_built_in_feedback_is_well_behaved(name, once):
    report = check(name, backend=once.spec)
    report.raise_if_wrong()
    assert not report.warnings
    assert len(report.notes) == (0 if name == "transpose" else 2)


@pytest.mark.parametrize("name", ["fa", "dfa", "kp", "brsf", "usf"])
def test_a_network_with_another_rule_is_right(name):
    net = bpx.Network([4, 5, 4, 3], feedback=name, seed=2)
    report = check(net)
    report.raise_if_wrong()
    x, y = np.random.default_rng(0).standard_normal((12, 4)), np.arange(12) % 3
    told = check(net, x, y).notes
    net.to(dtype="float64")
    trace = net.backprop(x, y)
    angles = bpx.inspect.gradient_alignment(net.spec, net.parameters, trace).angle
    assert f"{angles[0]:.1f} degrees from the gradient" in told[0]
    assert f"{angles[1]:.1f} degrees from the gradient" in told[1]


def test_a_wrong_sigma_prime_is_named_whatever_is_sent_back():
    net = bpx.Network([4, 5, 4, 3], hidden=too_large("tanh"), feedback="fa", seed=2)
    assert only_bp2(check(net)).layer == 2


def rule(send):
    return bpx.feedback.Feedback("rule", send=send)


def test_a_rule_that_is_not_linear_is_a_note():
    bent = rule(lambda w, delta, B: bpx.namespace(w[0]).tanh(delta[0] @ w[0]))
    report = check(bent)
    assert report.ok
    assert [(row.equation, row.layer) for row in report.warnings] == [
        ("linear", 1),
        ("linear", 2),
    ]


@pytest.mark.parametrize(
    ("send", "equation", "words"),
    [
        (lambda w, delta, B: delta[0] @ w[0].mT, "shape and dtype", ""),
        (lambda w, delta, B: delta[0] @ w[0] * np.float64(1.0), "shape and dtype", "float64"),
        (
            lambda w, delta, B: (delta[0] - delta[0].mean(axis=0)) @ w[0],
            "each sample alone",
            "",
        ),
    ],
)
def test_a_rule_that_misbehaves(send, equation, words):
    report = check(rule(send), backend="numpy")
    assert report.wrong[0].equation == equation
    assert words in report.wrong[0].where


# What cannot be checked


@pytest.mark.parametrize("what", [3.0, lambda z: z, None])
def test_what_is_no_part_is_refused(what):
    with pytest.raises(bpx.InputError, match="expected an activation"):
        check(what)


def test_an_unknown_name_is_refused():
    with pytest.raises(
        bpx.InputError, match=r"no built-in part 'rellu' \(did you mean 'relu'\?\)"
    ):
        check("rellu")


@pytest.mark.parametrize("tolerance", [0.0, 0.1, -1.0, "small"])
def test_a_tolerance_that_tells_nothing_is_refused(tolerance):
    with pytest.raises(bpx.InputError, match="tolerance="):
        check("relu", tolerance=tolerance)


def test_where_float64_cannot_be_stored_numpy_is_taken(monkeypatch):
    from bpx.arrays.home import Home

    def refuse(self, dtype):
        raise bpx.BackendError("no float64 here")

    monkeypatch.setattr(Home, "stored_as", refuse)
    report = check("tanh")
    assert report.ok
    assert report.notes == (
        "float64 cannot be stored on numpy (no float64 here): derivatives were taken on numpy",
    )
    assert report.notes[0] in str(report)


def test_the_points_are_those_of_the_seed():
    first, again, other = (check("gelu_tanh", seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other
