"""Every clip once an epoch, whatever the number of processes; another order every epoch."""

from collections import Counter

from neurosim.train.sampler import Sampler


def drawn(sampler, epoch):
    return [d for u in range(sampler.updates) for d in sampler.draws(epoch, u)]


def test_each_clip_once_an_epoch_in_a_new_order():
    sampler = Sampler(40, 8)
    first, second = ([d.index for d in drawn(sampler, e)] for e in (0, 1))
    assert sorted(first) == sorted(second) == list(range(40)) and first != second


def test_what_fills_no_batch_is_left_out_of_the_epoch():
    sampler = Sampler(43, 8)
    assert sampler.updates == 5 and len({d.index for d in drawn(sampler, 0)}) == 40


def test_processes_share_a_batch_and_lose_nothing():
    alone = Sampler(40, 8)
    parts = [Sampler(40, 8, rank=r, world=2) for r in range(2)]
    for update in range(5):
        together = [d for p in parts for d in p.draws(3, update)]
        assert sorted(together, key=str) == sorted(alone.draws(3, update), key=str)
        assert {len(p.draws(3, update)) for p in parts} == {4}


def test_repeated_augmentation_draws_a_clip_again_with_another_seed():
    sampler = Sampler(12, 8, repeats=2)
    draws = drawn(sampler, 0)
    assert sampler.updates == 3 and set(Counter(d.index for d in draws).values()) == {2}
    assert len({d.seed for d in draws}) == 24
    assert draws[0].index == draws[1].index


def test_seeds_differ_between_epochs_places_and_runs():
    seeds = {d.seed for s in (0, 1) for e in (0, 1) for d in drawn(Sampler(40, 8, seed=s), e)}
    assert len(seeds) == 160


def test_fewer_clips_than_a_batch_still_make_an_update():
    sampler = Sampler(5, 8)
    assert sampler.updates == 1 and len(sampler.draws(0, 0)) == 8
