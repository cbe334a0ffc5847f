import subprocess
import sys

import pytest

import yieldsim
from tests.paths import ROOT


def test_each_public_name_is_there_and_is_what_it_says() -> None:
    for name in yieldsim.__all__:
        assert getattr(yieldsim, name) is not None
        assert name in dir(yieldsim)
    assert yieldsim.load_file("baseline").model().name == "baseline"
    assert yieldsim.load_model("baseline") == yieldsim.load_file("baseline").model()
    assert issubclass(yieldsim.errors.ModelError, yieldsim.errors.YieldsimError)
    assert yieldsim.__version__[0].isdecimal()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonesuch'"):
        _ = yieldsim.nonesuch


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; b = set(sys.modules); import yieldsim; print(*(set(sys.modules) - b))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    heavy = {name.split(".")[0] for name in result.stdout.split()} - set(sys.stdlib_module_names)
    assert heavy == {"yieldsim"}
    assert "yieldsim.errors" not in result.stdout
