"""Rows of a table, answered in C, and steps of training on them."""

import subprocess
import tempfile
from pathlib import Path

import numpy as np

from bpx.data.tables.frames import as_table
from bpx.export.c.text import quoted
from tools.c_programs import STRICT, state_of

_MAIN = """
#include <stdio.h>
#include "tab.c"
int main(void) {{
    static const struct tab_row rows[] = {{{rows}}};
    for (int i = 0; i < {n}; ++i) {{
        {kind} x[{width}], y[{outputs}];
        const int unseen = tab_encode(&rows[i], x);
        fwrite(x, sizeof x, 1, stdout);
        tab_predict(x, y);
        {units}
        fwrite(y, sizeof y, 1, stdout);
        fprintf(stderr, "%d %s\\n", unseen, {label});
    }}
    return 0;
}}
"""
_LEARN = """
#include <stdio.h>
#include "tab.c"
int main(void) {{
    static const struct tab_row rows[] = {{{rows}}};
    static const double given[] = {{{given}}};
    tab_init();
    for (int i = 0; i < {n}; i += {batch}) {{
        {kind} x[{batch} * {width}], y[{batch}];
        for (int j = 0; j < {batch}; ++j) {{
            tab_encode(&rows[i + j], x + j * {width});
            y[j] = tab_target(given[i + j]);
            const {kind} back = tab_value(y[j]);
            fwrite(&y[j], sizeof back, 1, stdout);
            fwrite(&back, sizeof back, 1, stdout);
        }}
        const {kind} cost = tab_step(x, y);
        fwrite(&cost, sizeof cost, 1, stderr);
    }}
    fwrite(&tab_state, sizeof tab_state, 1, stderr);
    return 0;
}}
"""


def cells(column):
    """The cells of a column as C."""
    missing = "NULL" if column.is_text else "(double)NAN"
    return [
        missing
        if gone
        else quoted(column.levels[value])
        if column.is_text
        else repr(float(value))
        for value, gone in zip(column.values, column.missing, strict=True)
    ]


def answered(net, table):
    """The inputs, the outputs, the labels, and how many texts of each row are unseen."""
    schema = net.schema
    rows = _rows(schema, table)
    named = bool(schema.target.classes)
    main = _MAIN.format(
        rows=", ".join(rows),
        n=len(rows),
        kind="float" if net.home.dtype == "float32" else "double",
        width=schema.width,
        outputs=net.sizes[-1],
        units="" if named else "y[0] = tab_value(y[0]);",
        label="tab_labels[tab_class(y)]" if named else '""',
    )
    ran = _ran(net.to_c(name="tab"), main)
    found = np.frombuffer(ran.stdout, net.home.dtype).reshape(len(rows), -1)
    told = [line.split(" ", 1) for line in ran.stderr.decode().splitlines()]
    x, y = found[:, : schema.width], found[:, schema.width :]
    return x, y, [label for _, label in told], [int(unseen) for unseen, _ in told]


def learned(net, optimizer, table, batch, named):
    """The targets, those in their own units again, and each step's cost and the last state."""
    schema, dtype = net.schema, net.home.dtype
    rows = _rows(schema, table)
    main = _LEARN.format(
        rows=", ".join(rows),
        given=", ".join(cells(as_table(table)[schema.target.name])),
        n=len(rows),
        batch=batch,
        kind="float" if dtype == "float32" else "double",
        width=schema.width,
    )
    text = net.to_c(name="tab", training=True, optimizer=optimizer, batch_size=batch)
    ran = _ran(text, main)
    y, back = np.frombuffer(ran.stdout, dtype).reshape(len(rows), 2).T
    costs = np.frombuffer(ran.stderr, dtype, len(rows) // batch)
    return y, back, costs, state_of(ran.stderr[costs.nbytes :], named)


def _rows(schema, table):
    columns = [_cells(table[each.name], each.name) for each in schema.features]
    return ["{" + ", ".join(row) + "}" for row in zip(*columns, strict=True)]


def _cells(values, name):
    """The cells as the user types them: texts with their spaces, and dates as days."""
    if values.dtype == object:
        return ["NULL" if each is None else quoted(each) for each in values]
    return cells(as_table({name: values}).columns[0])


def _ran(text, main):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "tab.c").write_text(text, encoding="utf-8")
        Path(folder, "main.c").write_text(main, encoding="utf-8")
        command = ["gcc", *STRICT, "main.c", "-o", "main", "-lm"]
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        return subprocess.run([Path(folder, "main")], capture_output=True, check=True)
