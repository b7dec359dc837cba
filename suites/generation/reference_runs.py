"""Reference runs of a loaded model that checks share: prompts, greedy runs, logits and the rounding tolerance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, ClassVar

from fixtures.machine import library_versions
from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.findings import Blocked, Defect, Limit, NotApplicable, Record, Unsupported
from suites.running import generate, rounding
from suites.running.agreement import Run, distances
from suites.running.limits import room, vocabulary
from suites.running.prompts import QUESTIONS, encoded

LONG_TEXT = "The ferry leaves at dawn, and nobody on the pier seems to mind the rain. She asked whether the bridge"
SHORT_TEXT = "One, two, three,"
NEW_TOKENS = 12
"""Enough for an error of the cache (lost, repeated or wrong position) to show several times."""
CACHE = "generation/cache-changes-nothing"
CAUSAL = "generation/later-tokens-change-nothing"
EAGER = "generation/attention-implementations-agree"
GREEDY = "generation/greedy-deterministic"
MASK_PREDICTORS = ("xlnet", "xlm", "flaubert")
BIDIRECTIONAL = {"use_bidirectional_attention": True, "is_causal": False, "causal": False, "attn_type": "bi"}
"""Keys of `config.json` that declare attention to later tokens."""


def reference_runs(subject: Subject, tokenizer: Any, loaded: Loaded) -> ReferenceRuns:
    """Returns the reference runs of a variant, which are computed once and freed with the variant."""
    return loaded.once("reference_runs", lambda: ReferenceRuns(subject, tokenizer, loaded.model))


class ReferenceRuns:
    """Reference runs of a model, computed on first access."""

    def __init__(self, subject: Subject, tokenizer: Any, model: Any):
        self.subject, self.tokenizer, self.model = subject, tokenizer, model
        self.seq2seq: bool = bool(model.config.is_encoder_decoder)
        self.stateful: bool = bool(getattr(model, "_is_stateful", False))

    @cached_property
    def prompt(self) -> dict[str, Any]:
        """`input_ids` and `attention_mask` (1 x length, CPU) of a prompt of about twenty tokens or more."""
        chat = self.subject.traits.has_chat_template
        return self._usable(encoded(self.subject, self.tokenizer, QUESTIONS[0] if chat else LONG_TEXT))

    @cached_property
    def short(self) -> dict[str, Any]:
        """Likewise of a much shorter prompt of plain text."""
        batch = self.tokenizer(SHORT_TEXT, return_tensors="pt")
        return self._usable({name: batch[name] for name in ("input_ids", "attention_mask")})

    @cached_property
    def run(self) -> Run:
        """Greedy run from `prompt`, with the model's ordinary cache."""
        return self._run(self.prompt)

    @cached_property
    def short_run(self) -> Run:
        """Greedy run from `short`."""
        return self._run(self.short)

    @cached_property
    def whole(self) -> Any:
        """Logits (positions x vocabulary) of `text`, from one pass without a cache."""
        if reason := self.not_causal:
            raise NotApplicable(reason)
        with generate.refusals("A forward pass"):
            return generate.logits(self.model, self.text)[0]

    @cached_property
    def short_whole(self) -> Any:
        """Likewise for `short` and its run."""
        return generate.logits(self.model, self.extended(self.short, self.short_run))[0]

    @cached_property
    def padded(self) -> tuple[dict[str, Any], tuple[slice, slice]]:
        """`text` and the extended `short` as one padded batch, with the slice of each row's logits.

        A decoder gets left padding, an encoder-decoder right padding in both parts.
        """
        texts = (self.text, self.extended(self.short, self.short_run))
        fill = "decoder_input_ids" if self.seq2seq else "input_ids"
        batch = generate.padded([text["input_ids"][0] for text in texts], self.pad, left=not self.seq2seq)
        lengths = [text[fill].shape[1] for text in texts]
        if not self.seq2seq:
            return batch, (slice(-lengths[0], None), slice(-lengths[1], None))
        decoded = generate.padded([text[fill][0] for text in texts], self.pad, left=False)
        del batch["position_ids"]
        batch |= {fill: decoded["input_ids"], "decoder_attention_mask": decoded["attention_mask"]}
        return batch, (slice(0, lengths[0]), slice(0, lengths[1]))

    @cached_property
    def not_causal(self) -> str | None:
        """Reason why one pass over a text does not give the logits of its beginnings, if config.json declares it."""
        config = self.model.config
        if config.model_type in MASK_PREDICTORS:
            return f"{config.model_type} predicts a mask token appended to the text, so one pass gives no other logits"
        for name, value in BIDIRECTIONAL.items():
            if getattr(config, name, None) == value:
                return f"config.json declares bidirectional attention ({name} is {value}), so logits see later tokens"
        return None

    @cached_property
    def text(self) -> dict[str, Any]:
        """`prompt` and `run` without the last token as one input; an encoder-decoder gets the run in its decoder."""
        return self.extended(self.prompt, self.run)

    @cached_property
    def tolerance(self) -> float:
        """Difference of two logits that rounding explains."""
        import torch

        exact = torch.cat([self.whole, self.short_whole])
        texts = (self.text, self.extended(self.short, self.short_run))
        return rounding.tolerance(
            self.model, lambda: torch.cat([generate.logits(self.model, text)[0] for text in texts]), exact
        )

    def require_cache(self, record: Record) -> str:
        """Returns the name of the argument for a cache of keys and values.

        Raises:
            NotApplicable: The model has none; its kind of state is recorded.
            Limit: It returns a cache, and no known argument takes it.
        """
        __tracebackhide__ = True
        if self.stateful:
            record.capability("generation.cache", "a state, which cannot be truncated")
            raise NotApplicable("the model has a state instead of a cache of keys and values")
        name, kind = generate.cache_argument(self.model), type(self.model).__name__
        if name is None and self._returns_cache:
            raise Limit(f"{kind} returns a cache, but its forward pass has no argument for one that seatrial knows")
        if name is None:
            record.capability("generation.cache", "none")
            raise NotApplicable(f"{kind} has no cache of keys and values")
        return name

    @cached_property
    def _returns_cache(self) -> bool:
        """True if a forward pass returns a cache, whatever the signature says."""
        with generate.refusals("A forward pass with use_cache=True"):
            output = generate.forward(self.model, self.text, use_cache=True)
        return library_versions.cache_of(output) is not None

    @contextmanager
    def blaming(self, *checks: str) -> Iterator[None]:
        """Turns a defect into `Blocked` if one of these more basic checks has the same fault to report."""
        __tracebackhide__ = True
        try:
            yield
        except Defect as defect:
            faulty = next((check for check in checks if self._has_fault(check)), None)
            if faulty is None:
                raise
            raise Blocked(faulty, f"a simpler computation is wrong already: {defect.summary}") from defect

    def _has_fault(self, check: str) -> bool:
        try:
            return bool(self._faults[check](self))
        except (NotApplicable, Unsupported):
            return False

    def _cache_changes_logits(self) -> bool:
        return self._apart(self.whole[self.last], self.run.logits)

    def _sees_later_tokens(self) -> bool:
        cut = max(1, self.whole.shape[0] // 2)
        return self._apart(self.whole[:cut], generate.logits(self.model, self.beginning(cut))[0])

    def _varies_from_call_to_call(self) -> bool:
        return list(self.run.ids) != list(generate.generated(self.model, self.prompt, self.steps)[0].ids)

    def _eager_differs(self) -> bool:
        with generate.attention(self.model, "eager"), generate.refusals("Attention by eager"):
            return self._apart(self.whole, generate.logits(self.model, self.text)[0])

    _faults: ClassVar = {
        CACHE: _cache_changes_logits,
        CAUSAL: _sees_later_tokens,
        GREEDY: _varies_from_call_to_call,
        EAGER: _eager_differs,
    }

    def _apart(self, expected: Any, actual: Any) -> bool:
        return not max(distances(expected, actual), default=0.0) <= self.tolerance

    def beginning(self, cut: int) -> dict[str, Any]:
        """The text before `cut`; the input of an encoder is not cut."""
        cropped = ("decoder_input_ids", "decoder_attention_mask") if self.seq2seq else tuple(self.text)
        return {name: value[:, :cut] if name in cropped else value for name, value in self.text.items()}

    @property
    def steps(self) -> int:
        """New tokens of a run; fewer if the model does not have the positions."""
        return room(self.model, generate.start_of_answer(self.model, self.prompt), NEW_TOKENS)

    @property
    def pad(self) -> int:
        """Id for padding."""
        shipped = self.model.generation_config
        eos = shipped.eos_token_id[0] if isinstance(shipped.eos_token_id, list) else shipped.eos_token_id
        given = (shipped.pad_token_id, self.tokenizer.pad_token_id, eos)
        return next((int(token) for token in given if token is not None and 0 <= token < self.rows), 0)

    @property
    def rows(self) -> int:
        """Rows of the embedding matrix."""
        return vocabulary(self.model)

    @property
    def last(self) -> slice:
        """Slice of `whole` with the logits of the run's tokens."""
        return slice(-len(self.run.ids), None)

    def extended(self, prompt: dict[str, Any], run: Run) -> dict[str, Any]:
        """A prompt and its run without the last token as one input; its last logits are those of the run."""
        import torch

        ids = torch.tensor([list(run.ids[:-1])], dtype=prompt["input_ids"].dtype)
        if self.seq2seq:
            decoded = torch.cat([torch.full((1, 1), self.start, dtype=ids.dtype), ids], dim=1)
            return prompt | {"decoder_input_ids": decoded, "decoder_attention_mask": torch.ones_like(decoded)}
        whole = torch.cat([prompt["input_ids"], ids], dim=1)
        return {"input_ids": whole, "attention_mask": torch.ones_like(whole)}

    @property
    def start(self) -> int:
        """First id of the decoder of an encoder-decoder."""
        shipped, config = self.model.generation_config, self.model.config
        given = (shipped.decoder_start_token_id, getattr(config, "decoder_start_token_id", None), shipped.bos_token_id)
        return next((int(token) for token in given if token is not None), 0)

    def _run(self, prompt: dict[str, Any]) -> Run:
        with generate.refusals("generate()"):
            (run,) = generate.generated(self.model, prompt, self.steps)
        if not bool(run.logits.isfinite().any(dim=-1).all()) or bool(run.logits.isnan().any()):
            raise Blocked("integrity/logits-finite", "the logits are not finite, so there is nothing to compare")
        return run

    def _usable(self, batch: dict[str, Any]) -> dict[str, Any]:
        if not batch["input_ids"].shape[1]:
            summary = "the tokenizer returns no tokens for the prompt, so there is nothing to generate from"
            raise Blocked("tokenizers/round-trip", summary)
        if int(batch["input_ids"].max()) >= self.rows:
            raise Blocked("tokenizers/ids-have-embedding-rows", "the prompt has ids without an embedding")
        return batch
