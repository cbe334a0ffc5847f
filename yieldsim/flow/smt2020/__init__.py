"""Reading the SMT2020 tab-text format."""
