"""The wafer model: wafers, dies and bins in one TOML file, checked before anything is computed."""

from __future__ import annotations

import itertools
import math

from pydantic import Field

from yieldsim.errors import ModelError
from yieldsim.wafer.model.die import (
    BinRule,
    Block,
    DieTable,
    Group,
    Parametric,
    ReticleTable,
    Table,
    Test,
    WaferDisc,
)
from yieldsim.wafer.model.process import ProcessTable, Profile, SignatureTable, Systematic
from yieldsim.wafer.model.seen_signatures import check_seen

__all__ = ["WaferModel", "bin_rules", "copies", "total_cores"]

_MOST_BINS = 32  # a bin's number is one byte of a map
_MOST_SIGNATURES = 10  # the mean yield sums over all sets of them
_ROUNDING = 1e-9  # areas and shares typed in decimals may miss their sum by this


class WaferModel(Table):
    """Wafer, reticle field, floorplan, bins, process, parametric spread and test.

    `load_wafer_model` reads one; `check_wafer_model` compares its parts.
    """

    name: str = ""
    wafer: WaferDisc = WaferDisc()
    reticle: ReticleTable | None = None
    die: DieTable
    bins: dict[str, BinRule] = Field(default={})
    process: ProcessTable
    parametric: Parametric = Parametric()
    test: Test = Test()


def copies(die: DieTable, name: str | None) -> int:
    """Return the copies of a holder (core block or group; None: the die) on the die."""
    count = 1
    while name is not None:
        holder: Block | Group = die.groups[name] if name in die.groups else die.blocks[name]
        count *= holder.count
        name = holder.inside
    return count


def total_cores(die: DieTable) -> int:
    """Return the number of cores on the die, over all core blocks."""
    return sum(copies(die, name) for name, block in die.blocks.items() if block.kind == "core")


def bin_rules(model: WaferModel) -> dict[str, BinRule]:
    """Return the bins in order of preference; by default one, for dies with all cores good."""
    rules = model.bins or {"good": BinRule()}
    cores = total_cores(model.die)
    return {
        name: rule
        if rule.min_good_cores is not None
        else rule.model_copy(update={"min_good_cores": cores})
        for name, rule in rules.items()
    }


def check_wafer_model(model: WaferModel) -> None:
    """Compare the parts of a model. Raises ModelError for the first contradiction."""
    disc = model.wafer
    if 2.0 * disc.edge_exclusion_mm >= disc.diameter_mm:
        allowed = f"< {0.5 * disc.diameter_mm:g} mm, half the diameter"
        raise ModelError(
            "wafer.edge_exclusion_mm", "too large", got=disc.edge_exclusion_mm, allowed=allowed
        )
    if disc.notch == "none" and disc.notch_side != "bottom":
        place, allowed = "wafer.notch_side", "leave it out, or give notch or flat as wafer.notch"
        raise ModelError(place, "of no notch", got=disc.notch_side, allowed=allowed)
    _check_holders(model.die)
    _check_blocks(model)
    _check_areas(model.die)
    _check_bins(model)
    _check_profile(model.process.profile)
    _check_process(model)
    _check_signatures(model.process.signatures)
    check_seen(model.process.seen_signatures)
    _check_systematic(model.process.systematic)


def _check_holders(die: DieTable) -> None:
    for table, parts in (("groups", die.groups), ("blocks", die.blocks)):
        for name, part in parts.items():
            where = f"die.{table}.{name}.inside"
            seen = [name]
            inside = part.inside
            while inside is not None:
                holder = die.groups.get(inside) or die.blocks.get(inside)
                allowed = ", ".join(die.groups)
                if not isinstance(part, Group) and getattr(part, "kind", "") != "core":
                    cores = [key for key, block in die.blocks.items() if block.kind == "core"]
                    allowed = ", ".join([*die.groups, *cores])
                known = inside in allowed.split(", ") or len(seen) > 1
                if holder is None or not known or inside in seen:
                    problem = "leads back to itself" if inside in seen else "is no known holder"
                    raise ModelError(where, problem, got=inside, allowed=allowed or "none")
                seen.append(inside)
                inside = holder.inside
    both = sorted(set(die.groups) & set(die.blocks))
    if both:
        raise ModelError(f"die.groups.{both[0]}", "is also the name of a block", got=both[0])


