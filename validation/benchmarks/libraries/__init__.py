"""The contestants, one library a file: each function turns a problem into the library's own way of doing it.

A library is imported by these functions and not by these files: they are named where the library is absent, and called
in a process of their own.
"""
