"""Google Cloud as unkind as the real one: it keeps what it is told to create, and lists it as Google's APIs would.

What somebody sets by hand stays until a command names it. A test can make APIs refuse, revisions fail, lists lag and
policies forbid.
"""
