from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard, Unsupported
from suites.generation.reference_runs import reference_runs
from suites.running import forced_tokens, generate
from suites.running.seeds import seeded

TOKENS = 4
EPS = 2.0**-23


@dataclass(frozen=True)
class Way:
    """A way to generate several sequences."""

    name: str
    sequences: int
    settings: dict[str, Any] = field(default_factory=dict)


WAYS = (
    Way("greedy search", 1),
    Way("sampling of 3 sequences", 3, {"do_sample": True, "top_k": 0, "num_return_sequences": 3}),
    Way("beam search, 2 of 3 beams", 2, {"num_beams": 3, "num_return_sequences": 2}),
)


def test_scores_agree_with_logits(subject: Subject, tokenizer: Any, loaded: Loaded, generator: Any) -> None:
    """`compute_transition_scores` gives the log-probabilities that a forward pass gives to the returned tokens, and the
    score of a beam is their mean; as many sequences come back as were asked for, the best beam first.

    Why: rankings, confidence thresholds and perplexities are made from these scores; a beam that is scored by another
        one's tokens picks the wrong answer.
    Fix: Look for a `generate` of the model's own code or a head that changes between calls, and compare with another
        version of transformers.
    Source: https://huggingface.co/docs/transformers/main_classes/text_generation (compute_transition_scores)
    """
    known = reference_runs(subject, tokenizer, loaded)
    if known.not_causal:
        raise Unsupported(known.not_causal)
    inputs, slack = forced_tokens.prompt(generator, tokenizer), 2 * known.tolerance  # a logit, and the sum of all
    for way in WAYS:
        output = _run(generator, inputs, way)
        if len(output.sequences) != way.sequences:
            raise Defect(f"{way.name}: {len(output.sequences)} sequences came back.")
        told = _told(generator, output)
        _must_match(generator, inputs, output, told, way, slack)
        _beams_in_order(output, told, way)


def _run(model: Any, inputs: dict[str, Any], way: Way) -> Any:
    with forced_tokens.plain_settings(model), seeded(model):
        return forced_tokens.generated(model, inputs, max_new_tokens=TOKENS, return_dict_in_generate=True,
                                  output_scores=True, output_logits=True, **way.settings)  # fmt: skip


def _told(model: Any, output: Any) -> Any:
    """What the library says of every new token (sequences x tokens); beams come as log-probabilities already."""
    indices = getattr(output, "beam_indices", None)
    try:
        return model.compute_transition_scores(output.sequences, output.scores, indices, indices is None)
    except RuntimeError as error:
        width, rows = output.scores[0].shape[-1], model.config.get_text_config().vocab_size
        if width == rows:
            raise
        raise Hazard(f"compute_transition_scores fails, because the head gives {width} logits and vocab_size in "
                     f"config.json is {rows}: {error}") from None  # fmt: skip


def _must_match(model: Any, inputs: dict[str, Any], output: Any, told: Any, way: Way, slack: float) -> None:
    __tracebackhide__ = True
    right = _of_tokens(_log_probabilities(model, inputs, output.sequences), output.sequences)
    apart = float((told - right).abs().max())
    slack += 64 * EPS * (1 + float(right.abs().max()))  # what normalizing rounds, where logits are small
    if apart <= slack:
        return
    own = _of_tokens(_own_log_probabilities(output), output.sequences) if "num_beams" not in way.settings else told + 1
    if float((told - own).abs().max()) <= 64 * EPS * (1 + float(own.abs().max())):
        raise Unsupported("generate() has other logits than a forward pass (see generation/cache-changes-nothing)")
    raise Defect(
        f"{way.name}: compute_transition_scores is {apart:.3g} away from the log-probabilities of a forward pass; "
        f"rounding explains {slack:.1g}.",
        evidence={"transition scores": told.tolist(), "forward pass": right.tolist(),
                  "sequences": output.sequences.tolist()},
    )  # fmt: skip


def _beams_in_order(output: Any, told: Any, way: Way) -> None:
    """The score of a beam is the mean over its new tokens (length penalty 1), and the best comes first."""
    __tracebackhide__ = True
    scores = getattr(output, "sequences_scores", None)
    if scores is None:
        return
    mean = told.sum(dim=1) / TOKENS
    evidence = {"sequences_scores": scores.tolist(), "mean of the transition scores": mean.tolist()}
    if not bool(((scores - mean).abs() <= 32 * EPS * (1 + scores.abs())).all()):
        raise Defect(f"{way.name}: sequences_scores are not the mean of the tokens' scores.", evidence=evidence)
    if scores.tolist() != sorted(scores.tolist(), reverse=True):
        raise Defect(f"{way.name}: the best beam does not come first.", evidence=evidence)


def _own_log_probabilities(output: Any) -> Any:
    """Of the logits that generation worked with: sequences x tokens x vocabulary."""
    import torch

    return torch.stack(output.logits, dim=1).float().log_softmax(dim=-1)


def _log_probabilities(model: Any, inputs: dict[str, Any], sequences: Any) -> Any:
    """Of one forward pass without a cache, for the new tokens: sequences x tokens x vocabulary."""
    return _logits(model, inputs, sequences)[:, -TOKENS - 1 : -1].float().log_softmax(dim=-1)


def _logits(model: Any, inputs: dict[str, Any], sequences: Any) -> Any:
    given = {"input_ids": sequences, "attention_mask": sequences.new_ones(sequences.shape)}
    if model.config.is_encoder_decoder:
        given = {name: value.repeat_interleave(len(sequences), dim=0) for name, value in inputs.items()}
        given["decoder_input_ids"] = sequences
    with generate.refusals("A forward pass"):
        return generate.forward(model, given).logits


def _of_tokens(rows: Any, sequences: Any) -> Any:
    return rows.gather(-1, sequences[:, -TOKENS:].unsqueeze(-1)).squeeze(-1)
