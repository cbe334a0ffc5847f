"""Commands for models and ensembles of supply."""
