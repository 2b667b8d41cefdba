"""A mark names a function's variables, and leaves the function as it is."""

import inspect
import pickle

import numpy as np
import pytest

import bpx
from bpx import equations
from bpx.costs import Cost
from bpx.layers.dense import Dense
from bpx.optim.chained import Chained
from bpx.program.marks import Call, Mark, equation, mark_of, symbols
from bpx.program.record import record
from bpx.training.step import TrainingStep
from tests.programs import ROWS, texts

MARKED = {
    "bp1": equations.bp1,
    "bp4": equations.bp4,
    "forward": Dense.forward,
    "pullback": bpx.Elementwise.pullback,
    "delta": Cost.delta,
    "update": Chained.__call__,
    "step": TrainingStep.__call__,
}


@pytest.mark.parametrize("name", MARKED)
def test_a_marked_function_is_the_plain_function(name):
    function = MARKED[name]
    assert mark_of(function.__code__)
    assert inspect.isfunction(function)
    assert not hasattr(function, "__wrapped__")
    assert not function.__dict__
    assert f"def {function.__name__}(" in inspect.getsource(function)
    assert pickle.loads(pickle.dumps(function)) is function


def test_the_mark_gives_back_what_it_was_given():
    def half(x):
        return 0.5 * x

    code = half.__code__
    assert symbols("x")(equation("h")(half)) is half
    assert half.__code__ is code


def test_equal_code_is_not_marked_with_it():
    def half(x):
        return 0.5 * x

    copy = half.__code__.replace()
    equation("h")(half)
    assert copy == half.__code__
    assert mark_of(copy) is None


@pytest.mark.parametrize(
    ("text", "of", "found"),
    [
        ("z^l", "", ("z", True, True, "", "", ())),
        ("grad_a", "", ("grad_a", True, False, "", "", ())),
        ("delta^l", "kept.z", ("delta", True, True, "kept.z", "", ())),
        ("a^l = sigma(z)", "", ("a", True, True, "z", "sigma", ("z",))),
        ("h = mean(u, v)", "w", ("h", True, False, "w", "mean", ("u", "v"))),
        (
            "sigma_prime(z, a)",
            "",
            ("sigma_prime", False, False, "z", "sigma_prime", ("z", "a")),
        ),
    ],
)
def test_the_text_of_a_mark(text, of, found):
    @equation(text, "a label", of=of)
    def function():
        pass

    mark = mark_of(function.__code__)
    assert [tuple(each) for each in mark.symbols] == [(*found, "a label", False)]
    assert mark.whole
    assert mark.label == "a label"


def test_marks_of_one_function_come_together():
    @equation("u", "one")
    @symbols("v")
    def function():
        pass

    mark = mark_of(function.__code__)
    assert [each.variable for each in mark.symbols] == ["u", "v"]
    assert (mark.whole, mark.label) == (True, "one")


def test_a_def_that_is_run_again_has_its_own_mark_alone():
    def made():
        @equation("u", "one")
        @symbols("v")
        def function():
            pass

        return function

    first, again = made(), made()
    assert first.__code__ is again.__code__
    assert [each.variable for each in mark_of(again.__code__).symbols] == ["u", "v"]


def test_what_calls_without_an_equation_is_not_whole():
    @symbols("x", label="{x}")
    def function(x):
        pass

    assert mark_of(function.__code__) == Mark(mark_of(function.__code__).symbols, False, "{x}")


def printed(step, *shapes):
    state = tuple(np.zeros(shape) for shape in shapes)
    return texts(record(lambda s, data, rows: step(*s), state, (), ROWS))


def test_the_result_is_the_variable_of_that_name():
    """Whatever the function does besides."""

    @equation("h")
    def halved(x):
        h = 0.5 * x
        _ = bpx.namespace(x).exp(h)
        return h

    def step(x):
        h = halved(x)
        return (bpx.namespace(x).exp(h) + h,)

    assert printed(step, 2) == ["h = 0.5 * [0]", "t1 = exp(h) + h", "[0] <- t1"]


def test_or_what_its_own_last_operation_gave():
    @equation("h")
    def halved(x):
        return 0.5 * bpx.namespace(x).exp(x)

    assert printed(lambda x: (halved(x),), 2)[0] == "h = 0.5 * exp([0])"


def test_what_another_function_gave_last_names_nothing():
    @equation("h")
    def calling(x, function):
        return function(x)

    def ending_otherwise(x):
        half = 0.5 * x
        _ = bpx.namespace(x).exp(half)
        return half

    def step(x):
        h = calling(x, ending_otherwise)
        return (bpx.namespace(x).exp(h) + h,)

    assert printed(step, 2)[:2] == ["t1 = 0.5 * [0]", "t2 = exp(t1) + t1"]


def test_a_result_that_is_there_already_is_named_as_well():
    @equation("h")
    def halved(x):
        return 0.5 * x

    @equation("k")
    def again(x):
        k = 0.5 * x
        return k * 2.0

    lines = printed(lambda x: (halved(x) + again(x),), 2)
    assert lines[0] == "h = 0.5 * [0]"
    assert not any(line.startswith("k =") for line in lines)


def test_a_variable_without_a_value_is_none():
    @equation("h")
    def halved(x, named):
        if named:
            h = 0.5 * x
            return h + 1.0
        return 0.5 * x

    assert printed(lambda x: (halved(x, True),), 2)[0] == "h = 0.5 * [0]"
    assert printed(lambda x: (halved(x, False),), 2)[0] == "t1 = 0.5 * [0]"


def test_a_variable_that_is_no_array_is_none():
    @equation("h", "half")
    def halved(x):
        h = None
        return 0.5 * x, h

    assert printed(lambda x: (halved(x)[0],), 2)[0] == "t1 = 0.5 * [0]"


def test_a_call_is_written_as_its_label():
    assert str(Call(Mark(), label="BP1")) == "BP1"
    assert str(Call(Mark())) == "step"
