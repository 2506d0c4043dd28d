"""What kind of network a model is: read from ``config.json``, the same words for every family.

What it is: the shape of an encoder of the BERT family, checked. What it is not: weights; see
``weights``. Families differ in how positions are told, where the norms stand and how the middle of
a layer is gated; nothing else, and all of it stands here.

References
----------
J. Devlin et al., "BERT", 2019. Y. Liu et al., "RoBERTa", 2019. A. Conneau et al., "XLM-R", 2020.
V. Sanh et al., "DistilBERT", 2019. K. Song et al., "MPNet", 2020. B. Warner et al.,
"ModernBERT", 2024.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from embedry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["FAMILIES", "Architecture", "Relative"]

_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
_DECODERS = (
    "bloom", "falcon", "gemma", "gpt", "granite", "llama", "mistral", "mixtral", "olmo", "opt",
    "phi", "qwen", "smollm", "stablelm", "starcoder",
)  # fmt: skip


@dataclass(frozen=True)
class Relative:
    """A bias of attention by the distance of two tokens (MPNet).

    Attributes
    ----------
    buckets : int
        Half of them for each direction; distances up to a quarter have one of their own.
    farthest : int
        From this distance on, all share the last bucket.
    """

    buckets: int
    farthest: int = 128


@dataclass(frozen=True)
class Architecture:
    """The shape of an encoder.

    Attributes
    ----------
    family : str
        One of `FAMILIES`.
    hidden, layers, heads, inner : int
        Width, number of layers, heads of attention, width of the middle of a layer.
    longest : int
        The most tokens that it reads.
    epsilon : float
        Of its norms.
    activation : {"gelu", "gelu_tanh", "relu", "silu"}
    padding : int
        The number of the padding token; where ``offset`` is above 0, it has no position.
    offset : int
        The row of the first position in the table of positions.
    norms_first : bool
        Whether a norm stands before its block, not behind it.
    gated : bool
        Whether the middle is multiplied by a gate.
    rotary : tuple of float
        The base of the angles in each layer; empty where positions are a table.
    windows : tuple of int
        In each layer, how far a token sees to each side; 0 is everywhere. Empty: all see all.
    relative : Relative or None
    """

    family: str
    hidden: int
    layers: int
    heads: int
    inner: int
    longest: int
    epsilon: float
    activation: str
    padding: int = 0
    offset: int = 0
    norms_first: bool = False
    gated: bool = False
    rotary: tuple[float, ...] = ()
    windows: tuple[int, ...] = ()
    relative: Relative | None = None

    @property
    def width(self) -> int:
        """The width of one head."""
        return self.hidden // self.heads

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Architecture:
        """Read the content of a ``config.json``.

        Parameters
        ----------
        config : mapping

        Returns
        -------
        Architecture

        Raises
        ------
        InputError
            If it is a decoder, of no family known here, or asks for a part that is not built.
        """
        family = config.get("model_type")
        _refuse_decoders(family, config)
        if not isinstance(family, str) or family not in FAMILIES:
            raise InputError(
                f"A model must be of one of the families {', '.join(FAMILIES)}; got {family!r}. "
                "Use another model, or serve this one and encode with its server."
            )
        if config.get("position_embedding_type", "absolute") != "absolute":
            raise InputError(
                f"position_embedding_type must be 'absolute'; got "
                f"{config['position_embedding_type']!r}. Such models are not built yet."
            )
        try:
            found = FAMILIES[family](config)
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"config.json must be whole; this one is not: {error!r}.") from error
        found._check()
        return found

    def _check(self) -> None:
        sizes = (self.hidden, self.layers, self.heads, self.inner, self.longest)
        whole = all(isinstance(size, int) and 0 < size < 2**24 for size in sizes)
        if not whole or self.hidden % self.heads:
            raise InputError(
                "config.json must give sizes above 0, and a width that the heads divide; got "
                f"hidden, layers, heads, inner, positions = {sizes}."
            )
        if type(self.padding) is not int or self.padding < 0:
            raise InputError(
                f"pad_token_id must be the number of a token; got {self.padding!r}. Mend "
                "config.json."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return it as values that JSON can hold."""
        return asdict(self)


def _refuse_decoders(family: object, config: Mapping[str, Any]) -> None:
    names = [str(name) for name in config.get("architectures") or ()]
    generates = any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in names)
    known = isinstance(family, str) and family.startswith(_DECODERS)
    if known or config.get("is_decoder") or (generates and family not in FAMILIES):
        raise InputError(
            f"A model must be an encoder, such as BERT; {family!r} is a decoder, which reads each "
            "word without those behind it. Use an encoder, or a server that runs this model."
        )


