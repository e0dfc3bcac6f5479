"""The built-in pictures: 2,500 training rows of Fashion-MNIST, 250 a class (Xiao, Rasul and Vollgraf 2017)."""

from pathlib import Path

from ravine.data.sources.arrays import read_arrays
from ravine.data.sources.listing import Listing

DEMO_FILE = Path(__file__).parent.parent / "demo" / "fashion-mnist-2500.npz"


def read_demo() -> Listing:
    """List the built-in pictures: 10 classes of clothes, grey 28×28; 50 of the 250 a class are the test part.

    Example:
        >>> listing = read_demo()
        >>> len(listing.items), listing.classes[:3], listing.items[0].picture.shape
        (2500, ('T-shirt/top', 'Trouser', 'Pullover'), (28, 28))
    """
    return read_arrays(DEMO_FILE, "demo", "demo")
