"""Model files: TOML, CSV tables, merging, scenarios, and the wording of errors."""
