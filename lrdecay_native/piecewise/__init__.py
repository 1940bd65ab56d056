"""The exact description of a schedule, in rational numbers: no arrays, and no engine."""
