import io
import sys

import pytest

from yieldsim.execute.progress import progress_of


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_of_realizations(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_of(10, 4, bar=True) as progress:
        progress.stored(1, 6)
        progress.stopping()
    assert "10/10" in terminal.getvalue()
    assert "stopping after the blocks under way (Ctrl-C again: at once)\n" in terminal.getvalue()


@pytest.mark.parametrize("bar", [True, False])
def test_without_a_terminal_a_command_tells_only_of_a_signal(
    bar: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress_of(10, 0, bar=bar) as progress:
        progress.stored(0, 5)
        assert capsys.readouterr().err == ""
        progress.stopping()
    line = "yieldsim: stopping after the blocks under way (Ctrl-C again: at once)\n"
    assert capsys.readouterr().err == (line if bar else "")


def test_a_log_has_a_line_a_block(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of(3000, 1000, bar=True, log=True) as progress:
        progress.stored(7, 500)
        progress.stored(4, 1500)
        progress.stopping()
    first, second, third = capsys.readouterr().err.splitlines()
    assert first.startswith("yieldsim: 20")
    assert " block 7 stored, 1,500 of 3,000 realizations, " in first
    assert first.endswith(" left")
    assert " block 4 stored, 3,000 of 3,000 realizations, " in second
    assert second.endswith(" 0:00:00 left")
    assert third.endswith(" stopping after the blocks under way")
