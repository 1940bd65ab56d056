"""The schedules that are one formula, and the formulas as functions of the step."""
