"""Measurements: what the firmware needs and how fast it is, each as a report in build/reports/."""
