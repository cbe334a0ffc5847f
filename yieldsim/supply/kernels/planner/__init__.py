"""The planner, by the rule book in ``supply/PLANNER.md``: one lane at a time, once a quarter."""
