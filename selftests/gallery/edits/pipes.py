"""Changes to a pipe: its answers, its processor, its options."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fixtures.pipelines.pipe import Pipe


def answering(change: Callable[[Any], Any]) -> Callable[[Pipe], None]:
    """Changes the answer to one input, of the library's pipeline or of `ImageToImage`, which replaces it."""

    def patch(pipe: Pipe) -> None:
        maker, name = (pipe.library, "postprocess") if pipe.library else (pipe.call, "_picture")
        made = getattr(maker, name)
        setattr(maker, name, lambda *given, **options: change(made(*given, **options)))

    return patch


def _each(found: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(found, list):
        return [_each(each, change) for each in found]
    return change(found) if isinstance(found, dict) else found


def changing_answers(change: Callable[[Any], Any]) -> Callable[[Pipe], None]:
    """Changes every dict in the answers of a pipe."""

    def patch(pipe: Pipe) -> None:
        call = pipe.call
        pipe.call = lambda inputs, **options: _each(call(inputs, **options), change)

    return patch


def processing(name: str, change: Callable[[Any], Callable[..., Any]]) -> Callable[[Pipe], None]:
    """Changes a method of the image processor, in its class, so that the processor can still be saved."""

    def patch(pipe: Pipe) -> None:
        processor = pipe.library.image_processor
        kind = type(processor)
        method = getattr(kind, name)

        def changed(self: Any, *given: Any, **options: Any) -> Any:
            return change(partial(method, self))(*given, **options)

        processor.__class__ = type(kind.__name__, (kind,), {name: changed})

    return patch


def preprocessing(change: Callable[[Any], Callable[..., Any]]) -> Callable[[Pipe], None]:
    """Changes the preprocessing of the library's pipeline."""

    def patch(pipe: Pipe) -> None:
        pipe.library.preprocess = change(pipe.library.preprocess)

    return patch


def without(option: str) -> Callable[[Pipe], None]:
    """Drops an option of each call."""

    def patch(pipe: Pipe) -> None:
        call = pipe.call
        pipe.call = lambda inputs, **options: call(
            inputs, **{name: each for name, each in options.items() if name != option}
        )

    return patch