def _check_blocks(model: WaferModel) -> None:
    layers = list(model.process.layers)
    for name, block in model.die.blocks.items():
        if (block.kind == "memory") != (block.spares is not None):
            problem = "missing" if block.spares is None else f"makes no sense for {block.kind}"
            where = f"die.blocks.{name}.spares"
            raise ModelError(where, problem, got=block.spares, allowed="a number for a memory")
        if block.kind != "fatal" and block.area_mm2 <= 0.0:
            where = f"die.blocks.{name}.area_mm2"
            allowed = f"> 0 for a {block.kind}"
            raise ModelError(where, "out of range", got=block.area_mm2, allowed=allowed)
    parts: dict[str, Block | Group] = {}
    parts |= {f"die.groups.{name}": group for name, group in model.die.groups.items()}
    parts |= {f"die.blocks.{name}": block for name, block in model.die.blocks.items()}
    for where, part in parts.items():
        for layer in part.kill if isinstance(part.kill, dict) else ():
            if layer not in layers:
                allowed = ", ".join(layers) or "none: [process.layers] is empty"
                raise ModelError(f"{where}.kill", "unknown layer group", got=layer, allowed=allowed)
        if (part.spacing_um is None) != (part.width_um is None):
            problem = "needs both spacing_um and width_um"
            raise ModelError(where, problem, got=part.spacing_um or part.width_um)
        if part.spacing_um is not None and (part.kill is not None or not layers):
            problem = "makes no sense " + ("beside kill" if layers else "without [process.layers]")
            raise ModelError(f"{where}.spacing_um", problem, got=part.spacing_um)


def _check_areas(die: DieTable) -> None:
    parts = [(g.area_mm2 * copies(die, name)) for name, g in die.groups.items()]
    parts += [b.area_mm2 * b.count * copies(die, b.inside) for b in die.blocks.values()]
    whole = die.width_mm * die.height_mm
    if sum(parts) > whole * (1.0 + _ROUNDING):
        allowed = f"<= {whole:.12g} mm2, the die"
        raise ModelError(
            "die.blocks", "larger than the die", got=f"{sum(parts):.12g} mm2", allowed=allowed
        )


def _check_bins(model: WaferModel) -> None:
    cores = total_cores(model.die)
    clusters = sum(g.count for g in model.die.groups.values() if g.inside is None)
    if len(model.bins) > _MOST_BINS:
        raise ModelError("bins", "too many", got=len(model.bins), allowed=f"<= {_MOST_BINS} bins")
    for name, rule in model.bins.items():
        needed = (("min_good_cores", cores, "cores"), ("min_good_clusters", clusters, "clusters"))
        for key, most, word in needed:
            got = getattr(rule, key)
            if got is not None and got > most:
                allowed = f"<= {most}, the die's {word}"
                raise ModelError(f"bins.{name}.{key}", "out of range", got=got, allowed=allowed)
        for key, table in (("min_ghz", "speed"), ("max_watt", "leakage")):
            if getattr(rule, key) is not None and getattr(model.parametric, table) is None:
                problem = f"needs the table [parametric.{table}]"
                raise ModelError(f"bins.{name}.{key}", problem, got=getattr(rule, key))
        _check_watts(name, rule, model.parametric.dynamic_w_per_ghz)
    for name, group in model.die.groups.items():
        inner = sum(b.count for b in model.die.blocks.values() if _core_in(b, name))
        inner += sum(copies_below(model.die, key, name) for key in model.die.groups)
        if group.min_good > inner:
            allowed = f"<= {inner}, the cores in a cluster"
            where = f"die.groups.{name}.min_good"
            raise ModelError(where, "out of range", got=group.min_good, allowed=allowed)


def _check_watts(name: str, rule: BinRule, dynamic_w_per_ghz: float) -> None:
    if rule.max_watt is None or dynamic_w_per_ghz == 0.0:
        return
    where = f"bins.{name}.max_watt"
    if rule.min_ghz is None:
        problem = "needs min_ghz beside it, for the parametric table has dynamic_w_per_ghz"
        raise ModelError(where, problem, got=rule.max_watt)
    switching = dynamic_w_per_ghz * rule.min_ghz
    if rule.max_watt <= switching:
        allowed = f"> {switching:.12g} W, dynamic_w_per_ghz times min_ghz"
        raise ModelError(where, "no die can meet it", got=rule.max_watt, allowed=allowed)


