"""Float to integer: calibration, quantization, and the rules of hardware targets. Knows the core; never Lava."""

from .calibration import DEFAULT_POINTS, TUNING_POINTS, Calibration, LayerRange, calibrate_network, sample_box
from .hardware_rules import check_network, require_fit
from .quantize import Quantization, quantize_network
from .report import LayerQuantization, QuantizationReport
from .scheme import Equalization, Granularity, QuantizationScheme, RangeRule, Rounding, StateRange
from .targets import HardwareTarget, find_target, read_target
from .tuning_records import TuningLoss, TuningReport, TuningSettings
from .verdicts import RuleVerdict, TargetCheck, Verdict

__all__ = [
    "DEFAULT_POINTS",
    "TUNING_POINTS",
    "Calibration",
    "Equalization",
    "Granularity",
    "HardwareTarget",
    "LayerQuantization",
    "LayerRange",
    "Quantization",
    "QuantizationReport",
    "QuantizationScheme",
    "RangeRule",
    "Rounding",
    "RuleVerdict",
    "StateRange",
    "TargetCheck",
    "TuningLoss",
    "TuningReport",
    "TuningSettings",
    "Verdict",
    "calibrate_network",
    "check_network",
    "find_target",
    "quantize_network",
    "read_target",
    "require_fit",
    "sample_box",
]
