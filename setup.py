"""Compile the extension; where no compiler works, install all the same and depend on numba instead."""

import os
import platform
import sys
import sysconfig
import tempfile
import types
from pathlib import Path

from setuptools import Extension, setup
from setuptools._distutils.ccompiler import new_compiler
from setuptools._distutils.errors import CompileError, DistutilsError
from setuptools._distutils.sysconfig import customize_compiler, get_python_inc

ROOT = Path(__file__).parent
VECTOR_FLAGS = {
    "baseline": [],
    "avx2": ["-mavx2", "-mfma", "-mprfchw"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mfma", "-mprfchw", "-mprefer-vector-width=512"],
}


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


def write_generated_files() -> None:
    # The package itself needs an engine to be imported, so its modules are found without running it.
    package = types.ModuleType("lrdecay_native")
    package.__path__ = [str(ROOT / "lrdecay_native")]
    sys.modules["lrdecay_native"] = package
    from lrdecay_native.generation import cython_source, stub_source

    write_where_changed(ROOT / "src" / "generated_kernels.pxi", cython_source())
    for name in VECTOR_FLAGS:
        write_where_changed(ROOT / "lrdecay_native" / "engines" / f"{name}.pyi", stub_source())


def write_where_changed(path: Path, text: str) -> None:
    """Leave a file with the right content alone: its date decides what is compiled again."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def compile_flags() -> list[str]:
    if new_compiler().compiler_type != "unix":
        return []
    # Each rounding is meant as written: no contraction. Nothing reads errno or the exception flags.
    flags = ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
    # These flags come behind those of the environment.
    if not any(flag.startswith("-O") for flag in os.environ.get("CFLAGS", "").split()):
        flags.append("-O3")
    if "gcc" in (os.environ.get("CC") or sysconfig.get_config_var("CC") or ""):
        # The generated loops have many array arguments, which must be checked for overlap to vectorise.
        flags.append("--param=vect-max-version-for-alias-checks=500")
        # Both write code twice, for the two outcomes of a choice, and it is computed for both in every vector.
        flags += ["-fno-tree-pre", "-fno-thread-jumps"]
        # They take a third of the time to compile, and find nothing in straight-line code without a loop.
        flags += ["-fno-tree-slp-vectorize", "-fno-tree-dse", "-fno-code-hoisting"]
    return flags


def extensions() -> list[Extension]:
    flags = compile_flags()
    vectors = VECTOR_FLAGS if flags and platform.machine() == "x86_64" else {"baseline": []}
    return [
        Extension(
            f"lrdecay_native.engines.{name}",
            [f"src/{name}.pyx"],
            include_dirs=["src"],
            depends=["src/kernels.pxi", "src/chains.pxi", "src/generated_kernels.pxi", "src/arithmetic.h"],
            extra_compile_args=flags + vector_flags,
        )
        for name, vector_flags in vectors.items()
    ]


dependencies = ["numpy>=1.26"]
if compiler_works():
    write_generated_files()
    ext_modules = extensions()
else:
    print("lrdecay_native: no working C compiler; installing without the Cython engine.", file=sys.stderr)
    print("lrdecay_native: the numba engine takes over (numba becomes a dependency).", file=sys.stderr)
    dependencies.append("numba>=0.59")
    ext_modules = []

setup(
    ext_modules=ext_modules,
    install_requires=dependencies,
    options={"build_ext": {"parallel": os.cpu_count()}},
)
