"""What makes one vector of the vectors of a text's tokens: pooling, and what stands behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ACTIVATIONS", "POOLINGS", "Dense", "Head", "Scaled", "Step"]

POOLINGS = ("cls", "max", "mean", "mean_sqrt_len_tokens")
ACTIVATIONS = ("identity", "tanh", "relu", "sigmoid", "gelu")


@dataclass(frozen=True, eq=False)
class Dense:
    """A linear map of the pooled vector.

    Attributes
    ----------
    weight : ndarray (out, in), float32
    bias : ndarray (out,), float32, or None
    activation : str
        One of `ACTIVATIONS`.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32] | None
    activation: str = "identity"


@dataclass(frozen=True, eq=False)
class Scaled:
    """A layer norm of the pooled vector.

    Attributes
    ----------
    weight : ndarray (dims,), float32
    bias : ndarray (dims,), float32, or None
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32] | None


Step = Dense | Scaled | None


@dataclass(frozen=True, eq=False)
class Head:
    """From the last layer to the vector.

    Attributes
    ----------
    pooling : tuple of str
        Of `POOLINGS`; several are put side by side.
    steps : tuple of Dense, Scaled or None
        In order; None divides a vector by its length.
    dims : int
        The width of what comes out.
    """

    pooling: tuple[str, ...]
    steps: tuple[Step, ...]
    dims: int

    @property
    def gives_unit_rows(self) -> bool:
        """Whether the last step divides by the length."""
        return bool(self.steps) and self.steps[-1] is None

    def to_parts(self) -> list[Any]:
        """Return what tells it apart, for a fingerprint."""
        parts: list[Any] = [list(self.pooling)]
        for step in self.steps:
            if step is None:
                parts.append("unit length")
            else:
                bias = "no bias" if step.bias is None else step.bias
                what = step.activation if isinstance(step, Dense) else "norm"
                parts += [what, step.weight, bias]
        return parts
