"""What an ensemble says of supply: totals, products, orders, what binds, limits lifted."""
