"""Statements of the one hot road: compiled once per database, run on the driver's own cursor.

SQLAlchemy Core costs more per statement than SQLite needs to run it. What every inbound
text does goes this way; everything else stays ordinary Core (ADR 0009). Types are the
columns' own: sealed texts and times are converted exactly as Core would.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Dialect
from sqlalchemy.sql import Select
from sqlalchemy.sql.dml import UpdateBase

from helpline.store.database import Road, Transaction

Converter = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement in one database's words."""

    sql: str
    names: tuple[str, ...]
    positional: bool
    fixed: Mapping[str, Any]
    binds: Mapping[str, Converter]
    results: tuple[Converter, ...]

    def parameters(self, values: Mapping[str, Any]) -> Any:
        converted = dict(self.fixed)
        for name, convert in self.binds.items():
            value = values[name]
            converted[name] = value if convert is None else convert(value)
        if self.positional:
            return tuple(converted[name] for name in self.names)
        return converted


class Prepared:
    """A Select, Insert or Update with named bind parameters.

    `dialects` may give another statement for one database, where the two differ.
    """

    def __init__(
        self,
        statement: Select[*tuple[Any, ...]] | UpdateBase,
        **dialects: Select[*tuple[Any, ...]] | UpdateBase,
    ) -> None:
        self._statement = statement
        self._dialects = dialects
        # By engine, not by database: each engine seals with its own key ring.
        self._forms: dict[Dialect, _Form] = {}

    def run(self, tx: Transaction | Road, **values: Any) -> list[tuple[Any, ...]]:
        """Rows with converted values; none for a statement that returns nothing."""
        dialect = tx.dialect
        form = self._forms.get(dialect) or self._compile(dialect)
        cursor = tx.cursor()
        cursor.execute(form.sql, form.parameters(values))
        if not form.results:
            return []
        return [
            tuple(
                value if convert is None or value is None else convert(value)
                for value, convert in zip(row, form.results, strict=True)
            )
            for row in cursor.fetchall()
        ]

    def _compile(self, dialect: Dialect) -> _Form:
        statement = self._dialects.get(dialect.name, self._statement)
        compiled = statement.compile(dialect=dialect)
        names: Sequence[str] = getattr(compiled, "positiontup", None) or ()
        converters = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect)
            for bind, name in compiled.bind_names.items()
        }
        literals = {
            name: bind.value for bind, name in compiled.bind_names.items() if not bind.required
        }
        form = _Form(
            sql=str(compiled),
            names=tuple(names),
            positional=bool(names),
            fixed={
                name: value if (convert := converters[name]) is None else convert(value)
                for name, value in literals.items()
            },
            binds={name: item for name, item in converters.items() if name not in literals},
            results=tuple(
                column.type.dialect_impl(dialect).result_processor(dialect, None)
                for column in statement.exported_columns
            ),
        )
        self._forms[dialect] = form
        return form
