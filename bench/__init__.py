"""Measurements: `homebroker bench`. Each prints its figure beside a plain one taken in the same run."""
