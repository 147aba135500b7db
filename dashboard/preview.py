"""What an order would do, as the lines of a small table."""

from __future__ import annotations

from html import escape

from dashboard import formats, words
from homebroker.client import OrderPreview, Ticker


def refusal(preview: OrderPreview) -> str | None:
    """Say why the market would not take the order, or None."""
    refused = preview.would_be_refused
    if refused is None:
        return None
    return f"It would be refused. {words.refusal(refused.reason, refused.message)}"


def shortfall(preview: OrderPreview) -> str | None:
    """Say why a part of the order would come to nothing, or None."""
    if not preview.expiring_quantity or preview.would_be_refused is not None:
        return None
    rest = formats.number(preview.expiring_quantity)
    means = "" if preview.side == "sell" else ", or your free cash pays for no more"
    whole = formats.number(preview.quantity)
    what = f"{rest} of {whole}" if rest != whole else f"All {whole}"
    return f"{what} would not trade: the book has no more at this price{means}."


def lines(preview: OrderPreview, asset: Ticker) -> list[tuple[str, str]]:
    """Give what there is to tell, as names and values.

    Slippage is told in the money of all shares that would trade, and in percent of what they would cost at
    the best price.
    """
    found = [("Trades at once", f"{formats.number(preview.filled_quantity)} {asset.symbol}")]
    if preview.average_price is not None:
        found.append(("Estimated price", formats.price(preview.average_price, asset.tick_size)))
        found.append(("Slippage", _slippage(preview)))
        found.append(("Value" if preview.side == "buy" else "Proceeds", formats.price(preview.value)))
    if preview.resting_quantity:
        found.append(("Waits", formats.number(preview.resting_quantity)))
    if preview.expiring_quantity:
        found.append(("Not filled, expires", formats.number(preview.expiring_quantity)))
    found.append(("Fees", formats.price(preview.fees)))
    if preview.held_shares:
        found.append(("Shares held", formats.number(preview.held_shares)))
    if preview.held_cash:
        found.append(("Cash held", formats.price(preview.held_cash)))
    found.append(("Available after", formats.price(preview.available_cash_after)))
    return found


def table(preview: OrderPreview, asset: Ticker) -> str:
    """Write the lines as HTML."""
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in lines(preview, asset)
    )
    return f'<dl class="preview">{rows}</dl>'


def _slippage(preview: OrderPreview) -> str:
    a_share = preview.slippage_to_best
    if a_share is None or preview.average_price is None:
        return "–"
    # Slippage is told for a share, and always as a loss.
    best = preview.average_price - a_share if preview.side == "buy" else preview.average_price + a_share
    share = formats.number(100 * a_share / best, 2) if best else "–"
    return f"{formats.price(a_share * preview.filled_quantity)} ({share}%)"
