"""Expressions of named values: what a user writes as `p.x * (1 - p.x)` or `f.u_t - np.sin(np.pi * f.x)`, kept as a tree.

A user's function is called once, with names in place of values, and gives a tree. From the tree come its text, the names that
it uses, and its values on numpy arrays or torch tensors. Operators and the functions of numpy and torch in `FUNCTIONS` build
trees; a comparison is 1 where it holds and 0 elsewhere, so that it can be multiplied with.

    p.x == 1        1 where |x - 1| <= 1e-9: coordinates of points carry rounding
    (a < b) & ~c    a and b are masks: product, largest of both (|), one minus (~)

The text of an expression is read back (`expression_sources.py`) by the grammar of Python with nothing but these operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, Union

import numpy as np

from .checks import check_choice, check_finite, raise_violations
from .errors import SpecError

Operand = Union["Expression", float]
"""What an operator of an expression takes: another expression, or a number."""

NEARNESS = 1e-9
"""Difference up to which two sides of `==` count as equal: far above the rounding of coordinates, far below any spacing of
points."""

INFIX = {
    "less": ("<", 1),
    "less_equal": ("<=", 1),
    "greater": (">", 1),
    "greater_equal": (">=", 1),
    "equal": ("==", 1),
    "bitwise_or": ("|", 2),
    "bitwise_and": ("&", 3),
    "add": ("+", 4),
    "subtract": ("-", 4),
    "multiply": ("*", 5),
    "divide": ("/", 5),
    "power": ("**", 7),
}
"""Signs of the operations of two operands and how tightly they bind, as in Python."""
PREFIX = {"negative": ("-", 6), "invert": ("~", 6)}
"""Signs of the operations of one operand, likewise."""
_UNARY = ("sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "sinh", "cosh", "arctan", "absolute", "sign")
FUNCTIONS = {**dict.fromkeys(_UNARY, 1), **dict.fromkeys(("minimum", "maximum", "arctan2"), 2), "where": 3}
"""Functions by their names in numpy, with the number of their operands."""
OTHER_NAMES = {"abs": "absolute", "true_divide": "divide", "mul": "multiply", "sub": "subtract", "div": "divide"}
OTHER_NAMES |= {"neg": "negative", "pow": "power", "atan": "arctan", "atan2": "arctan2"}
OTHER_NAMES |= {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}
"""Names of the same operations in torch and in older numpy."""
MASKS = ("less", "less_equal", "greater", "greater_equal")
"""Comparisons, which become 0 and 1."""


class Expression:
    """A named value, a number, or an operation on expressions: `name("x") * (1 - name("x"))`."""

    __slots__ = ("operands", "operation")
    __hash__ = object.__hash__

    def __init__(self, operation: str, operands: tuple[Any, ...]) -> None:
        """Hold an operation: `name` with one string, `number` with one float, else a key of the tables above."""
        self.operation = operation
        self.operands = operands

    def __repr__(self) -> str:
        return f"Expression({self})"

    def __str__(self) -> str:
        return self.text(exact=False)

    def __bool__(self) -> NoReturn:
        repair = "Write (condition) * a + (1 - condition) * b, or np.where(condition, a, b)."
        raise SpecError(
            "expression", "be kept out of `if`, `and`, `or` and `not`, as it has no value yet", self, repair
        )

    def __float__(self) -> NoReturn:
        raise SpecError(
            "expression",
            "be used with functions of numpy, as it is no number yet",
            self,
            "Use np.sin in place of math.sin.",
        )

    def __iter__(self) -> NoReturn:
        raise SpecError(
            "expression", "be used as one value, over which nothing loops", self, "Name the unknowns one by one."
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Expression:
        """Build the operation that a numpy function was called for."""
        if method != "__call__" or options:
            raise SpecError(
                "expression", "be an operand of plain numpy functions", f"{ufunc.__name__}.{method}", "Write it out."
            )
        return operation(ufunc.__name__, *inputs)

    def __array_function__(
        self, function: Any, types: Any, inputs: Sequence[Any], options: Mapping[str, Any]
    ) -> Expression:
        """Build `where`, the one function here that is no ufunc."""
        return operation(function.__name__, *inputs)

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, inputs: Sequence[Any] = (), options: Any = None
    ) -> Expression:
        """Build the operation that a torch function was called for."""
        return operation(function.__name__.strip("_"), *inputs)

    def __add__(self, other: Operand) -> Expression:
        return operation("add", self, other)

    def __radd__(self, other: Operand) -> Expression:
        return operation("add", other, self)

    def __sub__(self, other: Operand) -> Expression:
        return operation("subtract", self, other)

    def __rsub__(self, other: Operand) -> Expression:
        return operation("subtract", other, self)

    def __mul__(self, other: Operand) -> Expression:
        return operation("multiply", self, other)

    def __rmul__(self, other: Operand) -> Expression:
        return operation("multiply", other, self)

    def __truediv__(self, other: Operand) -> Expression:
        return operation("divide", self, other)

    def __rtruediv__(self, other: Operand) -> Expression:
        return operation("divide", other, self)

    def __pow__(self, other: Operand) -> Expression:
        return operation("power", self, other)

    def __rpow__(self, other: Operand) -> Expression:
        return operation("power", other, self)

    def __neg__(self) -> Expression:
        return operation("negative", self)

    def __abs__(self) -> Expression:
        return operation("absolute", self)

    def __lt__(self, other: Operand) -> Expression:
        return operation("less", self, other)

    def __le__(self, other: Operand) -> Expression:
        return operation("less_equal", self, other)

    def __gt__(self, other: Operand) -> Expression:
        return operation("greater", self, other)

    def __ge__(self, other: Operand) -> Expression:
        return operation("greater_equal", self, other)

    def __eq__(self, other: object) -> Expression:  # type: ignore[override]
        return operation("equal", self, other)

    def __and__(self, other: Operand) -> Expression:
        return operation("bitwise_and", self, other)

    def __or__(self, other: Operand) -> Expression:
        return operation("bitwise_or", self, other)

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> Expression:
        return operation("invert", self)

    @property
    def number(self) -> float | None:
        """The value of a number; None for all else."""
        return float(self.operands[0]) if self.operation == "number" else None

    def names(self) -> frozenset[str]:
        """Return the names that the expression uses."""
        if self.operation == "name":
            return frozenset(self.operands)
        return frozenset().union(*(operand.names() for operand in self.operands if isinstance(operand, Expression)))

    def terms(self) -> Iterator[Expression]:
        """Yield the summands, without their signs: u_t, nu * u_xx and sin(x) of u_t - nu * u_xx - sin(x)."""
        if self.operation in ("add", "subtract", "negative"):
            for operand in self.operands:
                yield from operand.terms()
        else:
            yield self

    def replaced(self, values: Mapping[str, Operand]) -> Expression:
        """Return the expression with other expressions or numbers in the place of some names."""
        if self.operation == "name":
            return as_expression(values.get(self.operands[0], self))
        if self.operation == "number":
            return self
        return operation(self.operation, *(operand.replaced(values) for operand in self.operands))

    def derivative(self, by: str) -> Expression:
        """Return the derivative by a name. Masks count as constant, and |a| has the slope sign(a)."""
        if by not in self.names():
            return as_expression(0.0)
        if self.operation == "name":
            return as_expression(1.0)
        total = as_expression(0.0)
        slopes = _SLOPES.get(self.operation)
        for slope, operand in zip(slopes(*self.operands) if slopes else (), self.operands):  # noqa: B905 - none for masks
            total = total + slope * operand.derivative(by)
        return total

    def kinked_names(self) -> frozenset[str]:
        """Return the names on which comparisons and signs in the expression depend, by which it has no derivative there."""
        if self.operation in ("name", "number"):
            return frozenset()
        if self.operation in MASKS or self.operation in ("equal", "sign"):
            return self.names()
        return frozenset().union(*(operand.kinked_names() for operand in self.operands))

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Compute the expression.

        Args:
            values: The value of each name: numbers, numpy arrays or torch tensors of one shape.

        Returns:
            An array or a tensor of that shape, or a number where no name has one.
        """
        return _evaluate(self, values, {})

    def text(self, *, exact: bool = True) -> str:
        """Write the expression as Python would read it; `exact` writes numbers with all their digits, else six."""
        return _text(self, exact)[0]


