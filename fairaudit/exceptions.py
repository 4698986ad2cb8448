"""The errors that fairaudit raises; each message names the column or file and the remedy.

FairauditError
├── InputError        a file, table or array cannot be used as it is
│   └── ContradictedScore   an assumed cut of a score would take the wrong side
├── SpecError         the request is invalid (unknown column, impossible parameter)
├── TrainingError     a fit could not produce a usable model
├── Cancelled         the running work was asked to stop
├── JobError          a job cannot do this in its current state
├── LimitExceeded     a memory, disk or size limit was reached
├── IntegrityError    stored content differs from its recorded hash
└── NotAllowed        the user may not access this (or it does not exist)

FairauditWarning      something was assumed that the user should state
"""

from __future__ import annotations


class FairauditError(Exception):
    """Base class of all errors with a message for users."""


class InputError(FairauditError, ValueError):
    """A file, table or array cannot be used as it is."""


class ContradictedScore(InputError):
    """The outcome contradicts the side that an assumed cut of a score selects.

    Attributes
    ----------
    score : name of the score
    """

    def __init__(self, message: str, score: str) -> None:
        super().__init__(message)
        self.score = score


class SpecError(FairauditError, ValueError):
    """The request is invalid: unknown column, impossible parameter, missing role."""


class TrainingError(FairauditError, RuntimeError):
    """A fit could not produce a usable model."""


class Cancelled(FairauditError):
    """The running work was asked to stop."""


class JobError(FairauditError):
    """A job cannot do this in its current state."""


class LimitExceeded(FairauditError):
    """A memory, disk or size limit was reached."""


class IntegrityError(FairauditError):
    """Stored content differs from its recorded hash."""


class NotAllowed(FairauditError):
    """The user may not access this, or it does not exist (indistinguishable on purpose)."""


class FairauditWarning(UserWarning):
    """Something was assumed that the user should state; the text names the argument."""
