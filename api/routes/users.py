"""Manage the market's users, and read what was done."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.dependencies import Admin, WithIdentity, json_body, json_response
from api.errors import ApiError, answers
from api.identity.answers import AuditPage, AuditRow, UserRow
from api.identity.callers import Role
from api.identity.credentials import address_of
from api.identity.directory import UserChange
from api.identity.passwords import PASSWORD_LENGTH_MAX, problem_with
from api.identity.users import USERNAME_RULE, User, username_of
from engine.domain import ID_LENGTH_MAX

router = APIRouter(prefix="/admin", tags=["administration"])

_InvestorId = Annotated[
    str,
    Field(min_length=1, max_length=ID_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f]+$", description="an account"),
]
_Password = Annotated[str, Field(max_length=PASSWORD_LENGTH_MAX)]


class NewUser(BaseModel):
    """A user. A trader without an `investor_id` gets an account of its own."""

    username: Annotated[str, Field(max_length=64)]
    password: _Password
    role: Role
    investor_id: _InvestorId | None = None


class ChangedUser(BaseModel):
    """What is to be another way; the rest stays."""

    role: Role | None = None
    investor_id: _InvestorId | None = None
    disabled: Annotated[bool, Field(strict=True)] | None = None
    password: _Password | None = None


@router.get(
    "/users", response_model=list[UserRow], summary="List users", responses=answers(401, 403, 429, 503)
)
async def list_users(_caller: Admin, identity: WithIdentity) -> Response:
    """List all users by name."""
    return json_response([_row(user) for user in await identity.directory.everyone()])


@router.post(
    "/users",
    status_code=201,
    response_model=UserRow,
    summary="Make a user",
    dependencies=[Depends(json_body)],
    responses=answers(400, 401, 403, 409, 413, 415, 422, 429, 503),
)
async def make_user(wanted: NewUser, request: Request, caller: Admin, identity: WithIdentity) -> Response:
    """Make a user who can sign in at once."""
    username = username_of(wanted.username)
    if username is None:
        raise ApiError(422, "bad_username", USERNAME_RULE)
    _check_password(wanted.password, username)
    user = await identity.directory.make_user(
        username=username,
        password=wanted.password,
        role=wanted.role,
        investor_id=wanted.investor_id,
        actor=caller.username,
        address=address_of(request),
    )
    return json_response(_row(user), 201)


@router.patch(
    "/users/{username}",
    response_model=UserRow,
    summary="Change a user",
    dependencies=[Depends(json_body)],
    responses=answers(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
)
async def change_user(
    username: Annotated[str, Path(max_length=64)],
    wanted: ChangedUser,
    request: Request,
    caller: Admin,
    identity: WithIdentity,
) -> Response:
    """Change role or account, disable, or set a new password, which ends the user's sessions and API keys."""
    if wanted.password is not None:
        _check_password(wanted.password, username.lower())
    user = await identity.directory.change_user(
        username.lower(),
        UserChange(
            role=wanted.role,
            investor_id=wanted.investor_id,
            disabled=wanted.disabled,
            password=wanted.password,
        ),
        actor=caller.username,
        address=address_of(request),
    )
    if user is None:
        raise ApiError(404, "unknown_user", "There is no such user; GET /admin/users lists all.")
    return json_response(_row(user))


@router.get(
    "/audit", response_model=AuditPage, summary="Read the audit", responses=answers(401, 403, 422, 429, 503)
)
async def read_audit(
    _caller: Admin,
    identity: WithIdentity,
    cursor: Annotated[
        int | None, Query(ge=1, le=1 << 62, description="next_cursor of the page before")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="at most this many")] = 100,
) -> Response:
    """List what admins did, and every sign-in and refusal of one, newest first."""
    entries = await identity.journal.page(before_id=cursor, limit=limit + 1)
    rows = [
        AuditRow(
            audit_id=entry.audit_id,
            time_ms=entry.time_ms,
            actor=entry.actor,
            act=entry.act,
            subject=entry.subject,
            detail=entry.detail,
            outcome=entry.outcome,
            address=entry.address,
        )
        for entry in entries[:limit]
    ]
    more = len(entries) > limit
    return json_response(AuditPage(entries=rows, next_cursor=rows[-1].audit_id if more else None))


def _check_password(password: str, username: str) -> None:
    problem = problem_with(password, username=username)
    if problem is not None:
        raise ApiError(422, "bad_password", problem)


def _row(user: User) -> UserRow:
    return UserRow(
        username=user.username,
        role=user.role,
        investor_id=user.investor_id,
        disabled=user.disabled,
        created_ms=user.created_ms,
    )
