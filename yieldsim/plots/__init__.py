"""Charts as image files; each module draws one kind."""
