"""The digits: which source is taken, and which files are refused."""

from __future__ import annotations

import hashlib
import threading
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from draws import draws

pytest.importorskip("rich", reason="needs: pip install 'lrdecay_native[training]'")

from lrdecay_native.command_line.training import data

WriteDigits = Callable[..., Path]
NOWHERE = "http://127.0.0.1:9/mnist.npz"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Keras cache, and no server to download from."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(data, "MNIST_URL", NOWHERE)
    return tmp_path / "keras" / "datasets" / "mnist.npz"


@pytest.fixture
def server(tmp_path: Path, write_digits: WriteDigits) -> Iterator[str]:
    """A real HTTP server with the small digits at /mnist.npz; gives its address."""
    write_digits(tmp_path / "served" / "mnist.npz")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http_server:
        thread = threading.Thread(target=http_server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http_server.server_port}"
        http_server.shutdown()
        thread.join()


def served_sha256(tmp_path: Path) -> str:
    return hashlib.sha256((tmp_path / "served" / "mnist.npz").read_bytes()).hexdigest()


def test_images_are_scaled_as_in_the_tutorial(
    tmp_path: Path, write_digits: WriteDigits, small_digits: dict[str, npt.NDArray[Any]]
) -> None:
    digits = data.read_mnist(write_digits(tmp_path / "mnist.npz"))
    arrays = small_digits
    assert digits.x_train.dtype == np.float32
    np.testing.assert_array_equal(digits.x_train, (arrays["x_train"] / 255.0).astype(np.float32))
    np.testing.assert_array_equal(digits.x_test, (arrays["x_test"] / 255.0).astype(np.float32))
    np.testing.assert_array_equal(digits.y_train, arrays["y_train"])
    np.testing.assert_array_equal(digits.y_test, arrays["y_test"])


ZEROS = np.zeros((80, 28, 28), np.uint8)


@pytest.mark.parametrize(
    ("replaced", "expected"),
    [
        ({"y_test": None}, r"has no array y_test; an mnist\.npz holds x_train, y_train, x_test"),
        ({"x_test": ZEROS[:, :8, :8]}, r"x_test is uint8 in the shape \(80, 8, 8\).*\(n, 28, 28\)"),
        ({"x_test": ZEROS.reshape(80, 784)}, r"x_test is uint8 in the shape \(80, 784\)"),
        ({"x_test": ZEROS / 1.0}, r"x_test is float64.*MNIST has unsigned bytes \(uint8\)"),
        ({"x_train": ZEROS[:0], "y_train": ZEROS[:0, 0, 0]}, r"x_train .*\(0, 28.*n at least 1"),
        ({"y_test": np.zeros(79, int)}, r"y_test is int64 in the shape \(79,\).*\(80,\)"),
        ({"y_test": np.zeros(80)}, r"y_test is float64.*MNIST has integers"),
        ({"y_test": np.full(80, 10)}, r"labels in y_test go from 10 to 10; MNIST's are 0 to 9"),
        ({"y_test": np.full(80, -1)}, r"labels in y_test go from -1 to -1"),
    ],
)
def test_a_file_of_another_shape_is_refused(
    replaced: dict[str, npt.NDArray[Any] | None],
    expected: str,
    tmp_path: Path,
    write_digits: WriteDigits,
) -> None:
    path = write_digits(tmp_path / "other.npz", **replaced)
    with pytest.raises(ValueError, match=rf"other\.npz: .*{expected}"):
        data.read_mnist(path)


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.999])
def test_a_truncated_file_is_refused(kept: float, tmp_path: Path, write_digits: WriteDigits) -> None:
    path = write_digits(tmp_path / "mnist.npz")
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ValueError, match=r"mnist\.npz: truncated .*a whole mnist\.npz is expected"):
        data.read_mnist(path)


def test_a_damaged_file_is_refused(tmp_path: Path, write_digits: WriteDigits) -> None:
    path = write_digits(tmp_path / "mnist.npz")
    content = bytearray(path.read_bytes())
    middle = len(content) // 4
    content[middle : middle + 100] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"mnist\.npz: damaged \(.*a whole mnist\.npz is expected"):
        data.read_mnist(path)


