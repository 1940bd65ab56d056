"""How far a search goes, and from where on it takes something for little: all that can be tuned."""

ROUNDING_ULPS = 2.0
"""By which a rate may miss its point beside what the spacing of the parameters costs."""

SEARCH_SECONDS = 3.5
"""After which a search is given up."""

LOOK_SECONDS = 1.0
"""Of them at most, in which starting points of one kind are looked at."""

MOST_STARTS = 4000
"""Combinations of parameters that are looked at before the search begins at the best of them."""

MOST_SEARCHES = 32
RANK_GROWTH = 1.25
"""The factor by which the ranks of the starting points grow from one search to the next."""

MOST_ITERATIONS = 60
"""Of Newton's method from one starting point."""

MOST_ROUNDS = 200
"""Rounds of moves by spacings of float64, each of which brings the rates nearer to their points."""

MOVES_IN_SPACINGS = (-64, -8, -1, 1, 8, 64)
"""The moves of one round, of each parameter."""

NEAR_IN_ALLOWED_DISTANCES = 1e4
"""How far a rate may miss its point for neighbouring values to be worth a look."""

CLEARLY_DIFFERENT = 0.1
"""Relative change of a parameter: where it still passes through the points, they don't determine it."""

MOST_LOOKED_AT = 128
"""Starting points from which a rate of 0 is looked for."""

MOST_DESCENTS = 3
"""Starting points from which it is followed."""

LARGEST_STRIDE = 1e9
"""The largest factor of a parameter on that way."""

NEARLY_ZERO = 1e-30
CLEARLY_ABOVE_ZERO = 1e-4
UNDERFLOW = 1e-250
"""Parts of the largest rate that tell of a class that only comes near 0, or not even that."""
