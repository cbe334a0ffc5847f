"""How a command refuses: an exit code and a single line on stderr."""

import pytest

from yieldsim.cli.main import main


def check_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    """The command prints only a line that begins with the message, and exits with the code."""
    assert main(arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"yieldsim: error: {message}")
    assert err.count("\n") == 1
