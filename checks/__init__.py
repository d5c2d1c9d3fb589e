"""The checks: what can be tested, how it is observed and how it is judged.

`contract` is what every check is; one file per check type lies in the folder of its family, under the last
part of its type: `network.tcp` is `checks/network/tcp.py`. `wire/` holds the protocol clients that checks
share, `local/` reads this machine. Nothing here knows of projects, milestones, stores or screens.
"""
