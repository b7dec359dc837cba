"""Images in other forms, invalid images, and a temporary directory for files of image and video inputs."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from fixtures.inputs import images
from fixtures.pipelines.pipe import Pipe

NO_SERVER = "http://127.0.0.1:9/picture.png"
"""An address that refuses connections at once, with and without a network."""


def image_forms(image: Any) -> dict[str, Any]:
    """Returns an image in the other forms that pipelines accept, by name."""
    return {"path": images.as_file(image, directory("whole")), "base64": images.as_uri(image)}


def invalid_images(pipe: Pipe) -> dict[str, Any]:
    from PIL import Image

    return {
        "a number": 3,
        "None": None,
        "a text": "a red disc",
        "an empty text": "",
        "an image without pixels": Image.new("RGB", (0, 0)),
        "half a PNG file": images.as_file(images.picture(images.KINDS[0]), directory("half"), share=0.5),
        "an address without a server": NO_SERVER,
    }


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    """Removed when the process ends."""
    return tempfile.TemporaryDirectory(prefix="seatrial-")


def directory(name: str) -> Path:
    """Returns a directory of this process, which is created if necessary."""
    path = Path(_temporary().name) / name
    path.mkdir(exist_ok=True)
    return path
