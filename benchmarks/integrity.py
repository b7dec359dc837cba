"""The integrity suite on a large sharded checkpoint: wall and CPU seconds, and peak memory against the promise.

    python -m benchmarks.integrity                      2 GB in shards of 400 MB, made in a temporary directory
    python -m benchmarks.integrity builtin:smollm2 --without numerics pairing

The promise: peak memory of the process stays below the size of the weights plus 500 MB. The share that Python, torch
and transformers take before a single weight is read is printed beside it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fixtures import builtin
from reports.directory import report_directory

SHARD = 400e6
HIDDEN, INNER, HEADS, HEAD, WORDS = 1024, 4096, 16, 64, 1024
PARTS = {
    "self_attn.q_proj": (HIDDEN, HIDDEN),
    "self_attn.k_proj": (HIDDEN, HIDDEN),
    "self_attn.v_proj": (HIDDEN, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (INNER, HIDDEN),
    "mlp.up_proj": (INNER, HIDDEN),
    "mlp.down_proj": (HIDDEN, INNER),
}
PER_LAYER = sum(rows * columns for rows, columns in PARTS.values())
LIBRARIES = "import torch, transformers, resource; from transformers import AutoModelForCausalLM, LlamaForCausalLM;"
OWN = LIBRARIES + "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "num_attention_heads": HEADS,
    "num_key_value_heads": HEADS,
    "head_dim": HEAD,
    "vocab_size": WORDS,
    "max_position_embeddings": 2048,
    "rope_theta": 10000.0,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": True,
    "dtype": "bfloat16",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--without", nargs="*", default=[], help="folders of the suite to leave out: numerics pairing")
    parser.add_argument("subjects", nargs="*")
    asked = parser.parse_args()
    left_out = [f"--deselect=suites/integrity/{name}" for name in asked.without]
    own = int(subprocess.run([sys.executable, "-c", OWN], capture_output=True, text=True, check=True).stdout) * 1024
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(asked.subjects):
            measure(name, Path(folder) / str(number), own, left_out)
        if not asked.subjects:
            measure(str(make(Path(folder) / "large", asked.gigabytes)), Path(folder) / "report", own, left_out)


def make(target: Path, gigabytes: float) -> Path:
    """A Llama of that size in bfloat16 with random weights, the tiny chat model's tokenizer, one layer a time."""
    target.mkdir()
    tiny = builtin.directory("tiny-text-generation")
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        (target / name).write_bytes((tiny / name).read_bytes())
    layers = max(1, round(gigabytes * 1e9 / 2 / PER_LAYER))
    (target / "config.json").write_text(json.dumps(CONFIG | {"num_hidden_layers": layers}), encoding="utf-8")
    _write_shards(target, layers)
    return target


def _write_shards(target: Path, layers: int) -> None:
    """Shards of whole layers; each is written before the next one is drawn."""
    import torch
    from safetensors.torch import save_file

    draw = torch.Generator().manual_seed(0)

    def matrix(rows: int, columns: int) -> torch.Tensor:
        return (torch.randn(rows, columns, generator=draw) / columns**0.5).to(torch.bfloat16)

    in_one = max(1, int(SHARD / 2 / PER_LAYER))
    places: dict[str, str] = {}
    count = -(-layers // in_one)
    for shard in range(count):
        tensors = {"model.embed_tokens.weight": matrix(WORDS, HIDDEN)} if not shard else {}
        tensors |= {"model.norm.weight": torch.ones(HIDDEN, dtype=torch.bfloat16)} if not shard else {}
        for layer in range(shard * in_one, min(layers, (shard + 1) * in_one)):
            prefix = f"model.layers.{layer}"
            tensors |= {f"{prefix}.{name}.weight": matrix(*shape) for name, shape in PARTS.items()}
            for norm in ("input_layernorm", "post_attention_layernorm"):
                tensors[f"{prefix}.{norm}.weight"] = torch.ones(HIDDEN, dtype=torch.bfloat16)
        file = f"model-{shard + 1:05d}-of-{count:05d}.safetensors"
        save_file(tensors, target / file, metadata={"format": "pt"})
        places |= dict.fromkeys(tensors, file)
    index = {"metadata": {}, "weight_map": places}
    (target / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def measure(source: str, report: Path, own: int, options: list[str]) -> None:
    """Prints one line; `ru_maxrss` counts the largest child so far, so go from small to large."""
    command = [sys.executable, "-m", "pytest", "suites/integrity", "-q", "-p", "no:cacheprovider", *options]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*command, f"--report-dir={report}", f"--model={source}"], check=False, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    trial = report_directory.load(report)
    weights = max(subject.facts["weight_bytes"] for subject in trial.subjects)
    slow = sorted(trial.checks, key=lambda check: -check.duration)[:4]
    print(
        f"{source}: {len(trial.checks)} checks, {wall:.1f} s, {cpu:.1f} s of CPU, peak {after.ru_maxrss / 1e3:.0f} MB, "
        f"promised {weights / 1e6:.0f} + 500 MB, the libraries alone take {own / 1e6:.0f} MB; "
        f"slowest {', '.join(f'{check.check} {check.duration:.1f} s' for check in slow)}"
    )


if __name__ == "__main__":
    main()
