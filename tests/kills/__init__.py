"""Nights that are killed, starved of disk or denied permission, and what is found afterwards.

world      raw files of a small archive, and the nights on them
child      work in a forked process: a night to be killed, a look at its outputs
operations what a run does to the disk, counted; something done at the n-th
faults     what is done at the n-th operation: kill, full disk, lost permission, ...
outputs    what readers find; what is left over
bench      a place for one trial after the other
trials     kills, full disks, lost permissions
raw_files  raw files that change while they are read
damage     damaged results, lost links
company    two runs at once, readers, clocks
spoilt     whether the trials would notice
workers    trials shared among processes
page       the table of docs/reliability.md
"""
