"""refscore against the released samplers of other people: adapters, and their results in ``results.md``.

``make peers`` installs the libraries, checks every adapter and writes the table. A library that is not installed is
named and left out.
"""
