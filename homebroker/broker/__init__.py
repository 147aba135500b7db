"""The embedded broker: Apache Kafka itself, on the Java runtime that comes as a Python package."""
