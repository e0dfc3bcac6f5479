"""From a folder, a table or an array to packed pixels: sources, scan, decode, pack, split, batches, preprocess."""
