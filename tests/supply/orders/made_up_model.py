"""The small sound model of the tests with orders, a demand and imports."""

from tests.paths import INVALID
from yieldsim.model import Model, ModelFile, load_file

SOUND = INVALID / "parts" / "sound.toml"
ORDERS = (
    'orders.first={products=["chip"], placed="2025Q1", chips=2000, tier=1}',
    'orders.money={products=["chi*"], placed="2025Q3", due="2026Q1", tier=2, '
    'value_yuan={dist="uniform", low=0.1, high=0.2, unit="billion CNY"}, price_yuan=50000}',
    'orders.pods={products=["chip", "handset"], placed="2026Q1", kind="pods", claims=false, '
    "pods=4, chips_per_pod=384, share=0.5}",
)
DEMAND = (
    'demand={chips={quarters=["2025Q1", "2026Q4"], low=[4000, 6000], high=[4000, 9000], '
    'position={dist="uniform", low=0, high=1}, scale={dist="lognormal", median=1, sigma=0.1}}, '
    "tflops_fp16=300}",
)
IMPORTS = (
    "imports.h20={deliveries=1000, tflops_fp16=148, bandwidth_tb_per_s=4, "
    'licensed={quarters=["2025Q1", "2025Q3"], values=[1, 0], interpolate="step"}}',
    "imports.grey={deliveries={value=40, unit='chip/month'}, tflops_fp16=989}",
)


def file(*changes: str) -> ModelFile:
    return load_file(SOUND).with_changes(changes)


def model(*changes: str) -> Model:
    return file(*changes).model()
