from __future__ import annotations

from typing import Any

from fixtures.checkpoint.traits import read_json
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Hazard, Record

FILE = "generation_config.json"
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "repetition_penalty": (1, 1.0),
    "no_repeat_ngram_size": (0,),
    "min_length": (0,),
    "min_new_tokens": (0,),
    "bad_words_ids": ([],),
    "sequence_bias": ({}, []),
    "forced_eos_token_id": (),
    "exponential_decay_length_penalty": (),
    "guidance_scale": (1, 1.0),
    "num_beams": (1,),
}
"""Settings that change greedy generation too, with their neutral values; None is neutral for all."""
SAMPLING = ("temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff")


@needs("generates")
@uses("generation", worst="hazard")
def test_generation_defaults(subject: Subject, record: Record) -> None:
    """`generation_config.json` of a decoder-only model sets nothing that changes greedy generation.

    Why: `do_sample=False` turns off temperature and top_p, but not repetition penalties, n-gram blocking or beams.
        Evaluations then measure more than the weights, and other engines do not apply these settings.
    Fix: set the neutral value in evaluations (repetition_penalty=1.0, num_beams=1), and report that you did.
    Source: https://huggingface.co/docs/transformers/main_classes/text_generation;
        https://arxiv.org/abs/1909.05858 (what the penalty does to the logits)
    """
    settings = read_json(subject.path / FILE)[0]
    sampling = {name: settings[name] for name in SAMPLING if settings.get(name) is not None}
    mode = "sampling" if settings.get("do_sample") else "greedy"
    values = ", ".join(f"{name} {value:g}" for name, value in sampling.items() if isinstance(value, (int, float)))
    record.capability("integrity.generation_defaults", f"{mode}{f' ({values})' if values else ''}", evidence=settings)
    active = {
        name: settings[name]
        for name, neutral in NEUTRAL.items()
        if settings.get(name) is not None and settings[name] not in neutral
    }
    if active and "text-generation" in subject.traits.tasks:
        values = ", ".join(f"{name} {value}" for name, value in active.items())
        raise Hazard(f"{FILE} sets {values}, which changes greedy generation too.", evidence={"settings": active})
