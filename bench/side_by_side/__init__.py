"""Measures ringway beside other proxies; command.py tells the story."""
