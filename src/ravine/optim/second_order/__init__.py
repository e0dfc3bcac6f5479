"""Full-batch minimizers: they use curvature, need exact gradients, and are batched over members."""
