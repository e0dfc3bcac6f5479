"""What a user asks for, each told from top to bottom."""
