import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms.v2 import functional as reference

from ravine.base.errors import PlanError
from ravine.data.preprocess import Preprocess

MODES = {"bilinear": reference.InterpolationMode.BILINEAR, "bicubic": reference.InterpolationMode.BICUBIC}


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def as_tensor(picture):
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float()


@pytest.mark.parametrize("mode", MODES)
def test_squash_against_torchvision_and_pillow(mode):
    picture = noise(50, 70)
    ours = Preprocess(32, 3, interpolation=mode).pixels([picture])
    theirs = reference.resize(as_tensor(picture), [32, 32], interpolation=MODES[mode], antialias=True)
    assert torch.allclose(ours, theirs.clamp(0, 255), atol=1e-3)
    pillow = Image.fromarray(picture).resize((32, 32), getattr(Image.Resampling, mode.upper()))
    assert np.abs(ours[0].permute(1, 2, 0).numpy() - np.asarray(pillow)).max() <= 1.1


@pytest.mark.parametrize(("height", "width"), [(50, 70), (81, 40), (64, 64), (20, 20)])
def test_crop_against_torchvision(height, width):
    picture = noise(height, width)
    theirs = reference.center_crop(reference.resize(as_tensor(picture), [32], antialias=True), [28, 28])
    assert torch.allclose(Preprocess(28, 3, "crop").pixels([picture]), theirs, atol=1e-3)


def test_letterbox_fits_inside_a_white_square():
    out = Preprocess(32, 3, "letterbox").pixels([np.zeros((10, 40, 3), np.uint8), np.zeros((40, 10, 3), np.uint8)])
    wide, tall = out[0], out[1]
    assert (wide[:, 12:20] == 0).all()
    assert (wide[:, :12] == 255).all()
    assert (wide[:, 20:] == 255).all()
    assert torch.equal(tall, wide.transpose(1, 2))


@pytest.mark.parametrize("fit", ["squash", "crop", "letterbox"])
def test_the_right_size_is_left_alone(fit):
    picture = noise(32, 32)
    assert torch.equal(Preprocess(32, 3, fit).pixels([picture]), as_tensor(picture))


def test_nothing_is_rounded():
    values = Preprocess(5, 3).pixels([noise(12, 12)])
    assert (values != values.round()).any()


@settings(max_examples=30)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=6),
    fit=st.sampled_from(["squash", "crop", "letterbox"]),
    mode=st.sampled_from(["bilinear", "bicubic"]),
)
def test_a_picture_is_the_same_alone_and_among_others(sizes, fit, mode):
    pictures = [noise(height, width, seed) for seed, (height, width) in enumerate(sizes)]
    preprocess = Preprocess(16, 3, fit, mode)
    together = preprocess.pixels(pictures)
    assert together.min() >= 0
    assert together.max() <= 255
    for number, picture in enumerate(pictures):
        assert torch.allclose(preprocess.pixels([picture])[0], together[number], atol=1e-3)


