"""Numbers as a reader sees them; whatever is not finite becomes a dash."""

import json
import math

DASH = "–"
SPACE = "\N{NO-BREAK SPACE}"


def percent(share: float, digits: int = 1) -> str:
    """A share as a percentage.

    Args:
        share: Usually in [0, 1].
        digits: Decimal places.

    Returns:
        The text, with a space before the sign that does not break.

    Example:
        >>> percent(0.9123).replace(SPACE, " "), percent(float("nan"))
        ('91.2 %', '–')
    """
    value = 100 * share
    return f"{value:.{digits}f}{SPACE}%" if math.isfinite(value) else DASH


def level(confidence: float) -> str:
    """A confidence as a percentage with no more digits than it needs.

    Example:
        >>> level(0.95).replace(SPACE, " "), level(14 / 15).replace(SPACE, " ")
        ('95 %', '93.3 %')
    """
    return f"{round(100 * confidence, 1):g}{SPACE}%"


def decimal(value: float, digits: int = 3) -> str:
    """A number with fixed decimal places, or in powers of ten where these would show only zeros.

    Example:
        >>> decimal(0.5), decimal(0.00012), decimal(0.0), decimal(float("inf"))
        ('0.500', '1.2e-04', '0.000', '–')
    """
    if not math.isfinite(value):
        return DASH
    return f"{value:.1e}" if 0 < abs(value) < 0.5 * 10**-digits else f"{value:.{digits}f}"


def count(number: int) -> str:
    """A whole number with its thousands set apart.

    Example:
        >>> count(12345)
        '12,345'
    """
    return f"{number:,}"


def plural(number: int, one: str, many: str = "") -> str:
    """A number with its noun.

    Example:
        >>> plural(1, "class", "classes"), plural(257, "picture")
        ('1 class', '257 pictures')
    """
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """A time in the unit that fits.

    Example:
        >>> [duration(s).replace(SPACE, " ") for s in (0.0042, 12.34, 75, 7322)]
        ['4 ms', '12.3 s', '1 min 15 s', '2 h 2 min']
    """
    if not math.isfinite(seconds):
        return DASH
    if seconds < 0.1:
        return f"{1000 * seconds:.0f}{SPACE}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}{SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{SPACE}min {rest}{SPACE}s"
    return f"{minutes // 60}{SPACE}h {minutes % 60}{SPACE}min"


def size(number: float) -> str:
    """A size in bytes, in decimal units.

    Example:
        >>> [size(b).replace(SPACE, " ") for b in (812, 13_600_000)]
        ['812 B', '13.6 MB']
    """
    if not math.isfinite(number):
        return DASH
    for unit in ("B", "kB", "MB"):
        if number < 999.95:
            return f"{number:.0f}{SPACE}B" if unit == "B" else f"{number:.1f}{SPACE}{unit}"
        number /= 1000
    return f"{number:.1f}{SPACE}GB"


def interval(ends: tuple[float, float]) -> str:
    """Two shares as an interval of percentages.

    Example:
        >>> interval((0.79, 0.962)).replace(SPACE, " ")
        '79.0–96.2 %'
    """
    low, high = (f"{end:.1f}" if math.isfinite(end) else DASH for end in (100 * ends[0], 100 * ends[1]))
    return DASH if low == high == DASH else f"{low}–{high}{SPACE}%"


def points(difference: float, digits: int = 1) -> str:
    """A difference of two shares in points, with its sign.

    Example:
        >>> points(0.0412), points(-0.003), points(-0.0001), points(float("nan"))
        ('+4.1', '−0.3', '0.0', '–')
    """
    if not math.isfinite(difference):
        return DASH
    value = round(100 * difference, digits)
    return f"{value:+.{digits}f}".replace("-", "−") if value else f"{0:.{digits}f}"


def between(ends: tuple[float, float]) -> str:
    """An interval of a difference of two shares in points.

    Example:
        >>> between((-0.011, 0.019))
        '−1.1 to +1.9'
    """
    return f"{points(ends[0])} to {points(ends[1])}" if all(map(math.isfinite, ends)) else DASH


def share(value: float) -> str:
    """A share in [0, 1] for a style; what lies outside or is not finite is put at the nearest end, or at 0.

    Example:
        >>> share(0.25), share(1.7), share(float("nan"))
        ('0.2500', '1.0000', '0.0000')
    """
    return f"{min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0:.4f}"


def quoted(text: str) -> str:
    """A text as a literal of Python, in double quotes.

    Example:
        >>> quoted("model.ravine")
        '"model.ravine"'
    """
    return json.dumps(text, ensure_ascii=False)
