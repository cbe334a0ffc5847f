"""Published figures beside an ensemble: the file, the match, the comparison."""
