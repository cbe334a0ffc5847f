"""A fault is told with the file that it stands in, whatever other files touch the same table."""

import itertools
import pickle
import shutil
from pathlib import Path

import pytest

from yieldsim.errors import ModelError
from yieldsim.model import load_file


@pytest.fixture
def main(sound: Path, tmp_path: Path) -> Path:
    """A model of four files: one that extends the sound model, a part, and two CSV tables."""
    shutil.copy(sound, tmp_path / "sound.toml")
    (tmp_path / "part.toml").write_text('[dies.watch]\nprocess = "n2"\nwidth_mm = 5\n')
    (tmp_path / "size.csv").write_text("die,height_mm\n\nwatch,6\n")
    (tmp_path / "plan.csv").write_text(
        "fab,process,quarter,value,note\n"
        'second,n2,2025Q1,1000,"a note\nof two lines"\n'
        "second,n2,2026Q1,2000,\n"
    )
    path = tmp_path / "main.toml"
    path.write_text(
        'extends = "sound.toml"\n'
        'include = ["part.toml"]\n'
        "[processes.n2]\n"
        "alpha = 3\n"
        "[scenarios.early]\n"
        'source = "made_up"\n'
        "changes.processes.n2.alpha = 2\n"
        "[[table]]\n"
        'file = "size.csv"\n'
        'into = "dies.{die}"\n'
        "[[table]]\n"
        'file = "plan.csv"\n'
        'into = "fabs.{fab}.plan.{process}"\n'
    )
    return path


def damage(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_the_model_is_sound(main: Path) -> None:
    assert load_file(main).model("early").dies["watch"].height_mm.value == 6.0


@pytest.mark.parametrize(
    ("file", "old", "new", "scenario", "message"),
    [
        ("sound.toml", "line_yield = {", "line_yeald = {", "", "sound.toml: processes.n2: unknown"),
        ("sound.toml", "raw_process_days = 60", "raw_process_days = -1", "", "sound.toml: proc"),
        ("main.toml", "alpha = 3", "alpha = -3", "", "main.toml: processes.n2.alpha: out of range"),
        ("main.toml", "alpha = 3", "beta = 3", "", "main.toml: processes.n2: unknown key, got 'b"),
        ("part.toml", "width_mm = 5", "", "", "part.toml: dies.watch.width_mm: is missing"),
        (
            "part.toml",
            "width_mm = 5",
            "width_mm = 999",
            "",
            "part.toml: dies.watch.width_mm: can b",
        ),
        ("size.csv", "watch,6", "watch,tall", "", "size.csv line 3, column height_mm: dies.watch."),
        ("size.csv", "watch,6", "watch,600", "", "size.csv line 3, column height_mm: dies.watch.h"),
        ("plan.csv", ",2000,", ",-2000,", "", "plan.csv line 4, column value: fabs.second.plan."),
        ("plan.csv", ",1000,", ",-1000,", "", "plan.csv line 2, column value: fabs.second.plan."),
        ("main.toml", "n2.alpha = 2", "n2.alpha = 0", "early", "main.toml: scenario early: proce"),
        (
            "main.toml",
            "n2.alpha = 2",
            "n9.alpha = 2",
            "early",
            "main.toml: scenarios.early.changes.processes: unknown process, got 'n9'; allow",
        ),
        # the scenario is sound, the model beneath it is not
        ("sound.toml", "scribe_mm = 0.1", "scribe_mm = -1", "early", "sound.toml: scenario early"),
    ],
)
def test_a_fault_is_told_where_it_stands(
    main: Path, file: str, old: str, new: str, scenario: str, message: str
) -> None:
    damage(main.with_name(file), old, new)
    with pytest.raises(ModelError) as caught:
        load_file(main).model(scenario or "baseline")
    assert str(caught.value).startswith(message)


ROWS = {
    "visits.csv": (
        "processes.{process}.visits.{group}",
        "process,group,value,dist,low,mode,high,unit,source,grade\n"
        "n2,litho,,pert,30,40,50,,made_up,assumed\n"
        "n3,etch,9,,,,,pass/wafer,,\n",
    ),
    "line.csv": (
        "fabs.{fab}.plan.{process}",
        "fab,process,quarter,low,high,position_ref,source,before\n"
        "second,n2,2025Q1,100,200,level,made_up,zero\n"
        "second,n2,2026Q1,300,500,,,\n",
    ),
}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("junk", ["", "junk", "-5", "1e999", "2025Q9", "n2"])
def test_every_bad_cell_is_told_by_its_line(sound: Path, tmp_path: Path, name, junk) -> None:
    into, text = ROWS[name]
    shutil.copy(sound, tmp_path / "sound.toml")
    path = tmp_path / "main.toml"
    path.write_text(f'extends = "sound.toml"\n[[table]]\nfile = "{name}"\ninto = "{into}"\n')
    grid = [line.split(",") for line in text.splitlines()]
    refused = 0
    for row, column in itertools.product((1, 2), range(len(grid[0]))):
        changed = [list(cells) for cells in grid]
        changed[row][column] = junk
        path.with_name(name).write_text("\n".join(map(",".join, changed)))
        message = refusal(path)
        refused += bool(message)
        lines = {row + 1}
        if name == "line.csv":
            # points that do not fit together are told by the first row of their series, and a
            # misspelt place cuts a series in two, of which either may be told
            lines |= {2, 3} if grid[0][column] in into else {2}
        begins = tuple(f"{name} line {line}" for line in lines)
        assert not message or message.startswith(begins), (row, grid[0][column])
    assert refused > 3


def refusal(path: Path) -> str:
    """The message of a model that is refused, empty for one that is not."""
    try:
        load_file(path).model()
    except ModelError as error:
        return str(error)
    return ""


def test_a_setting_is_no_fault_of_the_file_that_it_overrides(main: Path) -> None:
    file = load_file(main)
    for setting in ("processes.n2.alpha=-1", "fabs.second.plan.n2=-1", "dies.watch={width_mm=-1}"):
        with pytest.raises(ModelError) as caught:
            file.with_changes([setting]).model()
        assert caught.value.file == "--set"


def test_places_are_no_part_of_the_model(main: Path) -> None:
    file = load_file(main)
    again = type(file).from_json(file.to_json())
    assert again == file
    assert again.digest(["early"]) == file.digest(["early"])
    assert file.places
    assert not again.places
    assert "size.csv" not in file.to_json()


def test_an_error_keeps_its_file_in_another_process() -> None:
    error = ModelError("a.b", "is wrong", got=1, allowed="2", file="x.toml")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "x.toml: a.b: is wrong, got 1; allowed: 2"
