"""Who may do what: people, roles, owners, shares, and the trail of what was done."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from fairaudit.exceptions import IntegrityError, NotAllowed
from fairaudit.jobs._db import Database

Role = Literal["viewer", "auditor", "admin"]
Right = Literal["view", "manage"]
Relation = Literal["own", "manage", "view", "none"]
Thing = Literal["dataset", "job"]
Action = Literal["open", "use", "export", "cancel", "share", "delete"]
Deed = Literal["ingest", "submit", "people", "trail", "upkeep"]

ROLES: tuple[Role, ...] = get_args(Role)
ACCESS = "access.db"
SAME_VISIT = 3600.0  # seconds within which opening the same thing again is one line of the trail

_SCHEMA = """
CREATE TABLE IF NOT EXISTS people (
    person TEXT PRIMARY KEY, iss TEXT NOT NULL, sub TEXT NOT NULL, name TEXT NOT NULL,
    role TEXT NOT NULL, UNIQUE (iss, sub)
);
CREATE TABLE IF NOT EXISTS owners (
    kind TEXT NOT NULL, id TEXT NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL,
    since REAL NOT NULL, PRIMARY KEY (kind, id, person)
);
CREATE TABLE IF NOT EXISTS grants (
    kind TEXT NOT NULL, id TEXT NOT NULL, person TEXT NOT NULL, allowed TEXT NOT NULL,
    owner TEXT NOT NULL, PRIMARY KEY (kind, id, person, owner)
);
CREATE TABLE IF NOT EXISTS trail (
    n INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, person TEXT NOT NULL,
    action TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, detail TEXT NOT NULL,
    seal TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS trail_visit ON trail (person, action, kind, id, n);
CREATE TRIGGER IF NOT EXISTS trail_stays BEFORE UPDATE ON trail
BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END;
CREATE TRIGGER IF NOT EXISTS trail_keeps BEFORE DELETE ON trail
BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END;
"""


@dataclass(frozen=True)
class Person:
    """Somebody, as the identity provider names them.

    `iss` and `sub` (issuer and subject) are the identity; the name is only shown.
    """

    iss: str
    sub: str
    name: str = ""

    @property
    def key(self) -> str:
        """One text for (iss, sub); JSON, so that no two pairs give the same text."""
        return json.dumps([self.iss, self.sub])


LOCAL = Person("local", "local", "you")

_OF_ROLE: dict[Role, dict[Relation, frozenset[Action]]] = {
    "viewer": {
        "own": frozenset({"open", "export"}),
        "manage": frozenset({"open", "export"}),
        "view": frozenset({"open", "export"}),
        "none": frozenset(),
    },
    "auditor": {
        "own": frozenset(get_args(Action)),
        "manage": frozenset(get_args(Action)),
        "view": frozenset({"open", "use", "export"}),
        "none": frozenset(),
    },
    "admin": {relation: frozenset(get_args(Action)) for relation in get_args(Relation)},
}
_DEEDS: dict[Role, frozenset[Deed]] = {
    "viewer": frozenset(),
    "auditor": frozenset({"ingest", "submit"}),
    "admin": frozenset(get_args(Deed)),
}


def may(role: Role | None, relation: Relation, action: Action) -> bool:
    """Whether somebody in `role`, standing in `relation` to a thing, may do `action` to it."""
    return role is not None and action in _OF_ROLE[role][relation]


def may_do(role: Role | None, deed: Deed) -> bool:
    """Whether somebody in `role` may do something that concerns no particular thing."""
    return role is not None and deed in _DEEDS[role]


@dataclass(frozen=True)
class TrailLine:
    """One line of the trail: who did what to which thing, when."""

    n: int
    at: float
    person: str
    action: str
    kind: str
    id: str
    detail: str


class Access:
    """The workspace's people, owners, shares and trail.

    Parameters
    ----------
    root : Path
        The workspace.
    """

    def __init__(self, root: Path) -> None:
        self._db = Database(root / ACCESS, _SCHEMA, "restore it from a backup")

    # -- people -------------------------------------------------------------------------------

    def role(self, person: Person) -> Role | None:
        """The role somebody was given, None when none was."""
        if person.key == LOCAL.key:
            return "admin"
        with self._db.reading() as db:
            row = db.execute("SELECT role FROM people WHERE person = ?", (person.key,)).fetchone()
        return row["role"] if row else None

    def set_role(self, person: Person, role: Role | None) -> None:
        """Give somebody a role, or take it away (None)."""
        if role is not None and role not in ROLES:
            raise NotAllowed(f"role '{role}' is not known; choose one of {', '.join(ROLES)}")
        with self._db.writing() as db:
            if role is None:
                db.execute("DELETE FROM people WHERE person = ?", (person.key,))
            else:
                db.execute(
                    "INSERT INTO people VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT (person) DO UPDATE SET name = excluded.name,"
                    " role = excluded.role",
                    (person.key, person.iss, person.sub, person.name, role),
                )

    def people(self) -> list[tuple[Person, Role]]:
        """Everybody who has a role."""
        with self._db.reading() as db:
            rows = db.execute("SELECT iss, sub, name, role FROM people ORDER BY name").fetchall()
        return [(Person(row["iss"], row["sub"], row["name"]), row["role"]) for row in rows]

    # -- owners and shares --------------------------------------------------------------------

    def relation(self, person: Person, kind: Thing, id: str) -> Relation:
        """How somebody stands to a thing."""
        values = (kind, id, person.key)
        where = "WHERE kind = ? AND id = ? AND person = ?"
        with self._db.reading() as db:
            if db.execute(f"SELECT 1 FROM owners {where}", values).fetchone():  # noqa: S608
                return "own"
            strongest = "ORDER BY allowed = 'manage' DESC"
            row = db.execute(
                f"SELECT allowed FROM grants {where} {strongest}",  # noqa: S608
                values,
            ).fetchone()
        return row["allowed"] if row else "none"

    def behalf(self, person: Person, kind: Thing, id: str) -> list[str]:
        """Keys of the owners for whom somebody manages a thing; their own when they own it."""
        with self._db.reading() as db:
            rows = db.execute(
                "SELECT person AS owner FROM owners WHERE kind = ?1 AND id = ?2 AND person = ?3"
                " UNION SELECT owner FROM grants WHERE kind = ?1 AND id = ?2 AND person = ?3"
                " AND allowed = 'manage'",
                (kind, id, person.key),
            ).fetchall()
        found = [row["owner"] for row in rows]
        return [person.key] if person.key in found else found

    def own(self, person: Person, kind: Thing, id: str, name: str) -> None:
        """Make somebody an owner; the name is theirs alone."""
        with self._db.writing() as db:
            db.execute(
                "INSERT INTO owners VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (kind, id, person) DO UPDATE SET name = excluded.name",
                (kind, id, person.key, name, time.time()),
            )

    def disown(self, owner: str, kind: Thing, id: str) -> None:
        """Take away one owner (by key) and all that was shared for them."""
        with self._db.writing() as db:
            for table, column in (("owners", "person"), ("grants", "owner")):
                db.execute(
                    f"DELETE FROM {table} WHERE kind = ? AND id = ? AND {column} = ?",  # noqa: S608
                    (kind, id, owner),
                )

    def owned(self, person: Person | None, kind: Thing) -> dict[str, str]:
        """Id and name of the things somebody (None: anybody) owns or was shown.

        What was shown bears the name its owner gave it, never another owner's.
        """
        key = None if person is None else person.key
        with self._db.reading() as db:
            rows = db.execute(
                "SELECT id, name FROM owners WHERE kind = ?1 AND (?2 IS NULL OR person = ?2)"
                " UNION ALL SELECT s.id, MIN(o.name) FROM grants s JOIN owners o"
                " ON o.kind = s.kind AND o.id = s.id AND o.person = s.owner"
                " WHERE s.kind = ?1 AND s.person = ?2 GROUP BY s.id",
                (kind, key),
            ).fetchall()
        found: dict[str, str] = {}
        for row in rows:
            found.setdefault(row["id"], row["name"])
        return found

    def related(self, person: Person, kind: Thing) -> dict[str, Relation]:
        """Every thing of a kind somebody stands in a relation to."""
        with self._db.reading() as db:
            rows = db.execute(
                "SELECT id, MIN(allowed) AS how FROM grants WHERE kind = ?1 AND person = ?2"
                " GROUP BY id"  # "manage" sorts before "view"
                " UNION ALL SELECT id, 'own' FROM owners WHERE kind = ?1 AND person = ?2",
                (kind, person.key),
            ).fetchall()
        return {row["id"]: row["how"] for row in rows}

    def owners(self, kind: Thing, id: str) -> list[str]:
        """Keys of all owners of a thing."""
        with self._db.reading() as db:
            rows = db.execute(
                "SELECT person FROM owners WHERE kind = ? AND id = ?", (kind, id)
            ).fetchall()
        return [row["person"] for row in rows]

    def share(
        self, kind: Thing, id: str, person: Person, right: Right | None, owners: Sequence[str]
    ) -> None:
        """Let somebody see or manage a thing of these owners (keys), or no longer (None)."""
        if right is not None and right not in get_args(Right):
            known = ", ".join(get_args(Right))
            raise NotAllowed(f"right '{right}' is not known; choose one of {known}")
        with self._db.writing() as db:
            for owner in owners:
                what = (kind, id, person.key, owner)
                db.execute(
                    "DELETE FROM grants WHERE kind = ? AND id = ? AND person = ? AND owner = ?",
                    what,
                )
                if right is not None:
                    db.execute(
                        "INSERT INTO grants (kind, id, person, owner, allowed)"
                        " VALUES (?, ?, ?, ?, ?)",
                        (*what, right),
                    )

    def shares(self, kind: Thing, id: str, owners: Sequence[str]) -> list[tuple[Person, Right]]:
        """With whom these owners (keys) share a thing."""
        with self._db.reading() as db:
            rows = db.execute(
                "SELECT s.person, s.owner, s.allowed, COALESCE(p.name, '') AS name FROM grants s"
                " LEFT JOIN people p ON p.person = s.person WHERE s.kind = ? AND s.id = ?"
                " ORDER BY s.allowed DESC",
                (kind, id),
            ).fetchall()
        found = {row["person"]: row for row in rows if row["owner"] in owners}
        return [(_person(key, row["name"]), row["allowed"]) for key, row in found.items()]

    def forget(self, kind: Thing, id: str) -> None:
        """Drop all owners and shares of a thing that no longer exists."""
        with self._db.writing() as db:
            db.execute("DELETE FROM owners WHERE kind = ? AND id = ?", (kind, id))
            db.execute("DELETE FROM grants WHERE kind = ? AND id = ?", (kind, id))

    def last_use(self, dataset: str) -> float | None:
        """When a data set was last ingested or opened; None when nobody owns it."""
        with self._db.reading() as db:
            since = db.execute(
                "SELECT MAX(since) FROM owners WHERE kind = 'dataset' AND id = ?", (dataset,)
            ).fetchone()[0]
            opened = db.execute(
                "SELECT MAX(at) FROM trail WHERE action = 'open' AND kind = 'dataset' AND id = ?",
                (dataset,),
            ).fetchone()[0]
        return None if since is None else max(since, opened or since)

    # -- the trail ----------------------------------------------------------------------------

    def note(self, person: Person, action: str, kind: str, id: str, detail: str = "") -> None:
        """Append one line; opening the same thing again within an hour is the same visit."""
        with self._db.writing() as db:
            if action == "open" and _same_visit(db, person, kind, id):
                return
            line = (time.time(), person.key, action, kind, id, detail)
            db.execute(
                "INSERT INTO trail (at, person, action, kind, id, detail, seal)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*line, _seal(_last_seal(db), line)),
            )

    def trail(self, after: int = 0, limit: int = 1000) -> list[TrailLine]:
        """Lines numbered above `after`, oldest first."""
        with self._db.reading() as db:
            rows = db.execute(
                "SELECT n, at, person, action, kind, id, detail FROM trail"
                " WHERE n > ? ORDER BY n LIMIT ?",
                (after, limit),
            ).fetchall()
        return [TrailLine(**dict(row)) for row in rows]

    def check_trail(self) -> int:
        """Number of lines, after checking that each seals the one before.

        Raises
        ------
        IntegrityError
            When a line was changed, removed or put in between.
        """
        seal, count = "", 0
        with self._db.reading() as db:
            for row in db.execute("SELECT * FROM trail ORDER BY n"):
                line = tuple(row)[1:7]
                count += 1
                seal = _seal(seal, line)
                if row["seal"] != seal or row["n"] != count:
                    raise IntegrityError(
                        f"line {row['n']} of the trail was changed; restore '{ACCESS}' "
                        "from a backup"
                    )
        return count


def _person(key: str, name: str) -> Person:
    iss, sub = json.loads(key)
    return Person(iss, sub, name)


def _same_visit(db: sqlite3.Connection, person: Person, kind: str, id: str) -> bool:
    row = db.execute(
        "SELECT MAX(at) FROM trail WHERE person = ? AND action = 'open' AND kind = ? AND id = ?",
        (person.key, kind, id),
    ).fetchone()
    return row[0] is not None and 0 <= time.time() - row[0] < SAME_VISIT


def _last_seal(db: sqlite3.Connection) -> str:
    row = db.execute("SELECT seal FROM trail ORDER BY n DESC LIMIT 1").fetchone()
    return str(row[0]) if row else ""


def _seal(before: str, line: tuple[Any, ...]) -> str:
    return hashlib.sha256(json.dumps([before, *line]).encode()).hexdigest()
