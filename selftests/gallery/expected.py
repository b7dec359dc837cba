"""Expected outcomes on unchanged built-ins, and checks that pass on no healthy subject of the gallery."""

from __future__ import annotations

from typing import NamedTuple


class Expected(NamedTuple):
    """An outcome other than pass and not applicable, and the built-ins on which it is right."""

    outcome: str
    check: str
    bases: tuple[str, ...]
    reason: str


TABLES = "tiny-table-question-answering"
POINTS = "tiny-keypoint-matching"
SPEECH = "tiny-automatic-speech-recognition"
TEKKEN, SENTENCEPIECE = "mistral-tekken-tokenizer", "mistral-v3-tokenizer"
CHAT, CHAT_SPM = "tiny-text-generation", "tiny-text-generation-spm"
CLIP, OWL = "tiny-zero-shot-image-classification", "tiny-zero-shot-object-detection"

EXPECTED = (
    Expected("hazard", "chat_templates/one-bos-when-retokenized", (TEKKEN, SENTENCEPIECE, CHAT_SPM),
             "the template writes BOS, and the tokenizer adds it"),
    Expected("hazard", "chat_templates/same-in-llama-cpp", (TEKKEN, SENTENCEPIECE),
             "llama.cpp cannot parse a filter in the vendor's template"),
    Expected("hazard", "chat_templates/same-in-minijinja", (CHAT, "tiny-image-text-to-text"),
             "only transformers knows {% generation %}"),
    Expected("hazard", "generation/resizing-keeps-old-rows", ("tiny-encoder-decoder",),
             "transformers ties the head while it resizes"),
    Expected("unsupported", "generation/same-logits-wherever-it-lies", ("tiny-encoder-decoder",),
             "transformers cannot load this class with a device map"),
    Expected("hazard", "pipelines/batch-equals-single", (POINTS,), "the pipeline takes no batches"),
    Expected("unsupported", "pipelines/colours-as-declared", (POINTS,), "the processor makes images grey"),
    Expected("hazard", "pipelines/other-precision-runs", (TABLES, "tiny-depth-estimation"),
             "the pipeline converts bfloat16 to NumPy"),
    Expected("unsupported", "pipelines/pixels-as-declared", (POINTS, "tiny-visual-question-answering"),
             "the processor makes images grey, or rounds sizes to a divisor"),
    Expected("hazard", "pipelines/points-lie-in-pictures", (POINTS,),
             "the pipeline exchanges width and height: huggingface/transformers#42005"),
    Expected("defect", "tokenizers/bad-input-is-refused", (TABLES,), "TapasTokenizer takes a table and a question"),
    Expected("unsupported", "tokenizers/batch-equals-single", (TABLES,), "TapasTokenizer takes a table and a question"),
    Expected("error", "tokenizers/declared-special-tokens-observed", (TABLES,),
             "TapasTokenizer takes a table and a question"),
    Expected("hazard", "tokenizers/decoding-stable", (CHAT_SPM, "tiny-translation"),
             "SentencePiece takes a leading space for its own"),
    Expected("hazard", "tokenizers/no-truncation-or-padding-left", ("minilm",), "its tokenizer.json cuts and pads"),
    Expected("hazard", "tokenizers/no-space-after-special", (SENTENCEPIECE, "tiny-translation"),
             "the legacy way to write a leading space"),
    Expected("defect", "tokenizers/padding-changes-nothing-else", (TABLES,),
             "TapasTokenizer takes a table and a question"),
    Expected("hazard", "tokenizers/padding-distinct-from-eos", (CLIP, OWL), "CLIP pads with its end of text"),
    Expected("hazard", "tokenizers/padding-distinct-from-eos", ("smollm2",), "its files pad with the end of turn"),
    Expected("unsupported", "tokenizers/same-in-threads-and-processes", (TABLES,),
             "TapasTokenizer takes a table and a question"),
    Expected("hazard", "tokenizers/special-tokens-atomic", (SPEECH,), "special tokens of CTC take in spaces"),
    Expected("hazard", "tokenizers/streams-what-it-decodes", (SENTENCEPIECE, CHAT_SPM),
             "the decoder strips a space from each streamed line"),
    Expected("defect", "tokenizers/takes-words", (TABLES,), "TapasTokenizer takes a table and a question"),
    Expected("defect", "tokenizers/truncation-keeps-what-it-says", (TABLES,),
             "TapasTokenizer takes a table and a question"),
    Expected("hazard", "tokenizers/vocabulary-reachable", ("tiny-zero-shot-audio-classification", CLIP, OWL),
             "merges or capitals that no text reaches"),
)  # fmt: skip
"""Holds for transformers 5, where every base of the gallery is built."""

PASSES_NOWHERE = {
    "generation/compiled-equals-eager": "runs with --profile standard: selftests/suites/running/test_agreement.py",
    "pipelines/accelerator-agrees-with-cpu": "needs an accelerator",
    "quality/standard-tasks": "runs with --lm-eval-tasks: selftests/suites/quality/test_lm_eval.py",
    "quantization/own-skip-list-is-kept": "transformers 5 quantizes the head of any model that is given a skip list",
    "quantization/quantized-checkpoint-saves-again": "transformers 5 saves no model that was loaded quantized",
}
"""Checks that pass on no healthy subject of the gallery, and why."""


def expected_on(base: str) -> set[tuple[str, str]]:
    """Outcome and check of everything that is right on a built-in, but what passes or is not applicable."""
    return {(each.outcome, each.check) for each in EXPECTED if base in each.bases}
