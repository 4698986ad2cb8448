"""The command line: the same functions as the dashboard, with stable exit codes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import typer
from pydantic import ValidationError

from fairaudit.cli import audit_commands, workspace_commands
from fairaudit.cli.application import app
from fairaudit.exceptions import (
    Cancelled,
    FairauditError,
    InputError,
    IntegrityError,
    LimitExceeded,
    NotAllowed,
    SpecError,
)

__all__ = ["app", "audit_commands", "main", "workspace_commands"]  # the modules add their commands

FAILED, WRONG = 1, 2
_REQUEST_ERRORS = (SpecError, InputError, LimitExceeded, NotAllowed, IntegrityError)


def main() -> None:
    """Run the command line; errors become one message on stderr and an exit code."""
    try:
        app(standalone_mode=False)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except (typer.Abort, KeyboardInterrupt, Cancelled):
        _fail("stopped; nothing was written", FAILED)
    except ValidationError as error:
        _fail("; ".join(map(_fault, error.errors())), WRONG)
    except _REQUEST_ERRORS as error:
        _fail(str(error), WRONG)
    except FairauditError as error:
        _fail(str(error), FAILED)
    except OSError as error:
        place = "" if error.filename is None else f"'{error.filename}': "
        remedy = "check the folder, its permissions and the disk space"
        _fail(f"{place}{error.strerror or error}; {remedy}", FAILED)
    except Exception as error:
        if not _is_usage(error):
            raise
        _fail(_usage_text(error), WRONG)


def _fault(error: Mapping[str, Any]) -> str:
    """What is invalid in a request, with the field it concerns."""
    text = str(error["msg"]).removeprefix("Value error, ")
    field = ".".join(map(str, error["loc"]))
    return text if error["type"] == "value_error" or not field else f"{field}: {text}"


def _is_usage(error: Exception) -> bool:
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def _usage_text(error: Exception) -> str:
    format_message: Any = getattr(error, "format_message", lambda: str(error))
    message = format_message()
    return f"{message} (see fairaudit --help)" if message else "name a command"


def _fail(text: str, code: int) -> None:
    print(f"fairaudit: {text}", file=sys.stderr)  # noqa: T201 - output of the command line
    sys.exit(code)
