"""The bins of dies survive every way from one format to another that has room for them."""

import numpy as np
import pytest

from yieldsim.errors import ModelError, UsageError
from yieldsim.wafer.maps.files import load_maps, save_maps
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.retests import without_retests
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS

# Codes of hard bins, the passing ones first, and in which format they cannot stay as they are.
CODES = {
    "numbers": (["1", "2", "7", "14", "255"], ()),
    "bin zero": (["0", "1", "5"], ()),
    "large numbers": (["1", "1001", "20000"], ("sinf",)),
    "letters": (["1", "a", "A", "F", "P", "."], ("sinf",)),
    "hexadecimal": (["01", "0A", "FF", "C0"], ()),
    "names": (["full", "cut, late", "open"], ("g85", "e142", "sinf")),
    "many names": ([f"bin {n}" for n in range(300)], ("g85", "e142", "sinf")),
}
ENDINGS = ("csv", "npz", "g85", "e142", "sinf")


def table(path, codes, passing=2, lines=None):
    """Write dies of two wafers whose places differ; codes of soft bins are ten times the number."""
    rows = ["wafer,x,y,result,hard_bin,soft_bin"]
    for number in range(2 * len(codes)):
        b = number % len(codes)
        wafer, result = number // len(codes), "pass" if b < passing else "fail"
        rows.append(f'W{wafer},{b % 9},{b // 9},{result},"{codes[b]}",{10 * b + 5}')
    path.write_text("\n".join([*rows, *(lines or [])]) + "\n")
    return path


def names(bins):
    return [bins.names[number] for number in bins.cell]


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("ending", ENDINGS)
def test_bins_survive_a_file(tmp_path, ending, kind):
    codes, renamed = CODES[kind]
    maps = load_maps(table(tmp_path / "t.csv", codes))
    plain = [str(int(code)) if code.isdecimal() else code for code in codes]
    assert [name for name in names(maps.hard) if name] == plain * 2
    notes, path = [], tmp_path / f"m.{ending}"
    save_maps(path, maps, note=notes.append)
    again = load_maps(path)
    np.testing.assert_array_equal(again.die, maps.die)
    both = ending in ("csv", "npz")
    assert (again.soft is not None) == both
    if both:
        assert names(again.soft) == names(maps.soft)
    told = [note for note in notes if "bins get codes of this format: " in note]
    assert bool(told) == (ending in renamed)
    if ending not in renamed:
        assert names(again.hard) == names(maps.hard)
    else:  # each bin has a code of its own
        pairs = set(zip(names(maps.hard), names(again.hard), strict=True))
        assert len(pairs) == len(set(names(maps.hard))) == len(set(names(again.hard)))
        _, first = told[0].split("format: ")
        assert tuple(first.split(", ")[0].rsplit(" ", 1)) in {
            (name, code) for name, code in pairs
        } | {(name, code.zfill(w)) for name, code in pairs for w in (2, 3)}
    lost = [note for note in notes if "soft bins" in note]
    assert len(lost) == (not both)


@pytest.mark.parametrize("ending", ENDINGS)
def test_other_bins_pass_in_every_format(tmp_path, ending):
    """A file that was converted gives the same dies as its source, whichever bins are to pass."""
    source = table(tmp_path / "t.csv", ["1", "2", "7", "14"])
    path = tmp_path / f"m.{ending}"
    save_maps(path, load_maps(source))
    options = ReadOptions(pass_bins=frozenset({"2", "14"}))
    want = load_maps(source, options)
    assert want.die.tolist() == [FAIL, PASS, FAIL, PASS] * 2
    np.testing.assert_array_equal(load_maps(path, options).die, want.die)


def test_soft_bins_of_an_archive_can_pass(tmp_path):
    save_maps(tmp_path / "m.npz", load_maps(table(tmp_path / "t.csv", ["1", "2", "3"])))
    options = ReadOptions(pass_bins=frozenset({"25"}), bins="soft")
    assert load_maps(tmp_path / "m.npz", options).die.tolist() == [FAIL, FAIL, PASS] * 2


def test_a_bin_of_passing_and_failing_dies_is_left_out(tmp_path):
    """A code of these formats either passes or fails; the soft bins, which do, take the place."""
    path = table(tmp_path / "t.csv", ["1", "1", "1"])
    maps, notes = load_maps(path), []
    save_maps(tmp_path / "m.g85", maps, note=notes.append)
    again = load_maps(tmp_path / "m.g85")
    assert names(again.hard) == names(maps.soft)
    assert notes[0].endswith("hard bins are left out, as some dies of bin 1 pass and some fail")
    np.testing.assert_array_equal(again.die, maps.die)


def test_several_files_and_probings_keep_bins(tmp_path):
    """By hand: a die has the bin of the result that counts; one name is one bin of all files."""
    first, second, third = (tmp_path / f"{n}.csv" for n in "abc")
    first.write_text("lot,wafer,x,y,bin\nL,1,0,0,1\nL,1,1,0,7\nL,2,0,0,7\n")
    second.write_text("lot,wafer,x,y,result\nL,3,0,0,pass\n")
    third.write_text("lot,wafer,x,y,bin\nL,1,1,0,1\nL,4,0,0,9\nL,4,1,0,1\n")
    maps = load_maps([first, second, third])
    known = {
        name: maps.hard.cell[maps.offset[w] : maps.offset[w + 1]].tolist()
        for w, name in enumerate(maps.name.tolist())
    }
    of = {name: number for number, name in enumerate(maps.hard.names)}
    assert known == {"1": [of["1"], of["1"]], "2": [of["7"]], "3": [0], "4": [of["9"], of["1"]]}
    chosen = maps.select(np.array([maps.name.tolist().index("4")]))
    assert names(chosen.hard) == ["9", "1"]
    assert without_retests(maps, ReadOptions()) is maps


@pytest.mark.parametrize("ending", ["g85", "e142", "sinf"])
def test_dies_without_a_bin_beside_others(tmp_path, ending):
    """Their codes are none of those that bins have, even where a bin has the usual ones."""
    path = tmp_path / "t.csv"
    path.write_text("x,y,result,bin\n0,0,pass,P\n1,0,fail,F\n2,0,pass,\n3,0,fail,\n5,0,fail,FF\n")
    maps = load_maps(path)
    save_maps(tmp_path / f"m.{ending}", maps)
    again = load_maps(tmp_path / f"m.{ending}")
    assert again.die.tolist() == [PASS, FAIL, PASS, FAIL, NONE, FAIL]
    assert len(set(names(again.hard))) == 6


def test_wrong_bins_of_an_archive(tmp_path):
    path = tmp_path / "m.npz"
    save_maps(path, load_maps(table(tmp_path / "t.csv", ["1", "2"])))
    with np.load(path) as archive:
        arrays = dict(archive)
    for key, value, words in [
        ("hard_bin", arrays["hard_bin"] + 9, "hard_bin: unknown bin, got '10 to 11'"),
        ("hard_bin_names", np.array([""]), "hard_bin: unknown bin"),
        ("soft_bin", arrays["soft_bin"][1:], "soft_bin: wrong array"),
        ("notch", np.zeros(9, int), "notch: wrong array"),
    ]:
        np.savez(path, **{**arrays, key: value})
        with pytest.raises(ModelError, match=words):
            load_maps(path)
    plain = {key: arrays[key] for key in ("die", "offset", "rows", "cols")}
    np.savez(path, **plain)
    with pytest.raises(UsageError, match="has no bins"):
        load_maps(path, ReadOptions(pass_bins=frozenset("1")))
