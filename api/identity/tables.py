"""The tables of identity. Secrets are kept as hashes: who reads the database cannot sign in with it.

`migrations` makes and changes these tables; a test holds the two against each other.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

from engine.domain import ID_LENGTH_MAX

USERNAME_LENGTH_MAX = 32
ADDRESS_LENGTH_MAX = 64

metadata = MetaData()
_KEY = String(32)
_WORD = String(16)
_DIGEST = String(64)

users = Table(
    "users",
    metadata,
    Column("user_id", _KEY, primary_key=True),
    Column("username", String(USERNAME_LENGTH_MAX), nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", _WORD, nullable=False),
    Column("investor_id", String(ID_LENGTH_MAX), unique=True),
    Column("disabled", Boolean, nullable=False),
    # Still as the demo made it, with the password that everybody knows.
    Column("demo", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", _KEY, primary_key=True),
    Column("user_id", _KEY, ForeignKey("users.user_id"), nullable=False),
    # Of a browser's cookie; a session of tokens has refresh tokens instead.
    Column("secret_hash", _DIGEST, unique=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    Column("address", String(ADDRESS_LENGTH_MAX), nullable=False),
    Index("sessions_by_user", "user_id"),
    Index("sessions_by_expiry", "expires_ms"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", _DIGEST, primary_key=True),
    Column("session_id", _KEY, ForeignKey("sessions.session_id"), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    # A token is good for one use; its row stays, so that a second use is noticed.
    Column("used_ms", BigInteger),
    Index("refresh_tokens_by_session", "session_id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", _KEY, primary_key=True),
    Column("user_id", _KEY, ForeignKey("users.user_id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("secret_hash", _DIGEST, nullable=False),
    Column("read_only", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger),
    Column("revoked_ms", BigInteger),
    Index("api_keys_by_user", "user_id"),
)

audit = Table(
    "audit",
    metadata,
    # SQLite numbers rows by itself only in an INTEGER.
    Column("audit_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("actor", String(USERNAME_LENGTH_MAX), nullable=False),
    Column("act", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("detail", Text, nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("address", String(ADDRESS_LENGTH_MAX), nullable=False),
)

# What a user saved of the page: chosen columns, a watchlist. JSON that only the page understands.
preferences = Table(
    "preferences",
    metadata,
    Column("user_id", _KEY, ForeignKey("users.user_id"), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
)

# What admins wish of the market's parts, as JSON; each part looks for its own.
market_settings = Table(
    "market_settings",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
)
