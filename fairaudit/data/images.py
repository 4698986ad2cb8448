"""Decodes images once into a memory-mapped uint8 store; row i of the store is row id i."""

from __future__ import annotations

import io
import os
import struct
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairaudit.data.archive import Bundle
from fairaudit.data.reading.limits import MB, size_text
from fairaudit.exceptions import InputError, SpecError

IMAGE_FILES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".npy")
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
_PROBED = 256
_AT_ONCE = 256  # images decoded at a time; bounds the memory
_LISTED = 10  # broken images that a message names
_CHUNK = 1024  # rows copied at a time
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ImageLimits:
    """How much is decoded at a time and at most.

    Parameters
    ----------
    workers : int or None
        Threads; None means one per core, at most 8.
    most_pixels, most_bytes : int
        Larger images are oversized.
    """

    workers: int | None = None
    most_pixels: int = 50_000_000
    most_bytes: int = 64 * MB

    def __post_init__(self) -> None:
        if self.workers is not None and not (_whole(self.workers) and self.workers >= 1):
            raise SpecError(f"workers must be at least 1 or None, got {self.workers!r}")


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


DEFAULT_IMAGES = ImageLimits()


@dataclass(frozen=True)
class ImageLayout:
    """How all images of a set are stored, and what that changes.

    Attributes
    ----------
    size : int
        Side in pixels.
    channels : {1, 3}
    cropped, scaled : bool
        Whether some of the images looked at are no squares, or have another size.
    smallest, largest : (int, int)
        Width and height of the smallest and the largest of them.
    """

    size: int
    channels: int
    cropped: bool = False
    scaled: bool = False
    smallest: tuple[int, int] = (0, 0)
    largest: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Broken:
    """One image that cannot be used, and why."""

    file: str
    reason: str


class BrokenImages(InputError):
    """Some images of a set cannot be used.

    Parameters
    ----------
    name : str
        Of the set.
    broken : sequence of Broken
    total : int
        Images named by the table.
    """

    def __init__(self, name: str, broken: Sequence[Broken], total: int) -> None:
        self.broken = tuple(broken)
        self.total = total
        listed = "; ".join(f"{b.file} ({b.reason})" for b in broken[:_LISTED])
        rest = len(broken) - _LISTED
        more = f"; and {rest:,} more" if rest > 0 else ""
        super().__init__(
            f"{len(broken):,} of {total:,} images of '{name}' cannot be used: {listed}{more}. "
            "Repair them, or agree to exclude these rows (--accept-broken, or accept_broken=True)"
        )


