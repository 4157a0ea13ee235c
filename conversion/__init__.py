"""Float to integer: calibration, quantization, and the rules of hardware targets."""

from .calibrate.calibration import DEFAULT_POINTS, TUNING_POINTS, Calibration, NodeRange, calibrate_network, sample_box
from .quantize.post_training import Quantization, quantize_network
from .quantize.report import LayerQuantization, QuantizationReport
from .scheme import Equalization, Granularity, QuantizationScheme, RangeRule, Rounding, StateRange
from .targets.hardware_rules import check_network, require_fit
from .targets.target import HardwareTarget, find_target, read_target
from .targets.verdicts import RuleVerdict, TargetCheck, Verdict
from .tuning_settings import TuningLoss, TuningReport, TuningSettings

__all__ = [
    "DEFAULT_POINTS",
    "TUNING_POINTS",
    "Calibration",
    "Equalization",
    "Granularity",
    "HardwareTarget",
    "LayerQuantization",
    "NodeRange",
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
