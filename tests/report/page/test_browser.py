"""The page in a real headless Chromium: what a reader sees and does.

Needs Debian's package chromium (or another Chromium) and Playwright; skipped where one is absent.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.analysis.made_up import ensemble
from tests.analysis.made_up_whole import everything
from tests.quantiles import least_reaching
from yieldsim.analysis.overview.overview import overview
from yieldsim.report.page.document import page as page_of
from yieldsim.report.page.sections import sections_of
from yieldsim.report.page.tables import Table, cell_text, kept

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not CHROMIUM, reason="needs chromium"),
]
REALIZATIONS = 200
SCREENS = {"desktop": (1280, 800), "phone": (390, 844)}
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass
class Opened:
    """A page, and what it did wrong: errors and warnings, and requests for anything but itself."""

    page: Any
    troubles: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def ds() -> Any:
    return everything(REALIZATIONS)


@pytest.fixture(scope="module")
def shown(ds: Any) -> dict[str, Any]:
    return overview(ds)


@pytest.fixture(scope="module")
def file(shown: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page_of(shown), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


def opened(browser: Any, file: Path, screen: str = "desktop", scheme: str = "light") -> Opened:
    width, height = SCREENS[screen]
    size = {"width": width, "height": height}
    context = browser.new_context(viewport=size, color_scheme=scheme, accept_downloads=True)
    made = Opened(context.new_page())
    made.page.on("console", lambda m: made.troubles.append(f"{m.type}: {m.text}"))
    made.page.on("pageerror", lambda error: made.troubles.append(str(error)))
    own = file.as_uri()
    context.on("request", lambda r: None if r.url == own else made.troubles.append(r.url))
    made.page.goto(own)
    return made


@pytest.fixture
def view(browser: Any, file: Path) -> Iterator[Opened]:
    made = opened(browser, file)
    yield made
    made.page.context.close()
    assert made.troubles == []


def rows_of(page: Any, name: str) -> list[list[str]]:
    """The texts of a table's rows, those of closed and hidden ones too."""
    script = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    found: list[list[str]] = page.eval_on_selector_all(f"#table-{name} tbody tr", script)
    return found


def numbers(cells: list[str]) -> list[float]:
    return [float(cell.replace(",", "")) for cell in cells]


def texts(table: Table, scenario: str, product: str) -> list[list[str]]:
    """The texts that Python gives the rows of a choice."""
    rows = [kept(row) for row in table.found(scenario, product)]
    formats = [column.format for column in table.columns]
    return [[cell_text(f, x) for f, x in zip(formats, row, strict=True)] for row in rows]


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_in_silence_and_fits_the_screen(
    browser: Any, file: Path, screen: str, scheme: str, tmp_path: Path
) -> None:
    made = opened(browser, file, screen, scheme)
    made.page.screenshot(path=tmp_path / f"{screen}_{scheme}.png", full_page=True)
    wide = made.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    drawn = made.page.locator(".chart svg[viewBox]").count()
    background = made.page.evaluate("getComputedStyle(document.body).backgroundColor")
    made.page.context.close()
    assert made.troubles == []
    assert not wide
    assert drawn >= 8
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")


def test_an_ensemble_with_little_to_show_opens_in_silence(browser: Any, tmp_path: Path) -> None:
    bare = {
        "no_ai": ensemble(realizations=20).isel(product=[2]),
        "one_quarter": ensemble(quarter_count=1, scenarios=("baseline",)),
        "one_realization": everything(1),
    }
    for name, ds in bare.items():
        path = tmp_path / f"{name}.html"
        path.write_text(page_of(overview(ds)), encoding="utf-8")
        made = opened(browser, path)
        made.page.select_option("#period", "year")
        drawn = made.page.locator("#chart-fan svg path").count()
        made.page.context.close()
        assert (name, made.troubles) == (name, [])
        assert drawn >= 3


def test_the_answer_is_seen_at_once(view: Opened) -> None:
    lines = view.page.locator("#answer p")
    assert lines.count() == 2
    assert lines.nth(0).inner_text().startswith("2024: ")
    box = lines.nth(1).bounding_box()
    assert box["y"] + box["height"] < SCREENS["desktop"][1] / 2


def test_every_choice_shows_the_figures_of_the_ensemble(view: Opened, ds: Any) -> None:
    chips = ds["usable_chips"].to_numpy().astype(float)
    by_product = {"total": chips[..., :2].sum(axis=-1), "kirin_n2": chips[..., 2]}
    for place, scenario in enumerate(("baseline", "domestic_late")):
        view.page.select_option("#scenario", scenario)
        for product, values in by_product.items():
            view.page.select_option("#product", product)
            years = values[place].reshape(REALIZATIONS, 2, 4).sum(axis=2).T
            for name, own, keys in (
                ("year", years, (0.1, 0.5, 0.9)),
                ("quarter", values[place].T, LEVELS),
            ):
                wanted = [[*np.quantile(x, keys), x.mean()] for x in own]
                step = 2 if name == "year" else 1  # errors stand between
                found = [numbers(row[1::step]) for row in rows_of(view.page, name)]
                np.testing.assert_allclose(found, wanted, rtol=0.0, atol=0.5)  # whole chips


