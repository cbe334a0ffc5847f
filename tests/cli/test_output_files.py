"""Commands do not write over files of others, and a store's folder is no model."""

import errno
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.cli.outcome import outcome
from tests.ensemble.fake import one_line
from yieldsim.cli.output_files import check_output, whole
from yieldsim.errors import ModelError, UsageError
from yieldsim.model import load_file
from yieldsim.plots.image import save
from yieldsim.report.calibration import HEAD
from yieldsim.wafer.maps.formats.npz import npz_bytes


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_an_image_of_ours_is_overwritten_and_another_is_not(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{kind}"
    check_output(str(path), False, "--out")  # nothing is there
    save(Figure(), path)
    check_output(str(path), False, "--out")
    Figure().savefig(path)
    with pytest.raises(UsageError) as error:
        check_output(str(path), False, "--out")
    one_line(
        error, "--out: exists, and may not be a file that yieldsim wrote", str(path), "--force"
    )
    check_output(str(path), True, "--out")
    check_output("/dev/null", False, "--out")  # no ordinary file
    check_output(None, False, "--out")


def test_arrays_of_ours_are_overwritten_and_tables_are_not(tmp_path: Path) -> None:
    ours, other, table = (tmp_path / name for name in ("a.npz", "b.npz", "c.csv"))
    ours.write_bytes(npz_bytes({"die": np.arange(3)}))
    np.savez(other, die=np.arange(3))
    table.write_text("wafer,x,y,result\n")  # a table has no place for a name
    check_output(str(ours), False, "--npz")
    np.testing.assert_array_equal(np.load(ours)["die"], np.arange(3))
    for path in (other, table):
        with pytest.raises(UsageError):
            check_output(str(path), False, "--map")


def test_a_calibration_of_ours_is_overwritten_and_a_model_is_not(tmp_path: Path) -> None:
    ours, model, klarf = (tmp_path / name for name in ("a.toml", "b.toml", "lot.001"))
    ours.write_text(f"{HEAD}\n", encoding="utf-8")
    model.write_text("# for yieldsim\n", encoding="utf-8")
    klarf.write_text('FileVersion 1 2;\nInspectionStationID "yieldsim";\n', encoding="utf-8")
    for path in (ours, klarf):
        check_output(str(path), False, "--write")
    klarf.write_text('FileVersion 1 2;\nInspectionStationID "other";\n', encoding="utf-8")
    for path in (model, klarf):
        with pytest.raises(UsageError):
            check_output(str(path), False, "--write")


def test_a_place_where_nothing_can_be_written_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path, problem in ((tmp_path / "no" / "x.png", "no such folder"), (tmp_path, "is a folder")):
        with pytest.raises(UsageError) as error:
            check_output(str(path), True, "--png")
        one_line(error, f"--png: {problem}")
    lost = str(tmp_path / "no" / "x")
    for command in (
        ["plot", "none.zarr", "--out", f"{lost}.png"],
        ["report", "none.zarr", "--html", f"{lost}.html"],
        ["summary", "none.zarr", "--csv", f"{lost}.csv"],
        ["condition", "none.zarr", "--write", f"{lost}.toml"],
        ["compare-evidence", "none.zarr", "--png", f"{lost}.png"],
        ["sensitivity", "none.zarr", "--write-design", f"{lost}.npz"],
        ["maps", "none.csv", "--out", f"{lost}.sinf"],
        ["fit", "none.csv", "--html", f"{lost}.html"],
        ["wafer", "none.toml", "--klarf", f"{lost}.klarf"],
        ["defects", "none.klarf", "--png", f"{lost}.png"],
    ):
        code, _, err = outcome(capsys, *command)
        assert (code, err.count("\n")) == (2, 1), command
        assert "no such folder" in err


def test_a_folder_named_as_a_shipped_model_is_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "baseline").mkdir()
    (tmp_path / "other").mkdir()
    assert load_file("baseline").place == "baseline"
    with pytest.raises(ModelError) as error:
        load_file("other")
    one_line(error, "other: is not a file")


def test_a_full_disk_leaves_no_part_of_a_file_and_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.klarf"

    @whole(str(path))
    def fill() -> None:
        path.write_text("half", encoding="utf-8")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space") as error:
        fill()
    assert error.value.filename == str(path)
    assert not path.exists()


def test_a_file_that_cannot_be_opened_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("kept", encoding="utf-8")
    with pytest.raises(PermissionError), whole(str(path)):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))
    assert path.read_text(encoding="utf-8") == "kept"
