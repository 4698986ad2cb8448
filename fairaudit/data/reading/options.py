"""How a file is read where the reader's own inference is overruled: one frozen specification."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from fairaudit.exceptions import SpecError


class ReadingOptions(BaseModel):
    """Choices that overrule what the reader infers; None means that it is inferred.

    Parameters
    ----------
    sheet : str, optional
        Sheet of a workbook; inferred: the first with a table.
    encoding : str, optional
        Encoding of a text file, such as "cp1250"; see `encodings.encoding_choices`.
    header : bool, optional
        Whether the first row holds the names of the columns.
    delimiter : str, optional
        The one character between the cells of a text file.
    decimal : {".", ","}, optional
        The decimal mark of a text file; the other one separates thousands.
    skip_rows : tuple of int, optional
        Numbers of rows to leave out, as a spreadsheet program shows them (the first row of the
        file is 1). Inferred: rows of totals and remarks below the table; () leaves none out.
    text_columns : tuple of str
        Columns that stay text even if all their cells are numbers or dates.
    image_size : int, optional
        Side of stored images in pixels; inferred: a common size of up to 256, else 64. Other
        shapes are first cropped to a centred square.
    image_channels : {1, 3}, optional
        1 stores grey images, 3 coloured ones; inferred: 1 where all images are grey.
    accept_broken : bool
        Leave out rows whose image is missing, broken or oversized instead of refusing the set.

    Examples
    --------
    >>> ReadingOptions(encoding="CP1250").changed()
    {'encoding': 'cp1250'}
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sheet: str | None = None
    encoding: str | None = None
    header: bool | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    decimal: Literal[".", ","] | None = None
    skip_rows: tuple[Annotated[int, Field(ge=1)], ...] | None = None
    text_columns: tuple[str, ...] = ()
    image_size: Annotated[int, Field(ge=8, le=1024)] | None = None
    image_channels: Literal[1, 3] | None = None
    accept_broken: bool = False

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str | None) -> str | None:
        if encoding is None:
            return None
        try:
            codecs.lookup(encoding)
            "".encode(encoding)
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            raise ValueError(
                f"unknown encoding '{encoding}'; name one such as utf-8, cp1252 or big5"
            ) from error
        return codecs.lookup(encoding).name

    def changed(self) -> dict[str, Any]:
        """The choices that differ from the defaults, as JSON values."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def key(self) -> str:
        """Text that distinguishes datasets read from one file with other choices."""
        if not self.changed():
            return ""
        if set(self.changed()) == {"sheet"}:
            return self.sheet or ""
        return self.model_dump_json(exclude_defaults=True)


INFERRED = ReadingOptions()


def chosen_options(options: ReadingOptions, choices: Mapping[str, Any]) -> ReadingOptions:
    """The options with some of them chosen anew.

    Raises
    ------
    SpecError
        If there is no such option, or not with this value.
    """
    known = {name: value for name, value in choices.items() if value is not None}
    unknown = sorted(set(choices) - set(ReadingOptions.model_fields))
    if unknown:
        raise SpecError(
            f"there is no reading option '{unknown[0]}'; the options are "
            f"{', '.join(ReadingOptions.model_fields)}"
        )
    if not known:
        return options
    try:
        return ReadingOptions.model_validate({**options.model_dump(), **known})
    except ValidationError as error:
        fault = error.errors()[0]
        text = str(fault["msg"]).removeprefix("Value error, ")
        raise SpecError(f"reading option {fault['loc'][0]}: {text}") from error
