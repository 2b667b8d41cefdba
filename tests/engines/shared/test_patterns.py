"""Patterns of operations, as the one call that they become."""

import numpy as np

import bpx
from bpx.program.program import apply
from bpx.program.record import record
from bpx_backends.engines.shared.patterns import SIGMOID, Rule, rewritten
from tests.programs import ROWS, recorded, training

PRODUCT = Rule(("add", "x", ("multiply", "s", "y")), "add", "addcmul", "xsy")


def test_a_sigmoid_is_one_operation():
    program = rewritten(record(*training((4, 3, 2), 5, bpx.SGD(1.0))), [SIGMOID])
    called = [op for op in program.operations if op.attribute("native") == "sigmoid"]
    assert [op.operands[0].shape for op in called] == [(5, 3), (5, 2)]
    assert program.counts["tanh"] == 2
    assert "0.5" not in str(called)


def test_the_rewritten_program_has_the_same_ends():
    program = recorded(lambda x, y: (x + x * y, y), (3,), (3,))
    after = rewritten(program, [PRODUCT])
    assert (after.inputs, after.outputs) == (program.inputs, program.outputs)
    (x, y), (only,) = program.state, after.operations
    assert only.operands == (x, x, y)
    assert program.counts == {"multiply": 1, "add": 1}


def test_what_is_used_elsewhere_is_computed_still_or_kept_from_the_pattern():
    program = recorded(lambda x, y: (x + x * y, x * y), (3,), (3,))
    assert rewritten(program, [PRODUCT]).counts == {"multiply": 1, "add": 1}
    alone = rewritten(program, [PRODUCT._replace(alone=True)])
    assert alone.operations == program.operations


def test_no_rule_is_no_change():
    program = recorded(lambda x: (x * 2.0 + 1.0,), (3,))
    x = np.arange(3.0)
    (found,) = rewritten(program, []).replay(np, [x], [], ROWS)
    np.testing.assert_array_equal(found, apply(np, program.operations[-1], [x * 2.0, 1.0]))
