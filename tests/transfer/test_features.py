"""What a frozen body says of pictures."""

import numpy as np
import torch

from ravine.data.preprocess import Preprocess
from ravine.models.backbone import Backbone
from ravine.train.evaluate import logits, packed
from ravine.transfer.features import features

PICTURE = Preprocess(size=48, channels=3)
RNG = np.random.default_rng(0)


def test_features_of_the_right_size_are_the_same_from_a_pack() -> None:
    torch.manual_seed(0)
    body = Backbone("test_resnet", "random").load_pretrained()
    images = RNG.integers(0, 256, (5, 48, 48, 3), dtype=np.uint8)
    done: list[int] = []
    rows = np.array([4, 1])
    x = features(body, images.__getitem__, rows, PICTURE, done.append)
    assert np.abs(x - logits(body, packed(torch.from_numpy(images), rows, PICTURE))).max() < 1e-5
    with torch.no_grad():
        expected = body(PICTURE(images[[4, 1]]))
    assert np.abs(x - expected.numpy()).max() < 1e-5
    assert sum(done) == 2
