"""Golden values: checksums of what a fixed set of schedules and kernels gives, so that a change of a bit is seen."""
