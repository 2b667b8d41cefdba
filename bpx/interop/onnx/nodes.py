"""How each operator of ONNX is read: what it makes of the layers below it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpx.interop.onnx.chain import Affine, Chain, State
from bpx.interop.onnx.tensors import DOUBLE, FLOAT
from bpx.interop.onnx.values import Node, is_row
from bpx.layers.batch_norm import BatchNorm
from bpx.layers.dropout import Dropout
from bpx.layers.layer_norm import LayerNorm

__all__ = ["READERS", "read_node"]

Read = Callable[[Chain, Node], State]


def read_node(chain: Chain, node: Node) -> State:
    """Return what a node makes.

    Raises
    ------
    FileFormatError
        If bpx has nothing that does so.
    """
    read = READERS.get(node.op)
    if read is not None:
        return read(chain, node)
    if node.op in chain.forms.operators:
        return _elementwise(chain, node)
    raise node.refused(
        "has no counterpart in bpx; expected Gemm, or MatMul and Add, with the activations of "
        "bpx, BatchNormalization, LayerNormalization, Dropout, and Add at the end of a "
        "residual block"
    )


def _gemm(chain: Chain, node: Node) -> State:
    if node.number("transA", 0):
        raise node.refused("transposes its samples; expected transA=0")
    w = node.array(1) if node.number("transB", 0) else node.array(1).T
    chain.hold(w, node.shown)
    w = _scaled(w, node.number("alpha", 1.0))
    if node.input(2) is None:
        return _dense(chain, node, w, None)
    b, beta = node.array(2), node.number("beta", 1.0)
    b = np.full(w.shape[:1], b.item()) if b.size == 1 else node.vector(2, len(w))
    return _dense(chain, node, w, _scaled(b.astype(w.dtype), beta))


def _matmul(chain: Chain, node: Node) -> State:
    chain.hold(node.array(1), node.shown)
    return _dense(chain, node, node.array(1).T, None)


def _dense(chain: Chain, node: Node, w: NDArray[Any], b: NDArray[Any] | None) -> State:
    link = chain.closed(node.state())
    if w.ndim != 2 or w.dtype != chain.forms.dtype:
        raise node.refused(
            f"has weights of shape {w.shape}, {w.dtype}; expected a matrix of "
            f"{chain.forms.dtype}, as its inputs are"
        )
    if link.width not in (None, w.shape[1]):
        raise node.refused(f"takes {w.shape[1]} numbers, but is given {link.width}")
    return State(link, Affine(w, b), chain.forms.z)


def _scaled(x: NDArray[Any], factor: float) -> NDArray[Any]:
    return x if factor == 1.0 else x * x.dtype.type(factor)


def _add(chain: Chain, node: Node) -> State:
    """A bias, the end of a residual block, or part of an activation."""
    one, other = node.input(0), node.input(1)
    if not isinstance(one, State):
        one, other = other, one
    if not isinstance(one, State) or other is None:
        raise node.refused("adds constants; expected the values of samples")
    if isinstance(other, State):
        if one[:2] == other[:2]:
            return _elementwise(chain, node)
        first, second = (chain.closed(each) for each in (one, other))
        return chain.added(first, second, node.shown)
    affine = one.affine
    if affine is None or one.number != chain.forms.z or not is_row(other, len(affine.w)):
        return _elementwise(chain, node)
    b = other.astype(affine.w.dtype).reshape(len(affine.w))
    return one._replace(affine=Affine(affine.w, b if affine.b is None else affine.b + b))


def _elementwise(chain: Chain, node: Node) -> State:
    """A further function of the same z."""
    inputs = [chain.opened(each) if isinstance(each, State) else each for each in node.inputs]
    states = [each for each in inputs if isinstance(each, State)]
    if not states or any(each[:2] != states[0][:2] for each in states):
        raise node.refused(
            "combines values of different layers; expected an Add of a residual block"
        )
    operands = []
    for each in inputs:
        if each is None or (not isinstance(each, State) and not is_row(each, 1)):
            raise node.refused("takes several numbers; expected constants of one element")
        operands.append(each.number if isinstance(each, State) else each.reshape(()))
    number = chain.forms.number(node.op, node.attributes, operands)
    return states[0]._replace(number=number, last=node.described)


def _batch_norm(chain: Chain, node: Node) -> State:
    if node.number("training_mode", 0):
        raise node.refused("is in training mode; expected a model that predicts")
    names = ("gamma", "beta", "mean", "variance")
    arrays = _norm(chain, node, names)
    kept = _short(node.number("momentum", 0.9))
    layer = BatchNorm(len(arrays["gamma"]), _short(1.0 - kept), _epsilon(node))
    return chain.on_top(chain.closed(node.state()), layer, arrays)


def _layer_norm(chain: Chain, node: Node) -> State:
    if node.number("axis", -1) not in (-1, 1):
        raise node.refused("standardises over other axes; expected axis=-1")
    names = ("gamma", "beta") if node.input(2) is not None else ("gamma",)
    arrays = _norm(chain, node, names)
    arrays.setdefault("beta", np.zeros_like(arrays["gamma"]))
    layer = LayerNorm(len(arrays["gamma"]), _epsilon(node))
    return chain.on_top(chain.closed(node.state()), layer, arrays)


def _norm(chain: Chain, node: Node, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a norm, one number for each unit."""
    width = node.array(1).size
    given = node.state().width
    for place in range(1, len(names) + 1):
        chain.hold(node.array(place), node.shown)
    if given not in (None, width):
        raise node.refused(f"takes {width} numbers, but is given {given}")
    return {
        name: node.vector(place, width).astype(chain.forms.dtype)
        for place, name in enumerate(names, 1)
    }


def _epsilon(node: Node) -> float:
    return _short(node.number("epsilon", 1e-5))


def _short(value: float) -> float:
    """Return the number with the fewest digits that a file, in float32, holds as this one."""
    return float(str(np.float32(value)))


def _dropout(chain: Chain, node: Node) -> State:
    """It is kept, so that the network can be trained further."""
    if node.input(2) is not None and node.array(2).any():
        raise node.refused("is in training mode; expected a model that predicts")
    given = node.number("ratio", 0.5)
    rate = _short(float(given if node.input(1) is None else node.array(1).reshape(-1)[0]))
    link = chain.closed(node.state())
    if link.width is None:
        raise node.refused("comes before the number of inputs is known")
    return chain.on_top(link, Dropout(link.width, rate), {})


def _same(chain: Chain, node: Node) -> State:
    if node.number("axis", 1) != 1:
        raise node.refused("changes the shape; expected axis=1")
    return node.state()


def _cast(chain: Chain, node: Node) -> State:
    to = {FLOAT: "float32", DOUBLE: "float64"}.get(int(node.number("to", 0)))
    if to != chain.forms.dtype.name:
        raise node.refused(
            f"changes the type; expected {chain.forms.dtype}, in which the layers before it "
            "compute"
        )
    return node.state()


def _reshape(chain: Chain, node: Node) -> State:
    given, width = node.array(1).reshape(-1).tolist(), node.state().width
    if given not in ([-1, width], [0, width], [0, -1]):
        raise node.refused(
            f"changes the shape to {given}; expected samples and units, as they are"
        )
    return node.state()


READERS: dict[str, Read] = {
    "Add": _add,
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "Dropout": _dropout,
    "Flatten": _same,
    "Gemm": _gemm,
    "Identity": _same,
    "LayerNormalization": _layer_norm,
    "MatMul": _matmul,
    "Reshape": _reshape,
}
"""How to read each operator; those of activations are known from their exports."""
