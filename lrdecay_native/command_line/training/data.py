"""Handwritten digits for the training run: MNIST, or scikit-learn's digits where there is no MNIST.

Nothing here imports a framework, so bad data is refused before TensorFlow starts.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import math
import os
import shutil
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.lib.format as npy
import numpy.typing as npt
from rich.progress import wrap_file

from lrdecay_native.files import write_whole
from lrdecay_native.messages import shortened

MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
MNIST_TRAINING_IMAGES = 60_000
DOWNLOAD_TIMEOUT_SECONDS = 5.0

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True, eq=False)
class Digits:
    """Images in [0, 1] and their labels 0 to 9, split into training and test, and their origin."""

    x_train: npt.NDArray[np.float32]
    y_train: npt.NDArray[np.uint8]
    x_test: npt.NDArray[np.float32]
    y_test: npt.NDArray[np.uint8]
    source: str


def load_digits(path: Path | None = None) -> Digits:
    """Load the digits from the first source that has them.

    The sources, in order: `path`, Keras's own cache, a download into that cache, and last
    scikit-learn's digits (8 x 8 pixels, shipped inside the package).

    Parameters
    ----------
    path : Path, optional
        An ``mnist.npz`` to use and no other source.

    Returns
    -------
    Digits
        Its `source` is a sentence that says where the digits are from.

    Raises
    ------
    ValueError
        If the file at `path`, or the one in Keras's cache, isn't MNIST-shaped or is truncated.
    """
    if path is not None:
        return read_mnist(path)
    cached = keras_cache()
    if cached.exists():
        return read_mnist(cached)
    try:
        download(MNIST_URL, cached, MNIST_SHA256)
    except (OSError, http.client.HTTPException) as error:
        return scikit_learn_digits(
            f"MNIST is neither in Keras's cache ({cached}) nor could it be downloaded ({error})"
        )
    return read_mnist(cached)


def keras_cache() -> Path:
    """Where ``keras.datasets.mnist.load_data`` keeps its file."""
    home = os.environ.get("KERAS_HOME") or "~/.keras"
    return Path(home).expanduser() / "datasets" / "mnist.npz"


def read_mnist(path: Path) -> Digits:
    """Read an ``mnist.npz`` as Keras stores it, and scale its images by 255.

    Parameters
    ----------
    path : Path
        A file with the arrays x_train, y_train, x_test and y_test: images of unsigned bytes in the
        shape (n, 28, 28), labels 0 to 9 in the shape (n,).

    Returns
    -------
    Digits

    Raises
    ------
    ValueError
        If the file is missing, truncated, or not MNIST-shaped; names the file and the array.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file; an mnist.npz is expected")
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            raise ValueError(f"{path}: truncated or not an .npz file; a whole mnist.npz is expected")
        with _damage_refused(path), zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            missing = [name for name in ARRAYS if f"{name}.npy" not in names]
            if missing:
                raise UnfitError(
                    f"{path}: has no array {', '.join(missing)}; an mnist.npz holds {', '.join(ARRAYS)}"
                )
            headers = {name: _header(archive, name) for name in ARRAYS}
            # Before anything is read: what zip files hold may be thousands of times longer than they are.
            for part in ("train", "test"):
                check_pair(path, part, headers[f"x_{part}"], headers[f"y_{part}"])
            x_train, y_train, x_test, y_test = (_array(archive, name, headers[name]) for name in ARRAYS)
    check_labels(path, "train", y_train)
    check_labels(path, "test", y_test)
    return Digits(
        scaled(x_train, 255), labels(y_train), scaled(x_test, 255), labels(y_test), f"MNIST, {path}"
    )


class UnfitError(ValueError):
    """A whole file that holds something else."""


@contextmanager
def _damage_refused(path: Path) -> Iterator[None]:
    """Turn all that is raised at damaged bytes into a ValueError that names the file."""
    try:
        yield
    except UnfitError:
        raise
    except Exception as error:  # Neither zipfile nor NumPy says what they raise: errors of a dozen kinds.
        what = shortened(f"{type(error).__name__}: {error}", 200)
        raise ValueError(f"{path}: damaged ({what}); a whole mnist.npz is expected") from None


