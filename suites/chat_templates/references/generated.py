"""Generated conversations, drawn once per process and shared between subjects."""

from __future__ import annotations

import functools

from hypothesis import HealthCheck, Phase, given, settings

from fixtures.inputs import conversations as strategies
from fixtures.subjects.chat import Message

NUMBER = {"quick": 3, "standard": 60, "exhaustive": 600}


@functools.cache
def _drawn(profile: str) -> tuple[list[Message], ...]:
    found: list[list[Message]] = []

    @settings(max_examples=NUMBER[profile], phases=[Phase.generate], database=None, derandomize=True, deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(strategies.conversations() | strategies.conversations(with_system=True))
    def draw(messages: list[Message]) -> None:
        found.append(messages)

    draw()
    return tuple(found)


def conversations(profile: str) -> list[list[Message]]:
    return list(_drawn(profile))
