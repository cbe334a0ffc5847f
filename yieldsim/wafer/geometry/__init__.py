"""Sites of dies on a round wafer."""
