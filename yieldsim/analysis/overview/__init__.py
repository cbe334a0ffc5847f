"""What the page of an ensemble shows: the figures of all its sections, as plain data."""
