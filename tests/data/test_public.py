"""Public sets: from recorded answers of OpenML; every failure is a message with a remedy."""

from __future__ import annotations

import hashlib
import io
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message

import polars as pl
import pytest

from fairaudit.data.public import API, PUBLIC_SETS, Opener, download, fetch, parse_arff
from fairaudit.exceptions import InputError, SpecError

ARFF = b"""% a comment
@relation adult
@attribute age integer
@attribute 'native country' {'United-States', 'C\\'ote', ?}
@attribute class { <=50K, >50K }
@DATA
39, 'United-States', <=50K
?, 'C\\'ote', >50K
52, ?, '>50K'
"""
PAGE = API.format(number=1590)


def _answers(pages: Mapping[str, bytes | Exception]) -> Opener:
    def ask(request: urllib.request.Request, timeout: float) -> io.BytesIO:
        assert timeout == 5
        answer = pages[request.full_url]
        if isinstance(answer, Exception):
            raise answer
        return io.BytesIO(answer)

    return ask


def _described(**fields: object) -> bytes:
    return json.dumps({"data_set_description": {"url": "https://o.org/a.arff", **fields}}).encode()


def _missing(url: str) -> urllib.error.HTTPError:
    return urllib.error.HTTPError(url, 404, "Not Found", Message(), io.BytesIO())


def test_an_arff_answer_becomes_a_typed_table() -> None:
    md5 = hashlib.md5(ARFF, usedforsecurity=False).hexdigest()
    pages = {PAGE: _described(md5_checksum=md5), "https://o.org/a.arff": ARFF}
    frame = fetch("adult", timeout=5, opener=_answers(pages))
    assert frame.rows() == [
        (39, "United-States", "<=50K"),
        (None, "C'ote", ">50K"),
        (52, None, ">50K"),
    ]
    assert frame.columns == ["age", "native country", "class"]


def test_a_parquet_copy_is_preferred_and_a_missing_one_is_no_harm() -> None:
    out = io.BytesIO()
    pl.DataFrame({"age": [1]}).write_parquet(out)
    described = _described(parquet_url="http://o.org/a.pq")
    pages: dict[str, bytes | Exception] = {PAGE: described, "https://o.org/a.pq": out.getvalue()}
    assert fetch("adult", timeout=5, opener=_answers(pages)).columns == ["age"]
    pages |= {"https://o.org/a.pq": _missing("https://o.org/a.pq"), "https://o.org/a.arff": ARFF}
    assert fetch("adult", timeout=5, opener=_answers(pages)).height == 3


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        (
            {PAGE: urllib.error.URLError("no such host")},
            "no connection to OpenML.*check the network",
        ),
        ({PAGE: TimeoutError("timed out")}, "no connection to OpenML"),
        ({PAGE: _missing(PAGE)}, "responded '404 Not Found'"),
        ({PAGE: b"<html>"}, "cannot be parsed"),
        ({PAGE: b"{}"}, "cannot be parsed"),
        ({PAGE: _described(url="file:///etc/passwd")}, "not fetched"),
        ({PAGE: _described(md5_checksum="0"), "https://o.org/a.arff": ARFF}, "damaged in transit"),
        ({PAGE: _described(), "https://o.org/a.arff": b"@data\n{1 2}"}, "not supported"),
        ({PAGE: _described(), "https://o.org/a.arff": b"nothing"}, "not supported"),
        (
            {PAGE: _described(), "https://o.org/a.arff": ARFF + b"1,2\n"},
            r"not supported \(row 4\)",
        ),
    ],
)
def test_failures_say_what_to_do(pages: Mapping[str, bytes | Exception], message: str) -> None:
    with pytest.raises(InputError, match=message):
        download("adult", timeout=5, opener=_answers(pages))


def test_an_unknown_set_names_those_there_are() -> None:
    with pytest.raises(SpecError, match="adult, acs-income"):
        download("nothing")


def test_arff_names_are_made_unique() -> None:
    table = parse_arff(b"@attribute a real\n@attribute a real\n@data\n1,2.5\n", "t")
    assert table.columns == ["a", "a (2)"]


def test_every_set_has_a_page_with_its_terms() -> None:
    assert all(s.page.endswith(str(s.number)) for s in PUBLIC_SETS.values())


def test_the_numbers_are_those_of_fairlearns_fetchers() -> None:
    datasets = pytest.importorskip("fairlearn.datasets")
    import inspect

    for name, function in (
        ("adult", datasets.fetch_adult),
        ("acs-income", datasets.fetch_acs_income),
        ("bank-marketing", datasets.fetch_bank_marketing),
        ("credit-card", datasets.fetch_credit_card),
        ("diabetes-hospital", datasets.fetch_diabetes_hospital),
    ):
        assert f"data_id={PUBLIC_SETS[name].number}," in inspect.getsource(function)
