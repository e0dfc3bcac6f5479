"""Capital letters in the fonts of Debian's fonts-dejavu-core, fonts-dejavu-extra, fonts-freefont-ttf, fonts-liberation.

Test pictures have fonts of families that no training picture has: FreeFont's are for testing alone.
"""

from functools import cache
from pathlib import Path
from string import ascii_uppercase

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.data.clothes import contrasting
from benchmarks.data.picture_set import PictureSet, Pixels, drawn

FONTS = Path("/usr/share/fonts/truetype")
TRAINING = {
    "dejavu": ("Sans", "Sans-Bold", "Sans-Oblique", "Serif", "Serif-Bold", "Serif-Italic", "SansMono"),
    "liberation": ("Sans-Regular", "Sans-Bold", "Sans-Italic", "Serif-Regular", "Serif-BoldItalic", "Mono-Regular"),
}
TEST = {"freefont": ("Sans", "SansBoldOblique", "Serif", "SerifBold", "SerifItalic", "Mono", "MonoBoldOblique")}
PREFIXES = {"dejavu": "DejaVu", "liberation": "Liberation", "freefont": "Free"}
SIDE = 48


def glyphs(training: int, test: int, seed: int) -> PictureSet:
    """One letter of 26, tilted, at any place, in one colour on another; 48 pixels."""
    return drawn(_letter, ascii_uppercase, training, test, seed)


@cache
def _files(test: bool) -> list[Path]:
    families = TEST if test else TRAINING
    found = [FONTS / name / f"{PREFIXES[name]}{style}.ttf" for name, styles in families.items() for style in styles]
    if missing := [file.name for file in found if not file.is_file()]:
        raise SystemExit(
            f"{FONTS} lacks {', '.join(missing)}. Install them: "
            "apt-get install fonts-dejavu-core fonts-dejavu-extra fonts-freefont-ttf fonts-liberation"
        )
    return found


@cache
def _font(file: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, size)


def _letter(chance: np.random.Generator, label: int, test: bool) -> tuple[Pixels, str]:
    files = _files(test)
    file = files[chance.integers(len(files))]
    font = _font(file, int(chance.integers(22, 41)))
    canvas = Image.new("L", (SIDE, SIDE))
    place = tuple((SIDE / 2 + chance.uniform(-4, 4, 2)).tolist())
    ImageDraw.Draw(canvas).text(place, ascii_uppercase[label], fill=255, font=font, anchor="mm")
    tilted = canvas.rotate(chance.uniform(-15, 15), Image.Resampling.BICUBIC)
    cover = np.asarray(tilted, np.float64)[..., None] / 255
    front, back = contrasting(chance)
    noise = chance.normal(0, 12, (SIDE, SIDE, 3))
    return np.clip(cover * front + (1 - cover) * back + noise, 0, 255).astype(np.uint8), file.stem
