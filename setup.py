"""Compile the engine; where no compiler works, install all the same and depend on numba instead."""

import hashlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools._distutils.ccompiler import new_compiler
from setuptools._distutils.errors import CompileError, DistutilsError
from setuptools._distutils.sysconfig import customize_compiler, get_python_inc
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
SOURCE = Path("src")
GENERATED = SOURCE / "generated"
VECTOR_FLAGS = {
    "baseline": [],
    "avx2": ["-mavx2", "-mfma", "-mprfchw"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mfma", "-mprfchw", "-mprefer-vector-width=512"],
}
DEBUG = os.environ.get("LRDECAY_DEBUG") == "1"


def compiler_works() -> bool:
    compiler = new_compiler()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text("#include <Python.h>\n")
        try:
            customize_compiler(compiler)
            compiler.compile([str(source)], output_dir=folder, include_dirs=[get_python_inc()])
        except (CompileError, DistutilsError, OSError):
            return False
    return True


def generate() -> list[str]:
    """Write the kernels in Cython, and translate what isn't translated yet; return the names of all C files."""
    # The package itself needs NumPy to be imported, so its modules are found without running it.
    package = types.ModuleType("lrdecay_native")
    package.__path__ = [str(ROOT / "lrdecay_native")]
    sys.modules["lrdecay_native"] = package
    from lrdecay_native.codegen.checksum import source_checksum
    from lrdecay_native.codegen.units import units

    checksum = source_checksum(ROOT)
    assert checksum is not None
    texts = units(checksum)
    GENERATED.mkdir(exist_ok=True)
    for left in GENERATED.iterdir():
        if f"{left.stem}.pyx" not in (*texts, "engine.pyx") and left.name not in texts:
            left.unlink()
    for name, text in texts.items():
        (GENERATED / name).write_text(text)
    kernels = [GENERATED / name for name in texts if name.endswith(".pyx")]
    translate([*kernels, SOURCE / "engine.pyx"])
    return [str(path.with_suffix(".c")) for path in (*kernels, SOURCE / "engine.pyx")]


def translate(paths: list[Path]) -> None:
    """Have Cython write C, by as many processes as there are processors, for all builds at once."""
    included = [SOURCE / "arithmetic.pxi", SOURCE / "streams.pxi"]
    of_engine = [*SOURCE.glob("*.pxi"), *GENERATED.glob("*.pxi")]
    digests = {
        path: digest([path, *sorted(of_engine if path.parent == SOURCE else included)]) for path in paths
    }
    stale = [path for path in paths if digests[path] != translated_from(path)]
    for path in stale:
        digest_file(path).unlink(missing_ok=True)
    # The largest first, dealt to the processes in turn.
    stale.sort(key=lambda path: path.stat().st_size, reverse=True)
    count = min(os.cpu_count() or 1, len(stale))
    shares = [stale[number::count] for number in range(count)]
    command = [sys.executable, "-m", "cython", "-I", str(SOURCE), "-I", str(GENERATED)]
    processes = [subprocess.Popen([*command, *map(str, share)]) for share in shares]
    statuses = [process.wait() for process in processes]
    if any(statuses):
        raise SystemExit("lrdecay_native: Cython could not translate the engine")
    for path in stale:
        digest_file(path).write_text(digests[path])


def digest(paths: list[Path]) -> str:
    """Of the content of files, and the Cython that reads them: a date may go back."""
    content = hashlib.sha256(importlib.metadata.version("cython").encode())
    for path in paths:
        content.update(path.read_bytes())
    return content.hexdigest()


def digest_file(path: Path) -> Path:
    return GENERATED / f"{path.stem}.digest"


def translated_from(path: Path) -> str | None:
    """The digest of what a file's C was translated from; None where there is none."""
    if not path.with_suffix(".c").exists() or not digest_file(path).exists():
        return None
    return digest_file(path).read_text()


def compile_flags() -> list[str]:
    if new_compiler().compiler_type != "unix":
        return []
    # Each rounding is meant as written: no contraction. Nothing reads errno or the exception flags.
    flags = ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden"]
    # A constant of a kernel may be for one dtype only; and Cython warns of its own headers.
    flags += ["-Wno-unused-but-set-variable", "-Wno-cpp"]
    # Debug information is several times as large as the code.
    flags += ["-g"] if DEBUG else ["-g0"]
    if "gcc" in (os.environ.get("CC") or sysconfig.get_config_var("CC") or ""):
        # The generated loops have many array arguments, which must be checked for overlap to vectorise.
        flags.append("--param=vect-max-version-for-alias-checks=500")
        # Both write code twice, for the two outcomes of a choice, and it is computed for both in every vector.
        flags += ["-fno-tree-pre", "-fno-thread-jumps"]
        # They take a third of the time to compile, and find nothing in straight-line code without a loop.
        flags += ["-fno-tree-slp-vectorize", "-fno-tree-dse", "-fno-code-hoisting"]
    return flags


def optimisation(source: str) -> list[str]:
    """How much a file is worth; these flags come behind those of the environment, which win nevertheless."""
    if new_compiler().compiler_type != "unix" or "-O" in os.environ.get("CFLAGS", ""):
        return []
    return ["-Og" if DEBUG else "-O2" if Path(source).stem == "engine" else "-O3"]


def extensions() -> list[Extension]:
    flags = compile_flags()
    vectors = VECTOR_FLAGS if flags and platform.machine() == "x86_64" else {"baseline": []}
    stripped = ["-Wl,--strip-all"] if flags and platform.system() == "Linux" and not DEBUG else []
    return [
        Extension(
            f"lrdecay_native.engines.{name}",
            [],
            include_dirs=[str(SOURCE), str(GENERATED)],
            # One translation by Cython for all of them.
            define_macros=[("PyInit_engine", f"PyInit_{name}")],
            extra_compile_args=flags + vector_flags,
            extra_link_args=stripped,
        )
        for name, vector_flags in vectors.items()
    ]


class Build(build_ext):  # type: ignore[misc]
    """Compile every file for every kind of processor side by side, but for those that were compiled before.

    An object lies in a folder that is named after all that it depends on.
    """

    def finalize_options(self) -> None:
        super().finalize_options()
        # An editable installation would have them in a folder that is gone afterwards.
        self.build_temp = str(ROOT / "build" / f"objects-{self.plat_name}-{sys.implementation.cache_tag}")

    def run(self) -> None:
        self.sources = generate() if self.extensions else []
        super().run()

    def build_extensions(self) -> None:
        self.headers = b"".join(path.read_bytes() for path in sorted(SOURCE.glob("*.h")))
        self.version = subprocess.run([*self.compiler.compiler_so, "--version"], capture_output=True).stdout
        jobs = [(extension, source) for source in self.sources for extension in self.extensions]
        # The largest first, so that none is alone at the end.
        jobs.sort(key=lambda job: Path(job[1]).stat().st_size, reverse=True)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = list(pool.map(lambda job: self.compiled(*job), jobs))
        kept = {path.relative_to(self.build_temp).parts[0] for path in objects}
        for left in Path(self.build_temp).iterdir():
            if left.name not in kept:
                shutil.rmtree(left)
        # Linking takes no time.
        self.force = True
        for (extension, _), path in zip(jobs, objects, strict=True):
            extension.extra_objects.append(str(path))
        super().build_extensions()

    def compiled(self, extension: Extension, source: str) -> Path:
        """The object of a file."""
        arguments = [*extension.extra_compile_args, *optimisation(source)]
        folders = get_python_inc(), os.environ.get("CPATH")
        command = repr((self.compiler.compiler_so, extension.define_macros, arguments, folders))
        content = command.encode() + self.version + self.headers + Path(source).read_bytes()
        if Path(source).parent == SOURCE:
            content += b"".join(path.read_bytes() for path in sorted(GENERATED.glob("*.h")))
        folder = Path(self.build_temp, hashlib.sha256(content).hexdigest()[:16])
        if not folder.exists():
            # The folder has its name when the object is complete.
            unfinished = folder.with_suffix(".unfinished")
            self.compiler.compile(
                [source],
                output_dir=str(unfinished),
                macros=extension.define_macros,
                include_dirs=extension.include_dirs,
                extra_postargs=arguments,
            )
            unfinished.rename(folder)
        (path,) = self.compiler.object_filenames([source], output_dir=str(folder))
        return Path(path)

    def get_source_files(self) -> list[str]:
        return [str(path) for path in sorted(SOURCE.iterdir()) if path.suffix in (".pyx", ".pxi", ".h")]


def main() -> None:
    dependencies = ["numpy>=1.26"]
    ext_modules = []
    if compiler_works():
        ext_modules = extensions()
    else:
        print("lrdecay_native: no working C compiler; installing without the Cython engine.", file=sys.stderr)
        print("lrdecay_native: the numba engine takes over (numba becomes a dependency).", file=sys.stderr)
        dependencies.append("numba>=0.59")
    os.chdir(ROOT)
    setup(ext_modules=ext_modules, install_requires=dependencies, cmdclass={"build_ext": Build})


if __name__ == "__main__":
    main()
