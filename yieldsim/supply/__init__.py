"""The supply of usable chips: tool fleets, lines, defects, dies, packages and orders."""
