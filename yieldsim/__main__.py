"""``python -m yieldsim`` is the command line."""

import sys

from yieldsim.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
