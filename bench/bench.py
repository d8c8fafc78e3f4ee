"""How fast training is, against what could be: ``make bench`` prints the tables and keeps them in bench/last.md.

All in one run on one machine, so that the ratios mean something; the milliseconds are that machine's. Each row is the
median of several steps. The floor is nothing but the matrix products of a step, forward and backward, in their shapes:
no training of this model in this precision can be faster.
"""

from __future__ import annotations

if __name__ == "__main__":  # Ctrl-C shows no traceback, also while the rest is imported
    from helpers.training.terminal import stop_cleanly, stop_quietly

    stop_quietly()

import argparse
import datetime
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import many
import torch
from torch import nn
from tqdm import tqdm

from helpers.claims.markdown import markdown
from helpers.training import checkpoints
from helpers.training.machine import describe, slow_in_bfloat16, why_not_compile
from helpers.training.model import RecurrenceModel, bridge_around
from helpers.training.recipes import RECIPES, Recipe
from helpers.training.train import keep_memory
from helpers.training.trainer import Trainer, as_tensor, batch_at

Step = Callable[[], None]
LAST = Path(__file__).with_name("last.md")
PAPER = RECIPES["paper"]
SWEEPS = {
    "batch": [8, 32, 128, 512],
    "vectors in the longest context": [7, 14, 28, 56],
    "dimension": [10, 40, 160, 640],
    "d_mlp": [768, 1536, 3072, 6144],
}


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def milliseconds(step: Step, device: torch.device, repeats: int, warmup: int = 3) -> float:
    """Median time of a call."""
    for _ in range(warmup):
        step()
    times = []
    for _ in range(repeats):
        synchronize(device)
        start = time.perf_counter()
        step()
        synchronize(device)
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def our_step(recipe: Recipe, device: torch.device, compiled: bool = False) -> Step:
    """The training loop's own step, data included."""
    with tempfile.TemporaryDirectory() as folder:  # a run wants one; timing writes nothing into it
        return Trainer(recipe, Path(folder), device, compiled).step


def plain_loop(recipe: Recipe, device: torch.device, embed: nn.Module, body: Callable, parameters: list) -> Step:
    """The same step around another transformer: ``body`` takes embedded vectors to predictions."""
    optimizer = torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)

    def step() -> None:
        vectors = as_tensor(batch_at(recipe, 0), device)
        loss = (body(embed(vectors[:, :-1])) - vectors[:, 1:])[:, recipe.first_context - 1 :].square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step


def bridge_step(recipe: Recipe, device: torch.device) -> Step:
    """TransformerLens's bridge around the same module: what the hooks cost."""
    model = RecurrenceModel(recipe.model).to(device)
    bridge = bridge_around(model.native, recipe.model, torch.float32)
    return plain_loop(recipe, device, model.embed, bridge, [p for p in model.parameters() if p.requires_grad])


def gpt2_step(recipe: Recipe, device: torch.device) -> Step:
    """Hugging Face's GPT2Model of the same size, without dropout."""
    from transformers import GPT2Config, GPT2Model

    m = recipe.model
    config = GPT2Config(
        vocab_size=1,
        n_positions=m.n_ctx,
        n_embd=m.d_model,
        n_layer=m.n_layers,
        n_head=m.n_heads,
        n_inner=m.d_mlp,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    parts = nn.ModuleDict(
        {
            "embed": nn.Linear(m.dimension, m.d_model, bias=False),
            "gpt2": GPT2Model(config),
            "unembed": nn.Linear(m.d_model, m.dimension, bias=False),
        }
    ).to(device)

    def body(embedded: torch.Tensor) -> torch.Tensor:
        return parts["unembed"](parts["gpt2"](inputs_embeds=embedded, use_cache=False).last_hidden_state)

    return plain_loop(recipe, device, parts["embed"], body, list(parts.parameters()))


def products(recipe: Recipe, device: torch.device) -> Step:
    """Only the matrix products of a step: one forward and two backward for each weight matrix and in attention."""
    m, rows = recipe.model, recipe.batch * recipe.model.n_ctx
    width = m.n_heads * m.d_head
    layer = [(m.d_model, width)] * 3 + [(width, m.d_model), (m.d_model, m.d_mlp), (m.d_mlp, m.d_model)]
    shapes = [(m.dimension, m.d_model), *layer * m.n_layers, (m.d_model, m.dimension)]
    heads = (recipe.batch * m.n_heads, m.n_ctx, m.d_head)
    q, k, pattern = (torch.randn(*s, device=device) for s in (heads, heads, (heads[0], m.n_ctx, m.n_ctx)))
    sets = [[torch.randn(*s, device=device) for s in ((rows, i), (o, i), (rows, o))] for i, o in shapes]

    def step() -> None:
        for x, w, gradient in sets:
            x @ w.T
            gradient @ w
            gradient.T @ x
        for _ in range(3 * m.n_layers):
            q @ k.mT
            pattern @ q

    return step


def changed(name: str, value: int) -> Recipe:
    """The paper's recipe with one size changed."""
    model, family = PAPER.model, PAPER.family
    if name == "batch":
        return replace(PAPER, batch=value)
    if name == "dimension":
        return replace(PAPER, model=replace(model, dimension=value), family=replace(family, dimension=value))
    if name == "d_mlp":
        return replace(PAPER, model=replace(model, d_mlp=value))
    return replace(PAPER, model=replace(model, n_ctx=value), family=replace(family, length=value + 1))


def peak_memory(device: torch.device) -> str:
    """The most memory in use so far: the process's, on a GPU the tensors'."""
    if device.type == "cuda":
        return f"{torch.cuda.max_memory_allocated() / 2**20:,.0f} MiB on the GPU"
    unit = 1 if sys.platform == "darwin" else 1024
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20:,.0f} MiB (process, libraries included)"


