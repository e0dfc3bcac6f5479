import torch
from ensemble_training import buffer_row, layout_of, row, small_network, trained_steps

from ravine.ensemble.candidates import Candidates, with_weights
from ravine.ensemble.recipe import mixture


def test_a_mixture_is_the_weighted_mean():
    theta, buffers = torch.randn(4, 7, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    shares = (0.1, 0.0, 0.6, 0.3)
    mixed = Candidates(theta, buffers).mixed(shares)
    for got, rows in zip(mixed, (theta, buffers), strict=True):
        torch.testing.assert_close(got, (torch.tensor(shares, dtype=torch.float64)[:, None] * rows).sum(0))


def test_one_alone_is_copied_bit_for_bit_whatever_the_others_are():
    theta = torch.tensor([[torch.nan, torch.inf], [0.1, 1e-45]])
    candidates = Candidates(theta, torch.zeros(2, 0))
    alone, _ = candidates.mixed(mixture([1], 2))
    assert torch.equal(alone, theta[1])
    alone.zero_()
    assert theta[1, 0] != 0


def test_joined_keeps_the_order():
    parts = [Candidates(torch.full((n, 2), float(n)), torch.zeros(n, 1)) for n in (1, 2)]
    joined = Candidates.joined(parts)
    assert joined.theta[:, 0].tolist() == [1.0, 2.0, 2.0]
    assert len(joined) == 3


def test_a_network_with_other_weights_answers_like_the_one_they_come_from():
    source, target = small_network(0), small_network(1)
    for network, steps in ((source, 3), (target, 5)):
        list(trained_steps(network, steps))
    copy = with_weights(target, layout_of(target), row(source)[0], buffer_row(source)[0])
    x = torch.randn(6, 3, dtype=torch.float64)
    torch.testing.assert_close(copy(x), source.eval()(x), rtol=0, atol=0)
    assert not copy.training
    assert int(copy[1].num_batches_tracked) == 5
    assert not any(parameter.requires_grad for parameter in copy.parameters())


def test_the_network_itself_stays_as_it_is():
    network = small_network()
    list(trained_steps(network, 2))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with_weights(network, layout_of(network), torch.zeros(row(network).shape[1]), torch.zeros(8))
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_weights_outside_the_layout_are_copied():
    network = small_network()
    network[0].requires_grad_(False)
    trained = [(name, tuple(p.shape), "weight") for name, p in network.named_parameters() if p.requires_grad]
    layout = type(layout_of(network)).of(trained)
    copy = with_weights(network, layout, torch.zeros(layout.size).double(), buffer_row(network)[0])
    assert torch.equal(copy[0].weight, network[0].weight)
    assert copy[0].weight.data_ptr() != network[0].weight.data_ptr()
    assert not copy[3].weight.any()


def test_a_copy_of_one_row_does_not_carry_the_whole_matrix():
    network, layout = small_network(), layout_of(small_network())
    theta = row(network).repeat(1000, 1)
    for name, value in layout.split(theta[:1]).items():
        owner, _, leaf = name.rpartition(".")
        setattr(network.get_submodule(owner), leaf, torch.nn.Parameter(value[0]))
    copy = with_weights(network, layout, theta[1], buffer_row(network)[0])
    assert all(p.untyped_storage().nbytes() == p.nbytes for p in copy.parameters())
