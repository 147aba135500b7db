"""What an order would do if it were placed now, reckoned from what the live view shows; nothing is placed.

Situation (asset, book, funds, own orders) -> checks (the rules of docs/rules.md, in their order)
                                           -> matching (the walk through the book) -> Estimate
"""

from api.preview.estimate import Estimate, estimate
from api.preview.situation import Funds, Situation

__all__ = ["Estimate", "Funds", "Situation", "estimate"]