@dataclass(frozen=True)
class ImageStore:
    """Pixels on disk, (n, H, W, C) uint8, opened without being read."""

    path: Path

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The whole store as a read-only memory map."""
        try:
            pixels: NDArray[np.uint8] = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"the image store '{self.path.name}' cannot be opened ({error}); ingest the "
                "images again"
            ) from error
        return pixels

    def rows(self, row_id: NDArray[Any]) -> NDArray[np.uint8]:
        """The images of some rows, without loading all of them into memory.

        This is the map itself when all rows are requested in order, else a map of an unnamed
        temporary file that disappears with the array.
        """
        pixels = self.pixels
        if len(row_id) == len(pixels) and np.array_equal(row_id, np.arange(len(pixels))):
            return pixels
        if not len(row_id):
            return np.zeros((0, *pixels.shape[1:]), dtype=np.uint8)
        with tempfile.TemporaryFile() as file:
            chosen = np.memmap(file, np.uint8, "w+", shape=(len(row_id), *pixels.shape[1:]))
        for start, part in _rows_of(pixels, row_id):
            chosen[start : start + len(part)] = part
        return chosen


def store_images(
    bundle: Bundle,
    files: Sequence[str],
    path: Path,
    layout: ImageLayout,
    limits: ImageLimits,
    on_progress: Progress | None = None,
) -> list[tuple[int, Broken]]:
    """Decode files into an .npy of shape (n, H, W, C), in parallel and in batches.

    Parameters
    ----------
    files : sequence of str
        One per row; "" where the table names no file.
    on_progress : callable, optional
        Called with (done, total).

    Returns
    -------
    list of (position, Broken)
        Images that could not be decoded; their pixels are 0.
    """
    size, channels = layout.size, layout.channels
    decoder = _Decoder(bundle, size, channels, limits)
    broken: list[tuple[int, Broken]] = []
    with ThreadPoolExecutor(limits.workers or min(8, os.cpu_count() or 1)) as threads:

        def decoded() -> Iterator[NDArray[np.uint8]]:
            for start, part in _parts(files):
                pixels = np.zeros((len(part), size, size, channels), dtype=np.uint8)
                for i, image in enumerate(threads.map(decoder.decode, part)):
                    if isinstance(image, Broken):
                        broken.append((start + i, image))
                    else:
                        pixels[i] = image
                yield pixels
                if on_progress is not None:
                    on_progress(start + len(part), len(files))

        _write(path, (len(files), size, size, channels), decoded())
    return broken


def _write(path: Path, shape: tuple[int, ...], parts: Iterable[NDArray[np.uint8]]) -> None:
    """Write an .npy sequentially; pages of a map would count as memory of this process."""
    descr = np.lib.format.dtype_to_descr(np.dtype(np.uint8))
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(part.data)


def keep_rows(path: Path, kept: NDArray[np.intp]) -> None:
    """Rewrite a store with a subset of its rows, one chunk at a time."""
    old = np.load(path, mmap_mode="r", allow_pickle=False)
    aside = path.with_suffix(".kept.npy")
    _write(aside, (len(kept), *old.shape[1:]), (part for _, part in _rows_of(old, kept)))
    del old
    aside.replace(path)


def _rows_of(
    source: NDArray[np.uint8], rows: NDArray[Any]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Some rows of a map, one chunk at a time, with the start of each chunk."""
    for start in range(0, len(rows), _CHUNK):
        yield start, source[rows[start : start + _CHUNK]]


def _parts(files: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    rest, start = iter(files), 0
    while part := list(islice(rest, _AT_ONCE)):
        yield start, part
        start += len(part)


def image_layout(
    bundle: Bundle,
    files: Sequence[str],
    limits: ImageLimits,
    *,
    size: int | None = None,
    channels: int | None = None,
) -> ImageLayout:
    """Side and channels: those chosen, else from the headers of an evenly spaced sample."""
    there = [f for f in files if f.lower().endswith(IMAGE_FILES)]
    there = [f for f in there if bundle.size(f) <= limits.most_bytes]
    step = max(1, len(there) // _PROBED)
    heads = [h for f in there[::step] if (h := _header(bundle, f)) is not None]
    if not heads:
        return ImageLayout(size or 64, channels or 3)
    sides = Counter(side for side, _ in heads)
    side, votes = sides.most_common(1)[0]
    common = votes == len(heads) and side[0] == side[1] and 8 <= side[0] <= 256
    grey = all(is_grey for _, is_grey in heads)
    size = size or (side[0] if common else 64)
    by_area = sorted(sides, key=lambda side: (side[0] * side[1], side))
    return ImageLayout(
        size,
        channels or (1 if grey else 3),
        cropped=any(width != height for width, height in sides),
        scaled=any(min(side) != size for side in sides),
        smallest=by_area[0],
        largest=by_area[-1],
    )


def _header(bundle: Bundle, file: str) -> tuple[tuple[int, int], bool] | None:
    from PIL import Image

    try:
        content = bundle.read(file)
        if file.lower().endswith(".npy"):
            shape = _npy_shape(content)
            return (shape[1], shape[0]), len(shape) == 2 or shape[2] == 1
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            return image.size, image.mode.split(";")[0] in ("L", "1", "LA", "I", "F")
    except _UNREADABLE:
        return None  # listed as broken when it is decoded
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None


def _npy_shape(content: bytes) -> tuple[int, ...]:
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in read:
        raise ValueError(f"NPY version {version} is not read")
    shape, _, dtype = read[version](stream)
    if dtype.kind not in "uf" or not (
        len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))
    ):
        raise ValueError(f"an array of shape {shape} and type {dtype} is not an image")
    return tuple(int(n) for n in shape)


