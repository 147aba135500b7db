"""What this process counts and measures."""

from __future__ import annotations

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Gauge, generate_latest
from starlette.responses import Response

from api.dependencies import WithServices
from engine.progress import State

router = APIRouter(tags=["operation"])

_READY = Gauge("homebroker_api_ready", "1 when the live view keeps up with the log.")
_LAG = Gauge("homebroker_api_lag_records", "Records of the log that the live view has not read.", ("topic",))
_STREAMS = Gauge("homebroker_api_streams", "Open event streams.", ("feed",))


@router.get(
    "/metrics",
    response_class=Response,
    summary="What is counted and measured",
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus's text format."}},
)
async def read_metrics(services: WithServices) -> Response:
    """Give what Prometheus collects: of this process only, and nothing of anybody's."""
    _READY.set(services.follower.standing.state is State.READY)
    for topic, records in services.follower.behind.items():
        _LAG.labels(topic).set(records)
    for name, feed in (("public", services.public_feed), ("private", services.private_feed)):
        _STREAMS.labels(name).set(feed.listeners)
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
