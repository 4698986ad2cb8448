"""The images of an audit on screen: whose are wrong, what each model says, and who may look."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from fairaudit.audit.spec import AuditSpec
from fairaudit.data.roles import ColumnRoles
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui.pictures import thumbnail
from tests.pages.conftest import Open, words
from tests.pages.opening import calm, shown_table
from tests.pages.test_data import upload

SMILES = [1, 1, 1, 0, 0, 0, 1, 0]
FIRST = [1, 0, 1, 1, 0, 0, 0, 0]  # wrong: rows 1, 3 (women), 6 (men)
SECOND = [1, 1, 0, 1, 0, 1, 0, 0]
SEX = ["women"] * 4 + ["<b>men"] * 4
_FIGURE = re.compile(r"<figure><img src='([^']+)' alt='([^']+)'")


def faces() -> bytes:
    """A ZIP of grey images, image i of brightness 10·i, with outcomes and two systems' answers."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        lines = ["image,sex,smiles,first,second"]
        for i, row in enumerate(zip(SEX, SMILES, FIRST, SECOND, strict=True)):
            picture = io.BytesIO()
            Image.fromarray(np.full((16, 16), 10 * i, np.uint8)).save(picture, "PNG")
            archive.writestr(f"{i}.png", picture.getvalue())
            lines.append(",".join([f"{i}.png", *map(str, row)]))
        archive.writestr("labels.csv", "\n".join(lines))
    return content.getvalue()


@pytest.fixture
def job(workspace: Workspace) -> str:
    """A finished audit of two systems on eight images."""
    info = workspace.ingest(faces(), name="faces.zip")
    roles = ColumnRoles(
        target="smiles", image="image", sensitive=("sex",), predictions=("first", "second"),
        positive="1", meaning="good",
    )  # fmt: skip
    spec = AuditSpec(roles=roles, kind="predictions", metrics=("accuracy", "fpr"))
    name = workspace.run_now(JobSpec(dataset=info.sha256, audit=spec))
    assert workspace.job(name).state == "succeeded", workspace.job(name).reason
    return name


Show = Callable[..., AppTest]


@pytest.fixture
def show(job: str, open_page: Open) -> Show:
    def page(**query: str) -> AppTest:
        shown = open_page("errors", audit=job, view="Images", by="sex", **query)
        assert calm(shown)
        return shown

    return page


def shown(page: AppTest) -> list[tuple[str, str]]:
    """The address and alternative text of each image on a page."""
    return _FIGURE.findall("".join(element.value for element in page.get("html")))


def figures(page: AppTest) -> list[tuple[int, str]]:
    """The brightness and alternative text of each image on a page."""
    return [(int(brightness(source)), alt) for source, alt in shown(page)]


def brightness(source: str) -> float:
    head, _, content = source.partition(",")
    assert head == "data:image/png;base64"
    return float(np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))).mean())


def test_the_wrong_images_of_each_group_are_shown_with_every_answer(show: Show) -> None:
    page = show(model="first")
    assert [shade for shade, _ in figures(page)] == [60, 10, 30]  # men first, by name
    alts = [alt for _, alt in figures(page)]
    assert alts[1] == "Image of row 1; actual: 1; first: 0 (wrong); second: 1 (right)"
    said = words(page)
    assert "2 of 4 are predicted wrongly by first" in said
    assert "1 of 4 is predicted wrongly by first" in said
    assert "<b>men" not in "".join(e.value for e in page.get("html")).replace("&lt;b&gt;", "")


@pytest.mark.parametrize(
    ("kind", "shades"),
    [
        ("fp", [30]),
        ("fn", [60, 10]),
        ("disagree", [50, 10, 20]),
        ("all", [40, 50, 60, 70, 0, 10, 20, 30]),
    ],
)
def test_other_kinds_of_images(show: Show, kind: str, shades: list[int]) -> None:
    assert [shade for shade, _ in figures(show(model="first", images=kind))] == shades


def test_tables_have_no_view_of_images(with_audit: Workspace, open_page: Open) -> None:
    page = open_page("errors", audit=with_audit.jobs()[0].id)
    assert "Images" not in str(page.get("button_group"))


