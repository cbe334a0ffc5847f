"""README.md does what it says: its commands run, its JSON is printed, its links and figures hold.

`python tests/test_readme.py STORE` writes the README's figures and its picture anew from a store
of `make run`.
"""

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest

import yieldsim
from yieldsim.analysis import quantiles, summarize
from yieldsim.cli.main import EXIT_BROKEN_PIPE, EXIT_INTERRUPTED, cli, main
from yieldsim.errors import YieldsimError
from yieldsim.model import parameters

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PICTURE = ROOT / "notebooks" / "baseline_fan.png"
LARGEST_PICTURE_BYTES = 150_000
# what stands between is written by this file, from the store that it is given
BEGIN, END = "<!-- figures: tests/test_readme.py STORE -->", "<!-- end of figures -->"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
QUANTILES = ("p10", "p50", "p90")
FEW = 8  # realizations of the README's runs when they are tested
# `make test` runs the models in coarse steps and to the year that the commands name, raises one
# input and lifts one limit in place of all, and designs a run for one input. (Of an option that is
# given twice the last counts.)
CHEAPER = {"more:all": "more:memory", "no_limit:all": "no_limit:memory"}
COARSE = ["simulation.steps_per_quarter=3", 'simulation.end="2027Q4"']
CONDITIONED = 64  # of the store that is conditioned, of which many must fit the evidence
SHELLS = ("sh", "console")


# -- the figures, written from a store


def figures_block(store: str | Path) -> str:
    """The README's figures between their markers: yearly totals, what binds, and the inputs."""
    ds = yieldsim.open_ensemble(store)
    found = summarize(ds)
    totals = [r for r in found["yearly"] if (r["scenario"], r["product"]) == ("baseline", "total")]
    lines = [
        BEGIN,
        "Usable AI chips a year, in thousands, each figure with its Monte Carlo error "
        f"({found['realizations']} realizations, seed {found['seed']}):",
        "",
        "| year | P10 | P50 | P90 | binds most often |",
        "| --- | --- | --- | --- | --- |",
        *(_row(r["year"], r, _binds(found, r["year"])) for r in totals),
        _row("2025, Ascend alone", _ascend(ds, "2025"), "published counts: 805 to 812"),
        "",
        *_wrapped(_inputs()),
        END,
    ]
    return "\n".join(lines)


def _row(label: str, record: dict[str, Any], last: str) -> str:
    cells = [f"{record[q] / 1e3:,.0f} ± {record[f'se_{q}'] / 1e3:,.0f}" for q in QUANTILES]
    return f"| {label} | {' | '.join(cells)} | {last} |"


def _binds(found: dict[str, Any], year: str) -> str:
    """The two constraints that bind the total most in a year, mean shares of its quarters."""
    shares: dict[str, float] = {}
    for record in found["binding"]:
        place = (record["scenario"], record["product"], record["quarter"][:4])
        if place == ("baseline", "total", year):
            name = record["constraint"]
            shares[name] = shares.get(name, 0.0) + record["share"] / 4.0
    first = sorted(shares, key=lambda name: -shares[name])[:2]
    return ", ".join(f"{name} {100.0 * shares[name]:.0f} %" for name in first)


def _ascend(ds: Any, year: str) -> dict[str, float]:
    """All Ascend packages of a year together, summed in each realization."""
    places = [i for i, name in enumerate(ds["product"].values) if str(name).startswith("ascend_")]
    table = quantiles(ds, period="year", groups={"ascend": places}).sel(
        period=year, scenario="baseline"
    )
    record = {q: float(x) for q, x in zip(QUANTILES, table["quantile"].squeeze(), strict=True)}
    errors = zip(QUANTILES, table["se_quantile"].squeeze(), strict=True)
    return record | {f"se_{q}": float(x) for q, x in errors}


def _inputs() -> str:
    uncertain, assumed, count = grades()
    return (
        f"The baseline has {count:,} inputs, {uncertain} of them uncertain; "
        f"{100.0 * assumed / uncertain:.0f} % of the uncertain ones are assumptions, and "
        "the others rest on publications."
    )


def grades() -> tuple[int, int, int]:
    """The baseline's uncertain inputs, those of them that are assumed, and all inputs."""
    found = parameters(yieldsim.load_model("baseline"))
    uncertain = [p for p in found if p.uncertain]
    return len(uncertain), sum(p.item.grade == "assumed" for p in uncertain), len(found)


