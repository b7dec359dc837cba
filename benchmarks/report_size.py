"""How long, how large, how much memory: 20,000 check records of four shards, merged, judged and rendered with plots.

`python benchmarks/report_size.py` prints seconds, megabytes and the peak memory of its own process.
The target (docs): under 10 s, 15 MB and 500 MB.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from reports.directory import merge, report_directory  # noqa: E402  the repository need not be installed
from reports.records import schema  # noqa: E402
from reports.records.to_json import Json  # noqa: E402

SUBJECTS, CHECKS, SHARDS = 20, 1_000, 4
SUITES = ("tokenizers", "chat_templates", "integrity", "generation", "pipelines", "quantization", "quality")


def check(subject: str, index: int) -> schema.Check:
    """One in 40 is a hazard with evidence, one in 100 a defect, one in 50 unsupported; one in 10 measures."""
    outcome = (
        "hazard" if index % 40 == 7 else "defect" if index % 100 == 3 else "unsupported" if index % 50 == 9 else "pass"
    )
    metric = {
        "name": f"quality.metric_{index % 25}",
        "value": 0.5,
        "unit": "nats/token",
        "better": "lower",
        "samples": 64,
    }
    return schema.Check(
        check=f"{SUITES[index % 7]}/promise-number-{index % 250}",
        subject=subject,
        outcome=outcome,
        variant={"device": "cpu", "dtype": "float32"},
        parameters={"case": index // 250},
        summary=""
        if outcome == "pass"
        else f"What went wrong here, told in a sentence of usual length ({index % 60}).",
        evidence={"expected": list(range(80)), "actual": list(range(1, 81)), "text": "<s>Grüße\u202e" * 20},
        capabilities={f"chat.capability_{index % 60}": {"value": index % 7, "evidence": "<s>"}} if index < 60 else {},
        reproduce=f"pytest --model {subject} -k promise-number-{index % 250} --seed 0",
        duration=0.01 * (index % 97),
        metrics=[metric | {"interval": [0.4, 0.6]}] if index % 10 == 0 else [],
    )


def variant(subject: str, quantization: str, loss: float) -> schema.Check:
    """What a quantized variant records: metrics, a curve, bars."""
    metrics = [
        {"name": f"quantization.{name}", "value": value, "unit": unit, "better": "lower", "samples": 64}
        for name, value, unit in (
            ("kl_divergence", loss, "nats/token"),
            ("memory_footprint", 1e8 / (1 + loss), "bytes"),
            ("decode_tokens_per_second", 20.0, "tokens/s"),
        )
    ]
    curve: Json = {"name": "quantization.kl_by_position", "kind": "line", "x": "position", "y": "nats/token"}
    bars: Json = {"name": "quantization.layer_error", "kind": "bar", "x": "layer", "y": "relative error"}
    points = [[index, loss * (index % 9)] for index in range(128)]
    series = [
        curve | {"points": points},
        bars | {"points": [[f"layer {place}", value] for place, value in points[:24]]},
    ]
    how = {"device": "cpu", "dtype": "float32", "quantization": quantization}
    return schema.Check("quantization/distribution-kept", subject, "pass", how, metrics=metrics, series=series)


def write_shard(place: Path, names: list[str]) -> None:
    """The record file of one shard."""
    writer = schema.Writer(place / report_directory.RECORDS)
    writer.write(schema.Run("2026-11-22T15:00:00Z", "quick", 0, "cpu", {"python": "3.11"}, "pytest"))
    for name in names:
        writer.write(schema.Subject(name, name, fingerprint="sha256:" + "0" * 64))
    ids = {check(names[0], index).check for index in range(CHECKS)}
    told = {
        "promise": "What this check promises, in one sentence of usual length.",
        "why": "It matters.",
        "fix": "Mend.",
    }
    writer.write(schema.Catalog(dict.fromkeys(sorted(ids), told)))
    for name in names:
        for index in range(CHECKS):
            writer.write(check(name, index))
        for number, quantization in enumerate(("none", "nf4", "nf4-dq", "fp4", "int8")):
            writer.write(variant(name, quantization, 0.01 * number))
    writer.write(schema.End("2026-11-22T15:10:00Z", 1))
    writer.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder, f"shard{index}") for index in range(SHARDS)]
        for index, place in enumerate(places):
            write_shard(place, [f"builtin:tiny-model-{number}" for number in range(index, SUBJECTS, SHARDS)])
        start, cpu = time.perf_counter(), time.process_time()
        trial = merge.merge([report_directory.load(place) for place in places])
        merged = time.perf_counter()
        report_directory.write(Path(folder, "merged"), trial)
        end, cpu = time.perf_counter(), time.process_time() - cpu
        size = Path(folder, "merged", report_directory.HTML).stat().st_size
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes elsewhere
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(f"{len(trial.checks):,} checks of {len(trial.subjects)} subjects from {SHARDS} shards")
    print(f"merge {merged - start:.1f} s, judge and render {end - merged:.1f} s, {cpu:.1f} s of processor time in all")
    print(f"report.html {size / 1e6:.1f} MB, peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
