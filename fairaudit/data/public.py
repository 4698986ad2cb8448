"""Public datasets, fetched from OpenML over the network; none of them is bundled."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO, TypeAlias

import polars as pl

from fairaudit.data.reading import cell_types
from fairaudit.data.reading.header import unique_names
from fairaudit.data.reading.limits import GB, size_text
from fairaudit.data.reading.table import read_table
from fairaudit.exceptions import InputError, LimitExceeded, SpecError

API = "https://api.openml.org/api/v1/json/data/{number}"
MAX_BYTES = GB
_PARQUET = b"PAR1"
Opener: TypeAlias = Callable[[urllib.request.Request, float], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True)
class PublicSet:
    """A public dataset and its OpenML number (those of Fairlearn's fetchers)."""

    name: str
    title: str
    number: int

    @property
    def page(self) -> str:
        """The page with its origin and terms."""
        return f"https://www.openml.org/d/{self.number}"


_SETS = (
    PublicSet("adult", "Adult: income above 50,000 dollars (1994 census)", 1590),
    PublicSet("acs-income", "ACS income: the 2018 successor of Adult, 1.6 million people", 43141),
    PublicSet("bank-marketing", "Bank marketing: who subscribes to a term deposit", 1461),
    PublicSet("credit-card", "Credit card clients in Taiwan: default in the next month", 42477),
    PublicSet("diabetes-hospital", "Diabetes: readmission to 130 US hospitals", 43874),
    PublicSet("german-credit", "German credit: good and bad credit risks", 31),
)
PUBLIC_SETS: Mapping[str, PublicSet] = MappingProxyType({s.name: s for s in _SETS})


def fetch(name: str, *, timeout: float = 60.0, opener: Opener | None = None) -> pl.DataFrame:
    """A public dataset as a table.

    Parameters
    ----------
    name : str
        Key in `PUBLIC_SETS`.
    timeout : float
        Seconds without a response before giving up.

    Raises
    ------
    SpecError
        If there is no dataset of that name.
    InputError
        Without a network, or if the response is not a table.
    """
    return read_table(download(name, timeout=timeout, opener=opener), name=name)


def download(name: str, *, timeout: float = 60.0, opener: Opener | None = None) -> bytes:
    """A public dataset as Parquet bytes, ready for ingestion; see `fetch`.

    Raises
    ------
    SpecError, InputError
        When there is no such dataset, or it cannot be downloaded.
    """
    if name not in PUBLIC_SETS:
        raise SpecError(
            f"there is no public dataset '{name}'; choose one of {', '.join(PUBLIC_SETS)}"
        )
    chosen, ask = PUBLIC_SETS[name], opener or _open
    url = API.format(number=chosen.number)
    description = _described(_fetched(url, name, timeout, ask), name)
    if (parquet := description.get("parquet_url")) and (
        content := _parquet(str(parquet), name, timeout, ask)
    ):
        return content
    content = _fetched(str(description["url"]), name, timeout, ask)
    checksum = description.get("md5_checksum")
    if checksum and checksum != hashlib.md5(content, usedforsecurity=False).hexdigest():
        raise InputError(f"the download of '{name}' was damaged in transit; try again")
    out = io.BytesIO()
    parse_arff(content, name).write_parquet(out)
    return out.getvalue()


def _parquet(url: str, name: str, timeout: float, ask: Opener) -> bytes | None:
    """The Parquet copy, or None where OpenML has none for this set."""
    try:
        content = _fetched(url, name, timeout, ask)
    except InputError:  # not every dataset has one; the ARFF file does instead
        return None
    return content if content.startswith(_PARQUET) and content.endswith(_PARQUET) else None


def _described(content: bytes, name: str) -> dict[str, Any]:
    try:
        description = json.loads(content)["data_set_description"]
        if not isinstance(description["url"], str):
            raise TypeError("no URL")
        return dict(description)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"OpenML's description of '{name}' cannot be parsed ({error}); try again later, or "
            "download the table yourself and upload it"
        ) from error


def _fetched(url: str, name: str, timeout: float, ask: Opener) -> bytes:
    url = re.sub(r"^http://", "https://", url)
    if not url.startswith("https://"):
        raise InputError(
            f"'{name}' has an address that is not fetched: {url}; download it yourself and "
            "upload it"
        )
    request = urllib.request.Request(url, headers={"User-Agent": "fairaudit"})
    try:
        with ask(request, timeout) as response:
            content = response.read(MAX_BYTES + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise InputError(
            f"OpenML responded '{error.code} {error.reason}' for '{name}'; try again later"
        ) from error
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        raise InputError(
            f"'{name}' cannot be fetched: no connection to OpenML "
            f"({getattr(error, 'reason', error)}); check the network, or download the table "
            "elsewhere and upload it"
        ) from error
    if len(content) > MAX_BYTES:
        raise LimitExceeded(
            f"'{name}' is larger than {size_text(MAX_BYTES)}; take a part of it and upload that"
        )
    return content


def _open(request: urllib.request.Request, timeout: float) -> AbstractContextManager[BinaryIO]:
    opened: AbstractContextManager[BinaryIO] = urllib.request.urlopen(request, timeout=timeout)
    return opened


_ATTRIBUTE = re.compile(r"@attribute\s+('(?:\\.|[^'])*'|\"[^\"]*\"|\S+)", re.IGNORECASE)


def parse_arff(content: bytes, name: str) -> pl.DataFrame:
    """A dense ARFF file as a table; types are inferred as for CSV.

    Raises
    ------
    InputError
        For sparse files and rows of unequal width.
    """
    text = content.decode("utf-8", errors="replace")
    header, mark, body = _halves(text)
    names = [_unquoted(m) for m in _ATTRIBUTE.findall(header)]
    lines = (line for line in body.splitlines() if line.strip() and not line.startswith("%"))
    rows = list(csv.reader(lines, quotechar="'", escapechar="\\", skipinitialspace=True))
    wrong = next((i for i, row in enumerate(rows, 1) if len(row) != len(names)), None)
    if not mark or not names or not rows or wrong is not None or rows[0][0].startswith("{"):
        raise InputError(
            f"'{name}' is in an ARFF form that is not supported"
            f"{f' (row {wrong})' if wrong else ''}; download it as CSV and upload it"
        )
    columns = list(zip(*rows, strict=True))
    frame = pl.DataFrame(
        [pl.Series(n, c) for n, c in zip(unique_names(names), columns, strict=True)]
    )
    types = cell_types.study(frame.lazy())
    return frame.with_columns(cell_types.converted(c, t) for c, t in types.items())


def _halves(text: str) -> tuple[str, str, str]:
    parts = re.split(r"(?im)(^@data[ \t]*\r?$)", text, maxsplit=1)
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else (text, "", "")


def _unquoted(name: str) -> str:
    return name[1:-1].replace("\\'", "'") if name[:1] in "'\"" else name
