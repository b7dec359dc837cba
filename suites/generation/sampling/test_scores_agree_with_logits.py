from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Blocked, Defect, Hazard, NotApplicable
from suites.generation.reference_runs import reference_runs
from suites.running import forced_tokens, generate
from suites.running.seeds import seeded

TOKENS = 4
FLOAT32_EPS = 2.0**-23


@dataclass(frozen=True)
class Method:
    """A generation method."""

    name: str
    sequences: int
    settings: dict[str, Any] = field(default_factory=dict)


METHODS = (
    Method("greedy search", 1),
    Method("sampling of 3 sequences", 3, {"do_sample": True, "top_k": 0, "num_return_sequences": 3}),
    Method("beam search, 2 of 3 beams", 2, {"num_beams": 3, "num_return_sequences": 2}),
)


@uses("generation")
def test_scores_agree_with_logits(subject: Subject, tokenizer: Any, loaded: Loaded, generator: Any) -> None:
    """`compute_transition_scores` agrees with the log-probabilities of a forward pass, and beams are ranked by them.

    Why: rankings, confidence thresholds and perplexities use these scores. A beam that is scored by another beam's
        tokens selects the wrong answer.
    Fix: Look for `generate` in the model's own code, or a head that changes between calls, and compare with another
        version of transformers.
    Source: https://huggingface.co/docs/transformers/main_classes/text_generation (compute_transition_scores)
    """
    reference = reference_runs(subject, tokenizer, loaded)
    if reference.not_causal:
        raise NotApplicable(reference.not_causal)
    inputs, slack = forced_tokens.prompt(generator, tokenizer), 2 * reference.tolerance  # a logit, and the sum of all
    for method in METHODS:
        output = _run(generator, inputs, method)
        if len(output.sequences) != method.sequences:
            raise Defect(
                f"{method.name}: generate() returns {len(output.sequences)} sequences instead of {method.sequences}."
            )
        transition_scores = _transition_scores(generator, output)
        _must_match(generator, inputs, output, transition_scores, method, slack)
        _must_be_ranked(output, transition_scores, method)


def _run(model: Any, inputs: dict[str, Any], method: Method) -> Any:
    with forced_tokens.plain_settings(model), seeded(model):
        return forced_tokens.generated(
            model,
            inputs,
            max_new_tokens=TOKENS,
            return_dict_in_generate=True,
            output_scores=True,
            output_logits=True,
            **method.settings,
        )


def _transition_scores(model: Any, output: Any) -> Any:
    """The library's score of every new token (sequences x tokens); scores of beams are log-probabilities already."""
    indices = getattr(output, "beam_indices", None)
    try:
        return model.compute_transition_scores(output.sequences, output.scores, indices, indices is None)
    except RuntimeError as error:
        width, rows = output.scores[0].shape[-1], model.config.get_text_config().vocab_size
        if width == rows:
            raise
        raise Hazard(
            f"compute_transition_scores fails, because the head returns {width} logits but vocab_size in "
            f"config.json is {rows}: {error}"
        ) from None


def _must_match(
    model: Any, inputs: dict[str, Any], output: Any, transition_scores: Any, method: Method, slack: float
) -> None:
    __tracebackhide__ = True
    expected = _of_tokens(_log_probabilities(model, inputs, output.sequences), output.sequences)
    apart = float((transition_scores - expected).abs().max())
    slack += 64 * FLOAT32_EPS * (1 + float(expected.abs().max()))  # for rounding in the normalization of small logits
    if apart <= slack:
        return
    if "num_beams" not in method.settings:
        own = _of_tokens(_own_log_probabilities(output), output.sequences)
        if float((transition_scores - own).abs().max()) <= 64 * FLOAT32_EPS * (1 + float(own.abs().max())):
            _raise_other_logits(method, apart, slack)
    raise Defect(
        f"{method.name}: compute_transition_scores differs by {apart:.3g} from the log-probabilities of a forward "
        f"pass; rounding explains {slack:.1g}.",
        evidence={
            "transition scores": transition_scores.tolist(),
            "forward pass": expected.tolist(),
            "sequences": output.sequences.tolist(),
        },
    )


def _raise_other_logits(method: Method, apart: float, slack: float) -> NoReturn:
    """The scores are those of the logits that generation used, and a forward pass has others."""
    __tracebackhide__ = True
    if method.sequences == 1:
        reason = "generate() has other logits than a forward pass (reported by generation/cache-changes-nothing)"
        raise Blocked("generation/cache-changes-nothing", reason)
    raise Defect(
        f"{method.name}: generate() of {method.sequences} rows has other log-probabilities than a forward pass, by up "
        f"to {apart:.3g}, and of a single row it has the same; rounding explains {slack:.1g}.",
        fix="Generate one row at a time, or with use_cache=False, until the state of each row is its own.",
    )


def _must_be_ranked(output: Any, transition_scores: Any, method: Method) -> None:
    """Compares the score of a beam with the mean over its new tokens (length penalty 1), and their order."""
    __tracebackhide__ = True
    scores = getattr(output, "sequences_scores", None)
    if scores is None:
        return
    mean = transition_scores.sum(dim=1) / TOKENS
    evidence = {"sequences_scores": scores.tolist(), "mean of the transition scores": mean.tolist()}
    if not bool(((scores - mean).abs() <= 32 * FLOAT32_EPS * (1 + scores.abs())).all()):
        raise Defect(f"{method.name}: sequences_scores are not the means of the tokens' scores.", evidence=evidence)
    if scores.tolist() != sorted(scores.tolist(), reverse=True):
        raise Defect(f"{method.name}: the best beam is not the first.", evidence=evidence)


def _own_log_probabilities(output: Any) -> Any:
    """From the logits that generation used: sequences x tokens x vocabulary."""
    import torch

    return torch.stack(output.logits, dim=1).float().log_softmax(dim=-1)


def _log_probabilities(model: Any, inputs: dict[str, Any], sequences: Any) -> Any:
    """From one forward pass without a cache, for the new tokens: sequences x tokens x vocabulary."""
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
