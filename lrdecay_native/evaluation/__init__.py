"""How the rates of a piecewise description are had: at steps, on grids, in sums and searches."""
