"""What the benchmarks train on in their tests."""

from digits import small_digits, write_digits  # noqa: F401 - fixtures
