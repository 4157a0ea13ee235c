"""The recipe of a network that takes functions: a trunk of features of a point, a branch of their coefficients."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ...base.arrays import Record
from ...base.checks import check_range, raise_violations
from ...base.errors import Violation
from .recipe import CloudRecipe, NetworkRecipe, Surrogate

OPERATOR_NETWORK = NetworkRecipe(
    widths=(32, 96), theta=0.01, surrogate=Surrogate.FAST_SIGMOID, surrogate_slope=2.0, initial_gain=1.5
)
"""Two layers: few neurons that many points share, and many features. The surrogate is so wide that neurons far from their
threshold are moved, too: with a slope of 10 the first layer stays at an activity of 0.45."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRecipe(Record):
    """Everything that determines the training of a network that takes functions, except the seed.

    The trunk is trained first, by the equation alone: in every step the coefficients of some functions are solved for, and the
    features move so that what is left becomes smaller. Then the coefficients of many functions are solved for, and the branch
    learns them.
    """

    trunk: NetworkRecipe = OPERATOR_NETWORK
    """Layers of the trunk; the neurons of the last one are the features."""
    branch: NetworkRecipe | None = None
    """Layers of the branch beside its linear part; None where the coefficients depend on the functions linearly."""
    cloud: CloudRecipe = field(default_factory=lambda: CloudRecipe(n_per_axis=(24, 20, 8)))
    """Points and operators; its last number of cells counts the functions of a step."""
    n_pool: int = 8
    """Number of groups of functions, each as many as a step has; one group is drawn anew every `redraw_every` steps."""
    redraw_every: int = 10
    """Number of steps between two draws."""
    n_trunk: int = 3000
    """Steps of Adam on the trunk."""
    n_solved: int = 2000
    """Number of functions whose coefficients the branch learns."""
    n_branch: int = 6000
    """Steps of Adam on the branch."""
    learning_rate: float = 4e-3
    """Largest learning rate of both."""
    activity: float = 0.13
    """Spiking activity that every layer is to stay below."""
    activity_weight: float = 20.0
    """Weight of what is above it, beside the logarithm of the mean square of the residual."""

    def __post_init__(self) -> None:
        where = "OperatorRecipe"
        found: list[Violation] = []
        for name in ("trunk", "branch"):
            network = getattr(self, name)
            if network is not None and not network.is_chain:
                repair = "Leave out skips and embedding."
                found.append(Violation(f"{where}.{name}", "be a chain of layers", "skips or an embedding", repair))
        for name in ("n_pool", "redraw_every", "n_trunk", "n_solved", "n_branch"):
            found += check_range(f"{where}.{name}", getattr(self, name), 1, 10**7)
        found += check_range(f"{where}.learning_rate", self.learning_rate, 1e-8, 1.0)
        found += check_range(f"{where}.activity", self.activity, 0.0, 1.0)
        raise_violations([*found, *check_range(f"{where}.activity_weight", self.activity_weight, 0.0, 1e6)])

    @property
    def n_iterations(self) -> int:
        """Number of steps of both."""
        return self.n_trunk + (0 if self.branch is None else self.n_branch)

    @property
    def viscosity(self) -> float:
        """Coefficient of a smoothing term, which these trainings have none of."""
        return 0.0

    def changed(self, activity: float | None, iterations: float) -> OperatorRecipe:
        """Return the recipe with another activity, None for its own, and a factor on the numbers of steps."""
        return replace(
            self,
            activity=self.activity if activity is None else activity,
            n_trunk=max(round(self.n_trunk * iterations), 1),
            n_branch=max(round(self.n_branch * iterations), 1),
        )
