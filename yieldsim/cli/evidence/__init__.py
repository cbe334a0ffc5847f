"""Commands that compare ensembles with published figures."""
