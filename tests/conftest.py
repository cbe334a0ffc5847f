"""What every test shares: reproducible hypothesis runs and figures without a display."""

import os

import hypothesis

# Before anything imports matplotlib: the tests draw into files only.
os.environ["MPLBACKEND"] = "Agg"

# derandomize: the same examples every time, so a failure in CI is a failure here.
# No deadline: the first example of a kernel compiles it, which takes seconds.
hypothesis.settings.register_profile("yieldsim", derandomize=True, deadline=None)
hypothesis.settings.load_profile("yieldsim")
