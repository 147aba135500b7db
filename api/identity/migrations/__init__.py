"""How the tables of identity come to be, step by step: Alembic's environment and its revisions."""
