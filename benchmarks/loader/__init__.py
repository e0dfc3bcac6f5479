"""Pictures a second from data to augmented batches."""
