"""The conversation in a made-up world: virtual time, a network that cuts, doubles and delays, devices that crash, a server
that crashes, fills its disk or is put back from a backup. The server's part is the real one; a seed makes every run the same.

`python -m tests.simulator --seeds 1000` looks further than the tests do; `--seed 7` shows what happened in one run.
"""
