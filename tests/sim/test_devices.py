import asyncio
import math
import statistics
from urllib.parse import parse_qs

import pytest
from patience import PATIENCE_S

from safetynet.core.terms import DeviceId, Instant, Source
from safetynet.edge import clock
from safetynet.sim import devices
from safetynet.sim.devices import Post, Report, Sensor

T0 = Instant(1_795_436_880_000)


def test_errors_are_as_large_as_the_model_says():
    errors = {True: [], False: []}
    for indoors, found in errors.items():
        for device in range(300):
            sensor = Sensor(f"{indoors}/{device}")
            for k in range(6):
                reading = sensor.measure(0, 0, Instant(T0 + k * 600_000), indoors=indoors)
                found.append((reading.source, math.hypot(reading.x, reading.y), reading.radius_m))
    for indoors, found in errors.items():
        gnss = [each for each in found if each[0] is Source.GNSS]
        share = len(gnss) / len(found)
        assert abs(share - (0.55 if indoors else 0.92)) < 0.05
        within = sum(error <= radius for _, error, radius in found) / len(found)
        assert 0.60 < within < 0.74  # a 68 % radius, with a scatter of its own and 1 % spikes
        rms = math.sqrt(sum(min(error, 200) ** 2 for _, error, _ in gnss) / len(gnss) / 2)
        sigmas = (6, 0.50), (12, 0.35), (30, 0.15)
        if not indoors:
            sigmas = (6, 0.75), (12, 0.20), (30, 0.05)
        expected = math.sqrt(sum(s * s * w for s, w in sigmas) * (0.99 + 0.01 * 16))
        assert expected * 0.8 < rms < expected * 1.25


def test_errors_stay_for_minutes():
    near, far = [], []
    for device in range(200):
        sensor = Sensor(f"x/{device}")
        a = sensor.measure(0, 0, T0, indoors=False)
        b = sensor.measure(0, 0, Instant(T0 + 2_000), indoors=False)
        c = sensor.measure(0, 0, Instant(T0 + 1_200_000), indoors=False)
        near.append(math.dist((a.x, a.y), (b.x, b.y)))
        far.append(math.dist((a.x, a.y), (c.x, c.y)))
    assert statistics.median(near) < statistics.median(far) / 2


def test_rhythm():
    assert devices.rhythm_ms(tampered=False, suspicious=False) == 60_000
    assert devices.rhythm_ms(tampered=False, suspicious=True) == 10_000
    assert 2_000 <= devices.rhythm_ms(tampered=True, suspicious=True) <= 5_000


def report(n, alarm=None):
    return Report(
        device=DeviceId("dev-1"), observed_at=Instant(T0 + n), lat=36.35, lon=127.38, radius_m=9.0, source=Source.GNSS,
        battery=80, speed_mps=1.0, alarm=alarm,
    )  # fmt: skip


def test_form():
    fields = {
        key: values[0] for key, values in parse_qs(devices.osmand(report(0, "tampering"), "k+/=").decode()).items()
    }
    assert fields["key"] == "k+/="
    assert fields["timestamp"] == str(T0)
    assert fields["alarm"] == "tampering"
    assert "alarm" not in devices.osmand(report(0), "k").decode()


class Centre:
    """Answers with the statuses it is given, then 200; None hangs up without an answer."""

    def __init__(self, *answers):
        self.answers, self.got, self.lines = list(answers), [], 0

    async def serve(self, reader, writer):
        self.lines += 1
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            size = int(
                next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")).split(b":")[1]
            )
            self.got.append(int(parse_qs((await reader.readexactly(size)).decode())["timestamp"][0]) - T0)
            answer = self.answers.pop(0) if self.answers else 200
            if answer is None:
                break
            writer.write(f"HTTP/1.1 {answer} X\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
        writer.close()


async def through(centre, reports, until, **rest):
    server = await asyncio.start_server(centre.serve, "127.0.0.1", 0)
    sent = []
    post = Post(
        f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/device", "k", clock.now, on_sent=sent.append, **rest
    )
    for each in reports:
        post.put(each)
    task = asyncio.create_task(post.run())
    async with asyncio.timeout(PATIENCE_S):
        while not until(post, sent):
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    server.close()
    await server.wait_closed()
    return post, sent


async def test_all_reports_go_over_one_connection_in_order():
    centre = Centre()
    post, sent = await through(centre, [report(n) for n in range(5)], lambda _, sent: len(sent) == 5)
    assert centre.got == [0, 1, 2, 3, 4]
    assert centre.lines == 1
    assert all(each.acked_at >= each.first_sent_at and each.tries == 1 for each in sent)
    assert post.waiting == 0


@pytest.mark.parametrize("bad", [503, None])
async def test_what_was_not_acknowledged_is_sent_again(bad):
    centre = Centre(bad, bad)
    _, sent = await through(centre, [report(0)], lambda _, sent: len(sent) == 1)
    assert centre.got == [0, 0, 0]
    assert sent[0].tries == 3


async def test_a_tamper_is_sent_until_200_even_when_it_is_refused():
    centre = Centre(401, 400)
    post, _sent = await through(centre, [report(0, "tampering")], lambda _, sent: len(sent) == 1)
    assert centre.got == [0, 0, 0]
    assert post.counts.refused == 0


async def test_an_ordinary_report_that_is_refused_is_counted_and_left():
    post, sent = await through(Centre(400), [report(0), report(1)], lambda _, sent: len(sent) == 1)
    assert post.counts.refused == 1
    assert sent[0].report.observed_at == T0 + 1


async def test_a_tamper_goes_before_what_waits():
    centre = Centre()
    await through(centre, [report(0), report(1), report(2, "tampering")], lambda _, sent: len(sent) == 3)
    assert centre.got[0] == 2


async def test_a_tamper_does_not_wait_behind_the_retries_of_an_old_position():
    centre = Centre(503, 503)
    post_holder = {}

    def until(post, sent):
        if post.counts.retried and "put" not in post_holder:
            post_holder["put"] = True
            post.put(report(9, "sos"))
        return len(sent) == 2

    _, sent = await through(centre, [report(0)], until)
    assert [each.report.observed_at - T0 for each in sent] == [9, 0]


async def test_without_coverage_it_is_kept_and_sent_later():
    there = {"yes": False}
    centre = Centre()

    def until(post, sent):
        if post.waiting == 2 and not there["yes"]:
            assert centre.got == []
            there["yes"] = True
        return len(sent) == 2

    await through(centre, [report(0), report(1)], until, covered=lambda: there["yes"])
    assert centre.got == [0, 1]


async def test_too_much_waiting_gives_up_positions_but_never_the_first_or_last_alarm(monkeypatch):
    monkeypatch.setattr(devices, "WAITING_MAX", 3)
    centre = Centre()
    reports = [report(n) for n in range(5)] + [report(10 + n, "tampering") for n in range(6)]
    post, _ = await through(centre, reports, lambda _, sent: len(sent) == 6)
    assert centre.got == [10, 14, 15, 2, 3, 4]
    assert post.counts.overflowed == 5
