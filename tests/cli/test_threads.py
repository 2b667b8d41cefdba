"""The thread pools of this process, and whether its products are as fast as they could be."""

import pytest

from bpx.cli.threads import slower_kernel


@pytest.mark.parametrize(
    ("kernel", "features", "said"),
    [
        ("Haswell", ["X86_V3", "X86_V4"], "OPENBLAS_CORETYPE=SkylakeX"),
        ("Prescott", ["SSE3", "AVX2"], "OPENBLAS_CORETYPE=Haswell"),
        ("SkylakeX", ["X86_V3", "X86_V4", "AVX512_ICL"], None),
        ("Zen", ["X86_V2", "X86_V3"], None),
        ("Nehalem", ["SSE42"], None),
        ("neoversen1", ["ASIMD"], None),
    ],
)
def test_a_kernel_of_openblas_that_is_slower_than_the_cpu(kernel, features, said):
    told = slower_kernel(kernel, features)
    assert told is None if said is None else said in told
