"""Commands about models and ensembles of supply."""
