"""Intervals, scores and calibration: plain numbers, without torch."""