def _wrapped(text: str, width: int = 104) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def refresh(store: str) -> None:
    """Write the figures and the picture of README.md from a store."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    README.write_text(before + figures_block(store) + after, encoding="utf-8")
    if main(["plot", store, "--product", "total", "--out", str(PICTURE), "--force"]) != 0:
        raise SystemExit(1)


# -- what the README says


@cache
def readme() -> str:
    return README.read_text(encoding="utf-8")


def fenced(*languages: str) -> Iterator[str]:
    """The bodies of the README's code blocks in these languages."""
    for language, body in FENCED.findall(readme()):
        if language in languages:
            yield body


def commands() -> list[tuple[list[str], str]]:
    """The commands of the shell blocks in order, each with the output that is shown for it."""
    found: list[tuple[list[str], str]] = []
    for language, body in FENCED.findall(readme()):
        if language not in SHELLS:
            continue
        for line in body.replace("\\\n", " ").splitlines():
            if language == "console" and not line.startswith("$ "):
                command, shown = found[-1]
                found[-1] = (command, shown + line)
            elif line.strip():
                found.append((shlex.split(line.removeprefix("$ "), comments=True), ""))
    return found


def own_commands() -> list[tuple[list[str], str]]:
    """The arguments of the `yieldsim` commands among them."""
    return [(words[1:], shown) for words, shown in commands() if words[0] == "yieldsim"]


def with_few_realizations(words: list[str]) -> list[str]:
    """The same command, cheap: of an option that is given twice the last counts."""
    many = words[0] in ("run", "capacity") and "--samples" not in words
    few = CONDITIONED if words[-1] == "baseline.zarr" else FEW
    return [*words, "--realizations", str(few)] if many else words


def cheaper(words: list[str]) -> list[str]:
    """The command that `make test` runs for one of the README."""
    words = [CHEAPER.get(word, word) for word in with_few_realizations(words)]
    if words[0] == "run":
        words += [word for change in COARSE for word in ("--set", change)]
    if words == ["check", "mine.toml"]:  # in place of all scenarios, which are the baseline's too
        words += ["--scenario", "twice_the_memory"]
    return [*words, "--top", "1"] if "--write-design" in words else words


def of_each_form(found: list[tuple[list[str], str]]) -> Iterator[tuple[list[str], str]]:
    """Without those that only print, and have the options of one before, with other values."""
    seen: set[tuple[str, ...]] = set()
    for words, shown in found:
        form = (words[0], *(word for word in words if word.startswith("--")))
        if "--out" in words or form not in seen:
            yield words, shown
        seen.add(form)


def shown_object(text: str) -> tuple[dict[str, Any], bool]:
    """The JSON object of an example, and whether dots say that it is cut short."""
    cut = text.endswith(", ...}")
    return json.loads(text.removesuffix(", ...}") + "}" if cut else text), cut


def test_every_command_is_understood() -> None:
    for words, _ in own_commands():
        command = cli.get_command(click.Context(cli), words[0])
        assert command is not None, words
        command.make_context(words[0], words[1:])  # raises for a wrong option or value


