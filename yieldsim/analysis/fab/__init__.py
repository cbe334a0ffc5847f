"""Fabs: capacity, bottlenecks, tool states, cycle times, defect density and die yield."""
