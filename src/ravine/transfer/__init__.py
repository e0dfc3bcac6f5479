"""From a pretrained backbone to a classifier."""
