"""What of an activation turns round with the vectors, and what does not: vectors and numbers.

The task is odd: where every vector of a sequence changes its sign, the next one does, too, and c stays what it is. So
every activation is the sum of an *odd* part, which changes sign with the vectors as any mixture of them does, and of an
*even* part, which does not, as sizes, inner products and positions do not. The split needs no basis and no fit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.analysis import interventions
from helpers.analysis.activations import Activations
from helpers.analysis.components import Component, check
from helpers.analysis.interventions import Prediction, predict_with
from helpers.analysis.observation import Observation
from helpers.data.recurrences import Sequences

PARTS = ("vectors", "numbers")


@dataclass(frozen=True)
class Parity:
    """The same sequences observed twice: as they are, and with every vector's sign changed."""

    obs: Observation

    @cached_property
    def mirror(self) -> Observation:
        """The sequences with every vector's sign changed, observed."""
        s = self.obs.sequences
        return self.obs.on(replace(s, vectors=-s.vectors, d=-s.d))

    @cached_property
    def both(self) -> Observation:
        """The sequences and their mirror images in one batch, with the streams that enter each layer and no more."""
        first, second = self.obs.sequences, self.mirror.sequences
        names = [f"blocks.{layer}.hook_resid_pre" for layer in range(self.obs.config.n_layers)]
        streams = {name: torch.cat([self.obs.cache[name], self.mirror.cache[name]]) for name in names}
        fields = (np.concatenate([getattr(s, x) for s in (first, second)]) for x in ("vectors", "c", "d", "scale"))
        return replace(
            self.obs,
            sequences=Sequences(*fields),
            cache=Activations(streams, self.obs.bridge),
            prediction=torch.cat([self.obs.prediction, self.mirror.prediction]),
        )

    def vectors(self, hook: str) -> Float[Tensor, "batch n_ctx *width"]:
        """The odd part of an activation: what changes its sign with the vectors."""
        return (self.obs.cache[hook] - self.mirror.cache[hook]) / 2

    def numbers(self, hook: str) -> Float[Tensor, "batch n_ctx *width"]:
        """The even part of an activation: what stays as it is, its mean at each position included."""
        return (self.obs.cache[hook] + self.mirror.cache[hook]) / 2

    def only(self, component: Component, kept: Iterable[str] = ()) -> Prediction:
        """The prediction if a component wrote nothing but some parts: "vectors", "numbers", or (by default) neither.

        The numbers' mean over sequences at each position stays; what is not kept of them is mean-ablated, vectors are
        zero-ablated (their mean is zero where the data is symmetric).

        Raises:
            ValueError: ``kept`` names another part, or the component is neither the heads nor the MLP of a layer.
        """
        kept = set(kept)
        if not kept <= set(PARTS):
            raise ValueError(f"kept must be among {PARTS}, got {sorted(kept)}")
        hook = check(component, self.obs.config, "heads", "MLP").hook
        numbers = self.numbers(hook)
        written = numbers if "numbers" in kept else numbers.mean(dim=0).expand_as(numbers)
        if "vectors" in kept:
            written = written + self.vectors(hook)
        return predict_with(self.obs, [(hook, partial(interventions.replace, by=written))])
