"""What is put on the stream: which matrices a product can read, what is in whose way."""

import pytest

from bpx.program.operation import DTYPES, Operation, Value
from bpx_backends.engines.cuda.items import (
    Call,
    Launch,
    Product,
    Sum,
    conflict,
    matrix_order,
    merged,
    overlap,
    parts,
)
from bpx_backends.engines.cuda.layout import Place
from bpx_backends.engines.cuda.loops import Function

FLOAT = DTYPES["float32"]


@pytest.mark.parametrize(
    ("shape", "strides", "order"),
    [
        ((3, 4), (4, 1), (False, 4)),
        ((3, 4), (1, 3), (True, 3)),
        ((3, 4), (6, 1), (False, 6)),
        ((1, 4), (1, 1), (False, 4)),
        ((4, 1), (1, 1), (False, 1)),
        ((1, 4), (0, 1), (False, 4)),
        ((4, 1), (1, 0), (False, 1)),
        ((1, 1), (0, 0), (False, 1)),
        ((3, 4), (8, 2), None),
    ],
)
def test_how_a_product_can_read_a_matrix(shape, strides, order):
    assert matrix_order(Place(0, FLOAT, shape, strides)) == order


def function(threads, items, reads=(), writes=()):
    return Function("", (), threads, items, 0, tuple(reads), tuple(writes))


def test_a_launch_has_blocks_for_all_its_functions():
    launch = Launch((function(256, 600), function(512, 600)))
    assert (launch.threads, launch.blocks) == (512, 2 + 2)


def test_bytes_overlap_where_one_is_in_both():
    assert overlap([(0, 8)], [(100, 108), (7, 9)])
    assert not overlap([(0, 8)], [(8, 16)])
    assert not overlap([], [(0, 8)])


def test_order_matters_where_one_writes_what_the_other_touches():
    reads = Launch((function(256, 1, reads=[(0, 8)]),))
    writes = Launch((function(256, 1, writes=[(4, 12)]),))
    assert conflict(reads, writes)
    assert conflict(writes, reads)
    assert conflict(writes, writes)
    assert not conflict(reads, reads)


def test_what_products_and_calls_touch():
    a, b, out, bias = (
        Place(256 * i, FLOAT, shape, strides)
        for i, (shape, strides) in enumerate([((2, 3), (3, 1)), ((3, 4), (4, 1)),
                                              ((2, 4), (4, 1)), ((4,), (1,))])
    )  # fmt: skip
    assert Product(a, b, out).reads == [a.span, b.span]
    assert Product(a, b, out, bias).reads == [a.span, b.span, bias.span]
    assert Product(a, b, out, bias).writes == [out.span]
    call = Call(Operation("prod", (), Value((2, 4), FLOAT)), (a, 2.0), out)
    assert (call.reads, call.writes) == ([a.span], [out.span])


def test_items_are_divided_at_the_sums_over_the_ranks():
    launch, total = Launch((function(256, 1),)), Sum(None, Place(0, FLOAT, (3,), (1,)))
    assert parts([launch, launch]) == {range(2): False}
    assert parts([launch, total, total, launch, total]) == {
        range(1): False, range(1, 3): True, range(3, 4): False, range(4, 5): True
    }  # fmt: skip
    assert list(parts([total, launch])) == [range(1), range(1, 2)]
    assert parts([]) == {}


def test_a_launch_waits_for_the_sum_of_what_it_touches():
    total = Sum(None, Place(64, FLOAT, (4,), (1,)))
    assert total.reads == total.writes == [(64, 80)]
    before, after = (
        Launch((function(256, 1, writes=[(64, 80)]),)),
        Launch((function(256, 1, reads=[(72, 76)]),)),
    )
    free = Launch((function(256, 1, reads=[(0, 8)]),))
    assert merged([before, total, after]) == [before, total, after]
    assert merged([before, total, free]) == [
        Launch((*before.functions, *free.functions)),
        total,
    ]
