"""Counts inside a database through Ibis (extra `sql`): only counts leave it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl

from fairaudit.exceptions import InputError, SpecError


@dataclass(frozen=True)
class SqlSource:
    """A table of a database, counted there."""

    table: Any  # ibis.expr.types.Table; ibis is an extra and carries no type here
    name: str
    refusals: tuple[type[Exception], ...] = ()  # what its driver may raise

    def columns(self) -> list[str]:
        """Names from the table's schema."""
        return list(self.table.columns)

    def count(
        self, keys: Sequence[str], rounded: Sequence[str], digits: int, most: int
    ) -> pl.DataFrame:
        """SELECT keys, COUNT(*) … GROUP BY keys LIMIT most."""
        chosen = {
            str(i): self.table[k].round(digits).cast("float64") if k in rounded else self.table[k]
            for i, k in enumerate(keys)
        }
        few = self.table.select(**chosen)
        counted = few.group_by(list(chosen)).agg(times=few.count()).limit(most)
        frame: pl.DataFrame = self._asked(counted.to_polars)
        decimals = [c for c, t in frame.schema.items() if t.is_decimal()]
        return frame.with_columns(pl.col(decimals).cast(pl.Float64)) if decimals else frame

    def distinct(self, column: str) -> int:
        """COUNT(DISTINCT column)."""
        return int(self._asked(self.table[column].nunique().to_pyarrow).as_py())

    def _asked(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except self.refusals as error:
            raise InputError(
                f"the database does not count '{self.name}' ({_first_line(error)}); check the "
                "table's columns and your rights to it"
            ) from error


def address(text: str) -> tuple[str, str]:
    """The connection and the table of "duckdb:///file.db::table".

    Raises
    ------
    SpecError
        When one of the two is missing.
    """
    connection, _, table = text.partition("::")
    if not table or "://" not in connection:
        raise SpecError(
            f"'{hidden(text)}' names no table; write duckdb:///file.db::table or "
            "postgresql://user@host/database::table"
        )
    return connection, table


def hidden(text: str) -> str:
    """An address without its password, for messages."""
    head, at, tail = text.rpartition("@")
    if not at or "://" not in head:
        return text
    scheme, _, login = head.partition("://")
    return f"{scheme}://{login.partition(':')[0]}@{tail}"


@contextmanager
def open_table(text: str) -> Iterator[SqlSource]:
    """Connect, yield the table, disconnect.

    The table may name its schema: "postgresql://…::public.people". A DuckDB file is opened for
    reading only.

    Raises
    ------
    SpecError
        When the extra `sql` is not installed or the address is incomplete.
    InputError
        When the database or the table cannot be opened.
    """
    connection, table = address(text)
    try:
        import ibis
    except ImportError as error:
        raise SpecError(
            "databases need the extra 'sql'; install it with: pip install 'fairaudit[sql]'"
        ) from error
    database = _connect(ibis, connection)
    try:
        expression = _table(ibis, database, table, hidden(connection))
        yield SqlSource(expression, table, _refusals(ibis))
    finally:
        database.disconnect()


def _table(ibis: Any, database: Any, table: str, where: str) -> Any:
    """The table of a name, or else of a name in a schema."""
    schema, _, name = table.rpartition(".")
    try:
        for place, called in ((None, table), (schema, name)):
            if place != "" and called in database.list_tables(database=place):
                return database.table(called, database=place)
    except _refusals(ibis):
        pass  # an unknown schema is refused in another way by each back end
    raise InputError(f"there is no table '{table}' in {where}; check the name")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _connect(ibis: Any, connection: str) -> Any:
    if connection.startswith("duckdb:"):
        return _duckdb(ibis, connection)
    try:
        return ibis.connect(connection)
    except _refusals(ibis) as error:
        raise InputError(
            f"{hidden(connection)} cannot be opened ({type(error).__name__}); "
            "check the address and that the server answers"
        ) from error


def _duckdb(ibis: Any, connection: str) -> Any:
    """duckdb:///file.db is relative, duckdb:////folder/file.db absolute, as in SQLAlchemy."""
    path = Path(urlsplit(connection).path[1:])
    if not path.exists():
        raise InputError(f"'{path}' does not exist; check the path of the DuckDB file")
    try:
        return ibis.duckdb.connect(path, read_only=True)
    except _refusals(ibis) as error:
        raise InputError(f"'{path}' is no DuckDB file that can be read ({error})") from error


def _refusals(ibis: Any) -> tuple[type[Exception], ...]:
    """What a back end may raise when it does not open; its driver's own tree included."""
    errors: list[type[Exception]] = [OSError, ValueError, ibis.common.exceptions.IbisError]
    for driver in ("duckdb", "psycopg"):
        if driver in sys.modules:
            errors.append(sys.modules[driver].Error)
    return tuple(errors)