def measure(device: torch.device, repeats: int) -> str:
    """All tables, as markdown."""
    keep_memory()
    text = [
        f"{describe(device)}; float32 unless said; {datetime.date.today()}; `make bench`",
        f"Milliseconds a step, median of {repeats}. The model is the paper's; a context of 14 vectors of 40 entries.",
    ]
    data = milliseconds(lambda: as_tensor(batch_at(PAPER, 0), device), device, repeats)
    table, memory = [], ""
    for batch in (32, 64):
        recipe = replace(PAPER, batch=batch)
        muon, half = replace(RECIPES["fast"], batch=batch), replace(recipe, precision="bfloat16")
        makers: dict[str, Callable[[], Step]] = {
            "matrix products alone (floor)": lambda r=recipe: products(r, device),
            "this loop, AdamW": lambda r=recipe: our_step(r, device),
            "this loop, AdamW, compiled": lambda r=recipe: our_step(r, device, compiled=True),
            "this loop, AdamW, bfloat16": lambda r=half: our_step(r, device),
            "this loop, AdamW, bfloat16, compiled": lambda r=half: our_step(r, device, compiled=True),
            "this loop, Muon": lambda r=muon: our_step(r, device),
            "TransformerLens's bridge": lambda r=recipe: bridge_step(r, device),
            "Hugging Face GPT2Model": lambda r=recipe: gpt2_step(r, device),
        }
        if why_not_compile(device):
            makers = {name: make for name, make in makers.items() if "compiled" not in name}
        if slow_in_bfloat16(device):
            makers = {name: make for name, make in makers.items() if "bfloat16" not in name}
        times = {}
        for name, make in tqdm(makers.items(), desc=f"batch {batch}", leave=False):
            times[name] = milliseconds(make(), device, repeats)
            if name == "this loop, AdamW":
                memory = memory or peak_memory(device)
        floor, loop = times["matrix products alone (floor)"], times["this loop, AdamW"]
        table += [(batch, name, f"{t:.1f}", f"{floor / t:.2f}", f"{t / loop:.2f}") for name, t in times.items()]
    text.append(markdown(("batch", "what", "ms", "floor / it", "it / this loop"), table))
    text.append(f"Drawing a batch of 32 takes {data:.2f} ms of that. Peak memory after the loop at batch 32: {memory}.")
    if slow_in_bfloat16(device):
        text.append("bfloat16 is not timed: this processor has no units for it.")
    text.append(many.table(RECIPES["origin"], device, repeats))
    for name, values in SWEEPS.items():
        cost = [
            milliseconds(our_step(changed(name, value), device), device, max(3, repeats // 3), 2)
            for value in tqdm(values, desc=name, leave=False)
        ]
        text.append(
            markdown(
                (name, *map(str, values)), [("ms, batch 32" if name != "batch" else "ms", *(f"{t:.1f}" for t in cost))]
            )
        )
    return "\n\n".join(text) + "\n"


def main() -> int:
    p = argparse.ArgumentParser(prog="bench/bench.py", description=(__doc__ or "").partition("\n")[0])
    p.add_argument("--device", choices=("cpu", "cuda"), help="where to compute (default: the best there is)")
    p.add_argument("--repeats", type=int, default=15, help="steps to time for each row (default: 15)")
    options = p.parse_args()
    if options.repeats < 1:
        p.error(f"argument --repeats: must be at least 1, got {options.repeats}")
    cuda = torch.cuda.is_available()
    if options.device == "cuda" and not cuda:
        p.error("argument --device: 'cuda' cannot be used here")
    device = torch.device(options.device or ("cuda" if cuda else "cpu"))
    text = measure(device, options.repeats)
    print("\n" + text)
    checkpoints.write(LAST, f"# The last `make bench`\n\n{text}".encode())
    return 0


if __name__ == "__main__":
    stop_cleanly()
    sys.exit(main())
