"""The interval of each figure of a fit."""
