"""Machines, networks and daemons for tests, made by one process and gone with it.

A scenario is a Python script that begins with `lab.enter()`. It then runs in namespaces of its own
(processes, network, mounts, host name), so that nothing it starts, mounts or listens on is seen
outside, and nothing survives it: when its first process ends, in whatever way, the kernel ends the
others. Only the standard library and programs of Debian are used.
"""
