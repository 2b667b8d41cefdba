"""How a function behaves: what is no array, not pure, not portable, or mixes samples."""

import numpy as np
import pytest

import bpx
from bpx.inspect import check
from bpx.inspect.checks import behaviour
from tests.inspect.checks.parts import only


def test_a_sum_over_all_samples():
    def sigma(z):
        xp = bpx.namespace(z)
        e = xp.exp(z - xp.max(z))
        return e / xp.sum(e)  # the axis forgotten

    row = only(check(bpx.Rowwise("wrong", sigma, lambda z, a, g: g)))
    assert row.equation == "each sample alone"
    assert "sum and max with axis=-1" in row.where


def test_a_function_that_writes_into_its_input():
    def sigma(z):
        z *= 2.0
        return z

    row = only(
        check(bpx.Elementwise("doubled", sigma, lambda z, a: 0.0 * z + 2.0), backend="numpy")
    )
    assert row.equation == "pure"
    assert row.where.startswith("sigma wrote into its argument")


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
            r"sigma returned shape \(96, 5\), float64; expected .* float32",
        ),
        (
            lambda z: z.astype(np.float32),
            r"sigma returned shape \(96, 5\), float32; expected .* float64",
        ),
        (lambda z: z[:, 0], r"sigma returned shape \(96,\), float64; expected shape \(96, 5\)"),
        (lambda z: 1.0, r"sigma returned 1\.0; expected an array"),
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


def test_an_error_says_where_in_the_users_function_it_came_from():
    def sigma(z):
        return z.nothing

    with pytest.raises(AttributeError) as caught:
        sigma(np.ones(3))
    line = sigma.__code__.co_firstlineno + 1
    told = behaviour.raised(caught.value)
    assert told.startswith(
        "AttributeError: 'numpy.ndarray' object has no attribute 'nothing', in "
    )
    part = bpx.Elementwise("odd", sigma, lambda z, a: z)
    report = str(bpx.inspect.check(part))
    assert f"test_behaviour.py:{line})" in report
    rule = bpx.feedback.Feedback("odd", local=lambda layer, delta: layer.nothing)
    assert "'LayerView' object has no attribute 'nothing', in " in str(bpx.inspect.check(rule))


def test_an_error_of_bpx_alone_has_no_place():
    try:
        bpx.Network([3])
    except bpx.InputError as error:
        told = behaviour.raised(error.with_traceback(error.__traceback__.tb_next))
    assert told.startswith("InputError: ")
    assert ", in " not in told
