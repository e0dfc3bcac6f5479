"""Train an image classifier on your own pictures, and know which technique paid."""
