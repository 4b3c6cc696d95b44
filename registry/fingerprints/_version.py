"""The version of the normalisation, beside it so that asking for it does not load numpy."""

NORMALISE = "1"
