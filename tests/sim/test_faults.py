"""The faulty road is faulty, the same for the same seed, and the outbox with the inbox key carries across it."""

import pytest

from safetynet.core import messages as m
from safetynet.core.messages import Send
from safetynet.core.terms import CentreId, IncidentId, Instant, Why
from safetynet.edge.doors import InboxKey
from safetynet.edge.store import enveloped
from safetynet.sim.faults import FAIR, Net, Weather
from safetynet.sim.memory import Memory

A, B = CentreId("a"), CentreId("b")


def envelope(seq: int) -> m.Envelope:
    message = m.EndIncident(incident=IncidentId("i"), why=Why.STOPPED)
    return enveloped(Send(B, message), origin=A, epoch=1, seq=seq, sent_at=Instant(0), sign=lambda _: b"")


def arrivals(seed: int, weather: Weather, count: int = 300) -> list[int]:
    net, heard = Net(seed, weather), []
    net.join(B, lambda each: heard.append(each.seq))
    for seq in range(count):
        net.send(envelope(seq))
        net.step(Instant(net.now + 5))
    net.step(Instant(10**9))
    return heard


def test_the_same_seed_is_the_same_weather_and_another_is_not():
    assert arrivals(1, Weather()) == arrivals(1, Weather())
    assert arrivals(1, Weather()) != arrivals(2, Weather())


def test_it_loses_doubles_and_overtakes():
    heard = arrivals(1, Weather())
    assert 0 < len(set(heard)) < 300
    assert len(heard) > len(set(heard))
    assert heard != sorted(heard)


def test_a_fair_road_delivers_everything_once():
    assert sorted(arrivals(1, FAIR)) == list(range(300))


@pytest.mark.parametrize("both", [True, False])
def test_a_cut_road_loses_what_is_sent_and_what_is_under_way(both):
    net, heard = Net(1, FAIR), []
    net.join(A, lambda each: heard.append(each.to))
    net.join(B, lambda each: heard.append(each.to))
    back = enveloped(
        Send(A, m.EndIncident(incident=IncidentId("i"), why=Why.STOPPED)),
        origin=B, epoch=1, seq=1, sent_at=Instant(0), sign=lambda _: b"",
    )  # fmt: skip
    net.send(envelope(1))
    net.part(A, B, Instant(1_000), both=both)
    net.send(envelope(2))
    net.send(back)
    net.step(Instant(1_000))
    assert heard == ([] if both else [A])
    net.send(envelope(3))
    net.step(Instant(2_000))
    assert heard[-1] == B


def test_who_is_dead_hears_nothing():
    net, heard = Net(1, FAIR), []
    net.join(B, lambda each: heard.append(each.seq))
    net.leave(B)
    net.send(envelope(1))
    net.step(Instant(1_000))
    assert (heard, net.dropped, net.in_flight()) == ([], 1, 0)


@pytest.mark.parametrize("seed", range(20))
def test_outbox_and_inbox_key_carry_everything_across_once(seed):
    net = Net(seed, Weather(drop=0.3, duplicate=0.3))
    sender = Memory(centre=A, sign=lambda _: b"", now=lambda: net.now)
    receiver = Memory(centre=B, sign=lambda _: b"", now=lambda: net.now)
    effects = []

    def door(each: m.Envelope) -> None:
        key = InboxKey(each.origin, each.epoch, each.seq)
        if not receiver.seen(key):
            receiver.commit([], inbox=[key])
            effects.append(each.seq)
        sender.acked(B, each.seq)

    net.join(B, door)
    message = m.EndIncident(incident=IncidentId("i"), why=Why.STOPPED)
    for turn in range(400):
        if turn < 50:
            sender.commit([], [Send(B, message)])
        if turn == 60:
            net.part(A, B, Instant(net.now + 60_000))
        for each in sender.pending(B):
            net.send(each)
        net.step(Instant(net.now + 1_000))
    assert sender.pending(B) == []
    assert sorted(effects) == list(range(1, 51))
