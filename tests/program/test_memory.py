"""Places in one block of memory: nothing that is alive is written over."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpx.program.memory import ALIGNMENT, assign, lifetimes
from bpx.program.operation import Value, dtype_of


def value(nbytes):
    return Value((nbytes,), dtype_of("int8"))


def nothing(i, v):
    return ()


def placed(*instructions, inherits=nothing):
    """The places for instructions that are given as (made, read)."""
    made, read = [each[0] for each in instructions], [each[1] for each in instructions]
    lives = lifetimes(made, read)
    return *assign(made, lives, inherits), lives


def test_a_value_lives_from_its_instruction_to_the_last_that_reads_it():
    a, b, c = value(1), value(1), value(1)
    made, read = [[a], [b], [c], []], [[], [a], [a], [b]]
    assert lifetimes(made, read) == {a: (0, 2), b: (1, 3), c: (2, 2)}


def test_what_is_made_elsewhere_has_no_life_here():
    a, state = value(1), value(1)
    assert lifetimes([[a]], [[state]]) == {a: (0, 0)}


def test_a_place_is_used_again_after_the_last_reader():
    a, b, c = value(64), value(64), value(64)
    offsets, size, _ = placed(([a], []), ([b], [a]), ([c], [b]))
    assert offsets == {a: 0, b: 64, c: 0}
    assert size == 128


def test_what_is_read_by_an_instruction_is_alive_while_it_writes():
    a, b = value(64), value(64)
    offsets, size, _ = placed(([a], []), ([b], [a]))
    assert offsets[a] != offsets[b]
    assert size == 128


def test_what_nobody_reads_has_a_place_all_the_same():
    a, b = value(64), value(64)
    offsets, size, _ = placed(([a, b], []))
    assert {offsets[a], offsets[b]} == {0, 64}
    assert size == 128


@pytest.mark.parametrize(("nbytes", "taken"), [(0, 64), (1, 64), (64, 64), (65, 128)])
def test_places_are_whole_cache_lines(nbytes, taken):
    a, b = value(nbytes), value(1)
    offsets, size, _ = placed(([a, b], []))
    assert offsets == {a: 0, b: taken}
    assert size == taken + 64


def test_the_smallest_free_place_that_fits_is_taken():
    large, small, wall, fits = value(256), value(128), value(64), value(100)
    other = value(64)
    offsets, size, _ = placed(
        ([large, other, small, wall], []), ([], [large, small]), ([fits], [other, wall])
    )
    assert offsets[fits] == offsets[small]
    assert size == 256 + 64 + 128 + 64


def test_free_neighbours_are_one_place():
    a, b, c, both = value(64), value(64), value(64), value(192)
    offsets, size, _ = placed(([a, b, c], []), ([], [b]), ([], [a, c]), ([both], []))
    assert offsets[both] == 0
    assert size == 192


def test_neighbours_are_one_place_behind_another_free_one():
    first, wall, b, c, end, both = (value(n) for n in (64, 64, 64, 64, 64, 128))
    offsets, size, _ = placed(
        ([first, wall, b, c, end], []), ([], [first, b, c]), ([both], []), ([], [wall, end])
    )
    assert offsets[both] == offsets[b] == 128
    assert size == 5 * 64


def test_a_free_place_at_the_end_is_made_longer():
    a, b, c = value(64), value(64), value(256)
    offsets, size, _ = placed(([a, b], []), ([c], [a]), ([], [a]))
    assert offsets[c] == 64
    assert size == 64 + 256


def test_a_dying_operand_leaves_its_place():
    a, b = value(64), value(64)
    offsets, size, _ = placed(
        ([a], []), ([b], [a]), inherits=lambda i, v: [a] if v is b else []
    )
    assert offsets == {a: 0, b: 0}
    assert size == 64


@pytest.mark.parametrize(
    "why", ["it is read later", "it is of another size", "it lives elsewhere"]
)
def test_a_place_is_not_left_when(why):
    a = value(128 if why == "it is of another size" else 64)
    b, made = value(64), [] if why == "it lives elsewhere" else [a]
    readers = [a] if why == "it is read later" else []
    offsets, size, _ = placed((made, []), ([b], [a]), ([], readers), inherits=lambda i, v: [a])
    assert offsets[b] != offsets.get(a)
    assert size == (64 if not made else a.nbytes + 64)


def test_a_place_is_left_to_one_heir():
    a, b, c = value(64), value(64), value(64)
    offsets, size, _ = placed(
        ([a], []), ([b, c], [a]), inherits=lambda i, v: [a] * (v is not a)
    )
    assert offsets == {a: 0, b: 0, c: 64}
    assert size == 128


def test_an_heirs_place_is_free_when_the_heir_dies():
    a, b, c, d = value(64), value(64), value(64), value(64)
    heirs = {b: a, c: b}
    offsets, size, _ = placed(
        ([a], []), ([b], [a]), ([c], [b]), ([d], [c]), ([], [d]),
        inherits=lambda i, v: [heirs[v]] if v in heirs else [],
    )  # fmt: skip
    assert offsets == {a: 0, b: 0, c: 0, d: 64}
    assert size == 128


SIZES = st.integers(0, 300)


@st.composite
def instructions(draw, sizes=SIZES):
    """(made, read) for each of some instructions, and who may be an heir of whom."""
    steps, values = [], []
    for _ in range(draw(st.integers(1, 12))):
        read = draw(st.sets(st.sampled_from(values), max_size=4)) if values else set()
        made = [value(draw(sizes)) for _ in range(draw(st.integers(0, 3)))]
        steps.append((made, sorted(read, key=values.index)))
        values += made
    return steps, draw(st.booleans())


def heirs(steps, wanted):
    """Every operand of an instruction may leave its place, or none."""
    return (lambda i, v: steps[i][1]) if wanted else nothing


@given(instructions(), instructions(st.sampled_from([1, 64])))
def test_what_is_alive_at_once_does_not_overlap(any_sizes, two_sizes):
    for steps, wanted in (any_sizes, two_sizes):
        offsets, size, lives = placed(*steps, inherits=heirs(steps, wanted))
        assert set(offsets) == {v for made, _ in steps for v in made}
        for v, offset in offsets.items():
            assert offset % ALIGNMENT == 0
            assert 0 <= offset <= offset + v.nbytes <= size
        for a, b in combinations(offsets, 2):
            together = max(lives[a][0], lives[b][0]) <= min(lives[a][1], lives[b][1])
            apart = max(offsets[a], offsets[b]) >= min(
                offsets[a] + max(a.nbytes, 1), offsets[b] + max(b.nbytes, 1)
            )
            assert apart or not together or inherited(a, b, offsets, lives, wanted)


def inherited(a, b, offsets, lives, wanted):
    """Whether one takes the very place of the other where that one dies."""
    first, second = sorted((a, b), key=lambda v: lives[v])
    return (
        wanted
        and offsets[a] == offsets[b]
        and a.nbytes == b.nbytes
        and lives[first][1] == lives[second][0] > lives[first][0]
    )


@given(instructions())
def test_the_block_is_at_least_the_peak_and_at_most_the_sum(given_steps):
    steps, wanted = given_steps
    _, size, lives = placed(*steps, inherits=heirs(steps, wanted))
    assert (0 if wanted else peak(steps, lives)) <= size
    assert size <= sum(lines(v) for v in lives)


@given(instructions(st.integers(1, 64)))
def test_the_block_is_the_peak_where_all_are_of_one_size(given_steps):
    steps, _ = given_steps
    _, size, lives = placed(*steps)
    assert size == peak(steps, lives)


def peak(steps, lives):
    """The most that is alive at one instruction."""
    return max(
        sum(lines(v) for v, (first, last) in lives.items() if first <= i <= last)
        for i in range(len(steps))
    )


def lines(v):
    return -(-max(v.nbytes, 1) // ALIGNMENT) * ALIGNMENT
