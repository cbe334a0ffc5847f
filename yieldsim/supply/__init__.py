"""The supply of usable chips: tool fleets, fabs, defects, dies, packages and orders."""