@pytest.mark.parametrize("fit", ["squash", "crop", "letterbox"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("side", [9, 20, 24, 33, 80])
def test_the_layout_in_memory_does_not_change_a_bit(fit, mode, side):
    """Which of two layouts `pixels` takes depends on how much the picture shrinks."""
    picture, preprocess = noise(side, side + 3), Preprocess(20, 3, fit, mode)
    last = torch.from_numpy(picture[None]).permute(0, 3, 1, 2)
    found = preprocess.pixels([picture])
    assert torch.equal(found, preprocess.resize(last))
    assert torch.equal(found, preprocess.resize(last.contiguous()))


@given(level=st.integers(0, 255))
def test_grey_is_exact(level):
    picture = np.full((9, 9, 3), level, np.uint8)
    assert torch.equal(Preprocess(9, 1).pixels([picture]), torch.full((1, 1, 9, 9), float(level)))


def test_grey_pictures_stay_grey_in_three_channels_and_agree_with_one():
    picture = np.repeat(noise(30, 20)[..., :1], 3, axis=2)
    three, one = Preprocess(16, 3).pixels([picture]), Preprocess(16, 1).pixels([picture])
    assert torch.equal(three[:, 0], three[:, 1])
    assert torch.equal(three[:, 0], three[:, 2])
    assert torch.allclose(three[:, :1], one, atol=1e-4)


def test_luma_against_pillow():
    picture = noise(16, 16)
    pillow = np.asarray(Image.fromarray(picture).convert("L"))
    assert np.abs(Preprocess(16, 1).pixels([picture])[0, 0].numpy() - pillow).max() <= 1


def test_normalise_against_the_formula():
    preprocess = Preprocess(8, 3, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    picture = noise(8, 8)
    expected = (picture.transpose(2, 0, 1) / 255 - np.reshape(preprocess.mean, (3, 1, 1))) / np.reshape(
        preprocess.std, (3, 1, 1)
    )
    assert np.abs(preprocess([picture])[0].numpy() - expected).max() < 1e-6
    levels = torch.from_numpy(picture).permute(2, 0, 1)
    assert preprocess.normalise(levels.expand(2, 4, 3, 8, 8)).shape == (2, 4, 3, 8, 8)


def test_views_of_grey_arrays_and_stacks_are_taken():
    stack = np.broadcast_to(np.arange(50, dtype=np.uint8).reshape(2, 5, 5, 1), (2, 5, 5, 3))
    assert Preprocess(5, 1).pixels(stack)[:, 0].tolist() == stack[..., 0].tolist()


def test_resize_is_a_graph():
    preprocess = Preprocess(16, 3, "crop", "bicubic")

    class Module(torch.nn.Module):
        def forward(self, x):
            return preprocess.normalise(preprocess.resize(x))

    x = torch.from_numpy(noise(30, 40)).permute(2, 0, 1)[None]
    program = torch.export.export(Module(), (x,))
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    assert torch.equal(program.module()(x), Module()(x))


def test_json_round_trip():
    preprocess = Preprocess(224, 3, "crop", "bicubic", (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert Preprocess.from_json(preprocess.to_json()) == preprocess
    with pytest.raises(PlanError, match="no preprocessing choices"):
        Preprocess.from_json({**preprocess.to_json(), "colour": "warm"})


@pytest.mark.parametrize(
    "choices",
    [{"size": 0}, {"channels": 2}, {"fit": "stretch"}, {"interpolation": "nearest"}, {"mean": (1, 2)}, {"std": (0.0,)}],
)
def test_choices_out_of_range(choices):
    with pytest.raises(PlanError, match="Preprocess"):
        Preprocess(**{"size": 8, "channels": 3, **choices})


@pytest.mark.parametrize("name", ["mean", "std"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_mean_and_std_are_finite(name, value):
    with pytest.raises(PlanError, match=rf"Preprocess\.{name} = \({value},\) is outside its range"):
        Preprocess(size=8, channels=1, **{name: (value,)})


@settings(max_examples=40, deadline=None)
@given(
    st.integers(9, 60),
    st.integers(9, 60),
    st.sampled_from(("squash", "crop", "letterbox")),
    st.sampled_from(("bilinear", "bicubic")),
    st.sampled_from((1, 3)),
    st.booleans(),
)
def test_whole_levels_are_within_one_of_exact_ones(height, width, fit, mode, channels, grey):
    picture = noise(height, width)[..., :1] if grey else noise(height, width)
    pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
    preprocess = Preprocess(16, channels, fit, mode)
    levels, exact = preprocess.levels(pixels), preprocess.resize(pixels)
    assert levels.dtype == torch.uint8
    assert levels.shape == exact.shape
    off = (levels.float() - exact).abs().max().item()
    assert off <= (1.6 if channels == 1 and not grey else 1.1)


def test_whole_levels_of_pictures_that_have_the_size_already_are_theirs():
    picture = torch.from_numpy(noise(16, 16)).permute(2, 0, 1)[None]
    assert torch.equal(Preprocess(16, 3).levels(picture), picture)


def test_whole_levels_of_a_grey_picture_of_the_size_in_three_channels():
    grey = torch.from_numpy(noise(16, 16)).permute(2, 0, 1)[None, :1]
    levels = Preprocess(16, 3, interpolation="bicubic").levels(grey)
    assert torch.equal(levels, grey.expand(-1, 3, -1, -1))
