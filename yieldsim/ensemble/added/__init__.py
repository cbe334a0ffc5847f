"""What is added to a finished store, beside the files that its ledger vouches for."""
