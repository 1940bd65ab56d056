"""What is computed: formulas, time maps and operators.

Nothing but the standard library is imported here: the build reads this package before NumPy is there.
"""
