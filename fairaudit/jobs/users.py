"""Users, roles, owners, shares, the table of permissions, and the activity log."""

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
Resource = Literal["dataset", "job"]
Action = Literal["open", "use", "export", "cancel", "share", "delete"]
WorkspaceAction = Literal["ingest", "submit", "people", "trail", "upkeep"]

ROLES: tuple[Role, ...] = get_args(Role)
ACCESS = "access.db"
SAME_VISIT = 3600.0  # seconds within which opening the same resource again is not logged

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
    """A user, as named by the identity provider.

    `iss` and `sub` (issuer and subject) are the identity; the name is only displayed.
    """

    iss: str
    sub: str
    name: str = ""

    @property
    def key(self) -> str:
        """(iss, sub) as one string; JSON, so that different pairs give different strings."""
        return json.dumps([self.iss, self.sub])


LOCAL = Person("local", "local", "you")

_PERMISSIONS: dict[Role, dict[Relation, frozenset[Action]]] = {
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
_WORKSPACE_ACTIONS: dict[Role, frozenset[WorkspaceAction]] = {
    "viewer": frozenset(),
    "auditor": frozenset({"ingest", "submit"}),
    "admin": frozenset(get_args(WorkspaceAction)),
}


def may(role: Role | None, relation: Relation, action: Action) -> bool:
    """Whether a user with `role` and `relation` to a resource may perform `action` on it."""
    return role is not None and action in _PERMISSIONS[role][relation]


def may_do(role: Role | None, action: WorkspaceAction) -> bool:
    """Whether a user with `role` may perform an action on the workspace as a whole."""
    return role is not None and action in _WORKSPACE_ACTIONS[role]


@dataclass(frozen=True)
class TrailLine:
    """One entry of the activity log: who did what to which resource, and when."""

    n: int
    at: float
    person: str
    action: str
    kind: str
    id: str
    detail: str


class Access:
    """The users, owners, shares and activity log of a workspace.

    Parameters
    ----------
    root : Path
        The workspace.
    """

    def __init__(self, root: Path) -> None:
        self._db = Database(root / ACCESS, _SCHEMA, "restore it from a backup")

    # -- users --------------------------------------------------------------------------------

    def role(self, person: Person) -> Role | None:
        """The role of a user, or None."""
        if person.key == LOCAL.key:
            return "admin"
        with self._db.reading() as db:
            row = db.execute("SELECT role FROM people WHERE person = ?", (person.key,)).fetchone()
        return row["role"] if row else None

    def set_role(self, person: Person, role: Role | None) -> None:
        """Set the role of a user, or remove it (None)."""
        if role is not None and role not in ROLES:
            raise NotAllowed(f"unknown role '{role}'; choose one of {', '.join(ROLES)}")
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
        """All users with a role."""
        with self._db.reading() as db:
            rows = db.execute("SELECT iss, sub, name, role FROM people ORDER BY name").fetchall()
        return [(Person(row["iss"], row["sub"], row["name"]), row["role"]) for row in rows]

    # -- owners and shares --------------------------------------------------------------------

    def relation(self, person: Person, kind: Resource, id: str) -> Relation:
        """The relation of a user to a resource."""
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

    def managed_owners(self, person: Person, kind: Resource, id: str) -> list[str]:
        """Keys of the owners for whom a user manages a resource; only their own if they own it."""
        with self._db.reading() as db:
            rows = db.execute(
                "SELECT person AS owner FROM owners WHERE kind = ?1 AND id = ?2 AND person = ?3"
                " UNION SELECT owner FROM grants WHERE kind = ?1 AND id = ?2 AND person = ?3"
                " AND allowed = 'manage'",
                (kind, id, person.key),
            ).fetchall()
        owners = [row["owner"] for row in rows]
        return [person.key] if person.key in owners else owners

    def make_owner(self, person: Person, kind: Resource, id: str, name: str) -> None:
        """Make a user an owner of a resource, under their own name for it."""
        with self._db.writing() as db:
            db.execute(
                "INSERT INTO owners VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (kind, id, person) DO UPDATE SET name = excluded.name",
                (kind, id, person.key, name, time.time()),
            )

    def disown(self, owner: str, kind: Resource, id: str) -> None:
        """Remove an owner (by key) and the shares made for them."""
        with self._db.writing() as db:
            for table, column in (("owners", "person"), ("grants", "owner")):
                db.execute(
                    f"DELETE FROM {table} WHERE kind = ? AND id = ? AND {column} = ?",  # noqa: S608
                    (kind, id, owner),
                )

    def owned(self, person: Person | None, kind: Resource) -> dict[str, str]:
        """Id and name of the resources a user (None: any user) owns or has access to.

        A shared resource has the name that its sharing owner gave it.
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
        names: dict[str, str] = {}
        for row in rows:
            names.setdefault(row["id"], row["name"])
        return names

    def related(self, person: Person, kind: Resource) -> dict[str, Relation]:
        """The resources of a kind that a user is related to."""
        with self._db.reading() as db:
            rows = db.execute(
                "SELECT id, MIN(allowed) AS how FROM grants WHERE kind = ?1 AND person = ?2"
                " GROUP BY id"  # "manage" sorts before "view"
                " UNION ALL SELECT id, 'own' FROM owners WHERE kind = ?1 AND person = ?2",
                (kind, person.key),
            ).fetchall()
        return {row["id"]: row["how"] for row in rows}

    def owners(self, kind: Resource, id: str) -> list[str]:
        """Keys of all owners of a resource."""
        with self._db.reading() as db:
            rows = db.execute(
                "SELECT person FROM owners WHERE kind = ? AND id = ?", (kind, id)
            ).fetchall()
        return [row["person"] for row in rows]

    def share(
        self, kind: Resource, id: str, person: Person, right: Right | None, owners: Sequence[str]
    ) -> None:
        """Share a resource of these owners (keys) with a user; None revokes the share."""
        if right is not None and right not in get_args(Right):
            known = ", ".join(get_args(Right))
            raise NotAllowed(f"unknown right '{right}'; choose one of {known}")
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

    def shares(self, kind: Resource, id: str, owners: Sequence[str]) -> list[tuple[Person, Right]]:
        """The users with whom these owners (keys) share a resource."""
        with self._db.reading() as db:
            rows = db.execute(
                "SELECT s.person, s.owner, s.allowed, COALESCE(p.name, '') AS name FROM grants s"
                " LEFT JOIN people p ON p.person = s.person WHERE s.kind = ? AND s.id = ?"
                " ORDER BY s.allowed DESC",
                (kind, id),
            ).fetchall()
        shares = {row["person"]: row for row in rows if row["owner"] in owners}
        return [(_person(key, row["name"]), row["allowed"]) for key, row in shares.items()]

    def forget(self, kind: Resource, id: str) -> None:
        """Remove all owners and shares of a deleted resource."""
        with self._db.writing() as db:
            db.execute("DELETE FROM owners WHERE kind = ? AND id = ?", (kind, id))
            db.execute("DELETE FROM grants WHERE kind = ? AND id = ?", (kind, id))

    def last_use(self, dataset: str) -> float | None:
        """When a dataset was last ingested or opened; None if it has no owner."""
        with self._db.reading() as db:
            since = db.execute(
                "SELECT MAX(since) FROM owners WHERE kind = 'dataset' AND id = ?", (dataset,)
            ).fetchone()[0]
            opened = db.execute(
                "SELECT MAX(at) FROM trail WHERE action = 'open' AND kind = 'dataset' AND id = ?",
                (dataset,),
            ).fetchone()[0]
        return None if since is None else max(since, opened or since)

    # -- the activity log ---------------------------------------------------------------------

    def note(self, person: Person, action: str, kind: str, id: str, detail: str = "") -> None:
        """Append an entry; opening a resource again within an hour is not logged."""
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
        """Entries numbered above `after`, oldest first."""
        with self._db.reading() as db:
            rows = db.execute(
                "SELECT n, at, person, action, kind, id, detail FROM trail"
                " WHERE n > ? ORDER BY n LIMIT ?",
                (after, limit),
            ).fetchall()
        return [TrailLine(**dict(row)) for row in rows]

    def check_trail(self) -> int:
        """Check that each entry seals the previous one; returns the number of entries.

        Raises
        ------
        IntegrityError
            If an entry was changed, removed or inserted.
        """
        seal, count = "", 0
        with self._db.reading() as db:
            for row in db.execute("SELECT * FROM trail ORDER BY n"):
                line = tuple(row)[1:7]
                count += 1
                seal = _seal(seal, line)
                if row["seal"] != seal or row["n"] != count:
                    raise IntegrityError(
                        f"entry {row['n']} of the activity log was changed; restore '{ACCESS}' "
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
