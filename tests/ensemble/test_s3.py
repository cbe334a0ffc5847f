"""A round trip through the S3 protocol, served on this machine by moto."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import xarray as xr

from tests.ensemble.fake import flip_bit, make_store, one_line
from tests.paths import ROOT
from yieldsim.ensemble import Folder, finalize, marked_blocks, open_ensemble, place_of
from yieldsim.errors import IncompleteError, StoreError

pytest.importorskip("s3fs")
server_of = pytest.importorskip("moto.server")

pytestmark = pytest.mark.integration

BUCKET = "ensembles"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A bucket on a local server; s3fs finds it by the usual variables."""
    server = server_of.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        place_of(f"s3://{BUCKET}/x")._files.mkdir(BUCKET)  # type: ignore[attr-defined]
        yield f"s3://{BUCKET}"
    server.stop()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    path = tmp_path_factory.mktemp("local") / "x.zarr"
    make_store(Folder(path))
    finalize(Folder(path))
    return open_ensemble(path).load()


def test_a_store_on_s3_is_that_of_a_folder(s3: str, expected: xr.Dataset) -> None:
    url = f"{s3}/runs/x.zarr"
    writer, source = make_store(place_of(url), blocks=2)
    assert marked_blocks(place_of(url)) == {0, 1}
    with pytest.raises(IncompleteError) as error:
        open_ensemble(url)
    one_line(error, url, "2 of 4 blocks are missing")
    for block in (2, 3):
        writer.write(block, source.block(*writer.plan.span(block)))
    finalize(place_of(url))
    xr.testing.assert_equal(open_ensemble(url).load(), expected)


def test_what_fails_on_s3_is_one_line(s3: str) -> None:
    with pytest.raises(StoreError) as error:
        open_ensemble(f"{s3}/none.zarr")
    one_line(error, "none.zarr: no such ensemble store")
    with pytest.raises(StoreError) as error:
        make_store(place_of("s3://no-such-bucket/x.zarr"))
    one_line(error, "s3://no-such-bucket/x.zarr: cannot be created")


def yieldsim(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "yieldsim", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=dict(os.environ)
    )


def test_commands_take_a_url(s3: str, tmp_path: Path) -> None:
    """Run on one machine, begun and continued, damaged and repaired, read."""
    url, model = f"{s3}/cli.zarr", str(ROOT / "benchmarks" / "analyst.toml")
    options = ["--realizations", "64", "--block-size", "16", "--seed", "3"]
    made = yieldsim("init", model, *options, "--out", url)
    assert made.returncode == 0, made.stderr
    assert yieldsim("work", url, "--blocks", "1-2").returncode == 0
    summary = yieldsim("summary", url)
    assert (summary.returncode, summary.stderr.count("\n")) == (3, 1)
    assert "2 of 4 blocks are missing" in summary.stderr
    run = yieldsim("run", model, *options, "--out", url, "--json")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["blocks_computed"] == 2
    assert json.loads(run.stdout)["store"] == url
    local = yieldsim("run", model, *options, "--out", str(tmp_path / "x.zarr"))
    assert local.returncode == 0
    both = [yieldsim("summary", store, "--json") for store in (url, str(tmp_path / "x.zarr"))]
    records = [json.loads(result.stdout) for result in both]
    assert records[0]["records"] == records[1]["records"]
    key = "usable_chips/c.0.1.0.0"
    sound = place_of(url).get(key) or b""
    place_of(url).put(key, flip_bit(sound, 77))
    found = yieldsim("verify", url)
    assert (found.returncode, key in found.stdout + found.stderr) == (4, True)
    assert yieldsim("verify", url, "--repair").returncode == 0
    assert place_of(url).get(key) == sound
    picture = yieldsim("plot", url, "--out", str(tmp_path / "fan.png"))
    assert picture.returncode == 0, picture.stderr
