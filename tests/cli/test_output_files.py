"""Commands do not write over files of others, and a store's folder is no model."""

import errno
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.ensemble.fake import one_line
from yieldsim.cli.output_files import check_output, whole
from yieldsim.errors import ModelError, UsageError
from yieldsim.model import load_file
from yieldsim.plots.image import save
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
