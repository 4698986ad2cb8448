"""Every error fairaudit raises on purpose; each text names the column or file and the remedy.

FairauditError
├── InputError        a file, table or array cannot be used as it is
├── SpecError         the request is wrong (unknown column, impossible parameter)
├── TrainingError     a fit could not produce a usable model
├── Cancelled         somebody asked the running work to stop
├── JobError          a job cannot do what is asked of it in its state
├── LimitExceeded     a memory, disk or size limit was reached
├── IntegrityError    stored content differs from its recorded hash
└── NotAllowed        the person has no right to this (or it does not exist)
"""

from __future__ import annotations


class FairauditError(Exception):
    """Base of all errors meant for a person to read."""


class InputError(FairauditError, ValueError):
    """A file, table or array cannot be used as it is."""


class SpecError(FairauditError, ValueError):
    """The request is wrong: unknown column, impossible parameter, missing role."""


class TrainingError(FairauditError, RuntimeError):
    """A fit could not produce a usable model."""


class Cancelled(FairauditError):
    """Somebody asked the running work to stop."""


class JobError(FairauditError):
    """A job cannot do what is asked of it in its state."""


class LimitExceeded(FairauditError):
    """A memory, disk or size limit was reached."""


class IntegrityError(FairauditError):
    """Stored content differs from its recorded hash."""


class NotAllowed(FairauditError):
    """The person has no right to this, or it does not exist (the two look the same)."""