@pytest.mark.parametrize(
    "tested",
    [
        pytest.param(cheaper, marks=pytest.mark.integration),
        pytest.param(with_few_realizations, marks=pytest.mark.slow),
    ],
)
def test_every_command_runs(
    tested: Callable[[list[str]], list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for body in fenced("toml"):
        name = body.splitlines()[0].removeprefix("# ")
        assert re.fullmatch(r"\w+\.toml", name), body
        Path(name).write_text(body, encoding="utf-8")
    (samples,) = fenced("csv")
    Path("d0.csv").write_text(samples, encoding="utf-8")
    shutil.copytree(ROOT / "runs" / "small_line", tmp_path / "runs" / "small_line")
    found = list(of_each_form(own_commands()) if tested is cheaper else own_commands())
    assert {words[0] for words, _ in found} >= {"run", "summary", "plot", "show", "check", "dies"}
    for words, shown in found:
        code = main(tested(words))
        out, err = capsys.readouterr()
        assert code == 0, (words, err)
        if shown:
            wanted, cut = shown_object(shown)
            printed = json.loads(out)
            assert cut or set(printed) == set(wanted), words
            for key, value in wanted.items():
                # the last digits may differ between platforms' mathematical libraries
                near = (
                    pytest.approx(value, rel=1e-14, abs=0.0) if isinstance(value, float) else value
                )
                assert printed[key] == near, (words, key)
    for words, _ in found:
        if "--out" in words:
            written = Path(words[words.index("--out") + 1]).exists()
            assert written != ("--dry-run" in words), words
    for body in fenced("python"):
        exec(compile(body.replace("=64", f"={FEW}"), str(README), "exec"), {})
    assert "lognormal" in capsys.readouterr().out


def test_other_commands_exist() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    other = [words for words, _ in commands() if words[0] != "yieldsim"]
    assert ["make", "run"] in other
    assert ["make", "test"] in other
    for words in other:
        known = words == ["pip", "install", "."] or (words[0] == "make" and words[1] in targets)
        assert known, words


def test_commands_in_the_text_exist() -> None:
    found = re.findall(r"`yieldsim (\w+)([^`]*)`", FENCED.sub("", readme()))
    assert found
    for name, rest in found:
        command = cli.get_command(click.Context(cli), name) if name != "COMMAND" else None
        assert command is not None or name == "COMMAND", name
        options = [option for p in command.params for option in p.opts] if command else ["--help"]
        assert set(re.findall(r"--[a-z-]+", rest)) <= set(options), (name, rest)


@pytest.mark.parametrize(
    "path",
    sorted([*ROOT.glob("*.md"), *ROOT.glob("[a-z]*/*.md")]),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(FENCED.sub("", path.read_text(encoding="utf-8"))):
        file = target.partition("#")[0]
        if file and not re.match(r"https?://", file):
            assert (path.parent / file).exists(), target


def test_every_exit_code_is_listed() -> None:
    section = readme().split("## Exit codes", 1)[1].split("\n## ", 1)[0]
    listed = {int(code) for code in re.findall(r"`(\d+)`", section)}
    kinds = [YieldsimError, *YieldsimError.__subclasses__()]
    assert listed == {0, EXIT_INTERRUPTED, EXIT_BROKEN_PIPE, *(kind.exit_code for kind in kinds)}


def test_the_picture_is_small() -> None:
    assert PICTURE.read_bytes().startswith(b"\x89PNG")
    assert PICTURE.stat().st_size < LARGEST_PICTURE_BYTES


# -- the figures


def rows_of(block: str) -> dict[str, tuple[list[float], list[float], str]]:
    """The table of a block: label -> (figures, errors, what binds first)."""
    found = {}
    for line in block.splitlines():
        label, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        if label[:2] == "20" and len(cells) == len(QUANTILES) + 1:
            pairs = [cell.replace(",", "").split(" ± ") for cell in cells[:-1]]
            figures, errors = ([float(pair[i]) for pair in pairs] for i in (0, 1))
            found[label] = (figures, errors, cells[-1])
    return found


def test_the_figures_are_those_of_the_model(tmp_path: Path) -> None:
    store = tmp_path / "baseline.zarr"
    yieldsim.run("baseline", realizations=64, seed=7, out=store)
    fresh = rows_of(figures_block(store))
    printed = rows_of(readme()[readme().index(BEGIN) : readme().index(END)])
    stale = "README.md is stale: make clean run; python tests/test_readme.py runs/baseline.zarr"
    assert list(printed) == list(fresh), stale
    assert len(fresh) == 8  # the years from 2024 to 2030, and Ascend alone
    for label, (figures, errors, binds) in printed.items():
        assert figures == sorted(figures), label
        assert min(errors) > 0.0, label
        # the median of these 64 realizations against one of four times as many, these among them
        assert abs(figures[1] - fresh[label][0][1]) < 4.0 * fresh[label][1][1], (label, stale)
        first = re.split(r" \d", binds)[0]
        assert first in fresh[label][2], (label, stale)


def test_the_share_of_assumptions_is_that_of_the_model() -> None:
    uncertain, assumed, all_inputs = grades()
    words = " ".join(readme().split())
    found = re.search(r"has ([\d,]+) inputs, (\d+) of them uncertain; (\d+) % of", words)
    assert found is not None
    counts = [int(text.replace(",", "")) for text in found.groups()]
    # a model that grows by a parameter or two need not refresh its README at once
    assert counts == pytest.approx([all_inputs, uncertain, 100.0 * assumed / uncertain], rel=0.05)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        raise SystemExit("usage: python tests/test_readme.py STORE")
    refresh(sys.argv[1])
