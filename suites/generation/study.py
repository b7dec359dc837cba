"""What the checks of one loaded model share: prompts, greedy runs, logits and the tolerance, each made once."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from fixtures.subjects.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.findings import Unsupported
from suites.generation import noise, paths
from suites.generation.comparing import Run
from suites.generation.prompts import QUESTIONS, encoded

LONG = "The ferry leaves at dawn, and nobody on the pier seems to mind the rain. She asked whether the bridge"
SHORT = "One, two, three,"
NEW_TOKENS = 12
"""Enough for a cache that loses, repeats or misplaces a position to be seen several times."""


def study(subject: Subject, tokenizer: Any, loaded: Loaded) -> Study:
    """The study of a variant; made once, and gone with the variant."""
    if "study" not in loaded.shared:
        loaded.shared["study"] = Study(subject, tokenizer, loaded.model)
    found: Study = loaded.shared["study"]
    return found


class Study:
    """The reference runs of a model; everything is computed when it is first asked for."""

    def __init__(self, subject: Subject, tokenizer: Any, model: Any):
        self.subject, self.tokenizer, self.model = subject, tokenizer, model
        self.seq2seq: bool = bool(model.config.is_encoder_decoder)
        self.stateful: bool = bool(getattr(model, "_is_stateful", False))

    @cached_property
    def prompt(self) -> dict[str, Any]:
        """`input_ids` and `attention_mask` (1 x length, CPU) of a prompt of some twenty tokens or more."""
        chat = self.subject.traits.has_chat_template
        return self._usable(encoded(self.subject, self.tokenizer, QUESTIONS[0] if chat else LONG))

    @cached_property
    def short(self) -> dict[str, Any]:
        """Likewise, of a prompt that is shorter by far: plain text."""
        batch = self.tokenizer(SHORT, return_tensors="pt")
        return self._usable({name: batch[name] for name in ("input_ids", "attention_mask")})

    @cached_property
    def run(self) -> Run:
        """Greedy from `prompt`, with the model's ordinary cache."""
        return self._run(self.prompt)

    @cached_property
    def short_run(self) -> Run:
        """Greedy from `short`."""
        return self._run(self.short)

    @cached_property
    def whole(self) -> Any:
        """Logits (positions x vocabulary) of `text`, in one pass without a cache."""
        return paths.logits(self.model, self.text)[0]

    @cached_property
    def text(self) -> dict[str, Any]:
        """`prompt` and `run` as one input, all but the last token; for an encoder-decoder, the decoder has the run."""
        return self.extended(self.prompt, self.run)

    @cached_property
    def tolerance(self) -> float:
        """What rounding explains of a difference between two logits."""
        return noise.tolerance(self.model, lambda: paths.logits(self.model, self.text)[0], self.whole)

    @property
    def pad(self) -> int:
        """An id to fill up rows with."""
        shipped = self.model.generation_config
        eos = shipped.eos_token_id[0] if isinstance(shipped.eos_token_id, list) else shipped.eos_token_id
        given = (shipped.pad_token_id, self.tokenizer.pad_token_id, eos)
        return next((int(token) for token in given if token is not None and 0 <= token < self.rows), 0)

    @property
    def rows(self) -> int:
        """Rows of the embedding matrix."""
        return int(self.model.get_input_embeddings().weight.shape[0])

    @property
    def last(self) -> slice:
        """Where in `whole` the logits of the run's tokens are."""
        return slice(-len(self.run.ids), None)

    def extended(self, prompt: dict[str, Any], run: Run) -> dict[str, Any]:
        """A prompt and what was generated from it, but for the last token: its logits' last rows are the run's."""
        import torch

        ids = torch.tensor([list(run.ids[:-1])], dtype=prompt["input_ids"].dtype)
        if self.seq2seq:
            return prompt | {"decoder_input_ids": torch.cat([torch.full_like(ids[:, :1], self.start), ids], dim=1)}
        whole = torch.cat([prompt["input_ids"], ids], dim=1)
        return {"input_ids": whole, "attention_mask": torch.ones_like(whole)}

    @property
    def start(self) -> int:
        """The id that an encoder-decoder's decoder begins with."""
        shipped, config = self.model.generation_config, self.model.config
        given = (shipped.decoder_start_token_id, getattr(config, "decoder_start_token_id", None), shipped.bos_token_id)
        return next((int(token) for token in given if token is not None), 0)

    def _run(self, prompt: dict[str, Any]) -> Run:
        (run,) = paths.generated(self.model, prompt, NEW_TOKENS)
        if not bool(run.logits.isfinite().any(dim=-1).all()) or bool(run.logits.isnan().any()):
            raise Unsupported("the logits are not finite (see integrity), so there is nothing to compare")
        return run

    def _usable(self, batch: dict[str, Any]) -> dict[str, Any]:
        if not batch["input_ids"].shape[1]:
            raise Unsupported("the tokenizer makes no tokens of the prompt, so there is nothing to generate from")
        if int(batch["input_ids"].max()) >= self.rows:
            raise Unsupported("the prompt has ids without embedding rows (see tokenizers/ids-have-embedding-rows)")
        return batch
