"""Panes that run in the browser."""
