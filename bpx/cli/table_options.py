"""The options of tables: how they are read, and what becomes of their columns."""

import click

from bpx.cli.options import together
from bpx.data.tables.feature import SCALINGS
from bpx.data.tables.target import TASKS

__all__ = ["layout_options", "table_options"]


def _character(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    return {"tab": "\t", "\\t": "\t"}.get(value or "", value)


layout_options = together(
    click.option(
        "--header/--no-header",
        default=None,
        help="Whether a table's first line names the columns.  [default: found from what is "
        "below it]",
    ),
    click.option(
        "--delimiter",
        metavar="CHARACTER",
        callback=_character,
        help="What is between a table's cells; tab for a tab.  [default: found]",
    ),
    click.option(
        "--decimal",
        type=click.Choice([".", ","]),
        help="What comes before the fraction of a number.  [default: found]",
    ),
)
table_options = together(
    click.option(
        "--task",
        type=click.Choice(TASKS),
        help="What a table's target is.  [default: classes for texts, booleans and few whole "
        "numbers, else numbers]",
    ),
    click.option(
        "--features",
        multiple=True,
        metavar="COLUMNS",
        help="The columns of a table that are inputs, with commas between them; all for every "
        "one, ids included.  [default: all but the target and ids]",
    ),
    click.option(
        "--drop",
        multiple=True,
        metavar="COLUMNS",
        help="Columns of a table that are no inputs.",
    ),
    click.option(
        "--scaling",
        type=click.Choice(SCALINGS),
        help="How a table's numbers are scaled: by mean and standard deviation, by median and "
        "quartiles, or not at all.  [default: standard]",
    ),
    click.option(
        "--unseen",
        type=click.Choice(["ignore", "refuse"]),
        help="What is done later with texts that were not there in training.  "
        "[default: ignore, with a warning]",
    ),
    layout_options,
)
