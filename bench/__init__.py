"""Benchmarks: how fast this library is beside filling memory, and beside everything else.

``python -m bench run`` measures and judges, ``compare`` sets the figures against the stored baseline,
``store-baseline`` stores a new one, ``document`` redraws docs/benchmarks.md and its picture.
``mnist`` compares with Keras's builtin during MNIST training on each backend, ``training`` in one run of the
tutorial on TensorFlow.
"""
