"""Model files: TOML, CSV tables, merging, scenarios and validation."""
