from collections import Counter

import numpy as np

from ravine.data.sources import read_source


def test_the_built_in_pictures_are_balanced_in_class_and_part():
    listing = read_source("demo")
    assert (listing.kind, listing.origin) == ("demo", "demo")
    assert len(listing.classes) == 10
    counts = Counter((item.label, item.part) for item in listing.items)
    assert {counts[name, "train"] for name in listing.classes} == {200}
    assert {counts[name, "test"] for name in listing.classes} == {50}


def test_no_built_in_picture_occurs_twice():
    stack = read_source("demo").stack
    assert len(np.unique(stack.reshape(len(stack), -1), axis=0)) == 2500
