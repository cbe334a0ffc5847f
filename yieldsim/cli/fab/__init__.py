"""Commands for fabs and production lines."""
