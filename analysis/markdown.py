"""Tables for a README."""

import pandas as pd


def table(frame: pd.DataFrame) -> str:
    """A data frame of text without its index."""
    rows = [frame.columns, ["---"] * len(frame.columns), *frame.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
