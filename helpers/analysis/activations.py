"""TransformerLens's cache of activations, which here says what there is when it is asked for what there is not."""

from __future__ import annotations

import re

from jaxtyping import Float
from torch import Tensor
from transformer_lens import ActivationCache


class Activations(ActivationCache):
    """An ActivationCache whose layers are counted from 0, not from the end, and named in its errors."""

    def __getitem__(self, key: str | tuple) -> Float[Tensor, "*shape"]:
        """An activation by its hook's name, or by a short name and a layer.

        Raises:
            ValueError: the model has no such layer, or nothing of that name was kept.
        """
        layers = self.model.cfg.n_layers
        named = re.match(r"blocks\.(-?\d+|None)\.", key) if isinstance(key, str) else None
        layer = named[1] if named else key[1] if isinstance(key, tuple) and len(key) > 1 else None
        if layer is not None and str(layer) not in map(str, range(layers)):
            raise ValueError(f"layer must be a whole number between 0 and {layers - 1}, got {layer}")
        try:
            return super().__getitem__(key)
        except (KeyError, TypeError) as error:
            raise ValueError(f"there is no activation {key!r}, but of each layer {self._of_a_layer()}") from error

    def _of_a_layer(self) -> str:
        names = (name.removeprefix("blocks.0.") for name in self.cache_dict if name.startswith("blocks.0."))
        return ", ".join(sorted(names))
