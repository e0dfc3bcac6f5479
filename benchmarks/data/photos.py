"""257 photos of things in 9 classes, chosen from Debian's tuxpaint-stamps-default (GPL-2; never committed)."""

import shutil
from pathlib import Path

STAMPS = Path("/usr/share/tuxpaint/stamps")

FOLDERS = {
    "bird": ("animals/birds",),
    "flower": ("plants/flowers",),
    "fruit": ("food/fruit",),
    "instrument": ("hobbies/music",),
    "mammal": ("animals/mammals", "animals/marsupials"),
    "sea_bug": ("animals/amphibians", "animals/fish", "animals/insects", "animals/lizards", "animals/shellfish"),
    "tool_household": ("household",),
    "vegetable": ("food/spices", "food/vegetables"),
    "vehicle": ("military/vehicles", "vehicles"),
}

PICTURES = {
    "bird": 35,
    "flower": 25,
    "fruit": 26,
    "instrument": 11,
    "mammal": 66,
    "sea_bug": 25,
    "tool_household": 31,
    "vegetable": 19,
    "vehicle": 19,
}

LEFT_OUT = (
    "/cartoon/",
    "/toys/",
    "_mirror.png",
    "/hedgehog",
    "/ladybug",
    "7spoke",
    "wheel_tractor",
    "t-junction",
)
"""Parts of paths: drawings, mirrored copies, and single pictures that are no photos or fit no class."""


def chosen(name: str) -> list[Path]:
    """The photos of a class, sorted."""
    files = (file for folder in FOLDERS[name] for file in (STAMPS / folder).rglob("*.png"))
    return sorted(file for file in files if not any(word in str(file) for word in LEFT_OUT))


def copy_to(target: Path) -> int:
    """Copy the photos into one folder a class, and say how many there are."""
    for name, expected in PICTURES.items():
        files = chosen(name)
        if len(files) != expected:
            raise SystemExit(
                f"{STAMPS} has {len(files)} photos of class {name}, not {expected}. "
                "Install version 2022.06.04 of the package: apt-get install tuxpaint-stamps-default"
            )
        (target / name).mkdir(parents=True)
        for file in files:
            shutil.copyfile(file, target / name / "__".join(file.relative_to(STAMPS).parts))
    return sum(PICTURES.values())