def _activation(name: object) -> str:
    if not isinstance(name, str) or name not in _ACTIVATIONS:
        raise InputError(f"The activation must be one of {', '.join(_ACTIVATIONS)}; got {name!r}.")
    return _ACTIVATIONS[name]


def _bert(config: Mapping[str, Any], offset: int = 0) -> Architecture:
    padding = config.get("pad_token_id")
    return Architecture(
        family=config["model_type"],
        hidden=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        inner=config["intermediate_size"],
        longest=config["max_position_embeddings"] - offset,
        epsilon=float(config.get("layer_norm_eps", 1e-12)),
        activation=_activation(config.get("hidden_act", "gelu")),
        padding=padding if padding is not None else 0,
        offset=offset,
    )


def _roberta(config: Mapping[str, Any]) -> Architecture:
    padding = config.get("pad_token_id")
    padding = 1 if padding is None else padding
    return _bert({**config, "pad_token_id": padding}, padding + 1)


def _mpnet(config: Mapping[str, Any]) -> Architecture:
    plain = _bert({**config, "pad_token_id": 1}, 2)
    buckets = config.get("relative_attention_num_buckets", 32)
    return Architecture(**{**vars(plain), "relative": Relative(buckets)})


def _distilbert(config: Mapping[str, Any]) -> Architecture:
    return Architecture(
        family=config["model_type"],
        hidden=config["dim"],
        layers=config["n_layers"],
        heads=config["n_heads"],
        inner=config["hidden_dim"],
        longest=config["max_position_embeddings"],
        epsilon=1e-12,
        activation=_activation(config.get("activation", "gelu")),
        padding=config.get("pad_token_id") or 0,
    )


_KINDS = {"full_attention", "sliding_attention"}


def _modernbert(config: Mapping[str, Any]) -> Architecture:
    layers = config["num_hidden_layers"]
    kinds = config.get("layer_types") or [
        "sliding_attention"
        if layer % config.get("global_attn_every_n_layers", 3)
        else "full_attention"
        for layer in range(layers)
    ]
    if not isinstance(kinds, list) or len(kinds) != layers or not set(kinds) <= _KINDS:
        raise InputError(
            f"layer_types must say of each of {layers} layers which of {', '.join(sorted(_KINDS))} "
            f"it is; got {kinds!r:.60}. Such models are not built."
        )
    near = [kind == "sliding_attention" for kind in kinds]
    bases = _rotary_bases(config)
    return Architecture(
        family=config["model_type"],
        hidden=config["hidden_size"],
        layers=layers,
        heads=config["num_attention_heads"],
        inner=config["intermediate_size"],
        longest=config["max_position_embeddings"],
        epsilon=float(config.get("norm_eps", 1e-5)),
        activation=_activation(config.get("hidden_activation", "gelu")),
        padding=config.get("pad_token_id") or 0,
        norms_first=True,
        gated=True,
        rotary=tuple(bases[is_near] for is_near in near),
        windows=tuple(config.get("local_attention", 128) // 2 * is_near for is_near in near),
    )


def _rotary_bases(config: Mapping[str, Any]) -> tuple[float, float]:
    """Return the base of layers that see all and of those that see what is near."""
    rope = config.get("rope_parameters") or {}
    if not isinstance(rope, dict) or not all(isinstance(part, dict) for part in rope.values()):
        raise InputError(
            f"rope_parameters must be an object for each kind of layer; got {rope!r:.60}. Mend "
            "config.json."
        )
    for kind, parameters in rope.items():
        if parameters.get("rope_type", "default") != "default":
            raise InputError(
                f"rope_type must be 'default'; got {parameters['rope_type']!r} in {kind}. Such "
                "models are not built yet."
            )
    far = rope.get("full_attention", {}).get("rope_theta", config.get("global_rope_theta", 160e3))
    near = config.get("local_rope_theta")
    near = rope.get("sliding_attention", {}).get("rope_theta", 10e3 if near is None else near)
    return float(far), float(near)


FAMILIES: Mapping[str, Callable[[Mapping[str, Any]], Architecture]] = {
    "bert": _bert,
    "roberta": _roberta,
    "xlm-roberta": _roberta,
    "distilbert": _distilbert,
    "mpnet": _mpnet,
    "modernbert": _modernbert,
}
