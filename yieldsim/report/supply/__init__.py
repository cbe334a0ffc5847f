"""Tables of supply: usable chips, products, what binds, demand, memory, probabilities, stores."""
