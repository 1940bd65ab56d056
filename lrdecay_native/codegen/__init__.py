"""From recorded formulas to the source text of the engines.

The build writes Cython from them, the numba engine Python; ``python -m lrdecay_native.codegen`` prints one kernel.
Nothing but the standard library is imported here: the build reads these modules before NumPy is there.
"""
