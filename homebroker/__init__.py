"""Homebroker: a real-time stock exchange and home broker, and the research face that notebooks import."""
