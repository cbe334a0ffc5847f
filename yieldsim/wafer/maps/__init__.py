"""Wafer maps and the formats that hold them."""
