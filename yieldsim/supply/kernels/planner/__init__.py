"""The planner, by the rule book in ``supply/PLANNER.md``: once a quarter, lane by lane."""
