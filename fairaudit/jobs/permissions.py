"""The check at the door: every question about a thing is asked for one person."""

from __future__ import annotations

import re
from pathlib import Path

from fairaudit.exceptions import NotAllowed
from fairaudit.jobs import folder as folders
from fairaudit.jobs.ledger import Entry, Ledger
from fairaudit.jobs.settings import Settings
from fairaudit.jobs.users import Access, Action, Deed, Person, Relation, Role, Thing, may, may_do

_SHA256 = re.compile(r"[0-9a-f]{64}")
_WORDS = {"dataset": "data set", "job": "audit"}


class Door:
    """What one person may do in one workspace."""

    def __init__(self, root: Path, access: Access, ledger: Ledger, person: Person) -> None:
        self._root = root
        self._access = access
        self._ledger = ledger
        self._person = person

    @property
    def role(self) -> Role | None:
        """The role as it is now, not as it was at login."""
        if not (self._person.iss and self._person.sub):
            return None  # nobody: an identity provider always names both
        given = self._access.role(self._person)
        return given if given is not None else Settings.load(self._root).default_role

    def may(self, action: Action, kind: Thing, id: str) -> bool:
        """Whether the person may do `action` to a thing that exists."""
        entry = self._entry(kind, id)
        return self._allowed(action, kind, id, entry)

    def need(self, action: Action, kind: Thing, id: str) -> Entry:
        """The ledger's row of a job (an empty one for data sets) if the person may act on it.

        Raises
        ------
        NotAllowed
            When they may not, or it does not exist: the two look the same.
        """
        entry = self._entry(kind, id)
        if not self._allowed(action, kind, id, entry):
            what = f"{_WORDS.get(kind, kind)} '{id[:80]}'"
            raise NotAllowed(f"there is no {what}, or you have no right to {action} it")
        return entry or _NO_ENTRY

    def behalf(self, kind: Thing, id: str) -> list[str]:
        """Keys of the owners for whom the person shares or deletes a thing.

        The same content may have several owners, who know nothing of each other: nobody acts on
        a thing for an owner who did not let them. A job has one owner, named by the ledger.
        """
        if kind == "job":
            entry = self._entry(kind, id)
            return [] if entry is None else [entry.owner]
        if self.role == "admin":
            return self._access.owners(kind, id)
        return self._access.behalf(self._person, kind, id)

    def need_deed(self, deed: Deed) -> None:
        """Raise unless the person may do something that concerns no particular thing."""
        if not may_do(self.role, deed):
            raise NotAllowed(f"you have no right to {deed} here; ask an admin for a role")

    def datasets(self) -> dict[str, str]:
        """Id and name of the data sets the person may open."""
        role = self.role
        if role is None:
            return {}
        return self._access.owned(None if role == "admin" else self._person, "dataset")

    def jobs(self) -> list[tuple[Entry, bool]]:
        """The jobs the person may open, oldest first, and whether they may cancel each."""
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

    def _entry(self, kind: Thing, id: str) -> Entry | None:
        if kind != "job" or not folders.is_id(id):
            return None
        entry = self._ledger.get(id)
        return None if entry is None or entry.state == "doomed" else entry

    def _allowed(self, action: Action, kind: Thing, id: str, entry: Entry | None) -> bool:
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
