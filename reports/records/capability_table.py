"""Capabilities by name, with the phrase that a report shows and the possible values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Capability:
    """A probed fact that is neither good nor bad."""

    phrase: str
    """Title in the report."""
    values: str
    """Possible values in Markdown; UPPER CASE stands for something that the model decides."""


COUNT = "a number"
YES_NO = "yes, no"
SUPPORT = "supported, dropped, rejected, error"
CALLS = f"{SUPPORT}, no tool calls"
SAME = "same prompt, different prompt, error"
LIST = "a list, or none"
LIST_OR_NOTHING = "a list, or nothing"
SUPPORTED = "supported, not supported"
KINDS = (
    "assistant chat, tool use, retrieval, completion, guard, reward model, reranker, embedding, speech, OCR, "
    "translation, user simulation, own form"
)

TABLE: dict[str, Capability] = {
    # roles and turns of a chat template
    "chat.kind": Capability("What the chat template is for", KINDS),
    "chat.needs": Capability("Variables that every conversation needs", LIST_OR_NOTHING),
    "chat.system_role": Capability("System message", f"{SUPPORT}, merged into the user message"),
    "chat.developer_role": Capability("Developer message", f"{SUPPORT}, merged into the user message"),
    "chat.late_system_message": Capability("System message in the middle of a conversation", SUPPORT),
    "chat.unknown_role": Capability("Message with an unknown role", SUPPORT),
    "chat.default_system_prompt": Capability("Adds a default system prompt", YES_NO),
    "chat.date_in_prompt": Capability("Dates in every prompt", "a list of dates, none"),
    "chat.current_date": Capability("Current date in the prompt", "not used, used, used unless VARIABLE is passed"),
    "chat.date_follows_locale": Capability("Date format depends on the locale", YES_NO),
    "chat.alternation": Capability("Alternating user and assistant messages", "required, not required"),
    "chat.consecutive_users": Capability("Two user messages in a row", SUPPORT),
    "chat.consecutive_assistants": Capability("Two assistant messages in a row", SUPPORT),
    "chat.assistant_first": Capability("Conversation that begins with an assistant message", SUPPORT),
    "chat.empty_conversation": Capability("Conversation without messages", "rendered, rejected, error"),
    "chat.continue_final_message": Capability(
        "Continuing the last assistant message", "supported, not at the end of the prompt, error"
    ),
    "chat.rejected_conversations": Capability("Conversations that the template rejects", LIST_OR_NOTHING),
    # content of messages
    "chat.trims_content": Capability("Strips white space around content", YES_NO),
    "chat.content_parts": Capability("Content as a list of parts", f"{SUPPORT}, required, printed as a Python list"),
    "chat.images": Capability("Image parts", f"{SUPPORT}, printed as a Python list"),
    "chat.audio": Capability("Audio parts", f"{SUPPORT}, printed as a Python list"),
    "chat.documents": Capability("Documents for retrieval", SUPPORT),
    "chat.reasoning": Capability(
        "Reasoning of assistant messages", "kept in earlier turns, removed from earlier turns, not supported"
    ),
    "chat.reasoning_before_tool_calls": Capability(
        "Reasoning before a tool call, after its result", "kept, dropped, rejected, error, not supported"
    ),
    "chat.thinking_toggle": Capability(
        "Switch for reasoning", "not supported; VARIABLE: on by default, off by default, differs when unset"
    ),
    "chat.reasoning_effort": Capability("Level of reasoning (reasoning_effort)", SUPPORTED),
    "chat.content_triggers": Capability("Words in a message that change the rest of the prompt", LIST),
    # tools
    "chat.tools": Capability("Tool definitions", SUPPORT),
    "chat.tool_calls": Capability("Tool calls", SUPPORT),
    "chat.parallel_tool_calls": Capability("Several tool calls in one message", SUPPORT),
    "chat.tool_results": Capability("Tool results", SUPPORT),
    "chat.tool_call_ids": Capability("Ids of tool calls", f"{CALLS}, required"),
    "chat.json_string_arguments": Capability("Arguments of a tool call as a JSON string", f"{CALLS}, encoded twice"),
    "chat.content_with_tool_calls": Capability("Text and tool calls in one message", CALLS),
    "chat.null_content": Capability(
        "Tool call with content: null", f"{CALLS}, printed as None, differs from empty content"
    ),
    "chat.tool_format": Capability("Reference for the tool format", "a name, or no reference"),
    # tokens, files and other engines of a chat template
    "chat.has_tokenizer": Capability("Comes with a tokenizer", YES_NO),
    "chat.generation_tag": Capability("Marks assistant text with {% generation %}", YES_NO),
    "chat.assistant_mask": Capability(
        "Mask of assistant tokens", "none, supported, needs a fast tokenizer; supported, includes TEXT of the header"
    ),
    "chat.end_of_turn": Capability("Token that ends an assistant turn", "a token"),
    "chat.plain_text_markers": Capability("Turn markers that are not tokens", LIST),
    "chat.user_control_tokens": Capability(
        "Control tokens typed by a user",
        "kept as text, parsed as control tokens by default, rejected, no control tokens",
    ),
    "chat.split_special_tokens": Capability(
        "Effect of split_special_tokens on chats", "also splits the template's own tokens, no effect, refused"
    ),
    "chat.control_token_protection": Capability(
        "Option that keeps typed control tokens as text", "the name of the option, none, refused"
    ),
    "chat.format": Capability("Recognised chat format", "a name, or unknown"),
    "chat.official_encoder": Capability("Official encoder for comparison", "a name, or none"),
    "chat.template_file": Capability("File of the chat template", "a path, or none"),
    "chat.template_loaded_by": Capability(
        "Chat template is loaded by", "processor, tokenizer, processor and tokenizer, none"
    ),
    "chat.named_templates": Capability("Named templates", LIST),
    "chat.minijinja": Capability("Prompt rendered by minijinja", f"{SAME}, same prompt with transformers' tojson"),
    "chat.llama_cpp": Capability("Prompt rendered by llama.cpp", SAME),
    # tokenizers
    "tokenizer.added_special_tokens": Capability("Special tokens added to a text", LIST_OR_NOTHING),
    "tokenizer.text_pairs": Capability("Pairs of texts", SUPPORTED),
    "tokenizer.special_pairs_tested": Capability("Tested pairs of special tokens", COUNT),
    "tokenizer.control_tokens_in_text": Capability(
        "Control tokens written in a text", "kept as text, parsed as control tokens, no control tokens"
    ),
    "tokenizer.vocabulary_size": Capability("Vocabulary size", COUNT),
    "tokenizer.unused_ids": Capability("Number of ids without a token", COUNT),
    "tokenizer.vocabulary_lossy": Capability("Several ids decode to one string", "yes"),
    "tokenizer.ids_decoded": Capability("Number of ids that were decoded", COUNT),
    "tokenizer.unicode_coverage": Capability("Unicode coverage", "a share of assigned characters"),
    "tokenizer.round_trip": Capability(
        "Text after encoding and decoding", "text unchanged or normalized, white space preserved or not; not declared"
    ),
    "tokenizer.clean_up": Capability(
        "Clean-up of spaces when decoding", "none; declared, without effect; white space is never preserved"
    ),
    "tokenizer.slow_class": Capability("Slow tokenizer for comparison", "a class, or none"),
    "tokenizer.independent_encoder": Capability("Independent encoder for comparison", "a name, none, not installed"),
    "tokenizer.decode_stream": Capability("DecodeStream of the backend", SUPPORTED),
    "tokenizer.offsets": Capability("Offsets of tokens", SUPPORTED),
    "tokenizer.word_ids": Capability("Words of tokens (word_ids)", SUPPORTED),
    "tokenizer.overflowing_tokens": Capability("Long texts in windows (return_overflowing_tokens)", SUPPORTED),
    "tokenizer.pretokenized_input": Capability(
        "Lists of words (is_split_into_words)",
        "same as the text with spaces, each word encoded separately, encoded differently, refused",
    ),
    "tokenizer.malformed_lists_accepted": Capability("Malformed lists that are accepted", LIST_OR_NOTHING),
    "tokenizer.lone_surrogates": Capability("Lone surrogates in a text", "refused, dropped, kept or replaced"),
    "tokenizer.empty_batch": Capability("Empty batch", "raises ERROR, gives N rows"),
    "tokenizer.padding_side": Capability("Padding side", "left, right"),
    "tokenizer.call_settings": Capability(
        "Padding and truncation of a call", "shared between threads, local to the call"
    ),
    "tokenizer.overridden_components": Capability("Parts of tokenizer.json that the class overrides", LIST_OR_NOTHING),
    "tokenizer.mistral_regex": Capability(
        "Wrong regular expression of early Mistral tokenizers", "fixed, only a warning"
    ),
    "tokenizer.truncation_in_file": Capability("Truncation in tokenizer.json", "a length, or none"),
    "tokenizer.padding_in_file": Capability("Padding in tokenizer.json", "off, to LENGTH, to the longest of a batch"),
    "tokenizer.padding_saved": Capability("Padding of an earlier call, after saving", "in tokenizer.json, not saved"),
    "tokenizer.max_length": Capability("Longest input in tokens", "a number, or no limit"),
    "tokenizer.config_ids_that_differ": Capability("Special token ids that differ in the configs", LIST),
    # generation
    "generation.attention_implementations": Capability("Attention implementations", "a list"),
    "generation.cache": Capability("Cache of keys and values", "none; a state, which cannot be truncated"),
    "generation.static_cache": Capability("Static cache", SUPPORTED),
    "generation.inputs_embeds": Capability("Embeddings as input (inputs_embeds)", SUPPORTED),
    "generation.offload": Capability("Offloaded layers", "supported, not declared by the class"),
    "generation.padded_batches": Capability(
        "Batches with padding", "same results as single prompts, different results"
    ),
    "generation.padding_in_forward": Capability("Padding in a forward pass", "not declared: the model has a state"),
    "generation.positions_from_mask": Capability(
        "Derives positions from the attention mask", "yes; no: pass position_ids"
    ),
    "generation.mask_inferred_from_padding": Capability("Infers the attention mask from padding tokens", YES_NO),
    "generation.rejected_stop_conditions": Capability("Stop conditions that generate() rejects", LIST),
    "generation.stops_before_limit": Capability("Ends its answers before the length limit", "always, sometimes, never"),
    "generation.answers_with_problems": Capability("Answers with signs of problems", "N of M"),
    # integrity
    "integrity.files": Capability("Number of files", COUNT),
    "integrity.total_bytes": Capability("Size of all files in bytes", COUNT),
    "integrity.model_card": Capability("Model card", "a file, or none"),
    "integrity.license": Capability("License", "a name, or not stated"),
    "integrity.python_files": Capability("Number of Python files", COUNT),
    "integrity.author_paths": Capability("Paths of the author's machine", COUNT),
    "integrity.other_weight_formats": Capability("Weights in other formats", LIST),
    "integrity.tied_embeddings": Capability("Tied embeddings", YES_NO),
    "integrity.tensors_compared": Capability("Number of tensors compared", COUNT),
    "integrity.finite_dtypes": Capability("Dtypes without overflow", "a list"),
    "integrity.rotary": Capability("Rotary position embedding", "a description"),
    "integrity.unusual_settings": Capability("Settings that differ from the model family", LIST_OR_NOTHING),
    "integrity.unknown_config_keys": Capability("Unknown keys in config.json", LIST),
    "integrity.generation_defaults": Capability("Default decoding", "greedy, or sampling with its settings"),
    "integrity.stop_token_ids": Capability("Ids that end generation", LIST),
    "integrity.sliding_window_layers": Capability("Layers with sliding-window attention", COUNT),
    # pipelines
    "pipelines.tasks": Capability("Pipeline tasks", LIST),
    "pipelines.{task}.runs_through": Capability("{task}: runs through", "library pipeline, model classes"),
    "pipelines.{task}.invalid_input": Capability("{task}: invalid input", "refused, partly answered"),
    "pipelines.{task}.long_input": Capability("{task}: input beyond the limit", "refused, answered"),
    "pipelines.{task}.mixed_size_batches": Capability("{task}: inputs of several sizes in a batch", "refused"),
    "pipelines.{task}.float_images": Capability(
        "{task}: images with values from 0 to 1", "used unchanged, rescaled again, levels from 0 to 255"
    ),
    "pipelines.{task}.segmentation_kinds": Capability("{task}: kinds of segmentation", "semantic, instance, panoptic"),
    "pipelines.{task}.other_sampling_rates": Capability(
        "{task}: audio with another sampling rate", "resampled, refused"
    ),
    # quality
    "quality.instructions": Capability("Follows instructions", "N of M followed, not measured"),
    "quality.knows_language": Capability("Knows a language", "yes: KIND OF TEXT, no, not tested: DECLARATION"),
    "quality.knows_{topic}": Capability("Answers {topic} questions", "yes, partly, no"),
    "quality.lm_eval.{task}": Capability("lm-eval: {task}", "metrics with values"),
    # quantization
    "quantization.arithmetic": Capability("Dtypes of matrix products", "a list"),
    "quantization.casts_accepted": Capability("Casts that are accepted", LIST),
    "quantization.answers": Capability("Greedy answers", "N of M unchanged"),
    "quantization.answers_flipped": Capability("Answers that are right in one variant only", "N of M"),
    "quantization.chrf": Capability("Similarity of answers (chrF)", "not measured: sacrebleu is not installed"),
    "quantization.computed_with": Capability("Weights behind the distributions", "a description"),
    "quantization.worst_token": Capability("Largest divergence at a token", "a description"),
    "quantization.noise_floor_between": Capability("Noise floor is measured between", "two runs"),
    "quantization.late_to_early_divergence": Capability("Divergence late in a text, relative to early", COUNT),
}
"""Names with {task} or {topic} stand for a capability of each task or topic."""
