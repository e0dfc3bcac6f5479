"""The page that tells how a model came to be."""