def test_files_with_bytes_that_are_others(
    tmp_path: Path, write_digits: WriteDigits, small_digits: dict[str, npt.NDArray[Any]], random: Random
) -> None:
    """Whichever bytes are damaged: the digits are read as they were, or the file is refused by its name."""
    few = {name: array[:10] for name, array in small_digits.items()}
    good = write_digits(tmp_path / "good.npz", **few).read_bytes()
    plain = tmp_path / "plain.npz"
    np.savez(plain, **few)
    path = tmp_path / "mnist.npz"
    refused, count = 0, draws(1500)
    for content in (good, plain.read_bytes()):
        # What zip and NumPy say of the arrays is in few places.
        headers = [at for at in range(len(content)) if content[at : at + 2] in (b"PK", b"\x93N", b"{'")]
        for _ in range(count):
            damaged = bytearray(content)
            for _ in range(random.randint(1, 4)):
                place = random.choice(
                    [random.choice(headers) + random.randrange(128), random.randrange(len(content))]
                )
                damaged[min(place, len(content) - 1)] = random.choice([0, 255, random.randrange(256)])
            length = random.choice([len(damaged)] * 4 + [random.randrange(len(damaged))])
            path.write_bytes(damaged[:length])
            try:
                digits = data.read_mnist(path)
            except ValueError as error:
                message = str(error)
            else:
                np.testing.assert_array_equal(digits.y_test, few["y_test"])
                np.testing.assert_array_equal(digits.x_test, few["x_test"] / np.float32(255))
                continue
            assert "mnist.npz: " in message
            assert len(message) < 1000
            refused += 1
    assert refused > 2 * count / 3


def npy(header: str, content: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header.encode() + content


HOSTILE = {
    "no header": b"",
    "no magic": b"PK" * 100,
    "a later version": npy("{}", version=b"\x09\x00"),
    "no dictionary": npy("[" * 5000),
    "no Python": npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 28, 28"),
    "an unknown type": npy("{'descr': '|u1x', 'fortran_order': False, 'shape': (1, 28, 28)}"),
    "objects": npy("{'descr': '|O', 'fortran_order': False, 'shape': (1, 28, 28)}", b"cos\nsystem\n"),
    "a negative shape": npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 28, 28)}"),
    "a huge shape": npy("{'descr': '|u1', 'fortran_order': False, 'shape': (10**30, 28, 28)}"),
    "a huger shape": npy(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({10**30}, 28, 28)}}"),
    "too few bytes": npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 28, 28)}", bytes(784)),
    "too many bytes": npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 28, 28)}", bytes(785)),
    "a long type": npy("{'descr': '" + "x" * 9000 + "', 'fortran_order': False, 'shape': (1, 28, 28)}"),
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("name", ["x_train", "y_test"])
def test_hostile_arrays_are_refused(what: str, name: str, tmp_path: Path, write_digits: WriteDigits) -> None:
    path = write_digits(tmp_path / "mnist.npz", **{name: None})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"{name}.npy", HOSTILE[what])
    with pytest.raises(ValueError, match=r"mnist\.npz: (damaged \(|[xy]_(train|test) is )") as refused:
        data.read_mnist(path)
    assert len(str(refused.value)) < 1000


def test_hostile_zip_files_are_refused(tmp_path: Path, write_digits: WriteDigits) -> None:
    path = write_digits(tmp_path / "mnist.npz")
    content = path.read_bytes()
    directory = content.index(b"PK\x01\x02")
    for offset, value in ((8, 1), (10, 99), (10, 12), (10, 14), (16, 7), (20, 9), (24, 1), (42, 250)):
        # Encrypted, of unknown and other methods, with another checksum, other sizes, another place.
        damaged = bytearray(content)
        damaged[directory + offset] = value
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"mnist\.npz: damaged \("):
            data.read_mnist(path)


