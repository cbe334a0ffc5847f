"""What a command gives: its exit code, and the texts of stdout and stderr."""

import pytest

from yieldsim.cli.main import main


def outcome(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err