def test_the_script_writes_tables_as_python_does(view: Opened, shown: dict[str, Any]) -> None:
    tables = [t for section in sections_of(shown) for t in section.tables if t.rows]
    assert {"year", "binding", "gains", "orders", "lines", "yield", "d0"} <= {
        t.name for t in tables
    }
    first = {table.name: rows_of(view.page, table.name) for table in tables}  # made by Python
    for scenario in ("domestic_late", "baseline"):
        for product in ("ascend_910b", "total"):
            view.page.select_option("#scenario", scenario)
            view.page.select_option("#product", product)
            for table in tables:
                if table.name not in ("year", "quarter"):
                    wanted = texts(table, scenario, product)
                    assert rows_of(view.page, table.name) == wanted, table.name
    assert {table.name: rows_of(view.page, table.name) for table in tables} == first


def test_a_slider_moves_the_fan_to_what_python_gives(view: Opened, ds: Any) -> None:
    chips = ds["usable_chips"].to_numpy().astype(float)[..., :2].sum(axis=-1)[1]
    draws = ds["parameter_value"].to_numpy()[0].astype(np.float32)
    labels = view.page.locator(".slider label").all_inner_texts()
    luck = next(i for i, text in enumerate(labels) if text.strip() == "luck")
    view.page.select_option("#scenario", "domestic_late")
    for percentile in (80, 0, 100):
        view.page.locator(f"#slider-{luck}").fill(str(percentile))
        # an oracle of its own: ranks without ties, and the quantile by its definition
        ranks = (np.argsort(np.argsort(draws[:, 0])) + 0.5) / REALIZATIONS
        weights = np.exp(-0.5 * ((ranks - percentile / 100) / 0.1) ** 2)
        for period, own in (("quarter", chips), ("year", chips.reshape(-1, 2, 4).sum(axis=2))):
            view.page.select_option("#period", period)
            wanted = [least_reaching(x, weights, LEVELS) for x in own.T]
            found = [numbers(row[1:6]) for row in rows_of(view.page, "reweighted")]
            np.testing.assert_allclose(found, wanted, rtol=1e-3)
        size = weights.sum() ** 2 / (weights**2).sum()
        words = view.page.inner_text("#ess")
        assert words.startswith(f"Effective draws: {size:.0f} of {REALIZATIONS}")
        weak = "weak" in (view.page.get_attribute("#fan", "class") or "")
        assert weak == (size < 40) == ("too few" in words)
    view.page.get_by_text("Release all").click()
    assert rows_of(view.page, "reweighted") == []


def test_a_slider_refuses_what_lies_beyond_the_draws(view: Opened) -> None:
    script = "(slider, value) => { slider.value = value; return slider.value }"
    for asked, given in (("150", "100"), ("-3", "0")):
        assert view.page.eval_on_selector("#slider-0", script, asked) == given


def test_the_chart_is_read_by_keys_and_by_the_pointer(view: Opened) -> None:
    chart = view.page.locator("#chart-fan [role=slider]")
    chart.focus()
    view.page.keyboard.press("End")
    last = chart.get_attribute("aria-valuetext")
    assert last is not None
    assert last.startswith("2025Q4, P90 ")
    view.page.keyboard.press("ArrowLeft")
    assert str(chart.get_attribute("aria-valuetext")).startswith("2025Q3, P90 ")
    box = chart.bounding_box()
    view.page.mouse.move(box["x"] + box["width"] - 15, box["y"] + 100)
    tip = view.page.inner_text(".tip")
    row = rows_of(view.page, "quarter")[-1]
    assert tip.splitlines()[0] == "2025Q4"
    assert [line.split()[1] for line in tip.splitlines()[1:]] == row[5:0:-1]


def test_every_table_is_a_csv_file(view: Opened, shown: dict[str, Any]) -> None:
    view.page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    tables = {t.name: t for section in sections_of(shown) for t in section.tables if t.rows}
    assert view.page.locator("a.csv:visible").count() == len(tables)
    for name in ("orders", "year"):
        with view.page.expect_download() as download:
            view.page.click(f"#csv-{name}")
        lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
        assert download.value.suggested_filename == f"yieldsim_{name}.csv"
        assert lines[0] == ",".join(column.key for column in tables[name].columns)
        assert len(lines) == 1 + len(tables[name].found("baseline", "total"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_checker_of_accessibility_finds_no_serious_fault(
    browser: Any, file: Path, scheme: str
) -> None:
    made = opened(browser, file, scheme=scheme)
    made.page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    made.page.locator("#slider-0").fill("80")
    found = axe.Axe().run(made.page).response["violations"]
    made.page.context.close()
    told = [
        (v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")
    ]
    assert told == []


def test_it_prints_with_every_table_but_the_long_list(
    browser: Any, file: Path, tmp_path: Path
) -> None:
    made = opened(browser, file)
    script = "name => { window.dispatchEvent(new Event(name)) }"
    closed = made.page.locator("details:not([open])")
    before = closed.count()
    made.page.evaluate(script, "beforeprint")
    left = closed.evaluate_all("all => all.map(one => one.closest('section').id)")
    made.page.evaluate(script, "afterprint")
    paper = made.page.pdf(path=tmp_path / "print.pdf", format="A4", print_background=True)
    after = closed.count()
    made.page.context.close()
    assert made.troubles == []
    assert paper.startswith(b"%PDF")
    assert paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") > 2
    assert before == after > 3
    assert set(left) <= {"assumptions"}
