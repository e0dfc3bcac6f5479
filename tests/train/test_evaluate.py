"""Logits from a pack, and straight from pictures."""

import numpy as np
import pytest
import torch
from torch import nn

from ravine.data.preprocess import Preprocess
from ravine.models.small_cnn import SmallCNN
from ravine.train import evaluate
from ravine.train.evaluate import direct, logits, packed

RNG = np.random.default_rng(0)
PICTURE = Preprocess(size=8, channels=3, mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
IMAGES = RNG.integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return SmallCNN(width=4, depth=2).build(3, 8, 5)


def test_pictures_of_the_right_size_say_the_same_on_both_paths(network: nn.Module) -> None:
    rows = np.array([3, 0, 19, 3])
    by_pack = logits(network, packed(torch.from_numpy(IMAGES), rows, PICTURE))
    by_file = logits(network, direct(IMAGES.__getitem__, rows, PICTURE))
    assert by_pack.shape == (4, 5)
    assert np.array_equal(by_pack, by_file)
    assert np.array_equal(by_pack[0], by_pack[3])


def test_logits_against_the_network_itself(network: nn.Module) -> None:
    x = torch.from_numpy(IMAGES).permute(0, 3, 1, 2) / 255.0
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (PICTURE.mean, PICTURE.std))
    with torch.no_grad():
        expected = network.eval()((x - mean) / std).numpy()
    assert np.abs(logits(network, packed(torch.from_numpy(IMAGES), np.arange(20), PICTURE)) - expected).max() < 1e-5


def test_chunks_change_nothing_but_memory(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = logits(network, packed(torch.from_numpy(IMAGES), np.arange(20), PICTURE))
    monkeypatch.setattr(evaluate, "CHUNK_BYTES", 4 * 3 * 8 * 8 * 3)
    chunks = list(packed(torch.from_numpy(IMAGES), np.arange(20), PICTURE))
    assert [len(chunk) for chunk in chunks] == [3] * 6 + [2]
    assert np.abs(logits(network, chunks) - whole).max() < 1e-6


def test_the_network_keeps_its_mode_and_its_statistics(network: nn.Module) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()
    logits(network, packed(torch.from_numpy(IMAGES), np.arange(20), PICTURE))
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    network.eval()
    logits(network, packed(torch.from_numpy(IMAGES), np.arange(20), PICTURE))
    assert not network.training


def test_progress_counts_pictures(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "CHUNK_BYTES", 4 * 3 * 8 * 8 * 3)
    done: list[int] = []
    logits(network, direct(IMAGES.__getitem__, np.arange(7), PICTURE, advance=done.append))
    assert done == [3, 3, 1]


def test_pictures_of_any_size_are_not_rounded(network: nn.Module) -> None:
    large = RNG.integers(0, 256, (11, 17, 3), dtype=np.uint8)
    chunk = next(direct(lambda _: large, np.arange(1), PICTURE))
    std, mean = (torch.tensor(values).view(3, 1, 1) for values in (PICTURE.std, PICTURE.mean))
    levels = (chunk[0] * std + mean) * 255
    assert (levels - levels.round()).abs().max() > 0.1


@pytest.mark.parametrize("threads", [1, 3])
def test_shares_of_several_cores_come_in_order(
    network: nn.Module, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    images = RNG.integers(0, 256, (23, 8, 8, 3), dtype=np.uint8)
    indices, done = RNG.permutation(23), []
    whole = logits(network, direct(images.__getitem__, indices, PICTURE))
    monkeypatch.setattr(evaluate, "SHARE_BYTES", 4 * 3 * 8 * 8 * 3)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        said = list(evaluate.shares(network.eval(), images.__getitem__, indices, PICTURE, advance=done.append))
    finally:
        torch.set_num_threads(before)
    assert [len(part) for part in said] == [3] * 7 + [2]
    assert np.abs(np.concatenate(said) - whole).max() < 1e-5
    assert done == [len(part) for part in said]
    first = evaluate.first_share(images.__getitem__, indices, PICTURE)
    assert torch.equal(first, PICTURE(images[indices[:3]]))