_UNREADABLE = (
    OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, TypeError, struct.error,
    OverflowError, InputError,
)  # fmt: skip


@dataclass(frozen=True)
class _Decoder:
    bundle: Bundle
    size: int
    channels: int
    limits: ImageLimits

    def decode(self, file: str) -> NDArray[np.uint8] | Broken:
        """The pixels of one file, (H, W, C), or the reason why it has none."""
        from PIL import Image, UnidentifiedImageError

        if not file:
            return Broken("", "no such file")
        if not file.lower().endswith(IMAGE_FILES):
            return Broken(file, f"unsupported format: save it as one of {', '.join(IMAGE_FILES)}")
        if self.bundle.size(file) > self.limits.most_bytes:
            return Broken(file, f"oversized: {size_text(self.bundle.size(file))}")
        try:
            content = self.bundle.read(file)
            pixels = (
                self._array(content) if file.lower().endswith(".npy") else self._image(content)
            )
        except _Oversized as error:
            return Broken(file, str(error))
        except UnidentifiedImageError:
            return Broken(file, f"broken: not a {', '.join(_FORMATS)} image")
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            return Broken(file, "oversized: like a decompression bomb")
        except _UNREADABLE as error:
            return Broken(file, f"broken: {(str(error).splitlines() or ['unreadable'])[0][:120]}")
        return pixels.reshape(self.size, self.size, self.channels)

    def _image(self, content: bytes) -> NDArray[np.uint8]:
        from PIL import Image, ImageFile, ImageOps

        # WeasyPrint, once imported, makes Pillow fill truncated images with grey in this process
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            self._check_pixels(*image.size)
            image.draft(None, (self.size, self.size))  # large JPEGs are decoded at reduced size
            upright = ImageOps.exif_transpose(_eight_bit(image))
        return self._fitted(upright)

    def _array(self, content: bytes) -> NDArray[np.uint8]:
        from PIL import Image

        height, width, *_ = _npy_shape(content)
        self._check_pixels(width, height)
        array = np.load(io.BytesIO(content), allow_pickle=False)
        if array.dtype.kind == "f":
            if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
                raise ValueError("float pixels must lie between 0 and 1")
            array = np.round(array * 255)
        elif array.dtype != np.uint8:
            raise ValueError(f"pixels are {array.dtype}; expected uint8 or floats from 0 to 1")
        squeezed = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
        return self._fitted(Image.fromarray(squeezed.astype(np.uint8)))

    def _check_pixels(self, width: int, height: int) -> None:
        if width * height > self.limits.most_pixels:
            raise _Oversized(f"oversized: {width:,} × {height:,} pixels")
        if width == 0 or height == 0:
            raise ValueError("it has no pixels")

    def _fitted(self, image: Any) -> NDArray[np.uint8]:
        from PIL import Image, ImageOps

        mode = "L" if self.channels == 1 else "RGB"
        if image.mode == "P":
            image = image.convert("RGBA")
        image = image.convert(mode)
        if image.size != (self.size, self.size):
            image = ImageOps.fit(image, (self.size, self.size), Image.Resampling.BILINEAR)
        return np.asarray(image, dtype=np.uint8)


class _Oversized(Exception):
    """More pixels than the limit for decoding."""


def _eight_bit(image: Any) -> Any:
    """Scale 16-bit greyscale to 8 bits; Pillow would clip it."""
    from PIL import Image

    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    if image.mode in ("I", "F"):
        values = np.asarray(image, dtype=np.float64)
        if not np.isfinite(values).all() or values.min() < 0 or values.max() > 65535:
            raise ValueError("its values are not grey levels")
        top = 1 if values.max() <= 1 else 255 if values.max() <= 255 else 65535
        return Image.fromarray(np.round(values * (255 / top)).astype(np.uint8))
    return image
