"""Comments: every statement says which equation it computes."""

import numpy as np

import bpx
from bpx.export.c.comments import Comments
from bpx.program.plan import plan
from tests.export.c.running import recorded


def test_equations_are_comments():
    net = bpx.Network([3, 4, 2], hidden="relu", seed=0)
    text = net.to_c(training=True, optimizer=bpx.SGD(0.1), batch_size=4)
    assert "z1 = x @ w[0].mT + b[0]   (forward)" in text
    assert "(BP1, sigmoid)" in text
    assert "delta1 = " in text
    assert "(BP2, relu)" in text
    assert "for z1   (forward)" in text  # the product, which the equation has inline
    assert "(BP3)" in text
    assert "(BP4)" in text


def test_random_words_are_counted():
    net = bpx.Network([3, 4, 2], dropout=0.5, seed=0)
    text = net.to_c(training=True, optimizer=bpx.SGD(0.1), batch_size=4, seed=0)
    assert "equations of dropout" in text
    assert "= bitwise_xor(" not in text


def test_products_that_change_the_weights_say_which_gradient_they_are():
    net = bpx.Network([3, 4, 2], seed=0)
    text = net.to_c(training=True, optimizer=bpx.SGD(0.1), batch_size=4)
    begin = text.index("dw1 = ")
    lines = text[begin:].splitlines()
    assert lines[0].endswith("@ x   (BP4)")
    assert "w[0] - optimizer.eta * dw1" in lines[1]


def test_targets_have_the_name_that_c_gives_them():
    net = bpx.Network([3, 4, 2], seed=0)
    how = {"training": True, "optimizer": bpx.SGD(0.1)}
    assert "y = astype(labels[:, None] == arange" in net.to_c(**how)
    assert "data." not in net.to_c(**how, targets="numbers")


def test_a_part_names_its_whole():
    def each(xp, x):
        return xp.sum(xp.sin(x) * 2.0, axis=0)

    program, _ = recorded(each, [np.zeros((3, 4))])
    found = Comments(program, plan(program))
    first, *_, last = (op.result for op in program.operations)
    (whole,) = found.equations
    assert whole is last
    assert list(found.of([first])) == [f"/* for {found.equations[last].name}   (each) */"]
    (line,) = found.of([last])
    assert line.startswith("/* t1 = sum(sin(data[0]) * 2.0")
