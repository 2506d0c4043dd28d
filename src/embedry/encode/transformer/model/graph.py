"""The forward as a graph of OpenVINO: the same formulas as ``plain``, to be compiled.

What it is: a builder; nothing is computed here. What it is not: a look-up of tokens, which happens
outside (see ``embedding``). Norms, activations and attention are left whole, as the compiler
knows faster ways through each than through their parts.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.encode.transformer.model.embedding import angles, buckets
from embedry.encode.transformer.model.head import Dense
from embedry.errors import MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embedry.encode.transformer.model.architecture import Relative
    from embedry.encode.transformer.model.head import Head, Scaled, Step
    from embedry.encode.transformer.model.weights import Layer, Linear, Norm, Weights

__all__ = ["Graph", "openvino", "rounded_rows"]

_NEVER = -1e9
Node = Any  # what OpenVINO's untyped functions give


def openvino() -> Any:
    """Return the package openvino, which reports nothing to anybody if it is imported here.

    Returns
    -------
    module

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    if "openvino" not in sys.modules:
        _import_silently()
    try:
        import openvino as ov
    except ImportError as error:
        raise MissingExtraError("A transformer", extra="text") from error
    return ov


def _import_silently() -> None:
    """Import openvino without what reports each import to its makers over the network.

    Without its package of telemetry, openvino takes a stub of its own instead: that is how it is
    told here that there is none. Where somebody imported either before, nothing is done.
    """
    name = "openvino_telemetry"
    if name in sys.modules:
        return
    sys.modules[name] = None  # type: ignore[assignment]  # importing it now fails
    try:
        with suppress(ImportError):  # who imports it again is told
            import openvino  # noqa: F401
    finally:
        del sys.modules[name]


