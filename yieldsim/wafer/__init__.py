"""Wafers, dies and bins: the yield physics, usable alone and inside the supply ensemble."""
