"""Sample trials with much to see: variants, plots, pipelines, languages, answers, evidence that is drawn."""

from __future__ import annotations

import base64
import math
import zlib
from typing import Any

from reports.records.run_records import RunRecords
from reports.records.schema import Check
from reports.records.to_json import Json
from selftests.reports import trials

LOSSES = {"none": 0.0, "nf4": 0.031, "nf4-dq": 0.033, "fp4": 0.058, "int8": 0.0041}
MEMORY = {"none": 538e6, "nf4": 118e6, "nf4-dq": 112e6, "fp4": 118e6, "int8": 165e6}
SPEED = {"none": 21.5, "nf4": 14.2, "nf4-dq": 13.8, "fp4": 14.5, "int8": 9.3}


def picture(side: int = 8) -> str:
    """A PNG file of grey stripes, in base64."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = side.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    rows = b"".join(b"\0" + bytes((x * 32) % 256 for x in range(side)) for _ in range(side))
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + parts).decode()


def series(name: str, kind: str, points: list[list[Any]], x: str = "position (tokens)", y: str = "loss (nats)") -> Json:
    """One recorded series."""
    return {"name": name, "kind": kind, "x": x, "y": y, "points": points}


def curves(loss: float) -> list[Json]:
    """A line with intervals and bars, higher with the loss."""
    line = [[index, loss * (1 + math.sin(index)), loss * 0.8, loss * 2.1] for index in range(0, 64, 4)]
    layers = [[f"layers.{index}", loss * index] for index in range(1, 5)]
    return [
        series("quantization.kl_by_position", "line", line),
        series("quantization.layer_error", "bar", layers, "layer", "relative error"),
    ]


def variant(quantization: str, name: str = trials.SMOLLM2) -> Check:
    """Costs and savings of one variant."""
    loss = LOSSES[quantization]
    metrics = [
        trials.metric("quantization.memory_footprint", MEMORY[quantization], unit="bytes", interval=None, samples=1),
        trials.metric("quantization.decode_tokens_per_second", SPEED[quantization], unit="tokens/s", better="higher"),
    ]
    metrics += [trials.metric("quantization.kl_divergence", loss, interval=[loss * 0.9, loss * 1.1])] if loss else []
    return trials.check(
        "quantization/kl-divergence",
        subject=name,
        variant=trials.CPU | {"quantization": quantization},
        metrics=metrics,
        series=curves(loss) if loss else [],
        duration=21.0,
    )


def tasks(name: str = trials.SMOLLM2) -> list[Check]:
    """Pipelines of two tasks."""
    return [
        trials.check(f"pipelines/{check}", outcome, subject=name, parameters={"task": task}, summary=summary)
        for check, task, outcome, summary in (
            ("runs", "text-generation", "pass", ""),
            ("runs", "image-classification", "pass", ""),
            ("labels-named", "image-classification", "hazard", "The labels are LABEL_0 and LABEL_1."),
        )
    ]


def answers_and_costs(name: str = trials.SMOLLM2) -> Check:
    """Costs by language, and answers."""
    costs = {"english": 0.23, "german": 0.44, "thai": 1.84, "everything": 0.74}
    metrics = [
        trials.metric(f"tokenizer.tokens_per_character.{text}", value, unit="tokens/character", interval=None)
        for text, value in costs.items()
    ]
    metrics.append(trials.metric("tokenizer.tokens_per_word.german", 3.3, unit="tokens/word", interval=None))
    metrics.append(trials.metric("generation.stopped_before_limit", 0.75, unit="share of prompts", better="higher"))
    answers = {"What is the capital of France?": {"answer": "Paris.", "signs": []}}
    answers["Count."] = {"answer": "1 1 1\n1 1 1", "signs": ["repetition loops", "reached the limit"]}
    trouble = {"generation.answers_with_problems": {"value": "1 of 2", "evidence": answers}}
    return trials.check("generation/vital-signs", subject=name, metrics=metrics, capabilities=trouble)


def shown(name: str = trials.SMOLLM2) -> Check:
    """A defect whose evidence is drawn: a comparison, strips, a picture."""
    return trials.check(
        "generation/greedy-deterministic",
        "defect",
        subject=name,
        summary="The second run says something else.",
        evidence={
            "expected": "x" * 400 + "The capital is Paris.\nIt is on the Seine.",
            "actual": "x" * 400 + "The capital is Lyon.\nIt is on the Seine.",
            "expected ids": [1, 2, 3, 4],
            "actual ids": [1, 2, 9, 9, 4],
            "tokens": ["The", "Ġcapital", "<|im_end|>"],
            "ids": [504, 3575, 2],
            "picture that was seen": picture(),
        },
    )


def quantized() -> RunRecords:
    """One model in five variants, with everything that a page can show."""
    return trials.trial(*map(variant, LOSSES), *tasks(), answers_and_costs(), shown(), *trials.passing())


def several() -> RunRecords:
    """Two models with the same, and one with less."""
    names = [trials.SMOLLM2, "acme/assistant-7b@4f1c2d9"]
    checks = [
        check for name in names for check in (variant("none", name), variant("nf4", name), answers_and_costs(name))
    ]
    checks += [*tasks(names[0]), shown(names[1]), *trials.passing(names[0])]
    return trials.trial(*checks, subjects=[trials.subject(name, source=name) for name in names])