def rounded_rows(
    weight: NDArray[np.float32],
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return a matrix in whole numbers, and the scale of each row.

    Parameters
    ----------
    weight : ndarray (out, in), float32

    Returns
    -------
    rounded : ndarray (out, in), int8
        In [-127, 127].
    scales : ndarray (out, 1), float32
        ``rounded * scales`` is off by half a scale at most.
    """
    scales = np.maximum(np.abs(weight).max(axis=1, keepdims=True), 1e-30) / 127
    return np.rint(weight / scales).astype(np.int8), np.asarray(scales, np.float32)


class Graph:
    """A graph under construction.

    Parameters
    ----------
    weights : Weights
    whole_numbers : bool, default False
        Keep the weights of the layers as int8, a scale a row; the CPU then multiplies whole
        numbers, those of the rows being rounded as they come.

    Attributes
    ----------
    states : list of nodes
        The embeddings and what every layer gives, (batch, length, hidden) each.
    kept : list of ndarray
        What the graph shares with the files of the model: to be kept as long as it is used.

    Raises
    ------
    MissingExtraError
        If openvino is not installed.
    FileFormatError
        If a weight is missing.
    """

    def __init__(self, weights: Weights, *, whole_numbers: bool = False) -> None:
        ov = openvino()
        from openvino import opset13

        self._ov, self._op = ov, opset13
        self._weights, self._shape = weights, weights.architecture
        self._whole_numbers = whole_numbers
        shape = self._shape
        self._rows = opset13.parameter([-1, -1, shape.hidden], np.float32, "rows")
        self._mask = opset13.parameter([-1, -1], np.float32, "mask")
        self._inputs = [self._rows, self._mask]
        self.kept: list[NDArray[np.float32]] = []
        self._biases: dict[int, Node] = {}
        self._turns: dict[float, tuple[Node, Node]] = {}
        self.states = self._states()

    def model(self, outputs: list[Node]) -> Any:
        """Return the model that gives some nodes.

        Parameters
        ----------
        outputs : list of nodes

        Returns
        -------
        openvino.Model
            Its inputs are ``rows`` (batch, length, hidden) and ``mask`` (batch, length), float32.
        """
        return self._ov.Model(outputs, self._inputs, self._shape.family)

    def pooled(self, head: Head) -> Node:
        """Return the node of the vectors of texts, (batch, dims).

        Parameters
        ----------
        head : Head
        """
        op = self._op
        real = op.unsqueeze(self._mask, self._ints(2))  # (batch, length) -> (batch, length, 1)
        parts = [self._pooled(way, real) for way in head.pooling]
        vectors = parts[0] if len(parts) == 1 else op.concat(parts, 1)
        for step in head.steps:
            vectors = self._step(vectors, step)
        return vectors

    def _pooled(self, way: str, real: Node) -> Node:
        op, rows = self._op, self.states[-1]
        if way == "cls":
            return self.first_token()
        if way == "max":
            never = op.multiply(op.subtract(real, self._floats(1)), self._floats(-_NEVER))
            return op.reduce_max(op.add(rows, never), self._ints(1), keep_dims=False)
        total = op.reduce_sum(op.multiply(rows, real), self._ints(1), keep_dims=False)
        count = op.reduce_sum(self._mask, self._ints(1), keep_dims=True)
        return op.divide(total, count if way == "mean" else op.sqrt(count))

    def _step(self, vectors: Node, step: Step) -> Node:
        if step is None:
            return self._op.normalize_l2(vectors, self._ints(1), 1e-24, "max")
        if isinstance(step, Dense):
            return self.activated(self.linear(vectors, step), step.activation)
        return self._norm(vectors, step, 1)

    def first_token(self) -> Node:
        """Return the node of the first token's row in the last layer, (batch, hidden)."""
        zero, one = self._op.constant(np.int64(0)), self._op.constant(np.int64(1))
        return self._op.gather(self.states[-1], zero, one)

    def activated(self, values: Node, activation: str) -> Node:
        """Return the node of an activation of values."""
        op = self._op
        if activation.startswith("gelu"):
            return op.gelu(values, "tanh" if activation == "gelu_tanh" else "erf")
        ways = {"relu": op.relu, "sigmoid": op.sigmoid, "silu": op.swish, "tanh": op.tanh}
        return values if activation == "identity" else ways[activation](values)

    def linear(self, rows: Node, part: Linear | Dense) -> Node:
        """Return the node of rows @ weight.T + bias."""
        product = self._op.matmul(rows, self._floats(part.weight), False, True)
        return product if part.bias is None else self._op.add(product, self._floats(part.bias))

    def _product(self, rows: Node, part: Linear) -> Node:
        """Return what `linear` does, of whole numbers where that was asked for."""
        if not self._whole_numbers:
            return self.linear(rows, part)
        op = self._op
        rounded, scales = rounded_rows(part.weight)
        weight = op.multiply(op.convert(op.constant(rounded), np.float32), self._floats(scales))
        product = op.matmul(rows, weight, False, True)
        return product if part.bias is None else op.add(product, self._floats(part.bias))

    def _states(self) -> list[Node]:
        rows = self._norm(self._rows, self._weights.norm)
        states = [rows]
        for number in range(self._shape.layers):
            rows = self._layer(self._weights.layer(number), number, rows)
            states.append(rows)
        if (final := self._weights.final) is not None:
            states[-1] = self._norm(rows, final)
        return states

    def _layer(self, layer: Layer, number: int, rows: Node) -> Node:
        add = self._op.add
        if self._shape.norms_first:
            first = self._norm(rows, layer.attention_norm)
            rows = add(rows, self._attention(layer, number, first))
            return add(rows, self._middle(layer, self._norm(rows, layer.output_norm)))
        attended = add(rows, self._attention(layer, number, rows))
        rows = self._norm(attended, layer.attention_norm)
        return self._norm(add(rows, self._middle(layer, rows)), layer.output_norm)

    def _attention(self, layer: Layer, number: int, rows: Node) -> Node:
        op, shape = self._op, self._shape
        query, key, value = (
            self._heads(self._product(rows, part)) for part in (layer.query, layer.key, layer.value)
        )
        if shape.rotary:
            query, key = (self._turned(part, shape.rotary[number]) for part in (query, key))
        mixed = op.scaled_dot_product_attention(query, key, value, self._bias(number))
        # (batch, heads, length, width) -> (batch, length, hidden)
        mixed = op.transpose(mixed, self._ints(0, 2, 1, 3))
        return self._product(op.reshape(mixed, self._ints(0, 0, shape.hidden), True), layer.out)

    def _heads(self, rows: Node) -> Node:
        """(batch, length, hidden) -> (batch, heads, length, width)."""
        op, shape = self._op, self._shape
        rows = op.reshape(rows, self._ints(0, 0, shape.heads, shape.width), True)
        return op.transpose(rows, self._ints(0, 2, 1, 3))

    def _middle(self, layer: Layer, rows: Node) -> Node:
        inner = self.activated(self._product(rows, layer.up), self._shape.activation)
        if layer.gate is not None:
            inner = self._op.multiply(inner, self._product(rows, layer.gate))
        return self._product(inner, layer.down)

    def _norm(self, rows: Node, norm: Norm | Scaled | None, axis: int = 2) -> Node:
        if norm is None:
            return rows
        op = self._op
        rows = op.mvn(rows, self._ints(axis), True, self._shape.epsilon, "inside_sqrt")
        rows = op.multiply(rows, self._floats(norm.weight))
        return rows if norm.bias is None else op.add(rows, self._floats(norm.bias))

    def _bias(self, number: int) -> Node:
        """Return what is added to the scores, the same node for layers that share it."""
        window = self._shape.windows[number] if self._shape.windows else 0
        if window not in self._biases:
            self._biases[window] = self._new_bias(window)
        return self._biases[window]

    def _new_bias(self, window: int) -> Node:
        op = self._op
        bias = op.multiply(op.subtract(self._mask, self._floats(1)), self._floats(-_NEVER))
        bias = op.unsqueeze(bias, self._ints(1, 2))  # (batch, length) -> (batch, 1, 1, length)
        if window:
            ahead = self._ahead()
            far = op.greater(op.absolute(ahead), op.constant(np.int64(window)))
            bias = op.add(bias, op.select(far, self._floats(_NEVER), self._floats(0)))
        if (relative := self._shape.relative) is not None:
            bias = op.add(bias, self._relative(relative))
        return bias

    def _ahead(self) -> Node:
        """Return how far each token stands behind each, (length, length)."""
        op = self._op
        places = self._places()
        return op.subtract(op.unsqueeze(places, self._ints(0)), op.unsqueeze(places, self._ints(1)))

    def _places(self) -> Node:
        op = self._op
        zero, one = op.constant(np.int64(0)), op.constant(np.int64(1))
        length = op.gather(op.shape_of(self._mask), one, zero)
        return op.range(zero, length, one, "i64")

    def _relative(self, relative: Relative) -> Node:
        """Return the bias of the distances, (1, heads, length, length).

        A row a distance, from the farthest behind to the farthest ahead, is looked up.
        """
        op, longest = self._op, self._shape.longest
        table = buckets(longest, relative)
        line = np.concatenate([table[-1], table[0, 1:]])  # (2 longest - 1,)
        rows = self._floats(self._weights.relative[line])
        at = op.add(self._ahead(), op.constant(np.int64(longest - 1)))
        found = op.gather(rows, at, op.constant(np.int64(0)))  # (length, length, heads)
        return op.unsqueeze(op.transpose(found, self._ints(2, 0, 1)), self._ints(0))

    def _turned(self, part: Node, base: float) -> Node:
        op = self._op
        if base not in self._turns:
            self._turns[base] = self._angles(base)
        cosines, sines = self._turns[base]
        first, second = op.split(part, op.constant(np.int64(3)), 2).outputs()
        other = op.concat([op.negative(second), first], 3)
        return op.add(op.multiply(part, cosines), op.multiply(other, sines))

    def _angles(self, base: float) -> tuple[Node, Node]:
        op, shape = self._op, self._shape
        tables = angles(shape.longest, shape.width, base)
        places, zero = self._places(), self._op.constant(np.int64(0))
        cosines, sines = (op.gather(self._floats(table), places, zero) for table in tables)
        return cosines, sines

    def _ints(self, *numbers: int) -> Node:
        return self._op.constant(np.array(numbers, np.int64))

    def _floats(self, values: float | NDArray[np.float32]) -> Node:
        array = np.ascontiguousarray(values, np.float32)
        if array.ndim == 0:
            return self._op.constant(array)
        self.kept.append(array)
        return self._op.constant(array, shared_memory=True)
