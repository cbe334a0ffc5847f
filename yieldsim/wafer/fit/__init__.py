"""Defect density, clustering, profile and signatures fitted to wafer maps."""
