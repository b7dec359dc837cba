from __future__ import annotations

from typing import Any

from fixtures.checkpoint.traits import read_json
from fixtures.session.needs import needs
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
"""Settings that change greedy text too, with the values at which they do nothing; None is one for each."""
SAMPLING = ("temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff")


@needs("generates")
def test_generation_defaults(subject: Subject, record: Record) -> None:
    """What `generation_config.json` ships leaves greedy generation of a decoder-only model as it is.

    Why: `do_sample=False` switches temperature and top_p off, not a repetition penalty, n-gram blocks or beams;
        evaluations that set nothing else measure another model than the weights, and other engines do not apply them.
    Fix: set the neutral value in evaluations (repetition_penalty=1.0, num_beams=1), and say so where you report.
    Source: https://huggingface.co/docs/transformers/main_classes/text_generation;
        https://arxiv.org/abs/1909.05858 (what the penalty does to the logits)
    """
    settings = read_json(subject.path / FILE)[0]
    sampling = {name: settings[name] for name in SAMPLING if settings.get(name) is not None}
    how = "sampling" if settings.get("do_sample") else "greedy"
    told = ", ".join(f"{name} {value:g}" for name, value in sampling.items() if isinstance(value, (int, float)))
    record.capability("integrity.generation_defaults", f"{how}{f' ({told})' if told else ''}", evidence=settings)
    shifting = {name: settings[name] for name, neutral in NEUTRAL.items()
                if settings.get(name) is not None and settings[name] not in neutral}  # fmt: skip
    if shifting and "text-generation" in subject.traits.tasks:
        told = ", ".join(f"{name} {value}" for name, value in shifting.items())
        raise Hazard(f"{FILE} ships {told}, which changes greedy generation too.", evidence={"settings": shifting})
