"""Commands about accounts and assets, put into the market for whoever may, and what became of them."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal, TypeAlias

import structlog
from fastapi import Depends, Header, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api import metrics
from api.dependencies import Admin, WithIdentity, WithServices, WithView, json_response
from api.errors import ApiError
from api.identity.answers import ActRow
from api.identity.audit import DONE
from api.identity.callers import Caller
from api.identity.credentials import address_of
from api.identity.database import IdentityUnavailableError
from api.identity.journal import Journal
from api.services import Services
from engine.domain import CASH_UNITS_MAX, QUANTITY_MAX, SYMBOL_PATTERN, UNITS_PER_CURRENCY, Command, Reason
from engine.units import NotExactError, units_from_decimal

ANSWER_TIMEOUT_MS = 2_000

_log = structlog.get_logger("api")

Cash: TypeAlias = Annotated[
    float,
    Field(gt=0, le=CASH_UNITS_MAX / UNITS_PER_CURRENCY, allow_inf_nan=False, description="in BRL"),
]
IDEMPOTENCY_KEY_HEADER = "Idempotency-Key"
IdempotencyKey: TypeAlias = Annotated[
    str | None,
    Header(
        alias=IDEMPOTENCY_KEY_HEADER,
        min_length=1,
        max_length=255,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="Made anew for each transfer: sent again with the same one, it is done once.",
    ),
]
PENDING: dict[int | str, dict[str, Any]] = {
    202: {"model": ActRow, "description": "In the log, but the engine has not answered within 2 s."}
}


class Transfer(BaseModel):
    """Cash, or shares of a symbol."""

    cash: Cash | None = None
    symbol: Annotated[str, Field(pattern=SYMBOL_PATTERN)] | None = None
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX, strict=True)] | None = None

    def fields(self) -> dict[str, Any]:
        """Give the fields of the command; what does not belong together the engine refuses."""
        return {
            "cash_units": None if self.cash is None else cash_units("cash", self.cash),
            "symbol": self.symbol,
            "quantity": self.quantity,
        }


async def act(services: Services, command: Command, *, done_status: Literal[200, 201] = 200) -> Response:
    """Put a command into the log, wait until the engine has done it, and say so.

    Raises
    ------
    ApiError
        When the engine refuses it.
    BrokerUnavailableError
        When it is not known whether it is in the log.
    """
    begun_s = time.perf_counter()
    offset = await services.sender.append(command)
    subject = str(getattr(command, "investor_id", "") or getattr(command, "symbol", ""))
    outcome = await services.view.outcomes.wait(offset, subject, timeout_ms=ANSWER_TIMEOUT_MS)
    metrics.count_command(time.perf_counter() - begun_s, answered=outcome is not None)
    if outcome is None:
        message = "The engine has not answered yet, but will; look again in a moment."
        return json_response(ActRow(status="pending", message=message), 202)
    if outcome.reason is not None:
        raise ApiError(422, outcome.reason, outcome.message)
    return json_response(ActRow(status="done", message="Done."), done_status)


class Desk:
    """An admin at work on the market: each act is noted before it is done, and how it came out after."""

    def __init__(self, services: Services, journal: Journal, caller: Caller, address: str) -> None:
        self._services = services
        self._journal = journal
        self._caller = caller
        self._address = address

    async def act(
        self, name: str, subject: str, command: Command, *, done_status: Literal[200, 201] = 200
    ) -> Response:
        """Do as the function `act`, under a name that the audit knows; raises the same."""
        detail = {field: getattr(command, field) for field in command.__struct_fields__}
        audit_id = await self._journal.begin(
            self._caller, name, subject, detail=detail, address=self._address
        )
        outcome = "unknown"
        try:
            answer = await act(self._services, command, done_status=done_status)
            outcome = DONE if answer.status_code == done_status else "pending"
        except ApiError as error:
            outcome = error.reason
            raise
        finally:
            await self._end(audit_id, outcome)
        return answer

    async def _end(self, audit_id: int, outcome: str) -> None:
        try:
            await self._journal.end(audit_id, outcome)
        except IdentityUnavailableError:
            # The act itself is done and noted: `begun` is what the audit says of it.
            _log.warning("how an admin's act came out is not noted", audit_id=audit_id, outcome=outcome)


def desk(
    request: Request, services: WithServices, identity: WithIdentity, caller: Admin, _view: WithView
) -> Desk:
    """Give the desk of the admin who calls, once the market can be seen."""
    return Desk(services, identity.journal, caller, address_of(request))


AdminDesk: TypeAlias = Annotated[Desk, Depends(desk)]


def cash_units(name: str, amount: float) -> int:
    """Convert an amount of a request to ten-thousandths.

    Raises
    ------
    ApiError
        When it has more than four decimals.
    """
    try:
        return units_from_decimal(amount)
    except NotExactError as error:
        raise ApiError(422, Reason.MALFORMED, f"{name}: {error}.") from error