def _core_in(block: Block, name: str) -> bool:
    return block.kind == "core" and block.inside == name


def copies_below(die: DieTable, inner: str, name: str) -> int:
    """Return the cores of the groups ``inner`` that lie, directly or not, in one group ``name``."""
    count = 1
    here: str | None = inner
    while here is not None and here != name:
        count *= die.groups[here].count
        here = die.groups[here].inside
    if here is None or inner == name:
        return 0
    return count * sum(b.count for b in die.blocks.values() if _core_in(b, inner))


def _check_profile(profile: Profile) -> None:
    rho, ratio = profile.rho, profile.ratio
    if (rho is None) != (ratio is None):
        raise ModelError("process.profile", "needs both rho and ratio")
    if rho is None or ratio is None:
        for name in ("radial_amplitude", "edge_amplitude"):
            if getattr(profile, name) < -1.0:
                where = f"process.profile.{name}"
                raise ModelError(where, "out of range", got=getattr(profile, name), allowed=">= -1")
        if profile.radial_amplitude + profile.edge_amplitude < -1.0:
            total = profile.radial_amplitude + profile.edge_amplitude
            problem = "sum of the amplitudes out of range"
            raise ModelError("process.profile", problem, got=total, allowed=">= -1")
        return
    if len(rho) != len(ratio) or len(rho) < 2:
        sizes = f"{len(rho)} and {len(ratio)} numbers"
        problem, allowed = "rho and ratio of unlike length", "two or more of each"
        raise ModelError("process.profile", problem, got=sizes, allowed=allowed)
    if any(b <= a for a, b in itertools.pairwise(rho)):
        raise ModelError(
            "process.profile.rho", "must rise", got=list(rho), allowed="rising numbers"
        )
    if not any(value > 0.0 for value in ratio):
        raise ModelError("process.profile.ratio", "is zero everywhere", allowed="one number > 0")


def _check_process(model: WaferModel) -> None:
    process = model.process
    total = math.fsum(layer.share for layer in process.layers.values())
    if process.layers and abs(total - 1.0) > _ROUNDING:
        raise ModelError("process.layers", "shares do not add up", got=total, allowed="1")
    if process.repeaters is not None and model.reticle is None:
        raise ModelError("process.repeaters", "needs the table [reticle]")


def _check_signatures(signatures: dict[str, SignatureTable]) -> None:
    if len(signatures) > _MOST_SIGNATURES:
        allowed = f"<= {_MOST_SIGNATURES} kinds"
        raise ModelError("process.signatures", "too many", got=len(signatures), allowed=allowed)
    for name, signature in signatures.items():
        where = f"process.signatures.{name}"
        if signature.kind == "scratch" and (
            signature.radius is not None or signature.span_deg != 360.0
        ):
            raise ModelError(where, "a scratch has no radius and no span_deg", got=signature.radius)
        if signature.kind != "scratch" and signature.length is not None:
            problem = f"makes no sense for {signature.kind}"
            raise ModelError(
                f"{where}.length", problem, got=signature.length, allowed="a scratch's"
            )


def _check_systematic(systematic: Systematic) -> None:
    place = "process.systematic"
    for key, names in (
        ("overlay", ("imported_sigma_nm", "domestic_sigma_nm")),
        ("placement", ("placement_sigma_nm",)),
    ):
        tolerance = f"{key}_tolerance_nm"
        sigma = max(getattr(systematic, name) for name in names)
        given = getattr(systematic, tolerance)
        if sigma > 0.0 and given is None:
            raise ModelError(
                f"{place}.{tolerance}", "missing", allowed="a number > 0 beside a sigma"
            )
        if given is not None and systematic.critical_layers <= 0.0:
            problem, got = f"loses nothing beside {tolerance}", systematic.critical_layers
            raise ModelError(f"{place}.critical_layers", problem, got=got, allowed="> 0")
    if systematic.domestic_share > 0.0 and systematic.domestic_sigma_nm <= 0.0:
        problem, got = "missing beside domestic_share", systematic.domestic_sigma_nm
        raise ModelError(f"{place}.domestic_sigma_nm", problem, got=got, allowed="> 0")
