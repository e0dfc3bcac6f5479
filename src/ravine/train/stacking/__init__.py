"""The layers of a population side by side: one operation for all members, in place of one a member."""
