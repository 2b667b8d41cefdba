"""Functions of C: names, constants, memory."""

import numpy as np

import bpx
from bpx.export.c.functions import planned
from tests.export.c.running import recorded, text_of


def test_names_are_those_of_the_equations_and_never_taken_ones():
    def each(xp, x):
        return xp.sum(xp.sin(x) * 2.0, axis=0)

    program, _ = recorded(each, [np.zeros((3, 4))])
    (x,), (y,) = program.data, program.state
    found = planned(program, "f", "f_call", {x: "x", y: "y"})
    assert not {"x", "y", "i", "j"} & set(found.names.values())
    assert len(set(found.names.values())) == len(found.names)
    assert found.reads >= {x}


def test_only_constants_that_are_read_are_written():
    given = np.zeros((3, 2), np.float32)

    def each(xp, x):
        return x + xp.astype(xp.arange(2, dtype=xp.int32) * 3 + 1, xp.float32)

    text, _ = text_of(each, [given])
    assert text.count("static const") == 1
    assert "1.0f, 4.0f" in text


def test_the_plan_has_the_memory():
    net = bpx.Network([4, 8, 3], seed=0)
    text = net.to_c(batch_size=2)
    # z1 and a1 share 2 x 8 numbers, each a multiple of 16; z2 and a2 have 2 x 3.
    assert "static float model_float32[22]" in text