def as_expression(value: object) -> Expression:
    """Return an expression as it is, and a number as an expression.

    Raises:
        SpecError: If it is neither.
    """
    if isinstance(value, Expression):
        return value
    if isinstance(value, (bool, int, float, np.number, np.bool_)) or (
        isinstance(value, np.ndarray) and value.ndim == 0
    ):
        raise_violations(check_finite("number in an expression", value))
        return Expression("number", (float(value),))
    rule = "be made of names, numbers and functions"
    repair = "Give arrays and functions of arrays by name, in the problem's `fields`."
    raise SpecError("operand of an expression", rule, type(value).__name__, repair)


def name(text: str) -> Expression:
    """Return the expression that is one named value."""
    return Expression("name", (text,))


def operation(kind: str, *operands: object) -> Expression:
    """Build an operation; one on numbers alone is computed, and what adds zero or multiplies by one is left out.

    Raises:
        SpecError: If the operation is unknown or an operand is neither expression nor number.
    """
    kind = OTHER_NAMES.get(kind, kind)
    raise_violations(check_choice("operation of an expression", kind, (*INFIX, *PREFIX, *FUNCTIONS)))
    held = tuple(as_expression(operand) for operand in operands)
    numbers = [operand.number for operand in held]
    built = Expression(kind, held)
    if None not in numbers:
        return as_expression(built.evaluate({}))
    simpler = _simplified(kind, held, numbers)
    return built if simpler is None else simpler


