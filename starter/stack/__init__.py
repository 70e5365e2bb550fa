"""How does everything start with one command, stay up, and stop without leaving anything behind?"""