class Header(NamedTuple):
    """What an array's file says of it before its numbers: its shape, order and type, and its own length."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    length: int


def _header(archive: zipfile.ZipFile, name: str) -> Header:
    with archive.open(f"{name}.npy") as file:
        version = npy.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(f"{name} has the version {version} of NumPy's format")
        return Header(*_HEADERS[version](file), file.tell())


_HEADERS: dict[tuple[int, int], Callable[..., tuple[tuple[int, ...], bool, np.dtype[Any]]]] = {
    (1, 0): npy.read_array_header_1_0,
    (2, 0): npy.read_array_header_2_0,
}


def _array(archive: zipfile.ZipFile, name: str, header: Header) -> npt.NDArray[Any]:
    """The numbers of an array, whose file must have just as many."""
    info = archive.getinfo(f"{name}.npy")
    if info.file_size != header.length + math.prod(header.shape) * header.dtype.itemsize:
        raise ValueError(f"{name} has {info.file_size} bytes, which don't make {described(header)}")
    with archive.open(info) as file:
        # Up to the end, where the checksum is compared.
        content = file.read()
    numbers = np.frombuffer(content, header.dtype, offset=header.length)
    return numbers.reshape(header.shape, order="F" if header.fortran else "C")


def check_pair(path: Path, part: str, images: Header, digits: Header) -> None:
    """Raise a ValueError that names the array if images and labels aren't MNIST-shaped."""
    if images.dtype != np.uint8 or images.shape[1:] != (28, 28) or images.shape[0] < 1:
        raise UnfitError(
            f"{path}: x_{part} is {described(images)}; "
            "MNIST has unsigned bytes (uint8) in the shape (n, 28, 28), n at least 1"
        )
    if digits.dtype.kind not in "iu" or digits.shape != images.shape[:1]:
        raise UnfitError(
            f"{path}: y_{part} is {described(digits)}; "
            f"MNIST has integers in the shape ({images.shape[0]},), one for each image of x_{part}"
        )


def check_labels(path: Path, part: str, digits: npt.NDArray[Any]) -> None:
    """Raise a ValueError that names the array if there are other digits than 0 to 9."""
    lowest, highest = int(np.min(digits)), int(np.max(digits))
    if lowest < 0 or highest > 9:
        raise ValueError(f"{path}: the labels in y_{part} go from {lowest} to {highest}; MNIST's are 0 to 9")


def described(array: Header) -> str:
    """The type and the shape of an array, for an error message."""
    return shortened(f"{array.dtype} in the shape {array.shape}", 200)


def scaled(images: npt.NDArray[np.generic], white: int) -> npt.NDArray[np.float32]:
    """Images with pixels in [0, 1], from pixels in [0, `white`]."""
    return images.astype(np.float32) / np.float32(white)


def labels(digits: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Labels as bytes, whatever integer type they were stored in."""
    return digits.astype(np.uint8)


def scikit_learn_digits(reason: str) -> Digits:
    """The 1797 digits of 8 x 8 pixels that ship with scikit-learn, always split the same way.

    Parameters
    ----------
    reason : str
        Why these digits and not MNIST; it becomes part of the source's sentence.

    Returns
    -------
    Digits
        1437 training and 360 test images, each digit in both in the same proportion.
    """
    from sklearn import datasets, model_selection

    images, digits = datasets.load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = model_selection.train_test_split(
        images.reshape(-1, 8, 8), digits, test_size=0.2, random_state=0, stratify=digits
    )
    return Digits(
        scaled(x_train, 16),
        labels(y_train),
        scaled(x_test, 16),
        labels(y_test),
        f"scikit-learn's load_digits (1797 digits of 8 x 8 pixels) instead of MNIST: {reason}",
    )


def download(url: str, destination: Path, sha256: str) -> None:
    """Download a file with a progress bar; it appears at its destination whole or not at all.

    Parameters
    ----------
    url : str
        Where the file is.
    destination : Path
        Where the file goes; missing folders are made.
    sha256 : str
        The hexadecimal digest that the file must have.

    Raises
    ------
    OSError
        If the server can't be reached within 5 seconds, the folder can't be written, or the
        digest is another one.
    """
    with urllib.request.urlopen(url, timeout=DOWNLOAD_TIMEOUT_SECONDS) as response:
        size = int(response.headers.get("Content-Length", 0))
        with wrap_file(response, size, description=f"Downloading {destination.name}") as body:
            buffer = io.BytesIO()
            shutil.copyfileobj(body, buffer)
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise OSError(f"{url} has the sha256 {digest}, expected {sha256}")
    destination.parent.mkdir(parents=True, exist_ok=True)
    write_whole({destination: content})
