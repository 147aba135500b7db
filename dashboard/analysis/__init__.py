"""Studies of prices and trades: frames in, frames out. Pure."""
