"""Pictures; each module draws one kind."""
