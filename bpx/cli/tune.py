"""``bpx tune``: search for the settings of a training."""

import json
import shlex
from pathlib import Path
from typing import Any

import click
import tomli_w

import bpx
from bpx._files import expanded, write_atomically
from bpx.cli import run_options
from bpx.cli.folder import read_settings
from bpx.cli.restored import restored
from bpx.cli.running import Interrupted
from bpx.cli.tuning import shown
from bpx.cli.tuning.opened import opened
from bpx.cli.tuning.search import Search, read_search
from bpx.cli.tuning.study import Result, Study, imported
from bpx.cli.tuning.workers import spread, work

__all__ = ["tune"]

BEST = "best.toml"

_AGAIN = "the same command goes on with the search, each trial from its last checkpoint"

_EXAMPLES = """\b
Examples:
  bpx tune search.toml
  bpx tune search.toml --trials 100 --workers 4 --out runs/search
"""


@click.command(epilog=_EXAMPLES, short_help="Which settings learn best?")
@click.argument("file")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    help="How many trials there are to be, with those of earlier calls.  [default: that of "
    "FILE, else 50]",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many processes of this machine run trials; they share its cores.",
)
@click.option(
    "--out",
    metavar="FOLDER",
    help="The folder of the search.  [default: runs/ and FILE's name without .toml]",
)
@click.option("--json", "as_json", is_flag=True, help="Print nothing but the trials, as JSON.")
@run_options.quiet
@click.option("--worker", "is_worker", is_flag=True, hidden=True)
@click.pass_context
def tune(
    ctx: click.Context,
    file: str,
    trials: int | None,
    workers: int,
    out: str | None,
    *,
    as_json: bool,
    quiet: bool,
    is_worker: bool,
) -> None:
    """Search for the settings of a training, as FILE describes.

    FILE is a TOML file with options of `bpx train`, as its --config takes them, and two tables:
    [tune.space] has the settings to search, each with low and high, or as a list of choices;
    [tune] has the objective, the sampler and the pruner. Optuna chooses the values: it is an
    extra, pip install '.[tune]'.

    Each trial is a run in a folder of its own, which every command of bpx takes. A trial ends
    early if others were better at the same epoch. The same command again runs the trials that
    are missing, and goes on with those whose process died. If several machines share the
    folder, the same command on each of them adds its workers.
    """
    imported()
    train = ctx.find_root().command.commands["train"]  # type: ignore[attr-defined]
    folder = expanded(out if out else Path("runs", Path(file).stem))
    search = opened(read_search(file, trials), folder, train)
    study = Study(folder, search)
    speaks = not (quiet or as_json)
    if is_worker:
        try:
            _work(study, search, folder, train, speaks)
        except KeyboardInterrupt:  # which the process that started it tells
            ctx.exit(130)
        return
    if speaks:
        click.echo(shown.head(search, str(folder), workers) + "\n")
    try:
        if workers > 1:
            spread(search, folder, workers, quiet=not speaks)
        else:
            _work(study, search, folder, train, speaks)
    except KeyboardInterrupt as error:
        raise Interrupted(f"Interrupted: {_AGAIN}") from error
    except bpx.Preempted:
        click.echo(_AGAIN, err=True)
        raise
    _end(search, folder, study.results(), as_json=as_json, quiet=quiet)


def _work(study: Study, search: Search, folder: Path, train: Any, speaks: bool) -> None:
    def tell(result: Result) -> None:
        if speaks:
            click.echo(shown.line(search, result))

    work(study, search, folder, train, tell)


def _end(
    search: Search, folder: Path, results: list[Result], *, as_json: bool, quiet: bool
) -> None:
    """Show the trials, and write the settings of the best one."""
    first = shown.best(search, results)
    if first is not None and first.folder is not None:
        _write(folder / BEST, first.folder)
    if as_json:
        click.echo(json.dumps(shown.as_json(search, str(folder), results), indent=2))
    elif quiet:
        click.echo(folder)
    else:
        click.echo("\n" + shown.table(search, results))
    if first is None:
        if any(each.state in ("running", "waiting") for each in results):
            return  # other workers are at it
        raise click.ClickException(_nothing(results))
    if not (as_json or quiet):
        click.echo(_next(first, folder))


def _write(path: Path, run: Path) -> None:
    settings = restored(str(run), read_settings(run))
    with write_atomically(path) as file:
        file.write(tomli_w.dumps(settings.given()).encode())


def _nothing(results: list[Result]) -> str:
    reasons = {each.why: None for each in results if each.why is not None}
    why = f"; {next(iter(reasons))}" if reasons else ""
    return f"none of {len(results)} trials has come to its end{why}"


def _next(first: Result, folder: Path) -> str:
    command = shlex.join(["bpx", "train", "--config", str(folder / BEST)])
    return f"\nbest      trial {first.number}, in {first.folder}\nnext      {command}"
