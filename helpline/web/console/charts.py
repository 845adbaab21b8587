"""A bar chart as SVG: for the eye; the table under it says the same to everybody."""

from markupsafe import Markup, escape

from helpline.service.console.reports import Cell, Table

ROW, BAR, LABEL, WIDTH = 30, 18, 190, 640
"""Sizes in units of the drawing."""


def draw(table: Table, title: str, label: object) -> Markup:
    """The drawn column of a table, a bar for each row; `label` names a row.

    The drawing has no text that the table lacks, so that it is hidden from screen readers.
    """
    if table.drawn is None or not table.rows:
        return Markup("")
    name = label if callable(label) else str
    values = [_number(row[table.drawn]) for row in table.rows]
    most = max(values, default=0) or 1
    room = WIDTH - LABEL - 80
    parts = [
        Markup(
            '<svg class="chart" viewBox="0 0 {} {}" aria-hidden="true" focusable="false">'
            "<title>{}</title>"
        ).format(WIDTH, ROW * len(values) + 6, title)
    ]
    for place, (row, value) in enumerate(zip(table.rows, values, strict=True)):
        top = place * ROW + 4
        parts.append(
            Markup(
                '<text x="{}" y="{}" text-anchor="end">{}</text>'
                '<rect x="{}" y="{}" width="{:.1f}" height="{}" rx="3"></rect>'
                '<text x="{:.1f}" y="{}">{}</text>'
            ).format(
                LABEL - 8, top + 14, escape(str(name(row[0]))), LABEL, top,
                max(1.0, room * value / most), BAR, LABEL + room * value / most + 8, top + 14,
                f"{value:g}",
            )
        )  # fmt: skip
    return Markup("").join([*parts, Markup("</svg>")])


def _number(cell: Cell) -> float:
    return round(float(cell), 1) if isinstance(cell, int | float) else 0.0
