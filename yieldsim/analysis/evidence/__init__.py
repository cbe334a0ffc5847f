"""Published figures beside an ensemble: the file, what can be compared, how it compares."""
