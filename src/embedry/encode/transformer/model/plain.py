"""The forward in plain NumPy, in float64: what the compiled graph is held to.

What it is: every formula once, as the papers write it. What it is not: fast.

References
----------
J. Devlin et al., "BERT", 2019. A. Vaswani et al., "Attention is all you need", 2017, section 3.
J. Su et al., "RoFormer", 2021 (rotary positions). C. Raffel et al., "T5", 2020 (buckets of
distances). N. Shazeer, "GLU variants", 2020 (gates). D. Hendrycks, K. Gimpel, "GELU", 2016.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from embedry.encode.transformer.model.embedding import angles, buckets, embed
from embedry.encode.transformer.model.head import Dense

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from embedry.encode.transformer.model.architecture import Architecture
    from embedry.encode.transformer.model.head import Head, Scaled, Step
    from embedry.encode.transformer.model.weights import Layer, Linear, Norm, Weights

__all__ = ["forward", "pooled"]

Rows = np.ndarray[Any, np.dtype[np.float64]]


def forward(
    weights: Weights,
    ids: NDArray[np.integer],
    mask: NDArray[np.float32],
    segments: NDArray[np.integer] | None = None,
) -> list[Rows]:
    """Return what every layer gives.

    Parameters
    ----------
    weights : Weights
    ids : ndarray (batch, length), int
    mask : ndarray (batch, length), float32
        1 where a token is, 0 where nothing is.
    segments : ndarray (batch, length), int, optional

    Returns
    -------
    list of ndarray (batch, length, hidden), float64
        The embeddings, then one a layer; the last is behind the final norm, where there is one.
        Rows of nothing are meaningless.
    """
    shape = weights.architecture
    rows = _norm(embed(weights, ids, segments).astype(np.float64), weights.norm, shape.epsilon)
    states = [rows]
    for number in range(shape.layers):
        rows = _layer(weights, number, rows, _bias(weights, number, mask))
        states.append(rows)
    if weights.final is not None:
        states[-1] = _norm(rows, weights.final, shape.epsilon)
    return states


def pooled(rows: Rows, mask: NDArray[np.float32], head: Head, epsilon: float = 1e-5) -> Rows:
    """Return the vectors of texts.

    Parameters
    ----------
    rows : ndarray (batch, length, hidden), float64
        Of the last layer.
    mask : ndarray (batch, length), float32
    head : Head
    epsilon : float
        Of a norm in the head.

    Returns
    -------
    ndarray (batch, dims), float64
    """
    real, count = mask[:, :, None] > 0, mask.sum(axis=1, keepdims=True)
    total = np.where(real, rows, 0).sum(axis=1)  # (batch, length, hidden) -> (batch, hidden)
    ways = {
        "cls": rows[:, 0],
        "max": np.where(real, rows, -np.inf).max(axis=1),
        "mean": total / count,
        "mean_sqrt_len_tokens": total / np.sqrt(count),
    }
    vectors = np.concatenate([ways[way] for way in head.pooling], axis=1)
    for step in head.steps:
        vectors = _step(vectors, step, epsilon)
    return vectors


def _step(vectors: Rows, step: Step, epsilon: float) -> Rows:
    if step is None:
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12))
    if isinstance(step, Dense):
        return activated(_linear(vectors, step), step.activation)
    return _norm(vectors, step, epsilon)


def activated(values: Rows, activation: str) -> Rows:
    """Return an activation of values, one by one.

    Parameters
    ----------
    values : ndarray, float64
    activation : str

    Returns
    -------
    ndarray, float64
    """
    found: Rows = _ACTIVATIONS[activation](values)
    return found


def _gelu(values: Rows) -> Rows:
    return np.asarray(values / 2 * (1 + np.vectorize(math.erf, otypes="d")(values / 2**0.5)))


def _gelu_tanh(values: Rows) -> Rows:
    inner = (2 / np.pi) ** 0.5 * (values + 0.044715 * values**3)
    return np.asarray(values / 2 * (1 + np.tanh(inner)))


_ACTIVATIONS: Mapping[str, Callable[[Rows], Rows]] = {
    "identity": np.asarray,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "relu": lambda values: np.maximum(values, 0),
    "sigmoid": lambda values: 1 / (1 + np.exp(-values)),
    "silu": lambda values: values / (1 + np.exp(-values)),
    "tanh": np.tanh,
}


def _layer(weights: Weights, number: int, rows: Rows, bias: Rows) -> Rows:
    shape, layer = weights.architecture, weights.layer(number)
    if shape.norms_first:
        rows = rows + _attention(
            layer, number, _norm(rows, layer.attention_norm, shape.epsilon), bias, shape
        )
        return rows + _middle(layer, _norm(rows, layer.output_norm, shape.epsilon), shape)
    attended = rows + _attention(layer, number, rows, bias, shape)
    rows = _norm(attended, layer.attention_norm, shape.epsilon)
    return _norm(rows + _middle(layer, rows, shape), layer.output_norm, shape.epsilon)


def _attention(layer: Layer, number: int, rows: Rows, bias: Rows, shape: Architecture) -> Rows:
    heads = [
        # (batch, length, hidden) -> (batch, heads, length, width)
        _linear(rows, part).reshape(*rows.shape[:2], shape.heads, shape.width).transpose(0, 2, 1, 3)
        for part in (layer.query, layer.key, layer.value)
    ]
    query, key, value = heads
    if shape.rotary:
        cosines, sines = angles(rows.shape[1], shape.width, shape.rotary[number])
        query, key = (_turned(part, cosines, sines) for part in (query, key))
    scores = query @ key.transpose(0, 1, 3, 2) / shape.width**0.5 + bias
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = scores / scores.sum(axis=-1, keepdims=True) @ value
    return _linear(mixed.transpose(0, 2, 1, 3).reshape(rows.shape), layer.out)


def _middle(layer: Layer, rows: Rows, shape: Architecture) -> Rows:
    inner = activated(_linear(rows, layer.up), shape.activation)
    if layer.gate is not None:
        inner = inner * _linear(rows, layer.gate)
    return _linear(inner, layer.down)


def _bias(weights: Weights, number: int, mask: NDArray[np.float32]) -> Rows:
    """Return what is added to the scores of attention, (batch, heads or 1, length or 1, length)."""
    shape, length = weights.architecture, mask.shape[1]
    bias = np.where(mask > 0, 0.0, -1e9)[:, None, None, :]
    if shape.windows and shape.windows[number]:
        places = np.arange(length)
        far = abs(places[:, None] - places) > shape.windows[number]
        bias = bias + np.where(far, -1e9, 0.0)
    if shape.relative is not None:
        # (buckets, heads)[(length, length)] -> (heads, length, length)
        near = weights.relative[buckets(length, shape.relative)].transpose(2, 0, 1)
        bias = bias + near
    return bias


def _turned(part: Rows, cosines: NDArray[np.float32], sines: NDArray[np.float32]) -> Rows:
    half = part.shape[-1] // 2
    other = np.concatenate([-part[..., half:], part[..., :half]], axis=-1)
    return part * cosines + other * sines


def _linear(rows: Rows, part: Linear | Dense) -> Rows:
    product: Rows = rows @ part.weight.T.astype(np.float64)
    return product if part.bias is None else product + part.bias


def _norm(rows: Rows, norm: Norm | Scaled | None, epsilon: float) -> Rows:
    if norm is None:
        return rows
    centred = rows - rows.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    scaled: Rows = centred / np.sqrt(variance + epsilon) * norm.weight
    return scaled if norm.bias is None else scaled + norm.bias
