"""Update rules, one formula a file."""
