from tests.analysis.made_up import ensemble
from tests.analysis.made_up_parts import whole
from tests.ensemble.fake import analyst_file
from yieldsim.analysis.overview.assumptions import assumption_summary, input_labels
from yieldsim.analysis.titles import product_titles, scenario_titles
from yieldsim.model import load_model, parameters


def stored() -> object:
    return ensemble(realizations=4).assign_attrs(model_json=analyst_file().to_json())


def test_every_uncertain_input_is_told_with_its_origin() -> None:
    model = analyst_file().model()
    found = assumption_summary(stored())
    wanted = [p for p in parameters(model) if p.uncertain]
    assert [r["path"] for r in found["inputs"]] == [p.path for p in wanted]
    assert found["count"] == len(parameters(model))
    assert sum(found["grades"].values()) == len(wanted)
    by_path = {r["path"]: r for r in found["inputs"]}
    for p in wanted:
        r = by_path[p.path]
        assert (r["grade"], r["note"]) == (p.item.grade, p.item.note)
        assert r["source"] == model.sources[p.item.source].title
        assert r["value"] == p.item.describe()
        assert r["label"]


def test_a_store_without_its_model_says_so() -> None:
    for ds in (ensemble(realizations=4), whole(realizations=4)):  # none, and a part of one
        found = assumption_summary(ds)
        assert found["inputs"] == []
        assert found["reason"] == "the ensemble carries no model that can be read"


def test_titles_fall_back_to_words() -> None:
    ds = ensemble(realizations=4)
    assert product_titles(ds)["ascend_910b"] == "ascend 910b"
    assert product_titles(ds)["total"] == "All AI products"
    assert scenario_titles(ds) == {"baseline": "baseline", "domestic_late": "domestic late"}
    titled = ds.assign_coords(scenario_title=("scenario", ["baseline", "All comes late"]))
    assert scenario_titles(titled)["domestic_late"] == "All comes late"


def test_labels_of_the_baseline_tell_its_inputs_apart_in_plain_words() -> None:
    """Also inputs that one field describes: imported and domestic tools, factors, layers."""
    model = load_model("baseline")
    labels = input_labels(model)
    assert len(set(labels.values())) == len(labels)
    for parameter in parameters(model):
        if parameter.path.startswith("shared."):
            title = model.shared[parameter.path.removeprefix("shared.")].title
            assert labels[parameter.path] == title != ""
    name = "tool_groups.arf_immersion.domestic.mttr_hours"
    assert labels[name] == "ArF immersion scanners, domestic: mean time to repair"