def test_images_that_were_not_shared_are_not_shown(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fairaudit.exceptions import NotAllowed

    def refuse(*_: object) -> None:
        raise NotAllowed("no")

    monkeypatch.setattr(Workspace, "images", refuse)
    page = show()
    assert not figures(page)
    assert "not shared with you" in words(page)


def test_large_images_become_small_pictures() -> None:
    _, _, content = thumbnail(np.zeros((300, 300, 3), np.uint8)).partition(",")
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (128, 128)


def pictures_with(broken: int, sides: tuple[int, ...] = (16, 16, 16, 16, 16, 16)) -> bytes:
    """A ZIP of six images, the first `broken` of them cut off."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for i, side in enumerate(sides):
            picture = io.BytesIO()
            Image.fromarray(np.full((side, side), 40 * i, np.uint8)).save(picture, "PNG")
            archive.writestr(f"{i}.png", picture.getvalue()[: 40 if i < broken else None])
        rows = "".join(f"{i}.png,{'ab'[i % 2]},{i % 2}\n" for i in range(len(sides)))
        archive.writestr("labels.csv", "image,sex,smiles\n" + rows)
    return content.getvalue()


def stored(workspace: Workspace, page: AppTest) -> np.ndarray:
    """The pixels of the dataset that the page shows."""
    images = workspace.images(str(page.query_params["data"]))
    assert images is not None
    return np.asarray(images.pixels)


def test_broken_images_are_listed_and_left_out_by_a_click(
    workspace: Workspace, open_page: Open
) -> None:
    page = upload(open_page("data"), "faces.zip", pictures_with(broken=2))
    assert not workspace.datasets()
    assert "**2 images of 6** cannot be used" in words(page)
    listed = shown_table(page, "file", "reason")
    assert listed["file"].to_list() == ["0.png", "1.png"]
    assert all(reason.startswith("broken") for reason in listed["reason"])
    [go_on] = [b for b in page.button if b.label == "Go on with the other 4 images"]
    page = go_on.click().run()
    assert calm(page)
    assert stored(workspace, page)[:, 0, 0, 0].tolist() == [80, 120, 160, 200]
    assert [brightness(source) for source, _ in shown(page)] == [80, 120, 160, 200]
    assert workspace.datasets()[0].options.accept_broken


def test_size_and_colours_are_chosen_on_screen_and_undone(
    workspace: Workspace, open_page: Open
) -> None:
    page = upload(open_page("data"), "faces.zip", pictures_with(0, (20, 30, 40, 40, 40, 40)))
    assert stored(workspace, page).shape == (6, 64, 64, 1)
    assert "20 × 20 to 40 × 40 pixels were scaled to 64 × 64" in words(page)
    by_key = {str(w.key).rpartition("-image-")[2]: w for w in page.selectbox}
    by_key["size"].select(96)
    by_key["channels"].select(3)
    [button] = [b for b in page.button if b.label == "Read the file this way"]
    page = button.click().run()
    assert calm(page)
    assert stored(workspace, page).shape == (6, 96, 96, 3)
    assert "Images are stored at 96 × 96 pixels" in words(page)


def test_parts_that_do_not_speak_for_the_answer_are_darkened() -> None:
    white = np.full((16, 16, 1), 255, np.uint8)
    heat = np.zeros((2, 2), np.uint8)
    heat[0, 0] = 255
    _, _, content = thumbnail(white, heat).partition(",")
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    assert shown[0, 0] == 255
    assert shown[-1, -1] == 50


def test_what_speaks_for_the_answer_is_shown_on_demand(
    workspace: Workspace, open_page: Open
) -> None:
    info = workspace.ingest(noisy(), name="faces.zip")
    roles = ColumnRoles(target="smiles", image="image", sensitive=("sex",), positive="1")
    spec = AuditSpec(roles=roles, method="erm", params={"max_epochs": 1}, metrics=("accuracy",))
    job = workspace.run_now(JobSpec(dataset=info.sha256, audit=spec))
    assert workspace.job(job).state == "succeeded", workspace.job(job).reason
    page = open_page("errors", audit=job, view="Images", by="sex")
    before = [source for source, _ in shown(page)]
    assert before
    [toggle] = [t for t in page.toggle if t.key == "saliency"]
    page = toggle.set_value(True).run()
    assert calm(page)
    assert "Bright parts raise the score of the class that erm predicts" in words(page)
    after = [source for source, _ in shown(page)]
    assert len(after) == len(before)
    assert all(brightness(a) < brightness(b) for a, b in zip(after, before, strict=True))


def noisy() -> bytes:
    """A ZIP of 60 noisy images whose outcome nobody can see."""
    chance, content = np.random.default_rng(0), io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        lines = ["image,sex,smiles"]
        for i, pixels in enumerate(chance.integers(0, 256, (60, 16, 16), dtype=np.uint8)):
            picture = io.BytesIO()
            Image.fromarray(pixels).save(picture, "PNG")
            archive.writestr(f"{i}.png", picture.getvalue())
            lines.append(f"{i}.png,{'fm'[i % 2]},{i // 2 % 2}")
        archive.writestr("labels.csv", "\n".join(lines))
    return content.getvalue()
