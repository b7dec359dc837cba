from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from suites.findings import Hazard


@uses("loading", worst="hazard")
def test_native_code(config: dict[str, Any], model: Any) -> None:
    """The repository ships no modeling code for a class that the library has.

    Why: with trust_remote_code, `auto_map` runs the repository's Python code; without it, the library's own class is
        loaded, and the two can differ.
    Fix: remove `auto_map` from config.json once the library supports the architecture.
    Source: https://huggingface.co/docs/transformers/custom_models
    """
    if config.get("auto_map"):
        files = sorted({str(entry).split("--")[-1].split(".")[0] + ".py" for entry in config["auto_map"].values()})
        raise Hazard(
            f"auto_map in config.json names code of the repository ({', '.join(files)}), but "
            f"{type(model).__name__} of transformers was loaded.",
            evidence={"auto_map": config["auto_map"]},
        )
