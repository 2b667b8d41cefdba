"""A run as one Markdown document, to be pasted into the documentation."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks import training
from benchmarks.gpu.outcomes import OUTCOMES
from benchmarks.gpu.stages import Result
from benchmarks.report import heading, table

__all__ = ["markdown", "summary"]

SHOWN = 20
"""How many reasons of one kind are listed; the rest are counted."""


def markdown(
    facts: Mapping[str, Any], found: Mapping[str, Result], dry: bool, settings: str
) -> str:
    """The document."""
    on = facts.get("gpu", facts["processor"])
    name = "Dry run, on the CPU: nothing here has run on a GPU" if dry else f"GPU run on {on}"
    parts = [heading(name, facts), settings, summary(found), *_smoke(found)]
    parts += [
        f"### {case}\n\n{training.show(case, part)}"
        for result in found.values()
        for case, part in result.found.items()
    ]
    parts += _reasons(found)
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def summary(found: Mapping[str, Result]) -> str:
    """The table of the stages."""
    head = ("stage", "outcome", *OUTCOMES, "s")
    return table(
        head,
        [
            (name, each.outcome, *map(each.count, OUTCOMES), f"{each.seconds:.0f}")
            for name, each in found.items()
        ],
    )


def _smoke(found: Mapping[str, Result]) -> Iterator[str]:
    parts = found["smoke"].parts if "smoke" in found else []
    if parts:
        rows = [(part.name, part.outcome, _told(part.found)) for part in parts]
        yield "### Smoke\n\n" + table(("check", "outcome", "found"), rows)


def _told(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in found.items())


def _reasons(found: Mapping[str, Result]) -> Iterator[str]:
    ends = [f"- {name}: {each.why}" for name, each in found.items() if each.why]
    if ends:
        yield "### Ended\n\n" + "\n".join(ends)
    for kind in ("failed", "skipped"):
        lines = list(_of_kind(found, kind))
        more = [f"- and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
        if lines:
            yield f"### {kind.capitalize()}\n\n" + "\n".join([*lines[:SHOWN], *more])


def _of_kind(found: Mapping[str, Result], kind: str) -> Iterator[str]:
    """The failed parts by name, and each reason for skipping once."""
    for name, result in found.items():
        parts = [part for part in result.parts if part.outcome == kind]
        if kind == "failed":
            yield from (f"- {name}, {part.name}: {part.why}" for part in parts)
        else:
            often = Counter(part.why for part in parts)
            yield from (f"- {name}: {n} times {why}" for why, n in often.most_common())
