"""Cases so small that they take no time, and the peers that are here."""

from benchmarks.cases import CASES
from benchmarks.peers import available

TINY = {
    "S": CASES["S"]._replace(sizes=(12, 5, 4), eta=0.5, samples=20),
    "M": CASES["M"]._replace(sizes=(12, 7, 6, 4), batch=8, samples=16),
    "deep": CASES["deep"]._replace(sizes=(12, *[8] * 4, 4), batch=8, samples=16),
    "H": CASES["H"]._replace(sizes=(28, *[6] * 3, 1), batch=8, samples=32),
    "tiny": CASES["tiny"]._replace(sizes=(4, 6, 2), batch=8, samples=16),
}

HERE = {peer.name: peer for peer in available("cpu")[0]}
