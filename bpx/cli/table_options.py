"""The options for tables: their layout, and the treatment of their columns."""

import click

from bpx.cli.networks import DIM
from bpx.cli.options import together
from bpx.data.tables.feature import CATEGORIES, SCALINGS
from bpx.data.tables.target import TASKS

__all__ = ["layout_options", "table_options"]


def _character(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    return {"tab": "\t", "\\t": "\t"}.get(value or "", value)


layout_options = together(
    click.option(
        "--header/--no-header",
        default=None,
        help="Whether a table's first line names the columns.  [default: detected from the "
        "lines below it]",
    ),
    click.option(
        "--delimiter",
        metavar="CHARACTER",
        callback=_character,
        help="The character between a table's cells; tab for a tab.  [default: detected]",
    ),
    click.option(
        "--decimal",
        type=click.Choice([".", ","]),
        help="The decimal separator.  [default: detected]",
    ),
)
table_options = together(
    click.option(
        "--task",
        type=click.Choice(TASKS),
        help="What a table's target holds.  [default: classes for texts, booleans and few "
        "distinct whole numbers, else numbers]",
    ),
    click.option(
        "--features",
        multiple=True,
        metavar="COLUMNS",
        help="The columns of a table to use as inputs, separated by commas; all for every "
        "column, ids included.  [default: all but the target and ids]",
    ),
    click.option(
        "--drop",
        multiple=True,
        metavar="COLUMNS",
        help="The columns of a table not to use as inputs.",
    ),
    click.option(
        "--scaling",
        type=click.Choice(SCALINGS),
        help="How to scale a table's numbers: by mean and standard deviation, by median and "
        "quartiles, or not at all.  [default: standard]",
    ),
    click.option(
        "--categories",
        type=click.Choice(CATEGORIES),
        help="What a table's texts become: an input for each value, or for many values their "
        f"frequency; or codes, for each of which a vector of {DIM} numbers is learned.  "
        "[default: one-hot]",
    ),
    click.option(
        "--unseen",
        type=click.Choice(["ignore", "refuse"]),
        help="What to do later with texts that do not occur in the training rows.  "
        "[default: ignore, with a warning]",
    ),
    layout_options,
)
