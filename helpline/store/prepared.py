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
    """Blanks in the order of the statement; empty where they are asked for by name."""
    fixed: Mapping[str, Any]
    converted: Mapping[str, Callable[[Any], Any]]
    returns: bool
    read: tuple[tuple[int, Callable[[Any], Any]], ...]
    """The columns of a row that are not as the driver gives them."""

    def parameters(self, values: Mapping[str, Any]) -> Any:
        ready = {**self.fixed, **values}
        for name, convert in self.converted.items():
            ready[name] = convert(ready[name])
        return tuple([ready[name] for name in self.names]) if self.names else ready

    def row(self, found: Sequence[Any]) -> tuple[Any, ...]:
        row = list(found)
        for at, convert in self.read:
            if row[at] is not None:
                row[at] = convert(row[at])
        return tuple(row)


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
        return [form.row(found) for found in cursor.fetchall()] if form.returns else []

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
        readers: list[Converter] = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in statement.exported_columns
        ]
        form = _Form(
            sql=str(compiled),
            names=tuple(names),
            fixed={
                name: value if (convert := converters[name]) is None else convert(value)
                for name, value in literals.items()
            },
            converted={
                name: convert
                for name, convert in converters.items()
                if convert is not None and name not in literals
            },
            returns=bool(readers),
            read=tuple((at, convert) for at, convert in enumerate(readers) if convert is not None),
        )
        self._forms[dialect] = form
        return form
