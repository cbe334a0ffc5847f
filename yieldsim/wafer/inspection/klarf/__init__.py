"""Reading and writing KLARF 1.1, 1.2 and 1.8."""
