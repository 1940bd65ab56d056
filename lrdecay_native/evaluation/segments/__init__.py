"""A description on whole steps: intervals on which the form of the rate is known."""
