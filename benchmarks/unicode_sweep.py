"""The full sweep of Unicode against one encode and one decode call per code point, in CPU seconds.

    python -m benchmarks.unicode_sweep builtin:smollm2 /some/dir

Both take turns in one process; the calls are timed on a random sample of code points and extrapolated to all of
them. Prints the median of the ratios, round by round. Target: at least 10.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from fixtures import builtin
from suites.tokenizers.batch_codec import BatchCodec
from suites.tokenizers.round_trip.code_points import Sweep, scalar_values
from suites.tokenizers.tokenization_pipeline import Pipeline

ROUNDS, SAMPLE = 5, 20_000


def main() -> None:
    for name in sys.argv[1:] or ["builtin:smollm2"]:
        measure(name, load(name))


def load(name: str) -> Any:
    from transformers import AutoTokenizer

    own = name.startswith("builtin:")
    return AutoTokenizer.from_pretrained(builtin.directory(name.removeprefix("builtin:")) if own else name)


def measure(name: str, tokenizer: Any) -> None:
    points = scalar_values()
    sample = random.Random(0).sample(points, SAMPLE)
    rounds = [(seconds(lambda: one_by_one(tokenizer, sample)) * len(points) / SAMPLE, seconds(lambda: sweep(tokenizer)))
              for _ in range(ROUNDS)]  # fmt: skip
    ratios = sorted(calls / swept for calls, swept in rounds)
    print(
        f"{name}: {len(points):,} code points, sweep {statistics.median(swept for _, swept in rounds):.2f} s CPU, "
        f"a call each {statistics.median(calls for calls, _ in rounds):.1f} s CPU (from {SAMPLE:,}), "
        f"ratio {statistics.median(ratios):.1f} (from {ratios[0]:.1f} to {ratios[-1]:.1f}, {ROUNDS} rounds)"
    )


def one_by_one(tokenizer: Any, sample: list[str]) -> None:
    for each in sample:
        tokenizer.decode(tokenizer.encode(each, add_special_tokens=False))


def sweep(tokenizer: Any) -> None:
    Sweep(BatchCodec(tokenizer), Pipeline(tokenizer)).run()


def seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
