"""Supply in an ensemble: usable chips, products, orders and demand, what binds, lifted limits."""
