"""The beginning of the text and of the first turn."""

from __future__ import annotations

from selftests.gallery.registry import SENTENCEPIECE, healthy, mutant
from selftests.gallery.rows.chat_templates.text.kinds import written

ANSWER = "{%- elif message.role == 'assistant' -%}{{- ' ' ~ message.content ~ eos_token -}}{%- endif -%}{%- endfor -%}"
USER = (
    "{%- for message in messages -%}{%- if message.role == 'user' -%}{{- '[INST] ' ~ message.content ~ ' [/INST]' -}}"
)
SYSTEM = "{%- elif message.role == 'system' -%}{{- '<<SYS>>' ~ message.content ~ '<</SYS>>' -}}"

mutant(
    "first-question-without-opening",
    "the first question gets its opening marker from the system message only (shisa-gamma)",
    source="augmxnt/shisa-gamma-7b-v1 tokenizer_config.json",
    base=SENTENCEPIECE,
    caught_by="chat_templates/first-turn-opened",
    summary_contains=("[INST]", "no system message"),
    uses=("chat",),
)(
    written(
        "{{- bos_token -}}{%- for message in messages -%}{%- if message.role == 'user' -%}"
        "{{- ('[INST] ' if loop.index0 > 1 else '') ~ message.content ~ ' [/INST]' -}}"
        "{%- elif message.role == 'system' -%}{{- '[INST] <<SYS>>' ~ message.content ~ '<</SYS>>' -}}" + ANSWER
    )
)
healthy(
    "first-question-after-instructions",
    "fixed instructions stand before the first question, whose marker is that of the others",
    base=SENTENCEPIECE,
    check="chat_templates/first-turn-opened",
)(written("{{- bos_token ~ 'Answer in English. ' -}}" + USER + SYSTEM + ANSWER))
mutant(
    "text-begins-twice",
    "the template writes BOS before its system message and before the first question",
    source="tokyotech-llm/Llama-3.1-Swallow-8B-Instruct-v0.5 chat template",
    base=SENTENCEPIECE,
    caught_by="chat_templates/one-start-of-text",
    summary_contains=("<s>", "2 times"),
    uses=("chat",),
    also=("chat_templates",),
)(written("{{- bos_token ~ '<<SYS>>Be brief.<</SYS>>' ~ bos_token -}}" + USER + SYSTEM + ANSWER))
mutant(
    "text-begins-with-system-only",
    "the template writes BOS only where there is a system message",
    source="favjiw/Llama-3-8B-Instruct-Indonesian-Legal-GRPO chat template",
    base=SENTENCEPIECE,
    caught_by="chat_templates/one-start-of-text",
    summary_contains=("<s>", "only if there is a system message"),
    uses=("chat",),
    also=("chat_templates",),
)(
    written(
        "{%- if messages[0].role == 'system' -%}{{- bos_token -}}{%- endif -%}" + USER + SYSTEM + ANSWER,
    )
)
healthy(
    "text-begins-in-every-turn",
    "BOS begins every question, as in Llama 2",
    base=SENTENCEPIECE,
    check="chat_templates/one-start-of-text",
)(written(USER.replace("'[INST] '", "bos_token ~ '[INST] '") + SYSTEM + ANSWER))
