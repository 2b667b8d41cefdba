"""What a backend must offer."""

import bpx
from bpx.arrays import registry as backend
from bpx.arrays.registry import by_name


def test_every_backend_offers_what_the_protocol_asks():
    asked = {n for n in vars(backend.Backend) if not n.startswith("_")}
    for info in bpx.backends():
        if info.problem is None:
            assert asked <= set(dir(by_name(info.name))), info.name
