"""Access control: every question about a resource is answered for one user."""

from __future__ import annotations

import re
from pathlib import Path

from fairaudit.exceptions import NotAllowed
from fairaudit.jobs import folder as folders
from fairaudit.jobs.ledger import Entry, Ledger
from fairaudit.jobs.settings import Settings
from fairaudit.jobs.users import (
    Access,
    Action,
    Person,
    Relation,
    Resource,
    Role,
    WorkspaceAction,
    may,
    may_do,
)

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAMES: dict[Resource, str] = {"dataset": "dataset", "job": "audit"}
_ACTIONS: dict[WorkspaceAction, str] = {
    "ingest": "upload data",
    "submit": "run audits",
    "people": "manage users",
    "trail": "see the activity log",
    "upkeep": "maintain the workspace",
}


class Permissions:
    """What one user may do in one workspace."""

    def __init__(self, root: Path, access: Access, ledger: Ledger, person: Person) -> None:
        self._root = root
        self._access = access
        self._ledger = ledger
        self._person = person

    @property
    def role(self) -> Role | None:
        """The user's current role, which may have changed since login."""
        if not (self._person.iss and self._person.sub):
            return None  # not a user: an identity provider always names both
        role = self._access.role(self._person)
        return role if role is not None else Settings.load(self._root).default_role

    def may(self, action: Action, kind: Resource, id: str) -> bool:
        """Whether the user may perform `action` on a resource, which must exist."""
        entry = self._entry(kind, id)
        return self._allowed(action, kind, id, entry)

    def require(self, action: Action, kind: Resource, id: str) -> Entry:
        """The ledger entry of a job (an empty one for datasets) if the user may act on it.

        Raises
        ------
        NotAllowed
            If the user may not, or it does not exist: the two are indistinguishable.
        """
        entry = self._entry(kind, id)
        if not self._allowed(action, kind, id, entry):
            name = f"{_NAMES.get(kind, kind)} '{id[:80]}'"
            raise NotAllowed(f"{name} was not found, or you do not have permission to {action} it")
        return entry or _NO_ENTRY

    def managed_owners(self, kind: Resource, id: str) -> list[str]:
        """Keys of the owners for whom the user shares or deletes a resource.

        The same content may have several owners who do not know of each other, so a user only
        acts for owners who allowed it. A job has one owner, named by the ledger.
        """
        if kind == "job":
            entry = self._entry(kind, id)
            return [] if entry is None else [entry.owner]
        if self.role == "admin":
            return self._access.owners(kind, id)
        return self._access.managed_owners(self._person, kind, id)

    def require_on_workspace(self, action: WorkspaceAction) -> None:
        """Raise unless the user may perform an action on the workspace as a whole."""
        if not may_do(self.role, action):
            raise NotAllowed(
                f"you do not have permission to {_ACTIONS[action]} here; ask an admin for a role"
            )

    def datasets(self) -> dict[str, str]:
        """Id and name of the datasets that the user may open."""
        role = self.role
        if role is None:
            return {}
        return self._access.owned(None if role == "admin" else self._person, "dataset")

    def jobs(self) -> list[tuple[Entry, bool]]:
        """The jobs that the user may open, oldest first, and whether they may cancel each."""
        role, key = self.role, self._person.key
        if role is None:
            return []
        shared = self._access.related(self._person, "job")
        related: list[tuple[Entry, Relation]] = [
            (e, "own" if e.owner == key else shared.get(e.id, "none"))
            for e in self._ledger.all()
            if e.state != "doomed" and folders.parent_of(e.id) is None
        ]
        return [(e, may(role, to, "cancel")) for e, to in related if may(role, to, "open")]

    def _entry(self, kind: Resource, id: str) -> Entry | None:
        if kind != "job" or not folders.is_id(id):
            return None
        entry = self._ledger.get(id)
        return None if entry is None or entry.state == "doomed" else entry

    def _allowed(self, action: Action, kind: Resource, id: str, entry: Entry | None) -> bool:
        if kind == "job":
            if entry is None:
                return False
            return may(self.role, self._to_job(entry), action)
        if (
            kind != "dataset"
            or _SHA256.fullmatch(id) is None
            or not self._access.owners("dataset", id)
        ):
            return False
        return may(self.role, self._access.relation(self._person, "dataset", id), action)

    def _to_job(self, entry: Entry) -> Relation:
        if entry.owner == self._person.key:
            return "own"
        return self._access.relation(self._person, "job", entry.id)


_NO_ENTRY = Entry(0, "", "", "", "", "", "", "", 0.0, "", None, 0, 0, 0, *([None] * 5))
