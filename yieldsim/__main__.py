"""``python -m yieldsim`` is the command line."""

import sys

from yieldsim.cli.main import entry

if __name__ == "__main__":
    sys.exit(entry())