def _simplified(kind: str, held: tuple[Expression, ...], numbers: list[float | None]) -> Expression | None:
    """Return what is left of an operation of which one operand is neutral, None where it is none."""
    if kind == "add":
        return held[1] if numbers[0] == 0.0 else held[0] if numbers[1] == 0.0 else None
    if kind == "subtract":
        return -held[1] if numbers[0] == 0.0 else held[0] if numbers[1] == 0.0 else None
    if kind == "multiply":
        if 0.0 in numbers:
            return as_expression(0.0)
        return held[1] if numbers[0] == 1.0 else held[0] if numbers[1] == 1.0 else None
    return held[0] if kind in ("divide", "power") and numbers[1] == 1.0 else None


def _evaluate(node: Expression, values: Mapping[str, Any], known: dict[int, Any]) -> Any:
    """Compute a node once, however often it stands in the tree."""
    if node.operation == "number":
        return node.operands[0]
    if node.operation == "name":
        return values[node.operands[0]]
    if id(node) not in known:
        known[id(node)] = _apply(node.operation, [_evaluate(operand, values, known) for operand in node.operands])
    return known[id(node)]


def _apply(kind: str, operands: list[Any]) -> Any:
    tensor = next((operand for operand in operands if hasattr(operand, "new_tensor")), None)
    if kind in COMPUTED:
        return COMPUTED[kind](*operands)
    if tensor is None:
        return getattr(np, kind)(*operands) * (1.0 if kind in MASKS else 1)
    alike = [operand if hasattr(operand, "new_tensor") else tensor.new_tensor(operand) for operand in operands]
    if kind in MASKS:
        return getattr(alike[0], kind)(alike[1]).to(tensor.dtype)
    if kind == "where":
        return alike[1].where(alike[0] != 0, alike[2])
    return getattr(alike[0], kind)(*alike[1:])


COMPUTED: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "power": lambda a, b: a**b,
    "negative": lambda a: -a,
    "equal": lambda a, b: _apply("less_equal", [abs(a - b), NEARNESS]),
    "bitwise_and": lambda a, b: a * b,
    "bitwise_or": lambda a, b: a + b - a * b,
    "invert": lambda a: 1.0 - a,
}
"""Operations that are the same for numbers, arrays and tensors."""


def _power_slopes(a: Expression, b: Expression) -> tuple[Operand, ...]:
    """Return the slopes of a ** b; the second is only asked for where the exponent varies."""
    if b.number is not None:
        return b * a ** (b.number - 1.0), 0.0
    return b * a ** (b - 1.0), a**b * operation("log", a)


_SLOPES: dict[str, Callable[..., tuple[Operand, ...]]] = {
    "add": lambda a, b: (1.0, 1.0),
    "subtract": lambda a, b: (1.0, -1.0),
    "multiply": lambda a, b: (b, a),
    "divide": lambda a, b: (1.0 / b, -a / b**2),
    "power": _power_slopes,
    "negative": lambda a: (-1.0,),
    "sin": lambda a: (operation("cos", a),),
    "cos": lambda a: (-operation("sin", a),),
    "tan": lambda a: (1.0 + operation("tan", a) ** 2,),
    "exp": lambda a: (operation("exp", a),),
    "log": lambda a: (1.0 / a,),
    "sqrt": lambda a: (0.5 / operation("sqrt", a),),
    "tanh": lambda a: (1.0 - operation("tanh", a) ** 2,),
    "sinh": lambda a: (operation("cosh", a),),
    "cosh": lambda a: (operation("sinh", a),),
    "arctan": lambda a: (1.0 / (1.0 + a**2),),
    "absolute": lambda a: (operation("sign", a),),
    "minimum": lambda a, b: (a <= b, a > b),
    "maximum": lambda a, b: (a >= b, a < b),
    "arctan2": lambda a, b: (b / (a**2 + b**2), -a / (a**2 + b**2)),
    "where": lambda c, a, b: (0.0, operation("where", c, 1.0, 0.0), operation("where", c, 0.0, 1.0)),
}
"""Partial derivatives of every operation by its operands; those that are not here are flat."""


def _text(node: Expression, exact: bool) -> tuple[str, int]:
    """Return the text of a node and how tightly its outermost operation binds."""
    if node.operation == "name":
        return node.operands[0], 9
    if node.operation == "number":
        value = node.operands[0]
        return (
            repr(value) if exact and value != int(value) else f"{value:.{17 if exact else 6}g}"
        ), 9 if value >= 0 else 6
    parts = [_text(operand, exact) for operand in node.operands]
    if node.operation in PREFIX:
        sign, strength = PREFIX[node.operation]
        return sign + _guarded(parts[0], strength), strength
    if node.operation in INFIX:
        sign, strength = INFIX[node.operation]
        # A power groups to the right, all else to the left; comparisons do not chain.
        left = strength + (node.operation == "power" or strength == 1)
        right = strength + (node.operation != "power")
        return f"{_guarded(parts[0], left)} {sign} {_guarded(parts[1], right)}", strength
    return f"{node.operation}({', '.join(text for text, _ in parts)})", 9


def _guarded(part: tuple[str, int], strength: int) -> str:
    text, bound = part
    return text if bound >= strength else f"({text})"
