"""Costs of a variant: rounds are recorded, figures are correct, and nothing is timed next to other workers."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from selftests.gallery.registry import CHAT
from selftests.processes.pytest_run import QUIET, run_pytest
from suites.findings import Limit, NotApplicable
from suites.quantization.cost import clock, rounds, writing
from suites.quantization.cost.writing import Load, Round

COST = "suites/quantization/cost"
timed = pytest.mark.skipif(not rounds.installed(), reason="the extra benchmark is not installed")


def model(**more: Any) -> Any:
    import transformers

    values = {"vocab_size": 50, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    config = transformers.LlamaConfig(**values, num_attention_heads=2, **more)
    return transformers.LlamaForCausalLM(config).eval()


@timed
def test_speed_is_in_the_report_with_every_round(tmp_path: Path) -> None:
    done = run_pytest(*QUIET, COST, f"--model=builtin:{CHAT}", "--quantization=none,nf4", report=tmp_path)
    assert done.code == 0, done.output
    found: dict[str, list[Any]] = {}
    for metric in done.subject(f"builtin:{CHAT}")["metrics"]:
        found.setdefault(metric["name"].removeprefix("quantization."), []).append(metric)
    assert {name: len(metrics) for name, metrics in found.items() if "peak_memory" not in name} == {
        **dict.fromkeys(["time_to_first_token", "prefill_tokens_per_second", "decode_tokens_per_second"], 2),
        **dict.fromkeys(["token_latency_p50", "token_latency_p95", "token_latency_p99", "bandwidth_share"], 2),
        "memory_bandwidth": 2,
        "load_time": 2,
        "decode_speed_ratio": 1,
        "prefill_speed_ratio": 1,
    }
    for metric in found["decode_tokens_per_second"] + found["decode_speed_ratio"]:
        low, high = metric["interval"]
        assert low <= metric["value"] <= high
    compared = {name for name, metrics in found.items() if metrics[0].get("compared", True)}
    assert compared == {"decode_speed_ratio", "prefill_speed_ratio"}, "only alternating measurements are compared"
    timings = json.loads((tmp_path / "benchmark.json").read_text(encoding="utf-8"))["benchmarks"]
    assert [len(each["stats"]["data"]) for each in timings] == [
        each["samples"] for each in found["decode_tokens_per_second"]
    ]
    assert "Median" not in done.output, "the report has the numbers"


@timed
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("-n", "1"), "pytest-xdist"),
        (("-p", "no:benchmark"), "pip install"),
        (("--benchmark-disable",), "switched off"),
    ],
)
def test_a_reason_against_timing_is_reported(options: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    done = run_pytest(*QUIET, *options, f"{COST}/test_generation_speed.py", f"--model=builtin:{CHAT}", report=tmp_path)
    records = [json.loads(line) for line in (tmp_path / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    (check,) = (each for each in records if each["kind"] == "check")
    assert check["outcome"] == "unsupported", done.output
    assert reason in f"{check['summary']} {check.get('settled_by')}"


def test_every_token_has_its_time() -> None:
    found = writing.write(model(), Load(rows=2, prompt=5, new=4))
    assert len(found.steps) == 3
    assert found.first > 0
    assert min(found.steps) > 0
    assert found.total == found.first + sum(found.steps)


def test_the_load_fits_the_model() -> None:
    assert writing.load(model(max_position_embeddings=40), 8, "quick") == Load(8, 20, 10)
    with pytest.raises(NotApplicable, match="too few"):
        writing.load(model(max_position_embeddings=8), 1, "quick")


def test_bytes_of_a_step_are_those_of_the_weights_that_it_reads() -> None:
    """The embedding counts if the head is the same matrix; the experts that are read are not known in advance."""
    embedding = 50 * 16 * 4
    separate, tied = model(tie_word_embeddings=False), model(tie_word_embeddings=True)
    every = sum(each.numel() * 4 for each in separate.parameters())
    positions = sum(each.numel() * 4 for each in separate.buffers())
    assert writing.bytes_read(separate) == every - embedding + positions
    assert writing.bytes_read(tied) == every - embedding + positions
    separate.config.num_experts = 4
    assert writing.bytes_read(separate) is None


def test_rounds_are_as_many_as_time_allows() -> None:
    assert [rounds.count(seconds, "quick") for seconds in (10.0, 0.5, 0.001)] == [3, 4, 20]


def test_rounds_of_two_alternate_and_keep_their_order() -> None:
    order: list[str] = []

    def work(name: str, seconds: float) -> Any:
        def run() -> Round:
            order.append(name)
            return Round(seconds, (seconds,))

        return run

    found = rounds.interleaved([work("full", 0.2), work("own", 0.1)], "quick")
    assert order[:6] == ["full", "own", "full", "own", "own", "full"]
    assert {(full.first, own.first) for full, own in found} == {(0.2, 0.1)}
    assert rounds.rate([(full.first, own.first) for full, own in found])[0] == pytest.approx(2.0)


def test_percentiles_are_of_single_steps() -> None:
    found = [Round(9.0, (1.0, 2.0)), Round(9.0, (3.0, 4.0))]
    assert rounds.quantiles(found, (0.0, 0.5, 1.0)) == [1.0, 2.5, 4.0]
    assert rounds.by_step(found) == [[2, 2.0, 1.0, 3.0], [3, 3.0, 2.0, 4.0]]


def test_memory_is_the_rise_during_the_block() -> None:
    import torch

    device = torch.device("cpu")
    with clock.peak(device) as small:
        pass
    with clock.peak(device) as large:
        torch.ones(40_000_000)
    assert small.device is None
    if small.host is None:
        pytest.skip("the kernel does not reset the highest use of memory")
    assert large.host is not None
    assert large.host > 100e6 > small.host


def test_bandwidth_is_a_rate_and_a_cpu_has_no_joules() -> None:
    import torch

    assert 1e8 < clock.bandwidth("cpu") < 1e13
    assert clock.joules(torch.device("cpu")) is None


def test_workers_are_refused() -> None:
    clock.refuse_neighbours(SimpleNamespace(option=SimpleNamespace(tx=[])))
    with pytest.raises(Limit, match="xdist"):
        clock.refuse_neighbours(SimpleNamespace(option=SimpleNamespace(tx=["popen"])))
