"""Where the tests find what they read."""

from pathlib import Path

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
VALID = TESTS / "models" / "valid"
INVALID = TESTS / "models" / "invalid"
REFERENCE = TESTS / "reference"
SMALL_LINE = ROOT / "runs" / "small_line"  # a data set of the SMT2020 format
SHARED = ROOT.parent / "shared"  # public data beside the checkout, absent elsewhere
