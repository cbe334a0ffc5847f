"""What a wafer model file says."""
