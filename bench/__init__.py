"""How fast lexclip is, always beside what it is compared with, measured in the same run.

`python -m bench` runs all parts and keeps build/bench.json; `python -m bench.<part>` runs one. Each part
has a function `rows()`, which returns one dict a measurement:

    name      what was measured
    value     the result, in `unit`
    unit      of value and baseline
    baseline  the same work done the other way, or None
    ratio     how many times better value is than baseline, or None
    target    what was asked for, such as ">= 100000x" or "< 0.1"; or None
"""
