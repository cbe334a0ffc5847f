"""A model from a stranger reads nothing outside its folder, shows no foreign text, is bounded."""

import os
import shutil
from pathlib import Path

import pytest

from tests.paths import ROOT, SMALL_LINE
from yieldsim.analysis.evidence.file import read_published
from yieldsim.cli.main import main
from yieldsim.errors import ModelError
from yieldsim.flow import read_dataset
from yieldsim.model.files import allowed
from yieldsim.model.files.toml import SHIPPED, read_model

SECRET = "root:x:0:0:hunter2"
TABLE = '[[table]]\nfile = "{}"\ninto = "dies.{{die}}"\n'
INCLUDE = 'include = ["{}"]\n'
EXTENDS = 'extends = "{}"\n'


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model in a folder of its own, with a secret beside the folder."""
    (tmp_path / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
    (tmp_path / "beside.toml").write_text("seed = 1\n", encoding="utf-8")
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine" / "model.toml"


def refusal(model: Path, text: str, **options: object) -> ModelError:
    model.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        read_model(model, **options)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("text", "name", "place"),
    [
        (TABLE, "../secret", "table[0].file"),
        (TABLE, "/etc/passwd", "table[0].file"),
        (TABLE, "/dev/zero", "table[0].file"),
        (TABLE, "linked", "table[0].file"),
        (TABLE, "linked_folder/secret", "table[0].file"),
        (INCLUDE, "../beside.toml", "include"),
        (INCLUDE, "linked", "include"),
        (EXTENDS, "../beside.toml", "extends"),
    ],
)
def test_a_file_outside_is_refused(text: str, name: str, place: str, model: Path) -> None:
    (model.parent / "linked").symlink_to("../secret")
    (model.parent / "linked_folder").symlink_to("..")
    error = refusal(model, text.format(name))
    assert (error.where, error.got) == (f"model.toml: {place}", name)
    assert "outside the model's folder" in str(error)


@pytest.mark.parametrize("text", [INCLUDE, EXTENDS])
def test_a_file_outside_can_be_allowed(text: str, model: Path, tmp_path: Path) -> None:
    model.write_text(text.format("../beside.toml"), encoding="utf-8")
    assert read_model(model, [tmp_path]).raw["seed"] == 1


def test_shipped_models_are_reached_by_name(model: Path) -> None:
    model.write_text('extends = "baseline"\n', encoding="utf-8")
    assert read_model(model).raw["dies"] == read_model(SHIPPED / "baseline.toml").raw["dies"]


def test_a_part_of_a_part_may_lead_back_into_the_folder(model: Path) -> None:
    (model.parent / "parts").mkdir()
    (model.parent / "parts" / "one.toml").write_text(
        INCLUDE.format("../two.toml"), encoding="utf-8"
    )
    (model.parent / "two.toml").write_text("seed = 2\n", encoding="utf-8")
    model.write_text(INCLUDE.format("parts/one.toml"), encoding="utf-8")
    assert read_model(model).raw["seed"] == 2


@pytest.mark.parametrize("text", [TABLE, INCLUDE])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_only_ordinary_files_are_read(text: str, kind: str, model: Path) -> None:
    part, folders = model.parent / "part", []
    if kind == "pipe":
        os.mkfifo(part)
    elif kind == "folder":
        part.mkdir()
    else:
        part.symlink_to("/dev/zero")
        folders = ["/dev"]
    error = refusal(model, text.format("part"), allow_outside=folders)
    assert "is not an ordinary file" in str(error) or "is not a file" in str(error)


@pytest.mark.parametrize("text", [SECRET, f"{SECRET},b\n1,2\n", f"[{SECRET}\n", f'"{SECRET}\n'])
@pytest.mark.parametrize("entry", [TABLE, INCLUDE, TABLE.replace(".{{die}}", ".ai")])
def test_the_text_of_a_file_that_is_no_part_is_not_shown(
    entry: str, text: str, model: Path
) -> None:
    (model.parent / "part").write_text(text, encoding="utf-8")
    refusal(model, entry.format("part"))


def test_a_file_that_is_too_large_is_refused(model: Path, monkeypatch) -> None:
    monkeypatch.setattr(allowed, "MAX_FILE_BYTES", 1000)
    (model.parent / "part").write_text("#" * 1001, encoding="utf-8")
    error = refusal(model, INCLUDE.format("part"))
    assert (error.where, error.allowed) == ("part", "1000 bytes")


def test_a_sparse_file_of_a_terabyte_costs_no_memory(model: Path) -> None:
    with (model.parent / "part").open("wb") as stream:
        stream.truncate(2**40)
    assert "is too large" in str(refusal(model, TABLE.format("part")))


def test_a_table_of_too_many_rows_is_refused(model: Path) -> None:
    rows = "die,n\n" + "a,1\n" * (allowed.MAX_ROWS + 1)
    (model.parent / "part").write_text(rows, encoding="utf-8")
    assert "has too many rows" in str(refusal(model, TABLE.format("part")))


def test_parts_that_include_one_another_twice_do_not_explode(model: Path) -> None:
    for number in range(20):
        twice = f'include = ["{number + 1}.toml", "{number + 1}.toml"]\n'
        (model.parent / f"{number}.toml").write_text(twice, encoding="utf-8")
    (model.parent / "20.toml").touch()
    error = refusal(model, INCLUDE.format("0.toml"))
    assert "makes the model too large" in str(error)


def test_a_long_chain_of_files_is_refused(model: Path) -> None:
    for number in range(100):
        (model.parent / f"{number}.toml").write_text(
            EXTENDS.format(f"{number + 1}.toml"), encoding="utf-8"
        )
    assert "leads through too many files" in str(refusal(model, EXTENDS.format("0.toml")))


@pytest.mark.parametrize("kind", ["pipe", "large"])
def test_a_file_of_published_figures_is_an_ordinary_one(
    kind: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(allowed, "MAX_FILE_BYTES", 1000)
    file = tmp_path / "evidence.csv"
    if kind == "pipe":
        os.mkfifo(file)
    else:
        file.write_text("x" * 1001, encoding="utf-8")
    with pytest.raises(ModelError, match="ordinary file" if kind == "pipe" else "too large"):
        read_published(file)


@pytest.mark.parametrize("ending", ["npz", "csv", "xml", "g85"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_wafer_map_is_an_ordinary_file(
    kind: str, ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / f"maps.{ending}"
    make_special(file, kind)
    assert main(["fit", str(file)]) == 1
    assert capsys.readouterr().err == f"yieldsim: error: {file}: is not an ordinary file\n"


@pytest.mark.parametrize("name", ["tool.txt", "part.txt", "order.txt", "attach.txt", "setup.txt"])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_table_of_a_line_is_an_ordinary_file(kind: str, name: str, tmp_path: Path) -> None:
    folder = shutil.copytree(SMALL_LINE, tmp_path / "line")
    (folder / name).unlink(missing_ok=True)
    make_special(folder / name, kind)
    with pytest.raises(ModelError, match=f"{name}: is not an ordinary file"):
        read_dataset(folder)


@pytest.mark.parametrize("route", ["../secret", "/etc/passwd"])
def test_a_route_of_a_line_lies_beside_its_parts(route: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
    folder = shutil.copytree(SMALL_LINE, tmp_path / "line")
    header, first, *_ = (folder / "part.txt").read_text("utf-8").splitlines()
    cells = first.split("\t")
    cells[header.split("\t").index("ROUTEFILE")] = route
    (folder / "part.txt").write_text("\n".join([header, "\t".join(cells)]), encoding="utf-8")
    with pytest.raises(ModelError, match="ROUTEFILE: is not in the folder") as caught:
        read_dataset(folder)
    assert "root" not in str(caught.value)


def make_special(path: Path, kind: str) -> None:
    """A pipe that no one writes to, a device without an end, or a folder."""
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()


def test_the_option_allows_a_folder_to_a_floorplan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "mine").mkdir()
    text = (ROOT / "models" / "wafers" / "ascend_910.toml").read_text(encoding="utf-8")
    (tmp_path / "parts" / "whole.toml").write_text(text, encoding="utf-8")
    die = tmp_path / "mine" / "die.toml"
    die.write_text('extends = "../parts/whole.toml"\n', encoding="utf-8")
    command = ["yield", "--die", str(die)]
    assert main(command) == 1
    assert "--allow-outside FOLDER" in capsys.readouterr().err
    assert main([*command, "--allow-outside", str(tmp_path / "parts")]) == 0
    capsys.readouterr()
    assert main(["yield", "--area", "1", "--d0", "1", "--allow-outside", "x"]) == 2
    assert "--allow-outside: makes no sense with no --die" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["show"], ["check"]])
def test_the_option_allows_a_folder(command: list[str], tmp_path: Path, capsys) -> None:
    models = ROOT / "tests" / "models" / "valid"
    model = tmp_path / "model.toml"
    model.write_text(f'extends = "{models / "one_line.toml"}"\n', encoding="utf-8")
    assert main([*command, str(model)]) == 1
    assert "--allow-outside FOLDER" in capsys.readouterr().err
    assert main([*command, str(model), "--allow-outside", str(models)]) == 0
