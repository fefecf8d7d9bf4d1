"""For machines that watch the box: /readyz, /healthz and /metrics."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0, generate_latest
from prometheus_client.registry import Collector

from gateway.dashboard.access.callers import require
from gateway.dashboard.view import View
from gateway.storage.users import Role

PEOPLE_MIN = 15
"""Below this many people a zone's count is left out of the metrics: they are kept for months and read far away."""


class Figures(Collector):
    """Reads the view when asked; keeps nothing itself."""

    def __init__(self, view: View) -> None:
        self._view = view

    def collect(self) -> Iterator[Metric]:
        """Every figure, freshly read."""
        health = self._view.health()
        counts, link = health.counts, health.link
        yield GaugeMetricFamily("etalage_start_time_seconds", "When the gateway started.", health.started_at_s)
        yield GaugeMetricFamily("etalage_link_up", "1 while the broker is connected.", float(link.connected))
        yield GaugeMetricFamily("etalage_announcements_waiting", "Announcements not yet acknowledged.", link.waiting)
        yield GaugeMetricFamily("etalage_announcements_quarantined", "Announcements set aside for a person.", link.quarantined)
        yield GaugeMetricFamily("etalage_database_up", "1 while commits succeed.", float(health.database.failure is None))
        yield GaugeMetricFamily("etalage_database_backlog", "Pieces of work waiting for the writer.", health.database.backlog)
        yield GaugeMetricFamily("etalage_time_trusted", "1 while the box's time is trusted.", float(health.trust.trusted))
        yield CounterMetricFamily("etalage_advertisements", "Advertisements heard.", counts.advertisements)
        yield CounterMetricFamily("etalage_strangers", "Advertisements of nobody we know, dropped.", counts.strangers)
        yield CounterMetricFamily("etalage_noise", "Advertisements that are no iBeacon's, or a malformed one's.", counts.noise)
        yield CounterMetricFamily("etalage_moves", "Moves between zones.", counts.moves)
        yield CounterMetricFamily("etalage_decisions", "Decisions taken.", counts.decisions)
        yield CounterMetricFamily("etalage_late_moments", "Moments undecided: the database answered too late.", counts.late)
        yield CounterMetricFamily("etalage_faults", "Bugs met; each has a line in the log.", counts.faults)
        yield CounterMetricFamily("etalage_promises", "Promises made.", counts.promised)
        yield CounterMetricFamily("etalage_announcements_acknowledged", "Announcements the broker took.", counts.acknowledged)
        yield from self._scanners()
        yield from self._labelled()

    def _scanners(self) -> Iterator[Metric]:
        well = GaugeMetricFamily("etalage_scanner_well", "1 while a scanner can be relied on.", labels=["scanner"])
        rates = GaugeMetricFamily("etalage_scanner_advertisements_per_second", "What a scanner hears.", labels=["scanner"])
        recoveries = CounterMetricFamily("etalage_scanner_recoveries", "Times a scanner recovered.", labels=["scanner"])
        failures = CounterMetricFamily("etalage_scanner_failures", "Recovery steps that failed.", labels=["scanner"])
        steps = CounterMetricFamily("etalage_scanner_steps", "Recovery steps taken.", labels=["scanner", "step"])
        waits = GaugeMetricFamily("etalage_scanner_next_step_seconds", "Until the next recovery step; 0: none.", labels=["scanner"])
        for scanner in (one for one in self._view.health().scanners if one.in_plan):
            well.add_metric([scanner.scanner], float(scanner.well))
            rates.add_metric([scanner.scanner], scanner.adverts_per_s)
            recoveries.add_metric([scanner.scanner], scanner.recoveries)
            failures.add_metric([scanner.scanner], scanner.failures)
            waits.add_metric([scanner.scanner], scanner.next_step_in_s or 0.0)
            for step, times in scanner.steps.items():
                steps.add_metric([scanner.scanner, step], times)
        yield from (well, rates, recoveries, failures, steps, waits)

    def _labelled(self) -> Iterator[Metric]:
        health = self._view.health()
        receipts = CounterMetricFamily("etalage_receipts", "Receipts by what happened.", labels=["what"])
        for what, number in health.counts.receipts.items():
            receipts.add_metric([what], number)
        refused = CounterMetricFamily("etalage_receptions_refused", "Receptions not used.", labels=["source", "reason"])
        for source, reasons in health.counts.refused.items():
            for reason, times in reasons.items():
                refused.add_metric([source, reason], times)
        known = GaugeMetricFamily("etalage_zone_known", "1 while a scanner speaks for the zone.", labels=["zone"])
        people = GaugeMetricFamily("etalage_zone_people", f"Opted-in people in a zone, from {PEOPLE_MIN} on.", labels=["zone"])
        for zone in self._view.frame().zones:
            known.add_metric([zone.zone], float(zone.known))
            if zone.known and zone.count >= PEOPLE_MIN:
                people.add_metric([zone.zone], zone.count)
        yield from (receipts, refused, known, people)


def router(view: View) -> APIRouter:
    """/healthz and /metrics, for who may look; /readyz for anybody."""
    routes = APIRouter(include_in_schema=False)
    may_look = [Depends(require(Role.VIEWER))]
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(view))

    @routes.get("/readyz")
    async def readyz() -> PlainTextResponse:
        """200 once the gateway runs and its database takes writes, 503 until then; tells a stranger no more than that."""
        ready = view.health().database.failure is None
        return PlainTextResponse("ready\n" if ready else "not ready\n", 200 if ready else 503)

    @routes.get("/healthz", dependencies=may_look)
    async def healthz() -> PlainTextResponse:
        """200 while the gateway runs and its database takes writes; 503 otherwise, with the reason."""
        failure = view.health().database.failure
        return PlainTextResponse("ok\n") if failure is None else PlainTextResponse(f"database: {failure}\n", 503)

    @routes.get("/metrics", dependencies=may_look)
    async def metrics() -> Response:
        """All figures in Prometheus' text format."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_1_0_0)

    return routes
