"""How a file is read, from options of the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fairaudit.cli.options import names
from fairaudit.exceptions import SpecError

if TYPE_CHECKING:
    from fairaudit.data.reading.options import ReadingOptions


def reading_options(
    pairs: list[str] | None, *, header: bool | None, accept_broken: bool = False
) -> ReadingOptions:
    """How a file is read, from `--read NAME=VALUE`, `--header` and `--accept-broken`.

    Raises
    ------
    SpecError
        If a pair has no "=", or names no option or an unknown value.
    """
    from fairaudit.data.reading.options import INFERRED, chosen_options

    choices: dict[str, Any] = {"header": header, "accept_broken": accept_broken or None}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise SpecError(f"--read {pair!r} has no '='; write --read NAME=VALUE")
        choices[name.strip()] = _choice(name.strip(), value)
    return chosen_options(INFERRED, choices)


def _choice(name: str, value: str) -> Any:
    """A value as text, or as the JSON of a reading option that is no text."""
    if name == "text_columns":
        return names(value)
    if name == "delimiter":
        return {"tab": "\t", "\\t": "\t", "blank": " "}.get(value, value)
    if name not in _EXPECTED:
        return value
    text = f"[{value}]" if name == "skip_rows" and not value.startswith("[") else value.lower()
    try:
        return json.loads(text)
    except ValueError as error:
        raise SpecError(f"--read {name}={value}: expected {_EXPECTED[name]}") from error


_EXPECTED = {
    "header": "true or false",
    "accept_broken": "true or false",
    "skip_rows": "row numbers such as 7,9",
    "image_size": "a number of pixels such as 96",
    "image_channels": "1 (grey) or 3 (colour)",
}