def test_nothing_is_read_of_an_array_of_another_shape(tmp_path: Path, write_digits: WriteDigits) -> None:
    """Two gigabytes of zeros are two megabytes in a zip file."""
    path = write_digits(tmp_path / "mnist.npz", x_test=None)
    size = 2**28
    header = npy(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({size}, 8), }}\n")
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("x_test.npy", "w", force_zip64=True) as file,
    ):
        file.write(header)
        for _ in range(8 * size // 2**24):
            file.write(bytes(2**24))
    tracemalloc.start()
    with pytest.raises(ValueError, match=rf"x_test is uint8 in the shape \({size}, 8\)"):
        data.read_mnist(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**24


def test_arrays_in_the_order_of_fortran(
    tmp_path: Path, write_digits: WriteDigits, small_digits: dict[str, npt.NDArray[Any]]
) -> None:
    images, labels = small_digits["x_test"], small_digits["y_test"]
    path = write_digits(tmp_path / "mnist.npz", x_test=np.asfortranarray(images), y_test=labels.astype(">i8"))
    digits = data.read_mnist(path)
    np.testing.assert_array_equal(digits.x_test, images / np.float32(255))
    np.testing.assert_array_equal(digits.y_test, labels)


def test_files_that_are_no_npz_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.npz"
    text.write_text("not digits")
    single_array = tmp_path / "array.npy"
    np.save(single_array, ZEROS)
    for path in (text, single_array):
        with pytest.raises(ValueError, match=rf"{path.name}: truncated or not an \.npz file"):
            data.read_mnist(path)
    for path in (tmp_path / "nothing.npz", tmp_path):
        with pytest.raises(ValueError, match=rf"{path.name}: there is no such file"):
            data.read_mnist(path)


def test_a_wrong_path_is_refused_although_the_cache_has_digits(
    cache: Path, tmp_path: Path, write_digits: WriteDigits
) -> None:
    write_digits(cache)
    with pytest.raises(ValueError, match="there is no such file"):
        data.load_digits(tmp_path / "misspelt.npz")


def test_a_path_goes_before_the_cache(cache: Path, tmp_path: Path, write_digits: WriteDigits) -> None:
    write_digits(cache)
    path = write_digits(tmp_path / "mine.npz", x_train=ZEROS[:40], y_train=ZEROS[:40, 0, 0])
    digits = data.load_digits(path)
    assert len(digits.x_train) == 40
    assert digits.source == f"MNIST, {path}"


def test_the_cache_goes_before_the_download(cache: Path, write_digits: WriteDigits) -> None:
    write_digits(cache)
    assert data.load_digits().source == f"MNIST, {cache}"


def test_a_truncated_cache_is_refused(cache: Path, write_digits: WriteDigits) -> None:
    content = write_digits(cache).read_bytes()
    cache.write_bytes(content[:1000])
    with pytest.raises(ValueError, match="truncated"):
        data.load_digits()


def test_keras_keeps_its_own_digits_where_we_look(cache: Path, write_digits: WriteDigits) -> None:
    keras = pytest.importorskip("keras", reason="needs: pip install 'lrdecay_native[training]'")
    write_digits(cache)
    # Keras checks the digest of its own file; without one it takes the file that is there.
    found = keras.utils.get_file(
        "mnist.npz", NOWHERE, cache_dir=str(cache.parent.parent), cache_subdir="datasets"
    )
    assert Path(found) == data.keras_cache()


def test_a_download_fills_the_cache(
    cache: Path, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "MNIST_URL", f"{server}/mnist.npz")
    monkeypatch.setattr(data, "MNIST_SHA256", served_sha256(tmp_path))
    assert data.load_digits().source == f"MNIST, {cache}"
    assert cache.read_bytes() == (tmp_path / "served" / "mnist.npz").read_bytes()


def test_a_download_shows_its_progress(
    server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    destination = tmp_path / "new" / "mnist.npz"
    data.download(f"{server}/mnist.npz", destination, served_sha256(tmp_path))
    assert "Downloading mnist.npz" in capsys.readouterr().out
    assert [path.name for path in destination.parent.iterdir()] == ["mnist.npz"]


@pytest.mark.parametrize("name", ["mnist.npz", "missing.npz"])
def test_a_failed_download_leaves_nothing(name: str, server: str, tmp_path: Path) -> None:
    destination = tmp_path / "new" / "mnist.npz"
    with pytest.raises(OSError, match="404" if name == "missing.npz" else "expected 0123"):
        data.download(f"{server}/{name}", destination, "0123")
    assert not destination.parent.exists()


def test_without_mnist_the_digits_are_scikit_learns_and_say_so(cache: Path) -> None:
    pytest.importorskip("sklearn", reason="needs: pip install 'lrdecay_native[training]'")
    digits, again = data.load_digits(), data.load_digits()
    assert digits.source.startswith("scikit-learn's load_digits (1797 digits of 8 x 8 pixels)")
    assert "instead of MNIST" in digits.source
    assert str(cache) in digits.source
    assert digits.x_train.shape == (1437, 8, 8)
    assert digits.x_test.shape == (360, 8, 8)
    assert digits.x_train.min() == 0
    assert digits.x_train.max() == 1
    assert digits.x_test.max() == 1
    assert set(digits.y_test) == set(range(10))
    np.testing.assert_array_equal(digits.x_test, again.x_test)
    np.testing.assert_array_equal(digits.y_train, again.y_train)


def test_the_real_mnist(real_mnist: Path) -> None:
    digits = data.read_mnist(real_mnist)
    assert digits.x_train.shape == (60_000, 28, 28)
    assert digits.x_test.shape == (10_000, 28, 28)
    # The mean by which everyone centres MNIST's pixels.
    assert digits.x_train.mean(dtype=np.float64) == pytest.approx(0.1306604762738429, abs=1e-8)
