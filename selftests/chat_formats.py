"""What each family of chat formats writes, as its source shows it."""

from __future__ import annotations

from dataclasses import replace

from fixtures.inputs.conversations import assistant, system, user
from fixtures.references.chat.families import FAMILIES
from fixtures.references.chat.family import Family
from fixtures.references.chat.style import Style

TALK = [system("S"), user("a"), assistant("b"), user("c")]
FIRST = dict(reversed([(family.name, family) for family in FAMILIES]))

# What each format makes of TALK with a prompt for the answer, as its source shows it; BOS is <s> and EOS </s>.
WRITTEN = {
    "ChatML": "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
    "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n",
    "Llama 3": "<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>"
    "\n\na<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nb<|eot_id|><|start_header_id|>user"
    "<|end_header_id|>\n\nc<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    "Llama 4": "<s><|header_start|>system<|header_end|>\n\nS<|eot|><|header_start|>user<|header_end|>\n\na<|eot|>"
    "<|header_start|>assistant<|header_end|>\n\nb<|eot|><|header_start|>user<|header_end|>\n\nc<|eot|>"
    "<|header_start|>assistant<|header_end|>\n\n",
    "Llama 2": "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\na [/INST] b </s><s>[INST] c [/INST]",
    "Mistral v1": "<s>[INST] S\n\na [/INST]b</s>[INST] c [/INST]",
    "Mistral v3": "<s>[INST]a[/INST]b</s>[INST]S\n\nc[/INST]",
    "Mistral v7": "<s>[SYSTEM_PROMPT]S[/SYSTEM_PROMPT][INST]a[/INST]b</s>[INST]c[/INST]",
    "Gemma": "<s><start_of_turn>user\nS\n\na<end_of_turn>\n<start_of_turn>model\nb<end_of_turn>\n<start_of_turn>user\nc"
    "<end_of_turn>\n<start_of_turn>model\n",
    "Gemma 4": "<s><|turn>system\nS<turn|>\n<|turn>user\na<turn|>\n<|turn>model\nb<turn|>\n<|turn>user\nc<turn|>\n"
    "<|turn>model\n",
    "Phi-3": "<|system|>\nS<|end|>\n<|user|>\na<|end|>\n<|assistant|>\nb<|end|>\n<|user|>\nc<|end|>\n<|assistant|>\n",
    "Phi-4": "<|im_start|>system<|im_sep|>S<|im_end|><|im_start|>user<|im_sep|>a<|im_end|><|im_start|>assistant"
    "<|im_sep|>b<|im_end|><|im_start|>user<|im_sep|>c<|im_end|><|im_start|>assistant<|im_sep|>",
    "Phi-4 mini": "<|system|>S<|end|><|user|>a<|end|><|assistant|>b<|end|><|user|>c<|end|><|assistant|>",
    "DeepSeek": "<s>S<｜User｜>a<｜Assistant｜>b<｜end▁of▁sentence｜><｜User｜>c<｜Assistant｜>",
    "harmony": "<|start|>developer<|message|># Instructions\n\nS<|end|><|start|>user<|message|>a<|end|>"
    "<|start|>assistant<|channel|>final<|message|>b<|end|><|start|>user<|message|>c<|end|><|start|>assistant",
    "Zephyr": "<|system|>\nS</s>\n<|user|>\na</s>\n<|assistant|>\nb</s>\n<|user|>\nc</s>\n<|assistant|>\n",
    "Tülu": "<|system|>\nS\n<|user|>\na\n<|assistant|>\nb</s>\n<|user|>\nc\n<|assistant|>\n",
    "Command R": "<s><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>S<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>"
    "a<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>b<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|>"
    "<|USER_TOKEN|>c<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
    "Granite": "<|start_of_role|>system<|end_of_role|>S<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>a"
    "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>b<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>c"
    "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
    "Yi 1.5": "S<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n<|im_start|>user\nc<|im_end|>\n"
    "<|im_start|>assistant\n",
    "GLM": "[gMASK]<sop><|system|>\nS<|user|>\na<|assistant|>\nb<|user|>\nc<|assistant|>",
    "MiniMax": "]~!b[]~b]system\nS[e~[\n]~b]user\na[e~[\n]~b]ai\nb[e~[\n]~b]user\nc[e~[\n]~b]ai\n",
    "FunctionGemma": "<s><start_of_turn>developer\nS<end_of_turn>\n<start_of_turn>user\na<end_of_turn>\n"
    "<start_of_turn>model\nb<end_of_turn>\n<start_of_turn>user\nc<end_of_turn>\n<start_of_turn>model\n",
}
WITH_BOS = {name for name, text in WRITTEN.items() if text.startswith("<s>")}


def plain(family: Family) -> Style:
    """The family's first choices."""
    options = {name: values[0] for name, values in {**family.options, **family.dialects}.items()}
    style = Style("<s>", "</s>", options=options, opens=family.opens[0])
    start = "<s>" if family.name in WITH_BOS else family.starts[0].replace("{bos}", "")
    return replace(style, start=start)
