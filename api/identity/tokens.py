"""What callers show to be known: signed access tokens, and secrets of which only a hash is kept."""

from __future__ import annotations

import hashlib
import secrets

import jwt
from msgspec import Struct

from api.identity.callers import Role

ACCESS_TOKEN_LIFE_S = 15 * 60
SECRET_KEY_BYTES_MIN = 32

_ALGORITHM = "HS256"
_ISSUER = "homebroker"
_REQUIRED = ["iss", "sub", "sid", "role", "iat", "exp", "jti"]
_KEY_PREFIX = "hb"
_SESSION_PREFIX = "hs"
_REFRESH_PREFIX = "hr"


class BadTokenError(Exception):
    """A token that this market did not give out, or has changed since."""


class ExpiredTokenError(BadTokenError):
    """A token that was good once."""


class AccessClaims(Struct, frozen=True, kw_only=True):
    """What an access token says."""

    user_id: str
    session_id: str
    token_id: str


class AccessTokens:
    """Signs access tokens (JWT, HMAC-SHA256) and checks them. Whoever has the secret key can make them.

    Parameters
    ----------
    secret_key : str
        At least 32 bytes; empty: one that lasts as long as this process.
    """

    def __init__(self, secret_key: str) -> None:
        self._key = secret_key.encode() or secrets.token_bytes(SECRET_KEY_BYTES_MIN)
        assert len(self._key) >= SECRET_KEY_BYTES_MIN

    def issue(self, *, user_id: str, session_id: str, role: Role, investor_id: str | None, now_s: int) -> str:
        """Make a token.

        Role and investor are told to the client; what a caller may do is always looked up.
        """
        claims = {
            "iss": _ISSUER,
            "sub": user_id,
            "sid": session_id,
            "role": str(role),
            "inv": investor_id,
            "iat": now_s,
            "exp": now_s + ACCESS_TOKEN_LIFE_S,
            "jti": secrets.token_hex(8),
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read(self, token: str) -> AccessClaims:
        """Check a token and give what it says.

        Raises
        ------
        ExpiredTokenError
            When its time is over.
        BadTokenError
            When anything else is wrong with it.
        """
        try:
            claims = jwt.decode(
                token,
                self._key,
                # Never the algorithm that the token names for itself.
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                options={"require": _REQUIRED},
            )
        except jwt.ExpiredSignatureError as error:
            raise ExpiredTokenError from error
        except jwt.InvalidTokenError as error:
            raise BadTokenError from error
        session_id = claims["sid"]
        if not isinstance(session_id, str):
            raise BadTokenError
        return AccessClaims(user_id=claims["sub"], session_id=session_id, token_id=claims["jti"])


def new_id() -> str:
    """Make an id that nobody can guess or count."""
    return secrets.token_hex(12)


def new_session_secret() -> str:
    """Make what a browser's cookie carries."""
    return f"{_SESSION_PREFIX}_{secrets.token_urlsafe(32)}"


def new_refresh_token() -> str:
    """Make a refresh token."""
    return f"{_REFRESH_PREFIX}_{secrets.token_urlsafe(32)}"


def new_api_key() -> tuple[str, str]:
    """Make an API key: the id that finds its row, and the whole key, which holds it."""
    key_id = secrets.token_hex(8)
    return key_id, f"{_KEY_PREFIX}_{key_id}_{secrets.token_urlsafe(32)}"


def is_api_key(credential: str) -> bool:
    """Tell whether a credential looks like an API key."""
    return credential.startswith(f"{_KEY_PREFIX}_")


def is_session_secret(credential: str) -> bool:
    """Tell whether a credential looks like a browser session's."""
    return credential.startswith(f"{_SESSION_PREFIX}_")


def api_key_id(api_key: str) -> str:
    """Give the id in an API key; empty when there is none."""
    parts = api_key.split("_", 2)
    return parts[1] if len(parts) == 3 else ""


def digest(secret: str) -> str:
    """Hash a secret for keeping; being long and random, it needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
