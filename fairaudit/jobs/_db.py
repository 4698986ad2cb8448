"""Opens SQLite files the same way everywhere: write-ahead log, long timeout, closed after use."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from fairaudit.exceptions import InputError, IntegrityError, JobError, LimitExceeded

PATIENCE = 30.0  # seconds to wait for another process's write


class Database:
    """An SQLite file with a schema; safe to share between threads and processes.

    Parameters
    ----------
    path : Path
    schema : str
        Statements that are safe to run repeatedly.
    remedy : str
        What to do if the file is damaged.
    durable : bool
        Whether a committed row must survive a power failure; an index need not.
    """

    def __init__(self, path: Path, schema: str, remedy: str, *, durable: bool = True) -> None:
        self.path = path
        self._schema = schema
        self._remedy = remedy
        self._ready = False
        self._level = "FULL" if durable else "NORMAL"

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for reading committed rows."""
        with self._open() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection inside one transaction: all or nothing."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
            with contextlib.closing(connection):
                connection.row_factory = sqlite3.Row
                connection.execute(f"PRAGMA synchronous={self._level}")
                connection.execute(
                    "PRAGMA secure_delete=ON"
                )  # deleted rows are overwritten in the file
                if not self._ready or not self.path.exists():
                    self._prepare(connection)
                yield connection
        except sqlite3.OperationalError as error:
            raise self._location_error(error) from error
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise IntegrityError(
                f"'{self.path.name}' cannot be read ({error}); {self._remedy}"
            ) from error

    def _location_error(self, error: sqlite3.OperationalError) -> Exception:
        """Translate errors of the file's location; other errors are ours and stay as they are."""
        where, kind = self.path.parent, getattr(error, "sqlite_errorname", "")
        if kind == "SQLITE_FULL":
            return LimitExceeded(f"the disk with '{where}' is full; free some space")
        if kind.startswith("SQLITE_IOERR"):  # a full disk cannot even hold the index of the log
            return LimitExceeded(
                f"'{self.path}' cannot be read or written ({error}): the disk is full or failing; "
                "free some space"
            )
        if kind.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
            return InputError(f"'{where}' cannot be written ({error}); choose another workspace")
        if kind.startswith("SQLITE_BUSY"):
            return JobError(f"'{self.path.name}' has been locked for {PATIENCE:.0f} s; try again")
        return error

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(self._schema)
        self._ready = True
