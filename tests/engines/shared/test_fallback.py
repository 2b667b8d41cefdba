"""What is said when a step runs as the plain loop: whose part it is, and why."""

import logging

import pytest

from bpx_backends.engines.shared.fallback import tell


def told(caplog, function, *arguments):
    """What is said of what a function raises, by the frames from that function on."""
    with caplog.at_level(logging.WARNING, "bpx"):
        try:
            function(*arguments)
        except Exception as why:
            tell(why.with_traceback(why.__traceback__.tb_next))
    (message,) = caplog.messages
    return message


def asking(x):
    return float(x)


def refusing():
    raise TypeError("\n  no such thing\nand a long explanation")


def test_the_function_that_asked_is_named_with_its_file_and_line(caplog):
    message = told(caplog, asking, "no number")
    line = asking.__code__.co_firstlineno
    assert message.startswith("asking (")
    assert f"test_fallback.py:{line}) cannot be compiled" in message
    assert message.endswith(": could not convert string to float: 'no number'")


def test_of_a_reason_the_first_line_is_enough(caplog):
    assert told(caplog, refusing).endswith("operation by operation: no such thing")


@pytest.mark.parametrize("package", ["bpx.costs", "bpx_backends", "jax._src.core", "torch"])
def test_functions_of_the_libraries_are_not_blamed(caplog, package):
    scope = {"__name__": package}
    exec("def library(function):\n    return function()\n", scope)
    assert told(caplog, scope["library"], refusing).startswith("refusing (")


def test_where_nobody_else_asked_it_is_the_step(caplog):
    with caplog.at_level(logging.WARNING, "bpx"):
        tell(ValueError("never raised"))
    assert caplog.messages[0].startswith("a step cannot be compiled")
