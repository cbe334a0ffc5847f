"""Cross-checks of a model that was read."""
