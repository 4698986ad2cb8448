"""Image sets: every format, every way of naming, broken ones listed, row i is image i."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from fairaudit.data import store
from fairaudit.data.archive import Zip
from fairaudit.data.dataset import Dataset
from fairaudit.data.doctor.diagnosis import examine
from fairaudit.data.images import ImageLimits, ImageStore
from fairaudit.data.roles import ColumnRoles
from fairaudit.data.samples import SAMPLES
from fairaudit.exceptions import InputError, SpecError


def _encoded(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    if kind == "NPY":
        np.save(out, pixels)
    else:
        Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def _zip(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def _grey(value: int, side: int = 16) -> np.ndarray:
    return np.full((side, side), value, np.uint8)


def _ingested(
    source: bytes | Path, folder: Path, **options: object
) -> tuple[pl.DataFrame, np.ndarray]:
    found = store.ingest(source, folder, **options)
    images = store.images(folder / found.sha256)
    assert images is not None
    assert found.kind == "images"
    return store.load(folder / found.sha256), images.pixels


@pytest.mark.parametrize(
    ("kind", "suffix", "options"),
    [("PNG", "png", {}), ("JPEG", "jpg", {"quality": 95}), ("WEBP", "webp", {"lossless": True}),
     ("BMP", "bmp", {}), ("TIFF", "tiff", {}), ("NPY", "npy", {})],
)  # fmt: skip
def test_every_format_gives_the_same_pixels(
    kind: str, suffix: str, options: dict[str, object], tmp_path: Path
) -> None:
    colours = [np.full((16, 16, 3), c, np.uint8) for c in ([200, 30, 40], [10, 220, 90])]
    files = {f"i/{k}.{suffix}": _encoded(c, kind, **options) for k, c in enumerate(colours)}
    table = f"image,y\ni/0.{suffix},1\ni/1.{suffix},0\n".encode()
    frame, pixels = _ingested(_zip({**files, "labels.csv": table}), tmp_path)
    assert pixels.shape == (2, 16, 16, 3)
    assert np.abs(pixels.astype(int) - np.stack(colours)).max() <= 3
    assert frame["image"].to_list() == [f"i/0.{suffix}", f"i/1.{suffix}"]


@pytest.mark.parametrize(
    "named",
    [["set/pics/a.png", "set/pics/b.png"], ["pics/a.png", "pics/b.png"], ["a.png", "b.png"],
     ["a", "b"], ["./pics/A.PNG", "pics\\b.png"]],
)  # fmt: skip
def test_images_are_found_by_path_by_name_and_by_stem(named: list[str], tmp_path: Path) -> None:
    files = {
        "set/pics/a.png": _encoded(_grey(10), "PNG"),
        "set/pics/b.png": _encoded(_grey(90), "PNG"),
    }
    table = "who,file,y\n" + "".join(f"p{i},{n},{i}\n" for i, n in enumerate(reversed(named)))
    frame, pixels = _ingested(_zip({**files, "set/data.csv": table.encode()}), tmp_path)
    assert pixels[:, 0, 0, 0].tolist() == [90, 10]
    assert frame["file"].to_list() == ["set/pics/b.png", "set/pics/a.png"]


@pytest.mark.parametrize(
    "said",
    ["/home/me/set/x/a.png", r"C:\work\x\a.png", "https://host/y/x/a.png", "x/a", "é.png"],
)  # fmt: skip
def test_paths_from_other_machines_and_accents_of_macs_are_understood(
    said: str, tmp_path: Path
) -> None:
    apart = unicodedata.normalize("NFD", "é.png")
    files = {"x/a.png": _encoded(_grey(10), "PNG"), "z/a.png": _encoded(_grey(90), "PNG"),
             apart: _encoded(_grey(10), "PNG")}  # fmt: skip
    table = f"image,y\n{said},1\nz/a.png,0\n".encode()
    _, pixels = _ingested(_zip({**files, "labels.csv": table}), tmp_path)
    assert pixels[:, 0, 0, 0].tolist() == [10, 90]


def test_a_missing_path_is_not_taken_for_another_folder_s_file(tmp_path: Path) -> None:
    files = {"x/a.png": _encoded(_grey(10), "PNG"), "x/b.png": _encoded(_grey(90), "PNG")}
    source = _zip({**files, "labels.csv": b"image,y\ny/a.png,1\nx/b.png,0\n"})
    with pytest.raises(InputError, match=r"y/a\.png \(no such file\)"):
        store.ingest(source, tmp_path)


def test_kinds_that_are_not_read_and_empty_cells_are_listed_as_such(tmp_path: Path) -> None:
    files = {"a.gif": _encoded(_grey(10), "GIF"), "b.png": _encoded(_grey(90), "PNG"),
             "README.txt": b"how it was made"}  # fmt: skip
    source = _zip({**files, "set.csv": b"image,y\na.gif,1\nb.png,0\n,1\n"})
    with pytest.raises(
        InputError, match=r"a\.gif \(unsupported format: .*\.png.*row 3, an empty cell"
    ):
        store.ingest(source, tmp_path)


def test_sixteen_bit_grey_of_either_byte_order_is_one_channel(tmp_path: Path) -> None:
    deep = np.full((16, 16), 40_000, np.uint16)
    other = Image.frombytes("I;16B", (16, 16), deep.astype(">u2").tobytes())
    out = io.BytesIO()
    other.save(out, "TIFF")
    files = {"a.tif": out.getvalue(), "b.png": _encoded(deep, "PNG")}
    table = b"image,y\na.tif,1\nb.png,0\n"
    _, pixels = _ingested(_zip({**files, "labels.csv": table}), tmp_path)
    assert pixels.shape == (2, 16, 16, 1)
    assert (pixels == 155).all()


def test_a_huge_file_is_listed_without_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = _zip({"a.png": _encoded(_grey(1), "PNG"), "b.png": b"0" * 5000,
                   "labels.csv": b"image,y\na.png,1\nb.png,0\n"})  # fmt: skip
    read: list[str] = []
    usual = Zip.read
    monkeypatch.setattr(Zip, "read", lambda self, file: (read.append(file), usual(self, file))[1])
    with pytest.raises(InputError, match=r"b\.png \(oversized"):
        store.ingest(source, tmp_path, images=ImageLimits(most_bytes=2000))
    assert "b.png" not in read


def test_a_folder_is_an_image_set_and_numbers_can_name_images(tmp_path: Path) -> None:
    album = tmp_path / "album"
    (album / ".cache").mkdir(parents=True)
    (album / ".cache" / "x.png").write_bytes(b"junk")
    for i in range(3):
        (album / f"{i}.png").write_bytes(_encoded(_grey(i * 50), "PNG"))
    (album / "labels.csv").write_text("id,y\n2,1\n0,0\n1,1\n")
    frame, pixels = _ingested(album, tmp_path / "datasets")
    assert pixels.shape == (3, 16, 16, 1)
    assert pixels[:, 0, 0, 0].tolist() == [100, 0, 50]
    assert examine(frame).roles.image == "id"


@pytest.mark.parametrize("lenient", [False, True])
def test_broken_images_are_listed_and_left_out_only_with_consent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lenient: bool
) -> None:
    """Another library of the process may have told Pillow to accept truncated files."""
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", lenient)
    files = {f"{i}.png": _encoded(_grey(i * 40), "PNG") for i in range(4)}
    files["1.png"] = files["1.png"][:45]
    table = b"image,y\n0.png,0\n1.png,1\n2.png,0\nlost.png,1\n3.png,1\n"
    source = _zip({**files, "labels.csv": table})
    with pytest.raises(InputError, match=r"2 of 5 .* 1\.png \(broken.*lost\.png \(no such"):
        store.ingest(source, tmp_path)
    assert list(tmp_path.iterdir()) == []
    frame, pixels = _ingested(source, tmp_path, accept_broken=True)
    assert frame["image"].to_list() == ["0.png", "2.png", "3.png"]
    assert frame["_row"].to_list() == [0, 1, 2]
    assert pixels[:, 0, 0, 0].tolist() == [0, 80, 120]
    folder = next(tmp_path.iterdir())
    assert [b["file"] for b in store.schema(folder)["broken"]] == ["1.png", "lost.png"]
    assert any("2 rows with broken images" in note for note in store.info(folder).notes)


def test_oversized_images_are_broken_ones(tmp_path: Path) -> None:
    source = _zip({"a.png": _encoded(_grey(1, 40), "PNG"), "b.png": _encoded(_grey(2), "PNG"),
                   "labels.csv": b"image,y\na.png,1\nb.png,0\n"})  # fmt: skip
    with pytest.raises(InputError, match=r"a\.png \(oversized: 40 × 40 pixels\)"):
        store.ingest(source, tmp_path, images=ImageLimits(most_pixels=1000))


def test_other_shapes_are_cropped_and_scaled_to_the_chosen_side(tmp_path: Path) -> None:
    wide = np.zeros((20, 60), np.uint8)
    wide[:, 20:40] = 200
    source = _zip({"a.png": _encoded(wide, "PNG"), "labels.csv": b"image,y\na.png,1\n"})
    _, pixels = _ingested(source, tmp_path, image_size=8, image_channels=3)
    assert pixels.shape == (1, 8, 8, 3)
    assert pixels[:, :, 1:-1].min() == 200


def test_sixteen_bits_alpha_palette_and_orientation(tmp_path: Path) -> None:
    deep = Image.fromarray(np.full((16, 16), 40_000, np.uint16))
    alpha = Image.fromarray(np.full((16, 16, 4), [9, 8, 7, 255], np.uint8))
    palette = Image.fromarray(np.full((16, 16, 3), [250, 0, 0], np.uint8)).quantize(4)
    turned = Image.fromarray(np.repeat([[0] * 16, [255] * 16], 8, axis=0).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    files = {}
    made = {"deep": deep, "alpha": alpha, "palette": palette, "turned": turned}
    for name, image in made.items():
        options = {"exif": exif} if name == "turned" else {}
        out = io.BytesIO()
        image.save(out, "PNG", **options)
        files[f"{name}.png"] = out.getvalue()
    table = "image,y\n" + "".join(f"{name},1\n" for name in files)
    _, pixels = _ingested(
        _zip({**files, "labels.csv": table.encode()}), tmp_path, image_channels=3
    )
    assert pixels[0, 0, 0].tolist() == [155] * 3
    assert pixels[1, 0, 0].tolist() == [9, 8, 7]
    assert pixels[2, 0, 0].tolist() == [250, 0, 0]
    assert pixels[3, 0, 0, 0] == 255
    assert pixels[3, -1, 0, 0] == 0


def test_floats_and_one_channel_arrays(tmp_path: Path) -> None:
    files = {"a.npy": _encoded(np.full((16, 16), 0.5), "NPY"),
             "b.npy": _encoded(np.full((16, 16, 1), 7, np.uint8), "NPY")}  # fmt: skip
    _, pixels = _ingested(_zip({**files, "labels.csv": b"image,y\na,1\nb,0\n"}), tmp_path)
    assert pixels[:, 0, 0, 0].tolist() == [128, 7]


def test_progress_is_reported_to_the_end(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    store.ingest(SAMPLES["shapes"].path, tmp_path, on_progress=lambda k, n: seen.append((k, n)))
    assert seen == [(256, 640), (512, 640), (640, 640)]


def test_another_resolution_is_another_data_set(tmp_path: Path) -> None:
    first = store.ingest(SAMPLES["shapes"].path, tmp_path)
    again = store.ingest(SAMPLES["shapes"].path, tmp_path)
    small = store.ingest(SAMPLES["shapes"].path, tmp_path, image_size=14)
    assert first == again
    assert small.sha256 != first.sha256


def test_arrays_hold_the_images_of_their_rows(tmp_path: Path) -> None:
    found = store.ingest(SAMPLES["shapes"].path, tmp_path)
    images = store.images(tmp_path / found.sha256)
    assert images is not None
    frame = store.load(tmp_path / found.sha256)
    whole = Dataset(frame, SAMPLES["shapes"].roles, images).arrays()
    assert isinstance(whole.X, np.memmap)  # not one pixel is copied
    test = whole.part("test")
    assert np.array_equal(test.X, images.pixels[test.row_id])
    some = Dataset(
        frame.filter(pl.col("tone") == "dark"), SAMPLES["shapes"].roles, images
    ).arrays()
    assert np.array_equal(some.X, images.pixels[some.row_id])


def test_some_rows_of_a_store_are_a_map_as_well(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3000, 8, 8, 3), dtype=np.uint8)
    np.save(tmp_path / "images.npy", pixels)
    store = ImageStore(tmp_path / "images.npy")
    wanted = np.random.default_rng(1).permutation(3000)[:2500]
    found = store.rows(wanted)
    assert isinstance(found, np.memmap)
    assert (found == pixels[wanted]).all()
    assert list(tmp_path.iterdir()) == [tmp_path / "images.npy"]
    assert store.rows(wanted[:0]).shape == (0, 8, 8, 3)


def test_images_without_a_store_are_asked_for() -> None:
    frame = pl.DataFrame({"image": ["a.png"] * 10, "y": [0, 1] * 5})
    with pytest.raises(SpecError, match="the table came without images"):
        Dataset(frame, ColumnRoles(target="y", image="image")).arrays()


@pytest.mark.parametrize(
    ("impossible", "words"),
    [
        ({"image_size": 4}, "image_size: .*greater than or equal to 8"),
        ({"image_size": 16.5}, "image_size: .*valid integer"),
        ({"image_size": 5000}, "image_size: .*less than or equal to 1024"),
        ({"image_channels": 2}, "image_channels: .*1 or 3"),
    ],
)
def test_impossible_choices_are_refused(
    tmp_path: Path, impossible: dict[str, float], words: str
) -> None:
    with pytest.raises(SpecError, match=words):
        store.ingest(SAMPLES["shapes"].path, tmp_path, **impossible)


def test_impossible_limits_are_refused() -> None:
    with pytest.raises(SpecError, match="workers must be at least 1"):
        ImageLimits(workers=0)


def test_cropping_and_scaling_are_said(tmp_path: Path) -> None:
    files = {"a.png": _encoded(np.zeros((20, 60), np.uint8), "PNG"),
             "b.png": _encoded(_grey(3, 100), "PNG"), "c.png": _encoded(_grey(3, 100), "PNG"),
             "labels.csv": b"image,y\na.png,1\nb.png,0\nc.png,0\n"}  # fmt: skip
    notes = store.ingest(_zip(files), tmp_path).notes
    assert any("60 × 20 to 100 × 100 pixels were cropped to squares" in note for note in notes)
    assert any("to 64 × 64" in note for note in notes)
    del files["a.png"]
    files["labels.csv"] = b"image,y\nb.png,0\nc.png,0\n"
    kept = store.ingest(_zip(files), tmp_path)
    assert not any("scaled" in note for note in kept.notes)
    scaled = store.ingest(_zip(files), tmp_path, image_size=32)
    assert any("100 × 100 pixels were scaled to 32 × 32" in note for note in scaled.notes)


def test_faces_come_in_whole(shared_data: Path, tmp_path: Path) -> None:
    frame, pixels = _ingested(shared_data / "faces64.zip", tmp_path)
    assert pixels.shape == (2400, 64, 64, 3)
    roles = examine(frame).roles
    assert (roles.image, roles.target, roles.split) == ("image", "gender", "split")
    assert set(roles.sensitive) == {"race", "age"}
    with zipfile.ZipFile(shared_data / "faces64.zip") as archive:
        raw = Image.open(io.BytesIO(archive.read(frame["image"][777]))).convert("RGB")
    assert np.array_equal(pixels[777], np.asarray(raw))


def _sorted(*paths: str) -> bytes:
    """A ZIP of grey images at these paths, image i of brightness 10·i, without a table."""
    return _zip({path: _encoded(_grey(10 * i), "PNG") for i, path in enumerate(paths)})


@pytest.mark.parametrize(
    ("paths", "columns"),
    [
        (("yes/1.png", "no/1.png", "no/2.png"), {"label": ["no", "no", "yes"]}),
        (
            ("set/train/yes/1.png", "set/train/no/2.png", "set/test/yes/3.png"),
            {"split": ["test", "train", "train"], "label": ["yes", "no", "yes"]},
        ),
        (
            ("f/yes/1.png", "f/no/2.png", "m/yes/3.png"),
            {"folder_1": ["f", "f", "m"], "label": ["no", "yes", "yes"]},
        ),
        (
            ("yes/Validation/1.png", "no/Train/2.png"),
            {"split": ["Train", "Validation"], "label": ["no", "yes"]},
        ),
    ],
)
def test_folders_are_the_columns_of_images_without_a_table(
    tmp_path: Path, paths: tuple[str, ...], columns: dict[str, list[str]]
) -> None:
    frame, pixels = _ingested(_sorted(*paths), tmp_path)
    assert frame["image"].to_list() == sorted(paths)
    assert {name: frame[name].to_list() for name in columns} == columns
    assert set(frame.columns) == {"_row", "image", *columns}
    shades = [10 * paths.index(path) for path in sorted(paths)]
    assert pixels[:, 0, 0, 0].tolist() == shades
    [note] = [n for n in store.info(next(tmp_path.iterdir())).notes if "there is no table" in n]
    assert all(f"'{name}'" in note for name in columns)


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (("1.png", "2.png"), "images but no table.*one folder per label"),
        (("set/1.png", "set/2.png"), "images but no table.*one folder per label"),
        (("train/1.png", "test/2.png"), "images but no table.*one folder per label"),
        (("yes/1.png", "2.png"), r"different depths \('2.png', 'yes/1.png'\)"),
    ],
)
def test_folders_that_say_no_label_are_refused(
    tmp_path: Path, paths: tuple[str, ...], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        store.ingest(_sorted(*paths), tmp_path)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("image,sex\na.png,f\nb.png,m\nc.png,f\nd.png,m\n", "folder"),
        ("image,folder\na.png,f\nb.png,m\nc.png,f\nd.png,m\n", "folder_of_image"),
        ("image,sex,y\na.png,f,1\nb.png,m,1\nc.png,f,0\nd.png,m,0\n", None),
    ],
)
def test_a_folder_that_the_table_does_not_say_is_a_column(
    tmp_path: Path, table: str, column: str | None
) -> None:
    paths = ("ill/a.png", "ill/b.png", "well/c.png", "well/d.png")
    files = {path: _encoded(_grey(1), "PNG") for path in paths}
    frame, _ = _ingested(_zip({**files, "labels.csv": table.encode()}), tmp_path)
    added = set(frame.columns) - {"_row", *table.split("\n")[0].split(",")}
    assert added == ({column} if column else set())
    if column:
        assert frame[column].to_list() == ["ill", "ill", "well", "well"]


def test_folders_that_only_number_images_are_no_column(tmp_path: Path) -> None:
    files = {f"{i:03}/{i}.png": _encoded(_grey(1), "PNG") for i in range(4)}
    table = b"image,y\n" + b"".join(b"%d.png,%d\n" % (i, i % 2) for i in range(4))
    frame, _ = _ingested(_zip({**files, "labels.csv": table}), tmp_path)
    assert frame.columns == ["_row", "image", "y"]
