"""Parts that are wrong by a known share, and what a report says of them."""

from dataclasses import replace

import pytest

import bpx
from bpx import activations

ACTIVATIONS = activations.ACTIVATIONS
ELEMENTWISE = sorted(n for n, s in ACTIVATIONS.items() if isinstance(s, bpx.Elementwise))
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


def too_large(name, part="sigma_prime", factor=1.01):
    right = ACTIVATIONS[name]
    function = getattr(right, part)
    return replace(right, **{part: lambda *a: factor * function(*a)})


def huber(factor=1.0, **more):
    """Smooth enough: its second derivative jumps."""

    def value(a, y):
        xp = bpx.namespace(a)
        off = xp.abs(a - y)
        return xp.sum(xp.where(off < 1.0, 0.5 * off * off, off - 0.5), axis=1)

    def grad_a(a, y):
        return factor * bpx.namespace(a).clip(a - y, -1.0, 1.0)

    return bpx.Cost("huber", value, grad_a, **more)


def only_bp2(report):
    """The row of BP2; what is made of it is wrong with it, and nothing else is."""
    assert [row.equation for row in report.wrong][:1] == ["BP2"]
    assert {row.equation for row in report.wrong} <= {"BP2", "R2", "gradient", "Hessian"}
    return report.wrong[0]
